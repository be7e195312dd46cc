"""A SQLite database in the private folder that lasts as long as a block of one process.

What a killed process leaves behind is deleted by the next one that makes such a database.
"""

import logging
import os
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from sqlalchemy import URL

from newsletter.disk.failures import cannot_be, write_hint
from newsletter.display import display_path
from newsletter.errors import StoreError
from newsletter.state.database_files import with_companions
from newsletter.state.folder import create_private
from newsletter.state.process_lock import HAS_LOCKS, FileLock
from newsletter.store.database import translate_db_errors

log = logging.getLogger(__name__)

_PREFIX, _DATABASE, _LOCK = "temporary-", ".db", ".lock"
_CACHE_KILOBYTES = 32_000
# Nothing of it outlives the process, so that it needs neither a journal nor waits for the disk. Sorting must
# not write into another folder.
_PRAGMAS = (
    "locking_mode=exclusive",
    "journal_mode=off",
    "synchronous=off",
    "temp_store=memory",
    f"cache_size=-{_CACHE_KILOBYTES}",
)


@contextmanager
def temporary_database(folder: Path) -> Iterator[sqlite3.Connection]:
    """Make a database in a private folder, open a transaction in it, and delete it at the end of the block.

    Errors of SQLite in the block are raised as StoreError, which names the file; so are those of its making.
    After an error the database is not to be used any more: it has no journal.
    """
    with ExitStack() as stack:
        try:
            _sweep(folder)
            file = _reserve(folder, stack)
            create_private(file)
        except OSError as failure:
            hint = write_hint(failure, "check that you have the permission to write to its folder")
            raise StoreError(cannot_be("made", failure), hint, where=display_path(folder)) from failure
        stack.enter_context(translate_db_errors(URL.create("sqlite", database=str(file))))
        connection = sqlite3.connect(file, isolation_level=None)
        stack.callback(connection.close)
        for pragma in _PRAGMAS:
            connection.execute(f"pragma {pragma}")
        connection.execute("begin")
        yield connection


def _reserve(folder: Path, stack: ExitStack) -> Path:
    """Return a new name in a folder, and hold its lock until the stack is closed, which deletes its files.

    Raise StateError if the lock cannot be made.
    """
    while True:
        file = folder / f"{_PREFIX}{secrets.token_hex(8)}{_DATABASE}"
        if not HAS_LOCKS:  # Windows, where an open file cannot be deleted
            stack.callback(_delete, file)
            return file
        lock = FileLock(_lock_of(file))
        lock.wait()
        if lock.is_of(_lock_of(file)):
            stack.enter_context(lock)
            stack.callback(_delete, file)
            return file
        lock.close()  # another process found it before it was locked, and deleted it


def _sweep(folder: Path) -> None:
    """Delete the databases of processes that have ended, in a folder that perhaps does not exist."""
    with suppress(FileNotFoundError):
        for name in os.listdir(folder):
            if name.startswith(_PREFIX) and name.endswith(_LOCK if HAS_LOCKS else _DATABASE):
                _delete_if_dead((folder / name).with_suffix(_DATABASE))


def _delete_if_dead(file: Path) -> None:
    if not HAS_LOCKS:
        _delete(file)
        return
    with FileLock(_lock_of(file)) as lock:
        if lock.take():
            _delete(file)
            log.info("temporary database of a process that has ended was deleted")


def _lock_of(file: Path) -> Path:
    return file.with_suffix(_LOCK)


def _delete(file: Path) -> None:
    """Delete a database; its lock last, so that a database without a lock never stays behind."""
    for path in (*with_companions(file), _lock_of(file)):
        with suppress(OSError):
            path.unlink()
