"""Decide which issues the archive publishes."""

import datetime as dt
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from newsletter.archive.issue_summary import IssueSummary, summarize
from newsletter.config.loader import Newsletter
from newsletter.errors import Problem
from newsletter.issue import files
from newsletter.limits.process import Limiter
from newsletter.services.open_state import open_local
from newsletter.services.prepare import prepare
from newsletter.store.database import Database
from newsletter.store.ledger_queries import LedgerQueries
from newsletter.store.sqlite import private_file

CHECKED = dt.timedelta(days=14)
"""An issue that was not sent is checked for so long; an older one was sent, perhaps by another machine."""

SendRecord = Literal[
    "sent",  # its send began, and somebody has the mail or will get it
    "cancelled",  # its send was cancelled, and nobody has the mail
]


class Published(NamedTuple):
    """A published issue: its file and its summary."""

    path: Path
    summary: IssueSummary


@dataclass(frozen=True)
class Selection:
    """The published issues, the newest first, and what a person should know of those that were left out.

    `drafts` and `later` are the numbers of issues that are not marked ready, and that have a later date.
    """

    issues: tuple[Published, ...]
    problems: tuple[Problem, ...]
    drafts: int = 0
    later: int = 0


@contextmanager
def open_local_store(newsletter: Newsletter) -> Iterator[Database | None]:
    """Open the database that this machine has, None if it has none; nothing is asked of the state ref.

    Raise StoreError if it cannot be read.
    """
    if newsletter.secrets.has_database_server or private_file(newsletter.state).exists():
        with open_local(newsletter) as state:
            yield state.database
    else:
        yield None


def sends(newsletter: Newsletter) -> Mapping[str, SendRecord]:
    """Return the record of the sends that this machine knows, by issue; none if it has no database.

    Raise StoreError if the database cannot be read. Mail that did not leave the machine is not counted.
    """
    with open_local_store(newsletter) as database:
        if database is None:
            return {}
        queries = LedgerQueries(database)
        known = [send for send in queries.sends() if not send.is_rehearsal]
        cancelled = [send for send in known if send.state != "open" and queries.counts(send).nobody_has_it]
    records: dict[str, SendRecord] = {send.issue: "cancelled" for send in cancelled}
    return records | {send.issue: "sent" for send in known if send not in cancelled}


def select(
    newsletter: Newsletter, records: Mapping[str, SendRecord], today: dt.date, limited: Limiter
) -> Selection:
    """Return the issues that the archive publishes on a day.

    They were sent, or they are ready and due and have no error. An issue with `archive: false` is none of
    them. Raise IssueError if a file of a date that has come cannot be read: a page must not disappear with
    a mistake.
    """
    issues, problems = [], []
    drafts = later = 0
    for path in reversed(files.issue_files(newsletter.issues)):
        record, day = records.get(path.stem), files.issue_date(path)
        if day > today and record is None:
            later += 1
            continue
        is_checked = today - day < CHECKED and record is None
        read = limited(_read, newsletter, path, record, is_checked=is_checked)
        drafts += read.is_draft
        if read.summary:
            issues.append(Published(path, read.summary))
        if read.problem:
            problems.append(read.problem)
    return Selection(tuple(issues), tuple(problems), drafts, later)


class _Read(NamedTuple):
    """An issue that was read: its summary if it is published, and a problem that a person may not expect."""

    summary: IssueSummary | None = None
    problem: Problem | None = None
    is_draft: bool = False


def _read(newsletter: Newsletter, path: Path, record: SendRecord | None, *, is_checked: bool) -> _Read:
    issue = files.load(path, newsletter.folder)
    if not issue.archive:
        return _Read()
    if record == "cancelled":
        what = f"{issue.name} has no page: its send was cancelled, and nobody has the mail"
        return _Read(problem=Problem(issue.path, what, f"to send it: news resume {issue.name}", "note"))
    if record is None and not issue.ready:
        return _Read(is_draft=True)
    if is_checked:
        errors = [problem for problem in prepare(newsletter, issue).problems if problem.severity == "error"]
        if errors:
            what = f"{issue.name} has no page until its errors are corrected: {errors[0].what}"
            fix = f"news check {issue.name}"
            return _Read(problem=Problem(errors[0].where, what, fix, "warning"))
    return _Read(summarize(issue, newsletter.site))
