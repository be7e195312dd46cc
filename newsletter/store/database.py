"""The database of the store: its connection, its transactions, its migration and its errors."""

import logging
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

from sqlalchemy import URL, Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, NoSuchModuleError, SQLAlchemyError

from newsletter.config.loader import Newsletter
from newsletter.disk.boundary import refuse_unsafe
from newsletter.disk.failures import cannot_be, read_hint, write_hint
from newsletter.display import display_path
from newsletter.errors import SendRefused, StoreError, Unavailable
from newsletter.state.folder import create_private
from newsletter.state.identity import claim
from newsletter.state.location import DATABASE
from newsletter.state.tracked import refuse_tracked
from newsletter.store.failures import explain
from newsletter.store.postgresql import IDLE_OPTION, LOCK_OPTION, server_engine
from newsletter.store.schema import REVISION

log = logging.getLogger(__name__)

# The longest wait for another writer of a file: an import of a long list takes minutes.
BUSY_SECONDS = 120.0
# A migration of another process rewrites whole tables.
MIGRATION_LOCK_SECONDS = 300.0
# SQLite waits in C code, which no Ctrl-C interrupts: it is asked to wait this long, again and again.
_BUSY_SLICE_SECONDS = 0.5
_DEFERRED = "news_deferred"


class Conflict(StoreError):
    """A violated constraint of the database: another process wrote the same row first."""


@contextmanager
def open_database(newsletter: Newsletter) -> Iterator["Database"]:
    """Open the database of a newsletter; close it when the block ends."""
    database = Database.open(newsletter)
    try:
        yield database
    finally:
        database.close()


class Database:
    """A migrated database; `reading` and `writing` open its transactions."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @classmethod
    def open(cls, newsletter: Newsletter, *, to_last: bool = False) -> Self:
        """Open the database of NEWS_DATABASE_URL, or else `news.db` of the state; migrate its tables.

        `to_last`: the data must outlive this machine; raise SendRefused for a file in CI. Raise StateError if
        the state belongs to another list, and StoreError or Unavailable if the database cannot be opened.
        """
        secrets = newsletter.secrets
        if to_last and newsletter.in_ci and not secrets.has_database_server:
            raise SendRefused(
                "the ledger would be deleted together with this CI machine, and the next send would mail the "
                "issue again to all subscribers",
                "set NEWS_DATABASE_URL to a permanent PostgreSQL database (postgresql://user@host/name)",
            )
        claim(newsletter.location, newsletter.list_id)
        if secrets.database_url:
            engine = _engine(secrets.database_url.get_secret_value())
        else:
            engine = _engine(URL.create("sqlite", database=str(private_file(newsletter.state))))
        database = cls(engine)
        log.debug("database opened", extra={"database": engine.dialect.name})
        try:
            database._migrate()
        except BaseException:
            database.close()
            raise
        return database

    def revision(self) -> str | None:
        """Return the revision of the last migration; None if the database was never migrated."""
        with self.reading() as connection:
            if not self._engine.dialect.has_table(connection, "alembic_version"):
                return None
            revision = connection.scalar(text("select version_num from alembic_version"))
            return None if revision is None else str(revision)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a transaction that only reads, and does not block writers."""
        with _translate_db_errors(self._engine), self._engine.connect() as connection:
            yield connection.execution_options(**{_DEFERRED: True})

    @contextmanager
    def writing(
        self, *, lock_seconds: float | None = None, idle_seconds: float | None = None
    ) -> Iterator[Connection]:
        """Open a transaction that is durable on the disk when the block ends; an exception rolls it back.

        Raise DatabaseBusy if a lock of another process lasts longer than `lock_seconds`. PostgreSQL ends the
        transaction if the process does nothing in it for `idle_seconds`.
        """
        options: dict[str, Any] = {LOCK_OPTION: lock_seconds, IDLE_OPTION: idle_seconds}
        engine = self._engine.execution_options(**options)
        with _translate_db_errors(engine), engine.begin() as connection:
            yield connection

    def clock_offset(self) -> timedelta:
        """Return the offset of a PostgreSQL server's clock, positive if it is ahead; zero for SQLite.

        The offset is measured from this machine's clock. All machines that use the database share the
        server's clock.
        """
        if self._engine.dialect.name != "postgresql":
            return timedelta()
        with self.reading() as connection:
            server_time = connection.scalar(text("select clock_timestamp()"))
        return server_time - datetime.now(UTC) if server_time else timedelta()

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def _migrate(self) -> None:
        if (before := self.revision()) == REVISION:
            return
        from newsletter.store.migrations.upgrade import upgrade

        with self.writing(lock_seconds=MIGRATION_LOCK_SECONDS) as connection:
            upgrade(connection)
        log.info("database migrated", extra={"from_revision": before, "to_revision": REVISION})


def private_file(state: Path) -> Path:
    """Return the database's file in the private folder; raise StoreError for links and special files.

    SQLite would write through a link, also in the place of its own files beside the database.
    """
    database = state / DATABASE
    for file in _with_companions(database):
        try:
            refuse_unsafe(file, state)
        except OSError as failure:
            hint = read_hint(failure, "check the permissions of the file and its folder")
            raise StoreError(cannot_be("read", failure), hint, where=display_path(file)) from failure
    return database


def _engine(url: str | URL) -> Engine:
    with translate_url_errors():
        parsed = database_url(url)
        return (
            _sqlite(parsed)
            if parsed.get_backend_name() == "sqlite"
            else server_engine(parsed, pool_pre_ping=True)
        )


_URL_FORMAT = "write it as postgresql://user@host/name, or sqlite:///path/to/news.db"


@contextmanager
def translate_url_errors() -> Iterator[None]:
    """Raise StoreError or Unavailable for an invalid database URL; the message does not quote the URL."""
    try:
        yield
    except (ArgumentError, NoSuchModuleError, TypeError, ValueError):
        # no cause: these errors quote the URL, and with it the password.
        raise StoreError("NEWS_DATABASE_URL is not a database URL", _URL_FORMAT) from None
    except ModuleNotFoundError as failure:
        raise Unavailable(
            "PostgreSQL needs the package psycopg, which is not installed", "pip install 'psycopg[binary]'"
        ) from failure


def database_url(url: str | URL) -> URL:
    """Parse the URL of a database; return it with the driver that this package uses.

    Raise StoreError for a database other than PostgreSQL and SQLite, and SQLAlchemy's errors for a malformed
    URL.
    """
    parsed = make_url(url)
    if parsed.drivername in ("postgres", "postgresql"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.get_backend_name() not in ("postgresql", "sqlite"):
        raise StoreError("NEWS_DATABASE_URL names neither PostgreSQL nor SQLite", _URL_FORMAT)
    return parsed


def _sqlite(url: Any) -> Engine:
    is_file = url.database and not url.database.startswith("file:")
    if is_file and not Path(url.database).absolute().parent.is_dir():
        what = f"the folder {Path(url.database).parent} of the database does not exist"
        raise StoreError(what, "create this folder, or correct NEWS_DATABASE_URL")
    if is_file:
        refuse_tracked_database(Path(url.database))
        _create_private(Path(url.database))
    engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS}, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def _connect(connection: Any, record: Any) -> None:
        # `_begin` starts the transactions, not the driver. FULL makes a commit survive a power cut: the
        # ledger must never lose a recorded attempt.
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"pragma {pragma}")
        if is_file:
            record.info["file"] = os.stat(url.database).st_ino

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A deferred transaction that reads first and then writes fails at once if another writer was faster,
        # without regard to the time-out. IMMEDIATE waits for the other writer instead.
        deferred = connection.get_execution_options().get(_DEFERRED)
        if is_file and not deferred and not _is_same_file(url.database, connection.connection.info["file"]):
            hint = "restore it; do not send with another database, which does not record the earlier sends"
            raise StoreError("the database's file was deleted or replaced", hint, where=url.database)
        if deferred:
            connection.exec_driver_sql("BEGIN")
        else:
            seconds = connection.get_execution_options().get(LOCK_OPTION) or BUSY_SECONDS
            _begin_immediate(connection.connection.driver_connection, seconds)

    return engine


def _begin_immediate(connection: Any, seconds: float) -> None:
    """Begin a transaction that writes; raise sqlite3's error if another one lasts longer than `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        rest = max(deadline - time.monotonic(), 0)
        connection.execute(f"pragma busy_timeout = {min(rest, _BUSY_SLICE_SECONDS) * 1000:.0f}")
        try:
            connection.execute("BEGIN IMMEDIATE")
            break
        except sqlite3.OperationalError as failure:
            if not failure.sqlite_errorname.startswith("SQLITE_BUSY") or not rest:
                raise
    connection.execute(f"pragma busy_timeout = {BUSY_SECONDS * 1000:.0f}")


def refuse_tracked_database(file: Path) -> None:
    """Raise StateError if Git tracks a database's file, or a file that SQLite keeps beside it."""
    refuse_tracked(*_with_companions(file))


def _with_companions(file: Path) -> list[Path]:
    """Return a database's file and those that SQLite makes beside it (https://www.sqlite.org/tempfiles.html)."""
    return [file.with_name(f"{file.name}{suffix}") for suffix in ("", "-wal", "-shm", "-journal")]


def _create_private(file: Path) -> None:
    """Create a database's file, or restrict it, so that only its owner may read it."""
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


@contextmanager
def _translate_db_errors(engine: Engine) -> Iterator[None]:
    """Raise StoreError for each error that the database's driver raises in the block."""
    try:
        yield
    except IntegrityError as failure:
        raise Conflict("another process wrote the same row first", "run the same command again") from failure
    except DBAPIError as failure:
        raise explain(failure.orig, engine.url) from failure
    except (SQLAlchemyError, sqlite3.Error) as failure:
        raise explain(failure, engine.url) from failure
