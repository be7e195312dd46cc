"""Newsletters and mails to check: `tests/data/checks/base` is a clean one, and each case changes part of it.

A case is a folder `<check>/<trips or passes>…`. Its files replace the base's, and its `mail.html` and
`mail.txt` replace the rendered parts. `expected` holds the problems of a case that trips a check.
"""

import shutil
from dataclasses import replace
from pathlib import Path

from newsletter.checks import runner
from newsletter.checks.proof import Proof
from newsletter.config import loader
from newsletter.errors import Problem
from newsletter.issue import files
from newsletter.render.template_files import BUILT_IN
from newsletter.services.prepare import proof

DATA = Path(__file__).parent.parent / "data" / "checks"
BASE = DATA / "base"
CASES = sorted(path for path in DATA.glob("*/*") if path.is_dir() and path.parent != BASE)
TRIPS = [case for case in CASES if case.name.startswith("trips")]
PASSES = [case for case in CASES if case.name.startswith("passes")]


def case_name(case: Path) -> str:
    return case.relative_to(DATA).as_posix()


def opened(folder: Path, case: Path | None = None, **parts: str) -> Proof:
    """Copy a case, or the base, into a folder; return the proof of its newest issue.

    `parts` replace fields of the rendered mail: `html`, `text`, `subject`, `preheader`.
    """
    for source in (BASE, *([case] if case else [])):
        shutil.copytree(source, folder, dirs_exist_ok=True)
    newsletter = loader.load(folder, {})
    for name, part in (("mail.html", "html"), ("mail.txt", "text")):
        if (folder / name).exists():
            parts[part] = (folder / name).read_text(encoding="utf-8")
    original = proof(newsletter, files.load(files.find(newsletter.issues)))
    return replace(original, rendered=replace(original.rendered, **parts))


def problems_of(folder: Path, case: Path | None = None, **parts: str) -> list[Problem]:
    return runner.run(opened(folder, case, **parts))


def report(problems: list[Problem]) -> str:
    """Return the problems in the form of `expected`, a line each."""
    lines = "".join(f"{p.where}: {p.severity}: {p.what} [{p.check}]\n" for p in problems)
    return lines.replace(str(BUILT_IN), "(built-in)")
