"""Install what others wrote with npm into build/judges, once for their versions.

axe-core, the Nu HTML checker and mjml judge our mail; aws-ses-v2-local and emulate receive it.
"""

import json
import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from tests.required import need

PACKAGE = Path(__file__).with_name("package.json")
MJML = Path(__file__).parent / "mjml" / "package.json"
EMULATE = Path(__file__).parent / "emulate" / "package.json"
AWS_SES = Path(__file__).parent / "aws_ses" / "package.json"
BUILD = Path(__file__).parents[2] / "build" / "judges"
_NPM_TIMEOUT_SECONDS = 300  # one of the packages has 32 MB
_NPM = ("npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts", "--prefix")


@cache
def axe() -> str:
    """Return the script of axe-core, to be loaded into a page."""
    return (_modules() / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


@cache
def nu() -> list[str]:
    """Return the command that starts the checker, without options and files."""
    java = shutil.which("java")
    need(None if java else "java, for the Nu HTML checker (Debian: apt install default-jre-headless)")
    # The messages have typographic quotes in every locale.
    encoded = [f"-D{stream}.encoding=UTF-8" for stream in ("file", "stdout", "stderr")]
    # The second compiler takes longer than it saves in a short run; the code of the first needs more stack.
    quick = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xss8m"]
    return [str(java), *quick, *encoded, "-jar", str(_modules() / "vnu-jar" / "build" / "dist" / "vnu.jar")]


@cache
def mjml() -> Path:
    """Return a folder from which Node.js loads the packages of mjml."""
    need(None if shutil.which("node") else "node, for npm's mjml (Debian: apt install nodejs)")
    return _modules(MJML)


@cache
def aws_ses() -> list[str]:
    """Return the command that starts aws-ses-v2-local, without options."""
    node = shutil.which("node")
    need(None if node else "node, for aws-ses-v2-local (Debian: apt install nodejs)")
    return [str(node), str(_modules(AWS_SES) / "aws-ses-v2-local" / "dist" / "cli.js")]


@cache
def emulate() -> list[str]:
    """Return the command that starts emulate as Resend; it listens on all interfaces."""
    node = shutil.which("node")
    need(None if node else "node, for emulate (Debian: apt install nodejs)")
    return [
        str(node),
        str(_modules(EMULATE) / "emulate" / "dist" / "index.js"),
        "start",
        "--service",
        "resend",
    ]


@cache
def _modules(package: Path = PACKAGE) -> Path:
    need(install(package, BUILD))
    return folder(package, BUILD) / "node_modules"


def folder(package: Path, build: Path) -> Path:
    """Return the folder for these versions of the packages, which may not exist yet."""
    pinned = json.loads(package.read_text(encoding="utf-8"))["dependencies"]
    return build / "+".join(f"{name}-{version}" for name, version in pinned.items())


def install(package: Path, build: Path) -> str | None:
    """Install the packages unless they are installed; return the reason if that fails, or None.

    Each process installs into a new folder and renames it in one step, so two can run at the same time.
    """
    place = folder(package, build)
    if place.exists():
        return None
    if not shutil.which("npm"):
        return "npm, for packages that others wrote (Debian: apt install nodejs npm)"
    build.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=build, prefix="installing-") as unfinished:
        shutil.copy(package, unfinished)
        if reason := _run([*_NPM, unfinished]):
            return reason
        try:
            Path(unfinished).chmod(0o755)
            os.rename(unfinished, place)
        except OSError:
            return None if place.exists() else f"{place} cannot be written"
        os.mkdir(unfinished)  # for TemporaryDirectory to delete
    return None


def _run(command: list[str]) -> str | None:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_NPM_TIMEOUT_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return f"npm has not installed the judges within {_NPM_TIMEOUT_SECONDS} seconds"
    output = (done.stderr or done.stdout).strip()
    return f"npm does not install the judges: {output[-500:]}" if done.returncode else None
