"""Everything that can go wrong on purpose.

NewsError                what went wrong, where, what to do next; exit code 1
├── InvalidInput         a file holds problems; all of them at once
│   ├── IssueError       an issue file
│   └── ConfigError      newsletter.yml or the environment
├── TemplateError        a template does not fill, parse or compile
├── SubscriberError      a subscriber, or a list of them, cannot be taken as it is
├── StoreError           the database cannot be opened, read or written
├── SendRefused          what was asked of a send was not begun; nothing has changed
└── Unavailable          an optional part, a folder or a port is not there
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True)
class Problem:
    """One finding: where it is (`file:line`, or what was looked at), what is wrong, how to mend it.

    `check` is the name of the check that found it, `details` are lines of a table that shows it.
    """

    where: str
    what: str
    fix: str = ""
    severity: Severity = "error"
    check: str = ""
    details: tuple[str, ...] = ()

    @property
    def place(self) -> tuple[str, int | None]:
        """The file, or what else was looked at, and the line in it."""
        file, _, line = self.where.rpartition(":")
        return (file, int(line)) if file and line.isdecimal() else (self.where, None)

    def __str__(self) -> str:
        return "; ".join(filter(None, (f"{self.where}: {self.what}" if self.where else self.what, self.fix)))


class NewsError(Exception):
    """The root: what went wrong, where, and a hint at what to do next."""

    def __init__(self, what: str, hint: str = "", *, where: str = "") -> None:
        super().__init__(f"{where}: {what}" if where else what)
        self.what = what
        self.hint = hint
        self.where = where

    @property
    def problems(self) -> Sequence[Problem]:
        """The same as findings, for whoever lists them (the preview, JSON)."""
        return [Problem(self.where, self.what, self.hint)]


class InvalidInput(NewsError):
    """A file holds problems; they are reported together."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self._problems = tuple(problems)

    @property
    def problems(self) -> Sequence[Problem]:
        return self._problems


class IssueError(InvalidInput):
    """An issue file is not a valid issue."""


class ConfigError(InvalidInput):
    """newsletter.yml or the environment is not a valid configuration."""


class TemplateError(NewsError):
    """A template does not fill, parse or compile."""


class SubscriberError(NewsError):
    """A subscriber, or a list of them, cannot be taken as it is."""


class StoreError(NewsError):
    """The database cannot be opened, read or written."""


class SendRefused(NewsError):
    """What was asked of a send was not begun; nothing has changed."""


class Unavailable(NewsError):
    """An optional part, a folder or a port is not there."""


def cannot_be(done: str, failure: OSError) -> str:
    """Return "cannot be read (Permission denied)" and the like: what failed, and the system's reason."""
    return f"cannot be {done} ({failure.strerror or failure})"
