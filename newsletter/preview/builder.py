"""Build an issue from the newsletter's files, for the page of the preview."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

from newsletter.checks import settings
from newsletter.checks.proof import Proof
from newsletter.config import loader
from newsletter.disk.boundary import entries
from newsletter.errors import NewsError, Problem
from newsletter.issue import files as issues
from newsletter.issue.model import PICTURES
from newsletter.preview import local_pictures
from newsletter.render.model import Rendered
from newsletter.services.prepare import proof

Result = TypeVar("Result")


@dataclass(frozen=True)
class Page:
    """The result of a build: the proof of an issue, or the problems that prevent it.

    `issue` is its name, "" if there is none. `pictures` changes with the files of the mail's pictures.
    `saved` is the modification time of its newest file, in milliseconds since 1970; comparisons ignore it.
    """

    issue: str
    proof: Proof | None = None
    problems: Sequence[Problem] = ()
    saved: float = field(default=0.0, compare=False)
    pictures: local_pictures.Stamp = ()

    @property
    def mail(self) -> Rendered | None:
        return self.proof.rendered if self.proof else None

    @property
    def weight(self) -> int:
        """Return the size of the HTML part in bytes, as UTF-8; Gmail clips mail at about 102,000."""
        return len(self.mail.html.encode()) if self.mail else 0

    @property
    def version(self) -> str:
        """Return a hash of the page's content, which does not change when the server is restarted."""
        source = (self.proof.issue.source, self.proof.newsletter.config, self.mail) if self.proof else ()
        shown = (self.issue, self.problems, source, self.pictures)
        return sha256(repr(shown).encode()).hexdigest()[:16]


def build(folder: Path, name: str | None = None) -> Page:
    """Build the named issue, or the newest one.

    Each call reads configuration, issue and templates again. A NewsError is not raised: its problems are in
    the Page.
    """
    path_problems: list[Problem] = []
    path = _try(lambda: issues.find(folder / loader.ISSUES, name), path_problems)
    saved = _saved(folder, path)  # before the files are read: a later save belongs to the next build
    problems: list[Problem] = []
    newsletter = _try(lambda: loader.load(folder, review=True), problems)
    if newsletter:
        _try(lambda: settings.refuse_invalid(newsletter), problems)
    problems.extend(path_problems)
    issue = _try(lambda: issues.load(path, folder), problems) if path else None
    built = _try(lambda: proof(newsletter, issue), problems) if newsletter and issue else None
    pictures = local_pictures.stamp(built.rendered.html, built.newsletter.site) if built else ()
    name = path.stem if path else name or ""
    return Page(name, None if problems else built, tuple(problems), saved, pictures)


def _saved(folder: Path, issue: Path | None) -> float:
    files = [folder / loader.FILE, *([issue] if issue else [])]
    for below in (folder / loader.TEMPLATES, folder / PICTURES):
        files.extend([below, *(Path(entry.path) for entry in entries(below, folder))])
    newest = 0.0
    for file in files:
        with suppress(OSError):
            newest = max(newest, file.stat().st_mtime)
    return newest * 1000


def _try(step: Callable[[], Result], problems: list[Problem]) -> Result | None:
    """Return the step's result; if it raises a NewsError, add its problems to `problems` and return None."""
    try:
        return step()
    except NewsError as error:
        problems.extend(error.problems)
        return None
