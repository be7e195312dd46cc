"""Inspect the database without a change: it is not created, not migrated and not locked."""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import URL, Engine, create_engine, text

from newsletter.display import display_path
from newsletter.errors import StoreError
from newsletter.state.location import DATABASE
from newsletter.store.closed import ClosedMark
from newsletter.store.copy_target import file_url
from newsletter.store.database import Database, database_url, translate_url_errors
from newsletter.store.failures import describe, sqlite_path
from newsletter.store.ledger_queries import LedgerQueries
from newsletter.store.postgresql import Security, security, server_engine
from newsletter.store.schema import REVISION
from newsletter.store.sqlite import private_file, refuse_tracked_database
from newsletter.store.subscribers import Subscribers


@dataclass(frozen=True)
class DatabaseStatus:
    """The state of a database and the size of its content."""

    # Revision of the last migration, or the mark of a closed database; None if the database does not exist or
    # was never migrated.
    revision: str | None = None
    # True if this user has the permission to write to it.
    writable: bool = True
    # Active subscribers; None if its tables are not those of this version.
    subscribers: int | None = None
    # Held batches of all sends that may still be recalled; None if the tables are not those of this version.
    held_batches: int | None = None
    # Offset of its clock from this machine's, positive if it is ahead; None for a file, which has no clock.
    clock_offset: timedelta | None = None
    # Encryption of the connection to its server; None for a file.
    security: Security | None = None

    @property
    def closed(self) -> ClosedMark | None:
        """Return the mark of a database whose content was copied to another one."""
        return ClosedMark.parse(self.revision)

    @property
    def age(self) -> str:
        """Return the age of the tables for this version: `missing`, `older`, `current` or `newer`.

        That of a database whose content was copied to another one is `closed`.
        """
        if self.revision is None:
            return "missing"
        if self.revision == REVISION:
            return "current"
        if self.closed:
            return "closed"
        from newsletter.store.migrations.upgrade import known

        return "older" if known(self.revision) else "newer"


def named(configured_url: str | None, state: Path) -> tuple[str, bool]:
    """Return the description of a database for messages, without its password, and True if it is a file.

    `configured_url` is NEWS_DATABASE_URL. Raise StoreError if it is invalid.
    """
    if not configured_url:
        return display_path(state / DATABASE), True
    with translate_url_errors():
        url = database_url(configured_url)
        return describe(url), url.get_backend_name() == "sqlite"


def contents(configured_url: str | None, state: Path, timeout: float) -> DatabaseStatus:
    """Return the status of the database of NEWS_DATABASE_URL, or else of `news.db` of the state.

    `timeout` applies to the connection, and to each query, in seconds. Raise StoreError or Unavailable if the
    database cannot be read.
    """
    location = _location(configured_url, state)
    if isinstance(location, URL):
        return _read(_server_engine(location, timeout), writable=True, has_clock=True)
    if not os.path.lexists(location):
        return DatabaseStatus(writable=_can_create(location))
    refuse_tracked_database(location)
    # The folder must be writable too: SQLite writes its journal beside the file.
    writable = os.access(location, os.W_OK) and os.access(location.parent, os.W_OK | os.X_OK)
    return _read(_file_engine(location, timeout), writable, has_clock=False)


@contextmanager
def looked_at(configured_url: str | None, state: Path, timeout: float) -> Iterator[Database | None]:
    """Open the database of NEWS_DATABASE_URL, or else `news.db` of the state, for reading.

    Yield None if it does not exist, or if its tables are not those of this version. `timeout` is as in
    `contents`. Raise StoreError or Unavailable if the database cannot be read.
    """
    location = _location(configured_url, state)
    if isinstance(location, Path) and not os.path.lexists(location):
        yield None
        return
    if isinstance(location, URL):
        engine = _server_engine(location, timeout)
    else:
        refuse_tracked_database(location)
        engine = _file_engine(location, timeout)
    with closing(Database(engine)) as database:
        yield database if database.revision() == REVISION else None


def stamp(configured_url: str | None, state: Path) -> tuple[tuple[int, int], ...] | None:
    """Return a value that changes with each write to the database's files; None for a server.

    Raise StoreError or Unavailable if the URL is invalid.
    """
    location = _location(configured_url, state)
    if isinstance(location, URL):
        return None
    return tuple(_mtime_and_size(file) for file in (location, _wal(location)))


def _mtime_and_size(file: Path) -> tuple[int, int]:
    try:
        status = file.stat()
    except OSError:  # SQLite may delete the file at any time
        return 0, 0
    return status.st_mtime_ns, status.st_size


def _location(configured_url: str | None, state: Path) -> Path | URL:
    """Return the database's file, or the URL of its server.

    Raise StoreError for a database in memory, for a URI, and for a link or a special file in the private
    folder.
    """
    if not configured_url:
        return private_file(state)
    with translate_url_errors():
        url = database_url(configured_url)
    if url.get_backend_name() == "postgresql":
        return url
    file = sqlite_path(url) or private_file(state)  # `database_url` refuses a database in memory
    if file != Path(url.database or ""):
        what = "NEWS_DATABASE_URL names its file by a URI, which the doctor and the preview do not read"
        raise StoreError(what, f"write it as {file_url(file)}")
    return file


def _file_engine(file: Path, timeout: float) -> Engine:
    return create_engine(_read_only_url(file), connect_args={"timeout": timeout})


def _wal(file: Path) -> Path:
    return Path(f"{file}-wal")


def _read_only_url(file: Path) -> URL:
    """Return a URL that opens the file for reading and creates no `-wal` and `-shm` files beside it.

    In WAL mode even a reader would create them (https://www.sqlite.org/wal.html#readonly). While no process
    has the file open, there is no WAL, and the file can be read as immutable; otherwise its `-shm` exists.
    Raise StoreError if there are changes in the WAL only.
    """
    wal, shm = _wal(file), Path(f"{file}-shm")
    if _mtime_and_size(wal)[1] and not shm.exists():
        what = f"has changes that are only in {wal.name}"
        raise StoreError(what, "run a command that merges them: news status", where=display_path(file))
    mode = {"mode": "ro"} if shm.exists() else {"mode": "ro", "immutable": "1"}
    return URL.create("sqlite", database=file.absolute().as_uri(), query={**mode, "uri": "true"})


def _can_create(file: Path) -> bool:
    parent = next(folder for folder in file.absolute().parents if folder.exists())
    return parent.is_dir() and os.access(parent, os.W_OK | os.X_OK)


def _server_engine(url: URL, timeout: float) -> Engine:
    with translate_url_errors():
        return server_engine(
            url,
            connect_seconds=max(2, int(timeout)),
            statement_seconds=timeout,
            execution_options={"postgresql_readonly": True},
        )


def _read(engine: Engine, writable: bool, *, has_clock: bool) -> DatabaseStatus:
    with closing(Database(engine)) as database:
        revision = database.revision()
        status = DatabaseStatus(revision, writable)
        if has_clock:
            status = replace(
                status,
                writable=_may_write(database, has_tables=revision is not None),
                clock_offset=database.clock_offset(),
                security=_security(database),
            )
        if revision != REVISION:
            return status
        held_batches = LedgerQueries(database).held_batches_in_use(datetime.now(UTC))
        return replace(status, subscribers=Subscribers(database).count_active(), held_batches=held_batches)


def _security(database: Database) -> Security:
    with database.reading() as connection:
        return security(connection)


def _may_write(database: Database, *, has_tables: bool) -> bool:
    """Return True if PostgreSQL permits this user to write; a stand-by server accepts no writes at all."""
    privilege = (
        "has_table_privilege('send', 'insert')"
        if has_tables
        else "coalesce(has_schema_privilege(current_schema(), 'create'), false)"
    )
    with database.reading() as connection:
        return bool(connection.scalar(text(f"select {privilege} and not pg_is_in_recovery()")))
