"""Test the database: opening, migration, durability, and error messages."""

import errno
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, Engine, delete, event, insert, inspect, make_url, select, text

from newsletter.disk.failures import write_hint
from newsletter.errors import DatabaseBusy, SendRefused, StoreError
from newsletter.sending.model import Counts
from newsletter.store.database import Database
from newsletter.store.failures import describe, explain
from newsletter.store.ledger_queries import LedgerQueries
from newsletter.store.migrations import upgrade as migrations
from newsletter.store.new_tables import make_tables
from newsletter.store.schema import REVISION, metadata, send_table, subscriber_table
from newsletter.store.sqlite import _execute_when_free
from newsletter.store.subscribers import Subscribers
from newsletter.subscribers.address import parse
from tests import samples

SEND = {
    "issue": "2026-04-27",
    "list": "subscribers",
    "content_sha256": "0",
    "provider": "outbox",
    "recipients": 0,
    "started_at": samples.NOW,
}


def drop_tables(connection: Connection) -> None:
    """Drop all tables, also Alembic's."""
    metadata.drop_all(connection)
    connection.execute(text("drop table alembic_version"))


def described(connection: Connection) -> object:
    """Return all that the database says about its tables, without the order of columns and constraints."""
    inspector = inspect(connection)
    tables = {}
    for name in inspector.get_table_names():
        columns = [column | {"type": repr(column["type"])} for column in inspector.get_columns(name)]
        keys = [inspector.get_pk_constraint(name), *inspector.get_foreign_keys(name)]
        rules = [*inspector.get_unique_constraints(name), *inspector.get_check_constraints(name)]
        indexes = [
            index | {"dialect_options": {key: str(value) for key, value in index["dialect_options"].items()}}
            for index in inspector.get_indexes(name)
        ]
        tables[name] = [sorted(map(str, part)) for part in (columns, keys, rules, indexes)]
        if connection.dialect.name == "sqlite":
            sql = "select lower(sql) from sqlite_master where name = :name"
            made = str(connection.scalar(text(sql), {"name": name}))
            tables[name].append([word for word in ("autoincrement", "without rowid") if word in made])
    return tables


def test_migrations_make_the_tables_that_the_schema_describes(database: Database) -> None:
    with database.writing() as connection:
        drop_tables(connection)
        migrations.upgrade(connection)
    with database.reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
        assert connection.scalar(text("select version_num from alembic_version")) == REVISION
    assert migrations.head() == REVISION


def test_the_tables_of_a_new_database_are_those_of_a_migrated_one(database: Database) -> None:
    with database.writing() as connection:
        new, revision = described(connection), connection.scalar(text("select * from alembic_version"))
        drop_tables(connection)
        migrations.upgrade(connection)
        assert (described(connection), REVISION) == (new, revision)


def test_no_tables_are_made_in_a_database_that_has_some(database: Database) -> None:
    """An older version or another program made them."""
    with database.writing() as connection:
        assert not make_tables(connection)
        drop_tables(connection)
        connection.execute(text("create table other (id integer)"))
        assert not make_tables(connection) and inspect(connection).get_table_names() == ["other"]


@pytest.mark.parametrize("backend", ["sqlite", "postgresql"])
def test_processes_that_start_together_make_the_tables_once(
    backend: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    url = {"NEWS_DATABASE_URL": request.getfixturevalue("postgresql_url")} if backend == "postgresql" else {}
    newsletter = samples.newsletter(tmp_path, **url)
    with ThreadPoolExecutor(4) as pool:
        opened = list(pool.map(lambda _: Database.open(newsletter), range(4)))
    assert [database.revision() for database in opened] == [REVISION] * 4
    for database in opened:
        database.close()


def test_a_block_that_fails_leaves_nothing(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.writing() as connection:
        connection.execute(insert(send_table), SEND)
        _ = 1 / 0
    with database.reading() as connection:
        assert connection.execute(select(send_table)).all() == []


def test_a_transaction_that_reads_sees_one_moment(database: Database) -> None:
    with database.reading() as connection:
        assert connection.execute(select(send_table)).all() == []
        with database.writing() as other:
            other.execute(insert(send_table), SEND)
        assert connection.execute(select(send_table)).all() == []
    with database.reading() as connection:
        assert len(connection.execute(select(send_table)).all()) == 1


def test_moments_come_back_in_utc(database: Database) -> None:
    with database.writing() as connection:
        connection.execute(insert(send_table), SEND)
    with database.reading() as connection:
        assert connection.scalar(select(send_table.c.started_at)) == samples.NOW


def test_sqlite_is_opened_to_survive_a_power_cut(tmp_path: Path) -> None:
    database = Database.open(samples.newsletter(tmp_path))
    with database.reading() as connection:
        assert connection.scalar(text("pragma journal_mode")) == "wal"
        assert connection.scalar(text("pragma synchronous")) == 2  # FULL
        assert connection.scalar(text("pragma foreign_keys")) == 1
        assert connection.scalar(text("pragma secure_delete")) == 1
    database.close()
    assert (tmp_path / ".news" / "news.db").exists()


def test_a_writer_waits_for_another(tmp_path: Path) -> None:
    newsletter = samples.newsletter(tmp_path)
    first, second = Database.open(newsletter), Database.open(newsletter)
    with first.writing() as connection:
        connection.execute(insert(send_table), SEND)
        with second.reading() as other:
            assert other.execute(select(send_table)).all() == []
    with second.writing() as connection:
        assert len(connection.execute(select(send_table)).all()) == 1
    first.close()
    second.close()


def test_a_database_of_a_newer_news_is_refused(tmp_path: Path) -> None:
    newsletter = samples.newsletter(tmp_path)
    database = Database.open(newsletter)
    with database.writing() as connection:
        connection.execute(text("update alembic_version set version_num = '9999'"))
    database.close()
    with pytest.raises(StoreError, match="newer version of news") as raised:
        Database.open(newsletter)
    assert "use that version" in raised.value.hint


def test_a_file_that_is_no_database_is_told_as_such(tmp_path: Path) -> None:
    newsletter = samples.newsletter(tmp_path)
    (tmp_path / ".news").mkdir()
    (tmp_path / ".news" / "news.db").write_text("no database at all, " * 100)
    with pytest.raises(StoreError, match="not a database") as raised:
        Database.open(newsletter)
    assert "backup" in raised.value.hint


def test_a_database_that_may_only_be_read_stops_before_a_write(tmp_path: Path) -> None:
    newsletter = samples.newsletter(tmp_path)
    Database.open(newsletter).close()
    url = f"sqlite:///file:{tmp_path}/.news/news.db?mode=ro&uri=true"
    read_only = Database.open(samples.newsletter(tmp_path, NEWS_DATABASE_URL=url))
    with pytest.raises(StoreError, match="is read-only") as raised, read_only.writing() as connection:
        connection.execute(insert(send_table), SEND)
    assert "permissions" in raised.value.hint
    read_only.close()


@contextmanager
def on_connect(statement: str) -> Iterator[None]:
    """Execute a statement on each new connection while the block lasts."""

    def connect(connection: sqlite3.Connection, record: object) -> None:
        connection.execute(statement)

    event.listen(Engine, "connect", connect)
    try:
        yield
    finally:
        event.remove(Engine, "connect", connect)


def test_what_is_deleted_is_not_in_the_files_any_more(tmp_path: Path) -> None:
    """The log is emptied, because it has the pages as they were before.

    Some builds of SQLite overwrite by default: here the default is off.
    """
    with on_connect("pragma secure_delete = OFF"):
        database = Database.open(samples.newsletter(tmp_path))
    subscribers = Subscribers(database)
    for name in ("ada", "bo", "cy"):
        subscribers.add(parse(f"{name}@example.com"), "x" * 3000)
    with database.writing() as connection:
        connection.execute(delete(subscriber_table).where(subscriber_table.c.address == "bo@example.com"))
    with closing(database._engine.raw_connection()) as raw:
        raw.cursor().execute("pragma wal_checkpoint(truncate)").close()
    files = [file.read_bytes() for file in (tmp_path / ".news").glob("news.db*")]
    database.close()
    assert any(b"ada@example.com" in content for content in files)
    assert not any(b"bo@example.com" in content for content in files)


def test_a_full_disk_is_told_as_such(tmp_path: Path) -> None:
    newsletter = samples.newsletter(tmp_path)
    Database.open(newsletter).close()
    with on_connect("pragma max_page_count = 1"):  # SQLite raises this to the number of existing pages
        full = Database.open(newsletter)
        with pytest.raises(StoreError) as raised, full.writing() as connection:
            connection.execute(insert(send_table), SEND | {"content": bytes(1_000_000)})
        full.close()
    (problem,) = raised.value.problems
    assert problem.where.endswith(".news/news.db")
    assert problem.what == "the disk is full (database or disk is full)"
    assert problem.fix.startswith("make room on the disk")


def test_a_database_that_another_process_writes_to_is_told_as_such(tmp_path: Path) -> None:
    newsletter = samples.newsletter(tmp_path)
    first, second = Database.open(newsletter), Database.open(newsletter)
    with first.writing():
        with closing(Database.open(newsletter)) as third:
            assert third.revision() == REVISION, "to open it needs no lock"
        with pytest.raises(DatabaseBusy) as raised, second.writing(lock_seconds=0.01):
            pass
    for database in (first, second):
        database.close()
    (problem,) = raised.value.problems
    assert problem.where.endswith(".news/news.db")
    assert problem.what == "another process is writing to the database (database is locked)"
    assert problem.fix.startswith("wait until it has ended; if it was suspended, continue or end it;")


def test_a_damaged_database_is_told_as_such(tmp_path: Path) -> None:
    newsletter = samples.newsletter(tmp_path)
    Database.open(newsletter).close()
    with (tmp_path / ".news" / "news.db").open("r+b") as file:
        pages = file.seek(0, os.SEEK_END) // 4096
        file.seek(4096)
        file.write(b"\xff" * 4096 * (pages - 1))
    with pytest.raises(StoreError) as raised:
        Database.open(newsletter)
    (problem,) = raised.value.problems
    assert problem.where.endswith(".news/news.db")
    assert problem.what == "the database is damaged (database disk image is malformed)"
    assert "backup" in problem.fix


def test_a_database_that_is_a_folder_is_told_as_such(tmp_path: Path) -> None:
    (tmp_path / ".news" / "news.db").mkdir(parents=True)
    with pytest.raises(StoreError) as raised:
        Database.open(samples.newsletter(tmp_path))
    (problem,) = raised.value.problems
    assert problem.what == "is a folder, not a regular file"
    assert "regular file" in problem.fix and "NEWS_DATABASE_URL" not in problem.fix


LIMITED = """\
import resource, sys
from pathlib import Path
from newsletter.errors import StoreError
from newsletter.store.database import Database
from tests import samples

newsletter = samples.newsletter(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
try:
    Database.open(newsletter)
except StoreError as failure:
    print(failure.what, failure.hint, sep="\\n")
"""


def test_a_disk_that_fails_is_told_as_such(tmp_path: Path) -> None:
    """A limit on the file size makes the system reject writes, as a faulty disk does."""
    command = [sys.executable, "-c", LIMITED, str(tmp_path)]
    what, hint = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert what == "the disk failed (disk I/O error)"
    assert hint.startswith("check that the disk has free space and works")


@pytest.mark.parametrize(
    ("free", "message"), [(0, "the disk is full"), (31_000, "the disk is full"), (10**9, "the disk failed")]
)
def test_a_disk_that_fails_because_it_is_full_is_told_as_full(
    free: int, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite reports an I/O error if the disk has no space for its shared-memory file."""
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=free))
    failure = sqlite3.OperationalError("disk I/O error")
    failure.sqlite_errorname = "SQLITE_IOERR_SHMSIZE"
    error = explain(failure, make_url(f"sqlite:///{tmp_path}/news.db"))
    assert error.what.startswith(message)


@pytest.mark.parametrize(
    ("code", "what"),
    [
        pytest.param(errno.ENOSPC, "make room on that disk", id="full"),
        pytest.param(errno.EDQUOT, "make room on that disk", id="quota"),
        pytest.param(errno.EACCES, "ask somebody", id="other"),
    ],
)
def test_a_file_on_a_full_disk_needs_room_and_not_a_right(code: int, what: str) -> None:
    assert write_hint(OSError(code, "no"), "ask somebody").startswith(what)


@pytest.mark.parametrize(
    ("state", "message"),
    [
        pytest.param("53100", "its disk is full", id="full"),
        pytest.param("25006", "is read-only", id="read-only"),
        pytest.param("42501", "its user lacks a privilege", id="no-right"),
        pytest.param("XX000", "reports an error", id="other"),
    ],
)
def test_postgresql_says_what_fails_by_its_code(state: str, message: str) -> None:
    failure = type("Failure", (Exception,), {"sqlstate": state})("no\nmore")
    (problem,) = explain(failure, make_url("postgresql://u:secret@db.example.com/news")).problems
    assert problem.where == "PostgreSQL database news on db.example.com"
    assert problem.what.startswith(message) and "no" in problem.what and "more" not in problem.what


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("postgresql://u:secret@/news?host=a.example:1&host=b.example:2", "news on a.example:1, b.example:2"),
        ("postgresql://u:secret@/news?hostaddr=192.0.2.1", "news on 192.0.2.1"),
        ("postgresql:///?service=prod&password=secret", "of the service prod"),
    ],
)
def test_a_server_is_named_without_its_password(url: str, words: str) -> None:
    assert describe(make_url(url)) == f"PostgreSQL database {words}"


@pytest.mark.parametrize(
    ("url", "message"),
    [
        pytest.param("nonsense", "is not a database URL", id="nonsense"),
        pytest.param("mysql://127.0.0.1/news", "neither PostgreSQL nor SQLite", id="mysql"),
        pytest.param("sqlite://", "names a database in memory", id="memory"),
        pytest.param("sqlite:///:memory:", "names a database in memory", id="memory-by-name"),
        pytest.param("sqlite:///file::memory:?uri=true", "names a database in memory", id="memory-uri"),
        pytest.param("sqlite:///file:x?mode=memory&uri=true", "names a database in memory", id="memory-mode"),
        pytest.param(
            "sqlite:////no/such/folder/news.db",
            "folder /no/such/folder of the database does not exist",
            id="no-folder",
        ),
        pytest.param("postgresql://news:hunter2@127.0.0.1:1/news", "reports an error", id="nobody-there"),
        pytest.param("postgresql://u:pa:x@h:5hunter2/db", "is not a database URL", id="password-as-a-port"),
    ],
)
def test_a_wrong_address_is_an_answer_without_the_password(url: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=message) as raised:
        Database.open(samples.newsletter(tmp_path, NEWS_DATABASE_URL=url))
    assert "hunter2" not in str(raised.value) + raised.value.hint


@pytest.mark.parametrize("url", ["", "sqlite:///news.db"])
def test_a_ledger_that_would_vanish_with_the_runner_is_refused(url: str, tmp_path: Path) -> None:
    newsletter = samples.newsletter(tmp_path, CI="true", NEWS_DATABASE_URL=url)
    with pytest.raises(SendRefused, match="would be deleted together with this CI machine") as raised:
        Database.open(newsletter, to_last=True)
    assert "NEWS_DATABASE_URL" in raised.value.hint
    assert not (tmp_path / ".news").exists()


def test_in_ci_a_kept_database_is_taken(tmp_path: Path, postgresql_url: str) -> None:
    newsletter = samples.newsletter(tmp_path, CI="true", NEWS_DATABASE_URL=postgresql_url)
    first = Database.open(newsletter, to_last=True)
    with first.writing() as connection:
        connection.execute(insert(send_table), SEND)
    first.close()
    again = Database.open(newsletter, to_last=True)
    with again.reading() as connection:
        assert connection.scalar(select(send_table.c.issue)) == SEND["issue"]
    again.close()
    assert not (tmp_path / ".news" / "news.db").exists()


def test_ids_are_never_used_twice(database: Database) -> None:
    """An old unsubscribe link must not remove a later subscriber."""
    with database.writing() as connection:
        first = connection.scalar(insert(send_table).values(SEND).returning(send_table.c.id))
        connection.execute(send_table.delete())
    with database.writing() as connection:
        assert connection.scalar(insert(send_table).values(SEND).returning(send_table.c.id)) > first


def test_tables_are_strict_about_what_a_state_is(database: Database) -> None:
    with pytest.raises(StoreError), database.writing() as connection:
        connection.execute(
            text(
                "insert into subscriber (address, address_key, name, state, consent_at, consent_how,"
                " consent_source, changed_at)"
                " values ('a', 'a', '', 'maybe', '2026-01-01', '', '', '2026-01-01')"
            )
        )


OLD = [
    *(
        "insert into subscriber (id, address, address_key, name, state, consent_at, consent_how,"
        f" consent_source, changed_at) values ({n}, 'r{n}@example.com', 'r{n}@example.com', '', 'active',"
        " '2026-05-04 09:00:00', 'x', '', '2026-05-04 09:00:00')"
        for n in (7, 8, 9, 10)
    ),
    "insert into send (id, issue, list, content_sha256, provider, recipients, started_at)"
    " values (3, '2026-04-27', 'subscribers', '0', 'smtp', 4, '2026-05-04 09:00:00')",
    *(
        f"insert into chunk (send_id, number, first, last, skipped, state) values (3, {n}, {n + 1}, {n + 1},"
        f" {int(state == 'skipped')}, '{state}')"
        for n, state in enumerate(("accepted", "refused", "intended", "skipped"))
    ),
    *(
        f"insert into attempt (send_id, chunk, state, error, intended_at) values (3, {n}, '{state}', {error},"
        " '2026-05-04 09:00:00')"
        for n, state, error in (
            (0, "not_sent", "'down'"),
            (0, "accepted", "null"),
            (1, "refused", "'550 no'"),
            (2, "intended", "null"),
        )
    ),
    *(
        f"insert into recipient (send_id, number, subscriber_id, outcome) values (3, {n}, {n + 6}, {left})"
        for n, left in ((1, "null"), (2, "null"), (3, "null"), (4, "'left'"))
    ),
]


def test_a_ledger_of_the_first_version_is_taken_over(database: Database) -> None:
    """A send was interrupted in it: recipients that were in flight stay unknown."""
    with database.writing() as connection:
        for table in reversed(metadata.sorted_tables):
            table.drop(connection)
        connection.execute(text("delete from alembic_version"))
        command.upgrade(migrations.config(connection), "0001")
        for statement in OLD:
            connection.execute(text(statement))
        migrations.upgrade(connection)
    queries = LedgerQueries(database)
    (send,) = queries.sends()
    assert (send.state, send.undo_window_seconds, send.lease_holder) == ("open", 0, None)
    assert (send.key_fingerprint, send.started_on, send.token_version) == (None, None, 1)
    assert queries.counts(send) == Counts(4, accepted=1, refused=1, unknown=1, left=1, in_flight=1)
    with database.reading() as connection:
        reasons = connection.execute(text("select first, reason from chunk order by first")).all()
        attempts = connection.execute(text("select first, last, state from attempt order by id")).all()
    assert [tuple(row) for row in reasons] == [(1, None), (2, "550 no"), (3, None), (4, None)]
    assert [tuple(row) for row in attempts] == [
        (1, 1, "not_sent"),
        (1, 1, "accepted"),
        (2, 2, "refused"),
        (3, 3, "intended"),
    ]


def test_a_lock_for_which_sqlite_does_not_wait_is_waited_for() -> None:
    """The switch of a new file to WAL fails at once while another connection makes it."""
    executed = []

    class Connection:
        def execute(self, statement: str) -> None:
            executed.append(statement)
            if len(executed) < 3:
                failure = sqlite3.OperationalError("database is locked")
                failure.sqlite_errorname = "SQLITE_BUSY"
                raise failure

    _execute_when_free(Connection(), "pragma journal_mode=WAL", 60)
    assert executed == ["pragma journal_mode=WAL"] * 3
    with pytest.raises(sqlite3.OperationalError):
        executed.clear()
        _execute_when_free(Connection(), "pragma journal_mode=WAL", 0)
