"""The seam between the preview's server and the newsletter: a callable that builds what is shown."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

from newsletter.checks import registry
from newsletter.checks.proof import Proof
from newsletter.config import loader
from newsletter.errors import NewsError, Problem
from newsletter.issue import files as issues
from newsletter.render.model import Rendered
from newsletter.services.prepare import proof

Result = TypeVar("Result")


@dataclass(frozen=True)
class Page:
    """What a build gave: an issue's proof, or the problems in its way.

    `issue` is its name, "" where there is none; `saved` when the newest of its files was, in milliseconds
    since 1970, which is no part of what it shows.
    """

    issue: str
    proof: Proof | None = None
    problems: Sequence[Problem] = ()
    saved: float = field(default=0.0, compare=False)

    @property
    def mail(self) -> Rendered | None:
        return self.proof.rendered if self.proof else None

    @property
    def weight(self) -> int:
        """Bytes of the HTML part as UTF-8; Gmail clips it at about 102,000."""
        return len(self.mail.html.encode()) if self.mail else 0

    @property
    def version(self) -> str:
        """A name for what is shown; the same page has the same after a restart of the server."""
        source = (self.proof.issue.source, self.proof.newsletter.config, self.mail) if self.proof else ()
        return sha256(repr((self.issue, self.problems, source)).encode()).hexdigest()[:16]


Build = Callable[[], Page]


def builder(folder: Path, name: str | None = None) -> Build:
    """A Build of the named issue, or of whichever is the newest at the time; it raises no NewsError.

    Configuration, issue and templates are read afresh at each build.
    """

    def build() -> Page:
        lost: list[Problem] = []
        path = _try(lambda: issues.find(folder / loader.ISSUES, name), lost)
        saved = _saved(folder, path)  # before they are read: what is saved meanwhile is for the next build
        found: list[Problem] = []
        newsletter = _try(lambda: loader.load(folder), found)
        if newsletter:
            _try(lambda: registry.refuse_unknown(newsletter), found)
        found.extend(lost)
        issue = _try(lambda: issues.load(path), found) if path else None
        read = _try(lambda: proof(newsletter, issue), found) if newsletter and issue else None
        return Page(path.stem if path else name or "", None if found else read, tuple(found), saved)

    return build


def _saved(folder: Path, issue: Path | None) -> float:
    own = folder / loader.TEMPLATES
    files = [folder / loader.FILE, *([issue] if issue else []), own]
    with suppress(OSError):  # a folder goes away just now
        files.extend(own.rglob("*"))
    newest = 0.0
    for file in files:
        with suppress(OSError):
            newest = max(newest, file.stat().st_mtime)
    return newest * 1000


def _try(step: Callable[[], Result], found: list[Problem]) -> Result | None:
    """What a step returns; its problems go to `found`, so that one wrong file does not hide another."""
    try:
        return step()
    except NewsError as error:
        found.extend(error.problems)
        return None
