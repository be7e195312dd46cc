"""The golden files and the content that they must have."""

from pathlib import Path

from newsletter.issue import files
from newsletter.render.pipeline import render
from tests.render import material

GOLDEN = material.REPOSITORY / "tests" / "golden"
FILES = [GOLDEN / "2026-04-27" / "mail.html", GOLDEN / "2026-04-27" / "mail.txt"]


def content(file: Path) -> bytes:
    """Return the part of the mail that the file's name tells, of the issue that its folder's name tells."""
    issue = files.load(material.REPOSITORY / "issues" / f"{file.parent.name}.yml")
    mail = render(issue, material.real_site())
    return (mail.html if file.suffix == ".html" else mail.text).encode()
