"""The errors that news raises for its users.

NewsError                an error with its location and what to do next; exit code 1
├── InvalidInput         a file has problems; all of them at once
│   ├── IssueError       an issue file
│   ├── ConfigError      newsletter.yml or the environment
│   └── StateError       the newsletter's state, or a file that Git must not track
├── TemplateError        a template cannot be filled, parsed or compiled
├── LimitReached         building or checking an issue takes too much time or memory
├── SubscriberError      a subscriber, or a list of subscribers, is invalid
├── StoreError           the database cannot be opened, read or written
│   ├── DatabaseBusy     another process has locked it, or a row of it
│   └── SaveLost         another process published its state first
├── SendRefused          a send was not started or changed, for a reason that the user can remove
│   └── SendBusy         another process sends the issue now, or was the first to start its send
├── ArchiveRefused       the archive was not written, because it would publish personal data
└── Unavailable          an optional program, a folder, a port or a commit is not available
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self, get_args

from newsletter.disk.failures import cannot_be, write_hint
from newsletter.display import display_path

Severity = Literal[
    "error",  # the issue, or the set-up, does not work; a send refuses to start
    "warning",  # probably a mistake; a send starts
    "note",  # a fact that may be intended
]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
"""The severities, the severest first."""
CHECK_PERMISSIONS = "check the permissions of its folder"
MAX_PROBLEMS = 100
"""The problems of one file that are reported; more would fill a terminal or a page."""
_MAX_LINE_DIGITS = 9  # Python refuses to read a number of thousands of digits


@dataclass(frozen=True)
class Problem:
    """A problem in a file or found by a check, with its location and its fix.

    `where` is `file:line`, or the name of the object that was checked. `check` is the name of the check that
    found the problem; `details` are the lines of a table about it. If `fixed_severity` is set, newsletter.yml
    does not change the severity.
    """

    where: str
    what: str
    fix: str = ""
    severity: Severity = "error"
    check: str = ""
    details: tuple[str, ...] = ()
    fixed_severity: bool = False

    @property
    def place(self) -> tuple[str, int | None]:
        """Return `where` as a file and its line; for a location without a line, as `where` and None."""
        file, _, line = self.where.rpartition(":")
        is_line = line.isdecimal() and len(line) <= _MAX_LINE_DIGITS
        return (file, int(line)) if file and is_line else (self.where, None)

    def __str__(self) -> str:
        return "; ".join(filter(None, (f"{self.where}: {self.what}" if self.where else self.what, self.fix)))


def by_severity(problems: Iterable[Problem]) -> list[Problem]:
    """Return problems, the severest first, else in their order."""
    return sorted(problems, key=lambda problem: SEVERITIES.index(problem.severity))


class NewsError(Exception):
    """The base of all errors for users: the error, its location, and a hint at what to do next."""

    def __init__(self, what: str, hint: str = "", *, where: str = "") -> None:
        super().__init__(f"{where}: {what}" if where else what)
        self.what = what
        self.hint = hint
        self.where = where

    @property
    def problems(self) -> Sequence[Problem]:
        """Return the error as problems, for callers that list them (the preview, JSON)."""
        return [Problem(self.where, self.what, self.hint)]


class InvalidInput(NewsError):
    """The error for a file that has problems; it reports them together, MAX_PROBLEMS at most.

    A further problem is the number of those that it leaves out.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        self._problems = tuple(problems)
        if (more := len(problems) - MAX_PROBLEMS) > 1:
            what, fix = f"and {more:,} more mistakes", "correct those that are listed first"
            self._problems = (*problems[:MAX_PROBLEMS], Problem(problems[0].place[0], what, fix))
        super().__init__("\n".join(map(str, self._problems)))

    @classmethod
    def of(cls, where: str, what: str, fix: str) -> Self:
        """Return the error for one problem."""
        return cls([Problem(where, what, fix)])

    def __reduce__(self) -> tuple[object, ...]:
        """Return the parts to pickle: a process with limits returns its errors so."""
        return type(self), (self._problems,), self.__dict__

    @property
    def problems(self) -> Sequence[Problem]:
        return self._problems


class IssueError(InvalidInput):
    """The error for an issue file that is not a valid issue."""


class ConfigError(InvalidInput):
    """The error for a newsletter.yml or an environment that is not a valid configuration."""


class StateError(InvalidInput):
    """The error for a state that cannot be found, moved or used, and for private files that Git tracks."""


class TemplateError(NewsError):
    """The error for a template that cannot be filled, parsed or compiled."""


class LimitReached(NewsError):
    """The error for an issue or templates whose build or checks take too much time or memory."""


class SubscriberError(NewsError):
    """The error for an invalid subscriber, or an invalid list of subscribers."""


class StoreError(NewsError):
    """The error for a database that cannot be opened, read or written."""


class DatabaseBusy(StoreError):
    """The error for a database, or a row of it, that another process has locked for too long."""


class SaveLost(StoreError):
    """The error for a state that was not published, because another process published its own first.

    The state of this process is out of date; it must neither send nor publish anything more.
    """


class SendRefused(NewsError):
    """The error for a send that was not started or changed, for a reason that the user can remove."""


class SendBusy(SendRefused):
    """The error for a send that another process delivers now, or was the first to start."""


class ArchiveRefused(NewsError):
    """The error for an archive that would publish personal data; nothing of it was written."""


class Unavailable(NewsError):
    """The error for an optional program, a folder, a port or a commit that is not available."""

    @classmethod
    def unwritable(cls, path: Path, failure: OSError, fix: str = CHECK_PERMISSIONS) -> Self:
        """Return the error for a file or folder that cannot be written; `fix` is for all but a full disk."""
        what, hint = cannot_be("written", failure), write_hint(failure, fix)
        return cls(what, hint, where=display_path(path))
