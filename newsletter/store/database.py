"""The database of the store: its connection, its transactions, its migration and its errors."""

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

from sqlalchemy import URL, Connection, Engine, StaticPool, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, NoSuchModuleError, SQLAlchemyError

from newsletter.config.loader import Newsletter
from newsletter.display import display_path
from newsletter.errors import SendRefused, StoreError, Unavailable
from newsletter.state.identity import claim
from newsletter.store.closed import ClosedMark, DatabaseClosed, refuse_closed, version
from newsletter.store.failures import describe, explain, sqlite_path
from newsletter.store.freed_space import WAIT_SECONDS, erase_from_file, erase_on_server
from newsletter.store.new_tables import make_tables
from newsletter.store.postgresql import IDLE_OPTION, LOCK_OPTION, WRITER_OPTION, server_engine
from newsletter.store.schema import REVISION, metadata
from newsletter.store.sqlite import (
    DEFERRED_OPTION,
    file_engine,
    is_in_transaction,
    make_file,
    private_file,
)

log = logging.getLogger(__name__)

# A migration of another process rewrites whole tables.
MIGRATION_LOCK_SECONDS = 300.0
# While a copy is verified, one of its two connections has nothing to do.
COPY_IDLE_SECONDS = 3600.0


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


def refuse_lost_with_machine(newsletter: Newsletter) -> None:
    """Raise SendRefused if the database is a file that is deleted together with a machine of a CI service."""
    if newsletter.in_ci and not newsletter.secrets.has_database_server:
        raise SendRefused(
            "the ledger would be deleted together with this CI machine, and the next send would mail the "
            "issue again to all subscribers",
            "keep the state on a Git ref (`state: git` in newsletter.yml), or set NEWS_DATABASE_URL to a "
            "permanent PostgreSQL database (postgresql://user@host/name)",
        )


class Database:
    """A migrated database; `reading` and `writing` open its transactions."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @classmethod
    def open(
        cls,
        newsletter: Newsletter,
        *,
        to_last: bool = False,
        for_test: bool = False,
        even_closed: bool = False,
    ) -> Self:
        """Open the database of NEWS_DATABASE_URL, or else `news.db` of the state; migrate its tables.

        `to_last`: the data must outlive this machine; raise SendRefused for a file in CI. `for_test`:
        do not record whose state it is. `even_closed`: open a closed database too, without a migration. Raise
        StateError if the state belongs to another list, DatabaseClosed if the content was copied to another
        database, and StoreError or Unavailable if it cannot be opened.
        """
        secrets = newsletter.secrets
        if to_last:
            refuse_lost_with_machine(newsletter)
        claim(newsletter.location, newsletter.list_id, for_test=for_test)
        if secrets.database_url:
            engine = _engine(secrets.database_url.get_secret_value())
        else:
            engine = _engine(URL.create("sqlite", database=str(private_file(newsletter.state))))
        database = cls(engine)
        log.debug("database opened", extra={"database": engine.dialect.name})
        try:
            if not (even_closed and ClosedMark.parse(database.revision())):
                database._migrate()
        except BaseException:
            database.close()
            raise
        return database

    @classmethod
    def at(cls, place: str | Path) -> Self:
        """Return the database at a URL or in a file, as it is: not migrated, and claimed for no list."""
        return cls(_engine(URL.create("sqlite", database=str(place)) if isinstance(place, Path) else place))

    @property
    def url(self) -> URL:
        """Return the URL, with the password."""
        return self._engine.url

    @property
    def description(self) -> str:
        """Return the description for messages, without a password."""
        return describe(self.url)

    def revision(self) -> str | None:
        """Return the revision of the last migration, or the mark of a closed database.

        Return None if the database was never migrated.
        """
        with self.reading() as connection:
            has_table = self._engine.dialect.has_table(connection, "alembic_version")
            return version(connection) if has_table else None

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a transaction that only reads, and does not block writers.

        All its statements see the database as it is at the first one.
        """
        options: dict[str, Any] = {DEFERRED_OPTION: True}
        if self._engine.dialect.name == "postgresql":  # SQLite has no other isolation
            options["isolation_level"] = "REPEATABLE READ"
        with translate_db_errors(self._engine.url), self._engine.connect() as connection:
            yield connection.execution_options(**options)

    @contextmanager
    def writing(
        self, *, lock_seconds: float | None = None, idle_seconds: float | None = None
    ) -> Iterator[Connection]:
        """Open a transaction that is durable on the disk when the block ends; an exception rolls it back.

        Raise DatabaseBusy if a lock of another process lasts longer than `lock_seconds`, and DatabaseClosed
        if another process has closed the database meanwhile. PostgreSQL ends the transaction if the process
        does nothing in it for `idle_seconds`.
        """
        options = {LOCK_OPTION: lock_seconds, IDLE_OPTION: idle_seconds, WRITER_OPTION: "shared"}
        with self._begin(options) as connection:
            refuse_closed(connection)
            yield connection

    @contextmanager
    def writing_alone(self) -> Iterator[Connection]:
        """Open a transaction like that of `writing`, during which no other process writes.

        A closed database is not refused.
        """
        with self._begin({IDLE_OPTION: COPY_IDLE_SECONDS, WRITER_OPTION: "alone"}) as connection:
            yield connection

    @contextmanager
    def lasting_transaction(self, *, lock_seconds: float) -> Iterator[Connection]:
        """Open a transaction for the locks that the block takes, and roll it back; it may last for days.

        A connection that was lost meanwhile is no error.
        """
        engine = self._engine.execution_options(**{LOCK_OPTION: lock_seconds})
        with translate_db_errors(engine.url):
            connection = engine.connect()
        try:
            with translate_db_errors(engine.url):
                connection.begin()
            yield connection
        finally:
            connection.invalidate()  # it is closed, and not asked to roll back
            connection.close()

    @contextmanager
    def _begin(self, options: dict[str, Any]) -> Iterator[Connection]:
        engine = self._engine.execution_options(**options)
        with translate_db_errors(engine.url), engine.begin() as connection:
            has_begun = is_in_transaction(connection)  # that of a copy in memory has none
            yield connection
            if has_begun and has_ended(connection):
                what = "the database has rolled back the changes, because one of them failed"
                raise StoreError(what, "run the same command again", where=self.description)

    def copy_to(self, file: Path) -> None:
        """Copy a SQLite database, as it is at this moment, to a new file that only its owner may read.

        Raise StoreError for PostgreSQL, and if the file has content already or cannot be written.
        """
        self._refuse_server()
        make_file(file)
        if file.stat().st_size:
            raise StoreError("there is such a file already", "name another file", where=display_path(file))
        copy = URL.create("sqlite", database=str(file))
        with translate_db_errors(copy), closing(self._engine.raw_connection()) as connection:
            connection.cursor().execute("vacuum into ?", (str(file),))

    @classmethod
    def of_copy(cls, content: bytes) -> Self:
        """Return a copy in memory, and migrate it; raise StoreError if it is damaged."""

        def connect() -> sqlite3.Connection:
            connection = sqlite3.connect(":memory:", isolation_level=None)
            connection.deserialize(content)
            return connection

        engine = create_engine("sqlite://", creator=connect, poolclass=StaticPool, hide_parameters=True)
        database = cls(engine)
        with database.reading() as connection:
            if (result := connection.scalar(text("pragma quick_check(1)"))) != "ok":
                raise StoreError(f"the copy of the database is damaged: {result}", "use another copy")
        database._migrate()
        return database

    def replace_content(self, copy: "Database") -> None:
        """Replace the content of a SQLite database by that of a copy, in one transaction, and migrate it.

        The file stays the same one. Raise StoreError for PostgreSQL, or if it cannot be written.
        """
        self._refuse_server()
        raw_connections = copy._engine.raw_connection(), self._engine.raw_connection()
        with translate_db_errors(self._engine.url), closing(raw_connections[0]), closing(raw_connections[1]):
            source, target = (connection.driver_connection for connection in raw_connections)
            source.backup(target)  # type: ignore[union-attr]
        self._migrate()

    def generation(self) -> int:
        """Return the number of the newest save that this SQLite database belongs to; 0 for a new database.

        It is in the file itself, so that a file that was deleted, or replaced by an older one, is noticed.
        """
        with self.reading() as connection:
            return int(connection.scalar(text("pragma user_version")) or 0)

    def set_generation(self, number: int) -> None:
        """Record the number of a save in this SQLite database; copies that are made from it have it too."""
        with self.writing() as connection:
            connection.exec_driver_sql(f"pragma user_version = {int(number)}")

    def erase_deleted(self, wait_seconds: float = WAIT_SECONDS, *, rewrite: bool = True) -> bool:
        """Erase what was deleted from the database's files; return False if other processes prevent it.

        `rewrite` is that of `erase_from_file`. PostgreSQL frees the space, and uses it again later.
        """
        if self._engine.dialect.name != "sqlite":
            with translate_db_errors(self._engine.url):
                erase_on_server(self._engine, [table.name for table in metadata.sorted_tables])
            return True
        with translate_db_errors(self._engine.url), closing(self._engine.raw_connection()) as connection:
            raw: Any = connection.driver_connection
            return erase_from_file(raw, wait_seconds, rewrite=rewrite)

    def _refuse_server(self) -> None:
        if self._engine.dialect.name != "sqlite":
            raise StoreError("PostgreSQL keeps no state in a file", "make a backup with pg_dump")

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
        if mark := ClosedMark.parse(before):
            raise DatabaseClosed(mark, self.description)
        with self._begin({LOCK_OPTION: MIGRATION_LOCK_SECONDS}) as connection:
            if not make_tables(connection):
                from newsletter.store.migrations.upgrade import upgrade

                upgrade(connection)
        log.info("database migrated", extra={"from_revision": before, "to_revision": REVISION})


def _engine(url: str | URL) -> Engine:
    with translate_url_errors():
        parsed = database_url(url)
        return (
            file_engine(parsed)
            if parsed.get_backend_name() == "sqlite"
            else server_engine(parsed, pool_pre_ping=True)
        )


def has_ended(connection: Connection) -> bool:
    """Return True if the database has ended a transaction, so that nothing of it would be committed."""
    return connection.invalidated or not is_in_transaction(connection)


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

    Raise StoreError for a database other than PostgreSQL and SQLite and for one in memory, and SQLAlchemy's
    errors for a malformed URL.
    """
    parsed = make_url(url)
    if parsed.drivername in ("postgres", "postgresql"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.get_backend_name() not in ("postgresql", "sqlite"):
        raise StoreError("NEWS_DATABASE_URL names neither PostgreSQL nor SQLite", _URL_FORMAT)
    if parsed.get_backend_name() == "sqlite" and sqlite_path(parsed) is None:
        what = "NEWS_DATABASE_URL names a database in memory, which is lost when the command ends"
        raise StoreError(what, _URL_FORMAT)
    return parsed


@contextmanager
def translate_db_errors(url: URL) -> Iterator[None]:
    """Raise StoreError, which names the database, for each error that its driver raises in the block."""
    try:
        yield
    except IntegrityError as failure:
        raise Conflict("another process wrote the same row first", "run the same command again") from failure
    except DBAPIError as failure:
        raise explain(failure.orig, url) from failure
    except (SQLAlchemyError, sqlite3.Error) as failure:
        raise explain(failure, url) from failure
