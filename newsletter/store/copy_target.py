"""Prepare the database that a copy is written to: make its tables, or refuse one that has other content."""

import os
import secrets
from pathlib import Path

from sqlalchemy import URL, Connection, func, inspect, select, text

from newsletter.display import display_path
from newsletter.errors import StoreError
from newsletter.state.database_files import file_of_url
from newsletter.store.closed import ClosedMark, version
from newsletter.store.database import Database, database_url, translate_url_errors
from newsletter.store.failures import describe, sqlite_path
from newsletter.store.new_tables import make_tables
from newsletter.store.schema import REVISION, metadata, send_table, subscriber_table

_COMPARED_SUBSCRIBERS = 1000


def file_of(url: str) -> Path | None:
    """Return the file of a database's URL; None for a server. Raise StoreError for an invalid URL."""
    with translate_url_errors():
        parsed = database_url(url)
        return sqlite_path(parsed) if parsed.get_backend_name() == "sqlite" else None


def file_url(file: Path) -> str:
    """Return the URL of a SQLite file; raise StoreError if no URL names it, such as for another encoding."""
    try:
        url = URL.create("sqlite", database=str(file)).render_as_string().replace(" ", "%20")
        if file_of(url) == file == file_of_url(url):
            return url
    except UnicodeEncodeError:
        pass
    what = "has a path that NEWS_DATABASE_URL cannot name"
    raise StoreError(what, "name a file whose path is plain text in UTF-8", where=display_path(file))


def refuse_same(source: Database, target: Database) -> None:
    """Raise StoreError if both are the same database, also by other names of its file or host."""
    dialects = {source.url.get_backend_name(), target.url.get_backend_name()}
    if dialects == {"sqlite"}:
        files = [sqlite_path(database.url) for database in (source, target)]
        same = all(files) and os.path.samefile(*map(str, files))
    else:
        same = dialects == {"postgresql"} and _share_locks(source, target)
    if same:
        raise StoreError("is the database that is copied", "name another one", where=target.description)


def _share_locks(source: Database, target: Database) -> bool:
    key = secrets.randbits(62)
    with source.reading() as first, target.reading() as second:
        first.execute(select(func.pg_advisory_xact_lock(key)))
        return not second.scalar(select(func.pg_try_advisory_xact_lock(key)))


def prepare_target(source: Connection, target: Connection) -> None:
    """Make the tables of an empty database, or delete the rows of one that was closed by an earlier copy.

    Raise StoreError, and change nothing, for a database with rows, with tables of another program or of
    another version of news, and for a closed database that records what the source does not.
    """
    if not make_tables(target):
        mark = _refuse_other_tables(target)
        if mark is None:
            _refuse_rows(target)
        else:
            _refuse_other_history(source, target)
            _delete_rows(target)
    if target.dialect.name == "sqlite":
        # The number of a save on a state ref; the copy belongs to none.
        target.exec_driver_sql("pragma user_version = 0")


def _refuse_other_tables(target: Connection) -> ClosedMark | None:
    """Raise StoreError unless a database has the tables of this version and no others; return its mark."""
    names = set(inspect(target).get_table_names())
    if others := sorted(names - set(metadata.tables) - {"alembic_version"}):
        raise _refused(target, f"has tables of another program: {_listed(others)}")
    revision = version(target) if "alembic_version" in names else None
    mark = ClosedMark.parse(revision)
    made_by = mark.revision if mark else revision
    if made_by != REVISION or set(metadata.tables) - names:
        what = f"has tables of another version of news ({made_by or 'unknown'}; this one is {REVISION})"
        raise _refused(target, what)
    return mark


def _refuse_rows(target: Connection) -> None:
    numbers = {
        table.name: target.scalar(select(func.count()).select_from(table)) for table in metadata.sorted_tables
    }
    if filled := [f"{table} ({number:,})" for table, number in numbers.items() if number]:
        raise _refused(target, f"has rows already: {_listed(filled)}")


def _refuse_other_history(source: Connection, target: Connection) -> None:
    """Raise StoreError for a closed database that has a send, or subscribers, that the source does not have.

    The source continues what the closed database had: an id means the same send and the same person.
    """
    sends = select(send_table.c.id, send_table.c.issue, send_table.c.started_at)
    unknown = set(map(tuple, target.execute(sends))) - set(map(tuple, source.execute(sends)))
    if unknown:
        issues = _listed(sorted({issue for _, issue, _ in unknown}))
        what = f"is closed, and records sends that the newsletter's database does not: {issues}"
        raise _refused(target, what)
    people = select(subscriber_table.c.id, subscriber_table.c.address_key).order_by(subscriber_table.c.id)
    before = dict(map(tuple, target.execute(people.limit(_COMPARED_SUBSCRIBERS))))
    now = dict(map(tuple, source.execute(people.where(subscriber_table.c.id <= max(before, default=0)))))
    both = before.keys() & now.keys()
    if before and (not both or any(before[id_] != now[id_] for id_ in both)):
        raise _refused(target, "is closed, and has the subscribers of another list")


def _delete_rows(target: Connection) -> None:
    """Delete all rows; SQLite overwrites them, since some may be of people who were forgotten meanwhile."""
    if target.dialect.name == "sqlite":
        target.exec_driver_sql("pragma secure_delete = on")
    for table in reversed(metadata.sorted_tables):
        target.execute(table.delete())
    target.execute(text("update alembic_version set version_num = :revision"), {"revision": REVISION})


def _refused(target: Connection, what: str) -> StoreError:
    fix = "name an empty database, or a file that does not exist; nothing was copied"
    return StoreError(what, fix, where=describe(target.engine.url))


def _listed(names: list[str], shown: int = 5) -> str:
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more
