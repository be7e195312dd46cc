"""Move a newsletter's store between SQLite and PostgreSQL: copy it, and close the database that it was in.

1. In one transaction on each side, all rows are copied and compared. The target is committed as closed.
2. The source is closed.
3. The source records that its copy is opened.
4. The target is opened.

At no time are both open. A process that is killed before step 1 ends leaves the target empty; one that is
killed later leaves a closed target. The next copy fills it again if the source is open, and opens it after
step 2. Step 3 comes before step 4, so that no second copy of the target's file is ever opened: a process that
is killed between them leaves both closed, and `news db reopen` opens the source.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from newsletter.config.environment import COPY_TARGET, DATABASE_URL
from newsletter.config.loader import Newsletter
from newsletter.errors import ConfigError, SendRefused, StoreError
from newsletter.services.copy_file import accepted_file, is_default, refuse_unignored
from newsletter.store.closed import (
    ClosedMark,
    DatabaseClosed,
    Role,
    close,
    record_opening,
    refuse_closed,
    reopen,
)
from newsletter.store.copy import TableCopy, copy_rows, lock_rows
from newsletter.store.copy_target import file_of, file_url, prepare_target, refuse_same
from newsletter.store.database import Database
from newsletter.store.journal import lease_holder
from newsletter.store.ledger_queries import LedgerQueries

_DATABASE_URL = re.compile(rf"\b{DATABASE_URL}\b")
AgreeToCopy = Callable[[str, str], None]
"""A function that is called with both databases before a change; it raises an error to prevent that."""
OnTable = Callable[[TableCopy], None]
"""A function that is called with each table when it is copied and compared."""


@dataclass(frozen=True)
class DatabaseCopy:
    """The result of a copy; `source` and `target` are the databases as messages name them.

    `database_url` is the value of NEWS_DATABASE_URL with which the newsletter uses the copy: None for the
    file that it uses without that variable, "" for the value of NEWS_DATABASE_URL_TO. `rows` is the number
    of copied rows; None if the copy was complete already, and only opened.
    """

    source: str
    target: str
    database_url: str | None
    rows: int | None


def ignore_table(copied: TableCopy) -> None:
    """Do nothing about a table."""


def copy_database(
    newsletter: Newsletter,
    file: str | None,
    agree: AgreeToCopy,
    on_table: OnTable = ignore_table,
    *,
    agree_to_open: AgreeToCopy | None = None,
) -> DatabaseCopy:
    """Copy the newsletter's database to a SQLite file, or else to the database of NEWS_DATABASE_URL_TO.

    `agree` is called before a copy; `agree_to_open`, by default the same function, before a complete copy is
    opened that an earlier process has made. Raise SendRefused while a process sends, and for a state on a Git
    ref; StateError for the file of another newsletter, and for one that Git would add to a commit; StoreError
    for a target that is the source, that has rows or other tables, or that cannot store a value;
    DatabaseClosed for a closed source, unless the target is its complete copy. Nothing has changed then.
    """
    _refuse_state_ref(newsletter)
    named = _target(newsletter, file)
    with closing(Database.open(newsletter, even_closed=True)) as source:
        mark = ClosedMark.parse(source.revision())
        if mark and isinstance(named, Path) and not named.exists():
            raise DatabaseClosed(mark, source.description)
        if isinstance(named, Path):
            refuse_unignored(named)
        with _naming_target(file, source.description), closing(Database.at(named)) as target:
            setting, rows = _setting(newsletter, named), None
            refuse_same(source, target)
            if mark:
                _refuse_unless_copy(source, mark, target)
                (agree_to_open or agree)(source.description, target.description)
            else:
                agree(source.description, target.description)
                mark = ClosedMark.new()
                rows = _copy(newsletter, source, target, mark, on_table)
            with source.writing_alone() as connection:
                record_opening(connection, mark)
            with target.writing_alone() as connection:
                reopen(connection, mark.to(Role.COPY))
            return DatabaseCopy(source.description, target.description, setting, rows)


def reopen_database(newsletter: Newsletter, agree: Callable[[str, datetime], None]) -> str:
    """Open the newsletter's database again after its content was copied; return its description.

    `agree` is called before that with its description and the time of the copy. Raise SendRefused if it is
    not closed, and DatabaseClosed if it is a copy that was not opened yet.
    """
    with closing(Database.open(newsletter, even_closed=True)) as database:
        mark = ClosedMark.parse(database.revision())
        if mark is None:
            raise SendRefused(f"{database.description} is not closed", "use it as it is")
        if mark.role is Role.COPY:
            raise DatabaseClosed(mark, database.description)
        agree(database.description, mark.closed_at)
        with database.writing_alone() as connection:
            reopen(connection, mark)
        return database.description


def _refuse_unless_copy(source: Database, mark: ClosedMark, target: Database) -> None:
    """Raise DatabaseClosed unless the target is the complete copy of a closed source, and none was opened."""
    is_copy = ClosedMark.parse(target.revision()) == mark.to(Role.COPY)
    if mark.role is not Role.SOURCE or not is_copy:
        raise DatabaseClosed(mark, source.description)


def _copy(
    newsletter: Newsletter, source: Database, target: Database, mark: ClosedMark, on_table: OnTable
) -> int:
    """Copy all rows, leave the target closed, and close the source; return the number of rows."""
    rows = 0
    with source.writing_alone() as reading:
        refuse_closed(reading)  # by another copy, during the question
        lock_rows(reading)
        _refuse_sending(newsletter, source)
        with target.writing_alone() as writing:
            prepare_target(reading, writing)
            lock_rows(writing)
            for copied in copy_rows(reading, writing):
                on_table(copied)
                rows += copied.rows
            close(writing, mark.to(Role.COPY))
        close(reading, mark)
    return rows


def _refuse_state_ref(newsletter: Newsletter) -> None:
    if newsletter.config.state is None:
        return
    where, what = newsletter.where("state"), "keeps the database in SQLite on a Git ref, which is not copied"
    fix = (
        "take the newest state: news state pull; delete `state:` from newsletter.yml, also in the repository "
        "that the workflows use; then run the same command again"
    )
    raise ConfigError.of(where, what, fix)


def _target(newsletter: Newsletter, file: str | None) -> str | Path:
    """Return the file, or the URL of the server, to copy to; raise an error if it must not be used."""
    if file is None:
        if newsletter.copy_target is None:
            what = "no database is named to copy to"
            raise StoreError(what, f"set {COPY_TARGET} to its URL; for a SQLite file: news db copy --to FILE")
        url = newsletter.copy_target.get_secret_value()
        with _naming_target(file):
            path: str | Path | None = file_of(url)
        if path is None:
            return url
    elif "://" in file:
        what = "a URL may hold a password, and the shell's history and the list of processes would show it"
        raise StoreError(what, f"set {COPY_TARGET} to the URL, for example in the file `env` of the state")
    else:
        path = file
    return accepted_file(newsletter, path)


def _refuse_sending(newsletter: Newsletter, source: Database) -> None:
    """Raise SendRefused if a process sends now."""
    now = datetime.now(UTC)
    for send in LedgerQueries(source).sends():
        holder = lease_holder(send, newsletter.runs, now)
        if holder and not holder.has_ended:
            what = f"process {holder.process} on host {holder.host} is sending {send.issue} now"
            hint = "wait until it ends, or stop it on that host; then run the same command again"
            raise SendRefused(what, hint)


def _setting(newsletter: Newsletter, target: str | Path) -> str | None:
    """Return the value of NEWS_DATABASE_URL for the target; None and "" are those of `DatabaseCopy`."""
    if isinstance(target, str):
        return ""
    return None if is_default(newsletter, target) else file_url(target)


@contextmanager
def _naming_target(file: str | None, source: str = "") -> Iterator[None]:
    """Name --to or NEWS_DATABASE_URL_TO in errors of the block, except in those about the source."""
    try:
        yield
    except StoreError as failure:
        if isinstance(failure, DatabaseClosed) or (source and failure.where == source):
            raise
        target = COPY_TARGET if file is None else "--to"
        what, hint = (_DATABASE_URL.sub(target, text) for text in (failure.what, failure.hint))
        raise type(failure)(what, hint, where=failure.where) from failure
