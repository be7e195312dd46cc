"""Newsletters and mails to check: `tests/data/checks/base` is a clean one, each case changes some of it.

A case is a folder `<check>/<trips or passes>…`: its files lie over the base's, `mail.html` and `mail.txt`
over what becomes of that. `expected` says what the checks find in a case that trips one.
"""

import shutil
from dataclasses import replace
from pathlib import Path

from newsletter.checks import runner
from newsletter.checks.proof import Proof
from newsletter.config import loader
from newsletter.errors import Problem
from newsletter.issue import files
from newsletter.render.templates import BUILT_IN
from newsletter.services.prepare import proof

DATA = Path(__file__).parent.parent / "data" / "checks"
BASE = DATA / "base"
CASES = sorted(path for path in DATA.glob("*/*") if path.is_dir() and path.parent != BASE)
TRIPS = [case for case in CASES if case.name.startswith("trips")]
PASSES = [case for case in CASES if case.name.startswith("passes")]


def named(case: Path) -> str:
    return case.relative_to(DATA).as_posix()


def opened(folder: Path, case: Path | None = None, **parts: str) -> Proof:
    """The newest issue of a case, or of the base, ready to be checked, its files put into a folder.

    `parts` replace what becomes of it: `html`, `text`, `subject`, `preheader`.
    """
    for source in (BASE, *([case] if case else [])):
        shutil.copytree(source, folder, dirs_exist_ok=True)
    newsletter = loader.load(folder, {})
    for name, part in (("mail.html", "html"), ("mail.txt", "text")):
        if (folder / name).exists():
            parts[part] = (folder / name).read_text(encoding="utf-8")
    read = proof(newsletter, files.load(files.find(newsletter.issues)))
    return replace(read, rendered=replace(read.rendered, **parts))


def found(folder: Path, case: Path | None = None, **parts: str) -> list[Problem]:
    return runner.run(opened(folder, case, **parts))


def told(problems: list[Problem]) -> str:
    """A line a problem, as `expected` has them."""
    lines = "".join(f"{one.where}: {one.severity}: {one.what} [{one.check}]\n" for one in problems)
    return lines.replace(str(BUILT_IN), "(built-in)")
