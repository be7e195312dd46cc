"""The golden files and the content that they must have."""

from pathlib import Path

from newsletter.issue import files
from newsletter.render.model import Rendered
from newsletter.render.pipeline import render
from tests import newsletters
from tests.render import material

GOLDEN = material.REPOSITORY / "tests" / "golden"
_MAILS = ("2026-04-27", *newsletters.NAMES)
FILES = [GOLDEN / name / part for name in _MAILS for part in ("mail.html", "mail.txt")]


def content(file: Path) -> bytes:
    """Return the part that the file's name tells, of the mail that its folder's name tells."""
    mail = _mail(file.parent.name)
    return (mail.html if file.suffix == ".html" else mail.text).encode()


def _mail(name: str) -> Rendered:
    if name in newsletters.NAMES:
        return newsletters.proof_of(name).rendered
    issue = files.load(material.REPOSITORY / "issues" / f"{name}.yml")
    return render(issue, material.real_site())
