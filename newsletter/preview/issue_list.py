"""List the issues of a newsletter with their states, newest first."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from newsletter.config import loader
from newsletter.display import printable
from newsletter.errors import IssueError, NewsError
from newsletter.issue import files as issues
from newsletter.issue.misnamed import MAX_MISNAMED, misnamed_files, naming_hint
from newsletter.preview.database import records, stamp
from newsletter.sending.model import SUBSCRIBERS, Send

if TYPE_CHECKING:
    from newsletter.store.database import Database

State = Literal[
    "draft",  # not marked `ready: true`
    "ready",  # marked `ready: true`, not sent yet
    "broken",  # the file is not a valid issue
    "misnamed",  # the file is not named like an issue, so that no command reads it
    "sending",  # its send is not finished
    "sent",  # its send is finished
    "cancelled",  # its send was cancelled
]


@dataclass(frozen=True)
class ListedIssue:
    """An issue in the list; `at` is the date on which its send finished (ISO 8601), "" if it is not sent.

    A misnamed file has the name of the file, and what to do in the place of the subject.
    """

    name: str
    subject: str
    state: State
    at: str = ""


class IssueList:
    """The issues of a newsletter, from its files and its ledger; unchanged files are not read again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[Path, tuple[tuple[int, ...], ListedIssue]] = {}
        self._sends: dict[str, Send] = {}
        self._ledger_stamp: object = None

    def look_up_sends(self) -> bool:
        """Read the ledger if it has changed; return True if the sends have changed.

        A ledger that cannot be read is treated as empty.
        """
        before = self._sends
        try:
            newsletter = loader.load(self._folder, review=True)
            now = stamp(newsletter)
            if now == self._ledger_stamp:
                return False
            self._ledger_stamp = now
            with records(newsletter) as database:
                self._sends = _sends_by_issue(database) if database else {}
        except NewsError:
            self._sends, self._ledger_stamp = {}, None
        return self._sends != before

    def issues(self) -> list[ListedIssue]:
        """Return every issue, newest first."""
        files = issues.issue_files(self._folder / loader.ISSUES)
        known = {file: read for file in files if (read := self._read(file))}
        self._known = known
        listed = [self._with_send(known[file][1]) for file in reversed(files) if file in known]
        return [*self._misnamed(), *listed]

    def published(self, today: date) -> frozenset[str]:
        """Return the names of the issues that were sent, or are ready and due."""
        return frozenset(
            issue.name
            for issue in self.issues()
            if issue.state in ("sending", "sent") or (issue.state == "ready" and _is_due(issue.name, today))
        )

    def _misnamed(self) -> list[ListedIssue]:
        folder = self._folder / loader.ISSUES
        return [
            ListedIssue(_shown_name(path, folder), naming_hint(path, folder), "misnamed")
            for path, _ in misnamed_files(folder)[:MAX_MISNAMED]
        ]

    def _read(self, file: Path) -> tuple[tuple[int, ...], ListedIssue] | None:
        try:
            status = file.stat()
        except OSError:
            return None  # the file was removed meanwhile
        # A link may lead to another file of the same time.
        stamp = status.st_mtime_ns, status.st_size, status.st_dev, status.st_ino
        known = self._known.get(file)
        if known and known[0] == stamp:
            return known
        try:
            issue = issues.load(file, self._folder)
        except IssueError:
            return stamp, ListedIssue(file.stem, known[1].subject if known else "", "broken")
        return stamp, ListedIssue(issue.name, issue.subject, "ready" if issue.ready else "draft")

    def _with_send(self, issue: ListedIssue) -> ListedIssue:
        send = self._sends.get(issue.name)
        if send is None or send.state == "superseded":
            return issue
        if send.state == "cancelled":
            return ListedIssue(issue.name, issue.subject, "cancelled")
        if send.finished_at is None:
            return ListedIssue(issue.name, issue.subject, "sending")
        return ListedIssue(issue.name, issue.subject, "sent", send.finished_at.date().isoformat())


def _is_due(name: str, today: date) -> bool:
    return name <= today.isoformat()  # an issue is named by its date


def _shown_name(path: Path, folder: Path) -> str:
    return printable(path.relative_to(folder).as_posix(), 200)


def _sends_by_issue(database: "Database") -> dict[str, Send]:
    from newsletter.store.ledger_queries import LedgerQueries

    return {send.issue: send for send in LedgerQueries(database).sends() if send.list == SUBSCRIBERS}
