"""The seam between the preview's server and the newsletter: a callable that builds what is shown."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from newsletter import config, issues
from newsletter.errors import NewsError, Problem
from newsletter.models import Rendered
from newsletter.render import render

Result = TypeVar("Result")


@dataclass(frozen=True)
class Page:
    """What a build gave: a mail, or the problems in its way; `issue` is its name, "" where there is none."""

    issue: str
    mail: Rendered | None = None
    problems: Sequence[Problem] = ()

    @property
    def weight(self) -> int:
        """Bytes of the HTML part as UTF-8; Gmail clips it at about 102,000."""
        return len(self.mail.html.encode()) if self.mail else 0


Build = Callable[[], Page]


def builder(folder: Path, name: str | None = None) -> Build:
    """A Build of the named issue, or of whichever is the newest at the time; it raises no NewsError.

    Configuration, issue and templates are read afresh at each build.
    """

    def build() -> Page:
        found: list[Problem] = []
        newsletter = _try(lambda: config.load(folder), found)
        path = _try(lambda: issues.find(folder / config.ISSUES, name), found)
        issue = _try(lambda: issues.load(path), found) if path else None
        mail = _try(lambda: render(issue, newsletter.site), found) if newsletter and issue else None
        return Page(path.stem if path else name or "", mail, tuple(found))

    return build


def _try(step: Callable[[], Result], found: list[Problem]) -> Result | None:
    """What a step returns; its problems go to `found`, so that one wrong file does not hide another."""
    try:
        return step()
    except NewsError as error:
        found.extend(error.problems)
        return None
