"""Erase deleted rows from a database's files: a deletion alone leaves their bytes there."""

import logging
import sqlite3
import time
from collections.abc import Callable, Sequence

from sqlalchemy import Engine

from newsletter.store.sqlite import BUSY_SECONDS

log = logging.getLogger(__name__)

# A process that reads the database, such as a list in a terminal, keeps the write-ahead log from being
# emptied.
WAIT_SECONDS = 20.0
_SLICE_MS = 500
# The application id of a database of which every page was written with secure_delete.
_CLEAN = 0x6E657773


def erase_from_file(connection: sqlite3.Connection, seconds: float, *, rewrite: bool = True) -> bool:
    """Empty the write-ahead log of a SQLite database, and erase what was deleted in its file.

    `secure_delete` has overwritten the deleted rows. But pages that were divided while it was off, by an
    earlier version of news, have copies of rows in their free space: the first time, the whole file is
    written anew, which locks a large one for seconds; not with `rewrite` False. Return False if other
    processes used the database for all of `seconds`.
    """
    deadline = time.monotonic() + seconds
    connection.execute(f"pragma busy_timeout = {_SLICE_MS}")
    try:
        if rewrite and connection.execute("pragma application_id").fetchone() != (_CLEAN,):
            if not _until(deadline, lambda: _write_anew(connection)):
                return False
            log.info("database written anew")
        return _until(deadline, lambda: _empty_log(connection))
    finally:  # the connection is used again
        connection.execute(f"pragma busy_timeout = {BUSY_SECONDS * 1000:.0f}")


def erase_on_server(engine: Engine, tables: Sequence[str]) -> None:
    """Let a PostgreSQL server free the space of deleted rows."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(f"vacuum (skip_locked) {', '.join(tables)}")


def _write_anew(connection: sqlite3.Connection) -> bool:
    """Write a database anew, without its free space; return False if another process uses it."""
    try:
        connection.execute("vacuum")
        connection.execute(f"pragma application_id = {_CLEAN}")
    except sqlite3.OperationalError as failure:
        if failure.sqlite_errorname.startswith("SQLITE_BUSY"):
            return False
        raise
    return True


def _empty_log(connection: sqlite3.Connection) -> bool:
    """Move the write-ahead log into the database's file; return False if another process reads it."""
    busy, _, _ = connection.execute("pragma wal_checkpoint(truncate)").fetchone()
    return not busy


def _until(deadline: float, step: Callable[[], bool]) -> bool:
    """Repeat a step, which waits by itself, until it returns True; return False after the deadline."""
    while not step():
        if time.monotonic() >= deadline:
            log.warning("deleted rows not erased: other processes use the database")
            return False
    return True
