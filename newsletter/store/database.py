"""The database behind the store: opened, migrated, and its failures put into words."""

import logging
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

from sqlalchemy import URL, Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, NoSuchModuleError, SQLAlchemyError

from newsletter.config.loader import Newsletter, load
from newsletter.display import display_path, write_hint
from newsletter.errors import SendRefused, StoreError, Unavailable, cannot_be
from newsletter.state.folder import make_private_dir
from newsletter.store.failures import explain
from newsletter.store.schema import REVISION

log = logging.getLogger(__name__)

BUSY_SECONDS = 120
_DEFERRED = "news_deferred"


class Conflict(StoreError):
    """What may be there only once is there already."""


@contextmanager
def open_database(folder: Path) -> Iterator["Database"]:
    """The database of the newsletter in a folder, for as long as the block lasts."""
    database = Database.open(load(folder))
    try:
        yield database
    finally:
        database.close()


class Database:
    """A migrated database; `reading` and `writing` are its transactions."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @classmethod
    def open(cls, newsletter: Newsletter, *, to_last: bool = False) -> Self:
        """The one that NEWS_DATABASE_URL names, or `.news/news.db`; brings its tables up to date.

        `to_last`: what is written must outlive this machine; raises SendRefused for a file in CI.
        """
        given = newsletter.secrets.database_url
        if to_last and newsletter.in_ci and not (given and given.get_secret_value().startswith("postgres")):
            raise SendRefused(
                "the ledger of what was sent would vanish with this machine, and the next run would send "
                "the issue again to everybody",
                "set NEWS_DATABASE_URL to a PostgreSQL database that is kept (postgresql://user@host/name)",
            )
        if given:
            engine = _engine(given.get_secret_value())
        else:
            try:
                make_private_dir(newsletter.state)
            except OSError as failure:
                hint = write_hint(failure, "check that you may write to its folder")
                what = cannot_be("made", failure)
                raise StoreError(what, hint, where=display_path(newsletter.state)) from failure
            engine = _engine(f"sqlite:///{newsletter.state / 'news.db'}")
        database = cls(engine)
        log.debug("database opened", extra={"database": engine.dialect.name})
        try:
            database._migrate()
        except BaseException:
            database.close()
            raise
        return database

    def revision(self) -> str | None:
        """The newest migration that was run; None where there never was one."""
        with _translate_db_errors(self._engine), self._engine.connect() as connection:
            if not self._engine.dialect.has_table(connection, "alembic_version"):
                return None
            found = connection.scalar(text("select version_num from alembic_version"))
            return None if found is None else str(found)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that only reads, and holds no writer up."""
        with _translate_db_errors(self._engine), self._engine.connect() as connection:
            yield connection.execution_options(**{_DEFERRED: True})

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that is on the disk when the block has ended, or never was."""
        with _translate_db_errors(self._engine), self._engine.begin() as connection:
            yield connection

    def clock_offset(self) -> timedelta:
        """By how much the clock that all machines on this database share is ahead of this one's."""
        if self._engine.dialect.name != "postgresql":
            return timedelta()
        with self.reading() as connection:
            theirs = connection.scalar(text("select clock_timestamp()"))
        return theirs - datetime.now(UTC) if theirs else timedelta()

    def close(self) -> None:
        """Gives every connection back."""
        self._engine.dispose()

    def _migrate(self) -> None:
        if (before := self.revision()) == REVISION:
            return
        from newsletter.store.migrations.upgrade import upgrade

        with self.writing() as connection:
            upgrade(connection)
        log.info("database migrated", extra={"from_revision": before, "to_revision": REVISION})


def _engine(url: str) -> Engine:
    with translate_url_errors():
        parsed = database_url(url)
        return (
            _sqlite(parsed)
            if parsed.get_backend_name() == "sqlite"
            else create_engine(parsed, pool_pre_ping=True, hide_parameters=True)
        )


_HOW = "write it as postgresql://user@host/name, or sqlite:///path/to/news.db"


@contextmanager
def translate_url_errors() -> Iterator[None]:
    """Whatever is wrong with a database's address, in words that do not quote it."""
    try:
        yield
    except (ArgumentError, NoSuchModuleError, TypeError, ValueError):
        # no cause: these errors quote the address, and with it the password
        raise StoreError("NEWS_DATABASE_URL is no database address", _HOW) from None
    except ModuleNotFoundError as failure:
        raise Unavailable("PostgreSQL needs psycopg", "pip install 'psycopg[binary]'") from failure


def database_url(given: str) -> URL:
    """A database's address, with the driver that is used here."""
    parsed = make_url(given)
    if parsed.drivername in ("postgres", "postgresql"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.get_backend_name() not in ("postgresql", "sqlite"):
        raise StoreError("NEWS_DATABASE_URL names neither PostgreSQL nor SQLite", _HOW)
    return parsed


def _sqlite(url: Any) -> Engine:
    named = url.database and not url.database.startswith("file:")
    if named and not Path(url.database).absolute().parent.is_dir():
        raise StoreError(f"there is no folder {Path(url.database).parent} for the database", "make it first")
    engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS}, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def _connect(connection: Any, record: Any) -> None:
        # Transactions are begun below; FULL makes a commit survive a power cut, which the ledger lives by.
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"pragma {pragma}")
        if named:
            record.info["file"] = os.stat(url.database).st_ino

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A transaction that starts by reading and then writes fails at once when another writer was
        # quicker, whatever the time-out; IMMEDIATE waits its turn instead.
        deferred = connection.get_execution_options().get(_DEFERRED)
        if named and not deferred and not _is_file(url.database, connection.connection.info["file"]):
            hint = "put it back, and send from no other one, which knows of no earlier send"
            raise StoreError("the database's file was deleted or replaced", hint, where=url.database)
        connection.exec_driver_sql("BEGIN" if deferred else "BEGIN IMMEDIATE")

    return engine


def _is_file(path: str, inode: int) -> bool:
    """Whether a path still leads to the file that was opened; SQLite goes on writing to one that is gone."""
    try:
        return os.stat(path).st_ino == inode
    except OSError:
        return False


@contextmanager
def _translate_db_errors(engine: Engine) -> Iterator[None]:
    """Raise StoreError for what the database's driver raises in the block."""
    try:
        yield
    except IntegrityError as failure:
        raise Conflict("another process was quicker", "run the same command again") from failure
    except DBAPIError as failure:
        raise explain(failure.orig, engine.url) from failure
    except (SQLAlchemyError, sqlite3.Error) as failure:
        raise explain(failure, engine.url) from failure
