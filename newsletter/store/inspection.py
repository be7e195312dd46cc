"""A look at the database that changes nothing: it is neither made nor migrated, nor locked for others."""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, event, text

from newsletter.display import display_path
from newsletter.errors import StoreError
from newsletter.store.database import Database, database_url, translate_url_errors
from newsletter.store.failures import describe
from newsletter.store.ledger_queries import LedgerQueries
from newsletter.store.schema import REVISION
from newsletter.store.subscribers import Subscribers


@dataclass(frozen=True)
class DatabaseStatus:
    """What a database holds.

    `revision` is its newest migration, None where it was never made. Where its tables are not those of this
    version nothing is counted. `writable` is whether this user may write to it; `lanes` are the batches of
    mail that could be called back, by the ledger; `ahead` is its clock, None where it has none of its own.
    """

    revision: str | None = None
    writable: bool = True
    subscribers: int | None = None
    held_batches: int | None = None
    clock_offset: timedelta | None = None

    @property
    def age(self) -> str:
        """Against this version: `missing`, `older`, `current` or `newer`."""
        if self.revision is None:
            return "missing"
        if self.revision == REVISION:
            return "current"
        from newsletter.store.migrations.upgrade import known

        return "older" if known(self.revision) else "newer"


def named(given: str | None, state: Path) -> tuple[str, bool]:
    """What to call a database, without its password, and whether it is a file; raises StoreError."""
    if not given:
        return display_path(state / "news.db"), True
    with translate_url_errors():
        url = database_url(given)
        return describe(url), url.get_backend_name() == "sqlite"


def contents(given: str | None, state: Path, timeout: float) -> DatabaseStatus:
    """What the database of NEWS_DATABASE_URL, or `.news/news.db`, holds; raises StoreError, Unavailable.

    `timeout` is for connecting, and for each question, in seconds.
    """
    place = _place(given, state)
    if isinstance(place, URL):
        return _read(_server(place, timeout), writable=True, has_clock=True)
    if not os.path.lexists(place):
        return DatabaseStatus(writable=_can_make(place))
    # The folder too: SQLite writes its journal beside the file.
    writable = os.access(place, os.W_OK) and os.access(place.parent, os.W_OK | os.X_OK)
    return _read(_file(place, timeout), writable, has_clock=False)


@contextmanager
def looked_at(given: str | None, state: Path, timeout: float) -> Iterator[Database | None]:
    """The same database, to read; None where there is none, or its tables are not those of this version.

    Raises StoreError, Unavailable.
    """
    place = _place(given, state)
    if isinstance(place, Path) and not os.path.lexists(place):
        yield None
        return
    engine = _server(place, timeout) if isinstance(place, URL) else _file(place, timeout)
    with closing(Database(engine)) as database:
        yield database if database.revision() == REVISION else None


def stamp(given: str | None, state: Path) -> tuple[tuple[int, int], ...] | None:
    """What differs once somebody has written to the database's files; None where it has none here.

    Raises StoreError, Unavailable.
    """
    place = _place(given, state)
    if isinstance(place, URL):
        return None
    return tuple(_written(file) for file in (place, _wal(place)))


def _written(file: Path) -> tuple[int, int]:
    try:
        status = file.stat()
    except OSError:  # it may go away between two looks
        return 0, 0
    return status.st_mtime_ns, status.st_size


def _place(given: str | None, state: Path) -> Path | URL:
    """The file that the database is, or its server's address."""
    if not given:
        return state / "news.db"
    with translate_url_errors():
        url = database_url(given)
    if url.get_backend_name() == "postgresql":
        return url
    if not url.database or url.database.startswith("file:"):
        raise StoreError("a database in memory is forgotten with each command", "name a file")
    return Path(url.database)


def _file(file: Path, timeout: float) -> Engine:
    return create_engine(_readable(file), connect_args={"timeout": timeout})


def _wal(file: Path) -> Path:
    return Path(f"{file}-wal")


def _readable(file: Path) -> str:
    """An address of the file that makes none beside it, as even reading in WAL mode would.

    (https://www.sqlite.org/wal.html#readonly) Where nobody has it open there is no WAL, and it will not
    change under us; where somebody has, the files are there already.
    """
    wal, shm = _wal(file), Path(f"{file}-shm")
    if _written(wal)[1] and not shm.exists():
        what = f"holds changes that are in {wal.name} only"
        raise StoreError(what, "any command that uses it puts them in: news status", where=display_path(file))
    mode = "mode=ro" if shm.exists() else "mode=ro&immutable=1"
    return f"sqlite:///{file.absolute().as_uri()}?{mode}&uri=true"


def _can_make(file: Path) -> bool:
    there = next(folder for folder in file.absolute().parents if folder.exists())
    return there.is_dir() and os.access(there, os.W_OK | os.X_OK)


def _server(url: URL, timeout: float) -> Engine:
    with translate_url_errors():
        engine = create_engine(
            url,
            connect_args={"connect_timeout": max(2, int(timeout))},
            execution_options={"postgresql_readonly": True},
        )

    @event.listens_for(engine, "begin")
    def _limit(connection: Connection) -> None:
        connection.exec_driver_sql(f"set local statement_timeout = {timeout * 1000:.0f}")

    return engine


def _read(engine: Engine, writable: bool, *, has_clock: bool) -> DatabaseStatus:
    with closing(Database(engine)) as database:
        revision = database.revision()
        clock_offset = database.clock_offset() if has_clock else None
        if has_clock:
            writable = _may_write(database, made=revision is not None)
        if revision != REVISION:
            return DatabaseStatus(revision, writable, clock_offset=clock_offset)
        held_batches = LedgerQueries(database).held_batches_in_use(datetime.now(UTC))
        return DatabaseStatus(
            revision, writable, Subscribers(database).count_active(), held_batches, clock_offset
        )


def _may_write(database: Database, *, made: bool) -> bool:
    """Whether PostgreSQL lets this user write; a stand-by server lets nobody."""
    right = (
        "has_table_privilege('send', 'insert')"
        if made
        else "coalesce(has_schema_privilege(current_schema(), 'create'), false)"
    )
    with database.reading() as connection:
        return bool(connection.scalar(text(f"select {right} and not pg_is_in_recovery()")))
