"""The issues of a newsletter as an editor's list shows them: newest first, each with how far it has got."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from newsletter.config import loader
from newsletter.errors import IssueError, NewsError
from newsletter.issue import files as issues
from newsletter.preview.database import records, stamp
from newsletter.sending.model import SUBSCRIBERS, Send

if TYPE_CHECKING:
    from newsletter.store.database import Database

State = Literal["draft", "ready", "broken", "sending", "sent", "called back"]


@dataclass(frozen=True)
class ListedIssue:
    """An issue in the list; `at` is the day it was sent on, "" where it was not."""

    name: str
    subject: str
    state: State
    at: str = ""


class IssueList:
    """Reads an issue's file again only when it has changed, and so the ledger."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[Path, tuple[tuple[int, int], ListedIssue]] = {}
        self._sends: dict[str, Send] = {}
        self._looked: object = None

    def look_up_sends(self) -> bool:
        """Reads the ledger where it has changed, and says whether that changes the list.

        What cannot be read is not known.
        """
        before = self._sends
        try:
            newsletter = loader.load(self._folder)
            now = stamp(newsletter)
            if now == self._looked:
                return False
            self._looked = now
            with records(newsletter) as database:
                self._sends = _of_list(database) if database else {}
        except NewsError:
            self._sends, self._looked = {}, None
        return self._sends != before

    def issues(self) -> list[ListedIssue]:
        """Every issue, newest first."""
        files = issues.issue_files(self._folder / loader.ISSUES)
        known = {file: read for file in files if (read := self._read(file))}
        self._known = known
        return [self._standing(known[file][1]) for file in reversed(files) if file in known]

    def _read(self, file: Path) -> tuple[tuple[int, int], ListedIssue] | None:
        try:
            status = file.stat()
        except OSError:
            return None  # it went away just now
        stamp = status.st_mtime_ns, status.st_size
        known = self._known.get(file)
        if known and known[0] == stamp:
            return known
        try:
            issue = issues.load(file)
        except IssueError:
            return stamp, ListedIssue(file.stem, known[1].subject if known else "", "broken")
        return stamp, ListedIssue(issue.name, issue.subject, "ready" if issue.ready else "draft")

    def _standing(self, one: ListedIssue) -> ListedIssue:
        send = self._sends.get(one.name)
        if send is None or send.state == "superseded":
            return one
        if send.state == "cancelled":
            return ListedIssue(one.name, one.subject, "called back")
        if send.finished_at is None:
            return ListedIssue(one.name, one.subject, "sending")
        return ListedIssue(one.name, one.subject, "sent", send.finished_at.date().isoformat())


def _of_list(database: "Database") -> dict[str, Send]:
    from newsletter.store.ledger_queries import LedgerQueries

    return {send.issue: send for send in LedgerQueries(database).sends() if send.list == SUBSCRIBERS}
