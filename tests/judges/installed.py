"""axe-core and the Nu HTML checker, which npm installs into build/judges once for each pair of versions."""

import json
import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from tests.required import need

PACKAGE = Path(__file__).with_name("package.json")
BUILD = Path(__file__).parents[2] / "build" / "judges"
_AT_MOST = 300  # seconds; one of the two weighs 32 MB
_NPM = ("npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts", "--prefix")


@cache
def axe() -> str:
    """The script that is put into a page."""
    return (_modules() / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


@cache
def nu() -> list[str]:
    """The command that the checker is started by; options and files follow."""
    java = shutil.which("java")
    need(None if java else "java, for the Nu HTML checker (Debian: apt install default-jre-headless)")
    # Whatever the locale, the messages have typographic quotes.
    encoded = [f"-D{stream}.encoding=UTF-8" for stream in ("file", "stdout", "stderr")]
    return [str(java), *encoded, "-jar", str(_modules() / "vnu-jar" / "build" / "dist" / "vnu.jar")]


@cache
def _modules() -> Path:
    need(install(PACKAGE, BUILD))
    return folder(PACKAGE, BUILD) / "node_modules"


def folder(package: Path, build: Path) -> Path:
    """Where these versions of the packages are, or will be."""
    pinned = json.loads(package.read_text(encoding="utf-8"))["dependencies"]
    return build / "+".join(f"{name}-{version}" for name, version in pinned.items())


def install(package: Path, build: Path) -> str | None:
    """Installs what is not there yet; why that cannot be, or None.

    Each run installs into a folder of its own, which takes its place in one step: two runs at once are fine.
    """
    place = folder(package, build)
    if place.exists():
        return None
    if not shutil.which("npm"):
        return "npm, for axe-core and the Nu HTML checker (Debian: apt install nodejs npm)"
    build.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=build, prefix="installing-") as unfinished:
        shutil.copy(package, unfinished)
        if why := _ran([*_NPM, unfinished]):
            return why
        try:
            Path(unfinished).chmod(0o755)
            os.rename(unfinished, place)
        except OSError:
            return None if place.exists() else f"{place} cannot be written"
        os.mkdir(unfinished)  # for TemporaryDirectory to delete
    return None


def _ran(command: list[str]) -> str | None:
    try:
        ran = subprocess.run(command, capture_output=True, text=True, timeout=_AT_MOST, check=False)
    except subprocess.TimeoutExpired:
        return f"npm has not installed the judges within {_AT_MOST} seconds"
    said = (ran.stderr or ran.stdout).strip()
    return f"npm does not install the judges: {said[-500:]}" if ran.returncode else None
