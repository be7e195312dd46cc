"""Erase deleted rows from a database's files: a deletion alone leaves their bytes there."""

import logging
import sqlite3
import time
from collections.abc import Sequence

from sqlalchemy import Engine

log = logging.getLogger(__name__)

# A process that reads the database, such as a list in a terminal, keeps the write-ahead log from being
# emptied.
WAIT_SECONDS = 20.0
_SLICE_MS = 500
_BLOCK_BYTES = 4 * 1024**2


def erase_from_file(connection: sqlite3.Connection, texts: Sequence[str], seconds: float) -> bool:
    """Empty the write-ahead log of a SQLite database, and erase what was deleted in its file.

    `secure_delete` has overwritten the deleted rows. But pages that were divided while it was off, by an
    earlier version of news, have copies of rows in their free space: if one of `texts` (in lower case) is
    still in the file, the file is written anew. Return False if other processes used the database for all of
    `seconds`.
    """
    deadline = time.monotonic() + seconds
    if not _empty_log(connection, deadline):
        return False
    # Not read as a file: to close that would end the locks that SQLite has on it in this process
    # (https://www.sqlite.org/howtocorrupt.html, 2.2).
    if not _has(connection.serialize(), texts):
        return True
    log.info("database written anew")
    try:
        connection.execute("vacuum")
    except sqlite3.OperationalError as failure:
        if failure.sqlite_errorname.startswith("SQLITE_BUSY"):
            return False
        raise
    return _empty_log(connection, deadline)


def erase_on_server(engine: Engine, tables: Sequence[str]) -> None:
    """Let a PostgreSQL server free the space of deleted rows."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(f"vacuum (skip_locked) {', '.join(tables)}")


def _has(content: bytes, texts: Sequence[str]) -> bool:
    """Return True if one of some texts, which are in lower case, is in a content in any case."""
    wanted = [text.encode() for text in texts]
    overlap = max(map(len, wanted), default=0)
    for start in range(0, len(content), _BLOCK_BYTES):
        block = content[start : start + _BLOCK_BYTES + overlap].lower()
        if any(text in block for text in wanted):
            return True
    return False


def _empty_log(connection: sqlite3.Connection, deadline: float) -> bool:
    """Move the write-ahead log into the database's file; return False if other processes prevent it."""
    connection.execute(f"pragma busy_timeout = {_SLICE_MS}")
    while True:
        busy, _, _ = connection.execute("pragma wal_checkpoint(truncate)").fetchone()
        if not busy:
            return True
        if time.monotonic() >= deadline:
            log.warning("write-ahead log not emptied: other processes use the database")
            return False
