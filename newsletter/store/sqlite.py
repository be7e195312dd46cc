"""The connections to SQLite: the database's file and its companions, and the waits for other writers."""

import os
import sqlite3
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Table, create_engine, event

from newsletter.disk.boundary import refuse_unsafe
from newsletter.disk.failures import cannot_be, read_hint, write_hint
from newsletter.display import display_path
from newsletter.errors import StoreError
from newsletter.state.database_files import with_companions
from newsletter.state.folder import create_private
from newsletter.state.location import DATABASE
from newsletter.state.tracked import refuse_tracked
from newsletter.store.batches import MAX_PARAMETERS, batches
from newsletter.store.failures import sqlite_path
from newsletter.store.postgresql import LOCK_OPTION

# The longest wait for another writer of a file: an import of a long list takes minutes.
BUSY_SECONDS = 120.0
# SQLite's own wait looks for a free lock ever more seldom, after a while every 0.1 s, and misses the pauses
# of an import; nor does a Ctrl-C interrupt it.
POLL_SECONDS = 0.005
# An execution option of a transaction that only reads.
DEFERRED_OPTION = "news_deferred"
_TIME_CHARACTERS = len("2026-01-31 12:34:56.123456")


def file_engine(url: Any) -> Engine:
    """Return an engine for a SQLite database, and make its file; raise StoreError if that fails.

    A transaction that writes raises StoreError if the file was deleted or replaced meanwhile.
    """
    is_file = url.database and not url.database.startswith("file:")
    if is_file:
        make_file(Path(url.database))
    elif path := sqlite_path(url):
        refuse_tracked_database(path)
    engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS}, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def _connect(connection: Any, record: Any) -> None:
        # `_begin` starts the transactions, not the driver. FULL makes a commit survive a power cut: the
        # ledger must never lose a recorded attempt.
        connection.isolation_level = None
        # secure_delete overwrites what is deleted: else a forgotten address would stay in the file.
        _execute_when_free(connection, "pragma journal_mode=WAL", BUSY_SECONDS)
        for pragma in ("synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
            connection.execute(f"pragma {pragma}")
        if is_file:
            record.info["file"] = os.stat(url.database).st_ino

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A deferred transaction that reads first and then writes fails at once if another writer was faster,
        # without regard to the time-out. IMMEDIATE waits for the other writer instead.
        deferred = connection.get_execution_options().get(DEFERRED_OPTION)
        if is_file and not deferred and not _is_same_file(url.database, connection.connection.info["file"]):
            hint = "restore it; do not send with another database, which does not record the earlier sends"
            raise StoreError("the database's file was deleted or replaced", hint, where=url.database)
        if deferred:
            connection.exec_driver_sql("BEGIN")
        else:
            seconds = connection.get_execution_options().get(LOCK_OPTION) or BUSY_SECONDS
            _begin_immediate(connection.connection.driver_connection, seconds)

    return engine


def is_in_transaction(connection: Connection) -> bool:
    """Return False if SQLite has ended the transaction of a connection, which it tells nobody.

    It rolls back a whole transaction, not the savepoint alone, when the disk is full
    (https://www.sqlite.org/lang_transaction.html).
    """
    driver = connection.connection.driver_connection
    return not isinstance(driver, sqlite3.Connection) or driver.in_transaction


def _begin_immediate(connection: Any, seconds: float) -> None:
    """Begin a transaction that writes; raise sqlite3's error if another one lasts longer than `seconds`."""
    connection.execute("pragma busy_timeout = 0")
    try:
        _execute_when_free(connection, "BEGIN IMMEDIATE", seconds)
    finally:
        connection.execute(f"pragma busy_timeout = {BUSY_SECONDS * 1000:.0f}")


def _execute_when_free(connection: Any, statement: str, seconds: float) -> None:
    """Execute a statement that needs a lock; raise sqlite3's error if it is not free after `seconds`.

    SQLite's own time-out does not apply where two connections could wait for each other, such as the first
    ones of a new file that switch it to WAL at the same time.
    """
    deadline = time.monotonic() + seconds
    while not _was_free(connection, statement, is_last=time.monotonic() >= deadline):
        time.sleep(POLL_SECONDS)


def _was_free(connection: Any, statement: str, *, is_last: bool) -> bool:
    """Execute a statement; return False if a lock prevents it, or raise sqlite3's error if it `is_last`."""
    try:
        connection.execute(statement)
    except sqlite3.OperationalError as failure:
        if is_last or not failure.sqlite_errorname.startswith("SQLITE_BUSY"):
            raise
        return False
    return True


def insert_rows(connection: Connection, table: Table, names: Sequence[str], rows: Sequence[Any]) -> None:
    """Insert rows of values in the order of these columns; a time is a text as `time_text` returns it.

    SQLAlchemy would look at each value, which takes more time than the insertion itself. SQLite prepares the
    checks and the ids of a table for each statement, so a statement inserts as many rows as it may.
    """
    for batch in batches(rows, MAX_PARAMETERS // len(names)):
        statement = _insert_statement(table.name, tuple(names), len(batch))
        connection.exec_driver_sql(statement, tuple(chain.from_iterable(batch)))


@lru_cache(maxsize=128)
def _insert_statement(table: str, names: tuple[str, ...], rows: int) -> str:
    columns, places = ", ".join(f'"{name}"' for name in names), ", ".join("?" * len(names))
    return f'insert into "{table}" ({columns}) values {", ".join([f"({places})"] * rows)}'


def time_text(time: datetime) -> str:
    """Return a time, which has a zone, as SQLAlchemy stores it in SQLite: in UTC, without the zone."""
    return time.astimezone(UTC).isoformat(" ", "microseconds")[:_TIME_CHARACTERS]


def refuse_tracked_database(file: Path) -> None:
    """Raise StateError if Git tracks a database's file, or a file that SQLite keeps beside it."""
    refuse_tracked(*with_companions(file))


def make_file(file: Path) -> None:
    """Create a database's file, or restrict it, so that only its owner may read it."""
    if not file.absolute().parent.is_dir():
        what = f"the folder {file.parent} of the database does not exist"
        raise StoreError(what, "create this folder, or correct NEWS_DATABASE_URL")
    refuse_tracked_database(file)
    try:
        create_private(file)
    except OSError as failure:
        hint = write_hint(failure, "check that you have the permission to write to its folder")
        raise StoreError(cannot_be("made", failure), hint, where=display_path(file)) from failure


def _is_same_file(path: str, inode: int) -> bool:
    """Return True if a path still names the opened file; SQLite continues to write to a deleted file."""
    try:
        return os.stat(path).st_ino == inode
    except OSError:
        return False


def private_file(state: Path) -> Path:
    """Return the database's file in the private folder; raise StoreError for links and special files.

    SQLite would write through a link, also in the place of its own files beside the database.
    """
    database = state / DATABASE
    for file in with_companions(database):
        try:
            refuse_unsafe(file, state)
        except OSError as failure:
            hint = read_hint(failure, "check the permissions of the file and its folder")
            raise StoreError(cannot_be("read", failure), hint, where=display_path(file)) from failure
    return database
