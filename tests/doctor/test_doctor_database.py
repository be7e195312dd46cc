"""The database, on SQLite and PostgreSQL, looked at without a trace."""

import os
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from sqlalchemy import create_engine, insert, text

from newsletter.doctor.database import database, is_file, read
from newsletter.doctor.setup import Setup
from newsletter.errors import NewsError
from newsletter.findings import Finding
from newsletter.store.database import Database
from newsletter.store.inspection import DatabaseStatus
from newsletter.store.schema import REVISION, held_batch_table, send_table
from newsletter.store.subscribers import Subscribers
from newsletter.subscribers import address
from tests import samples
from tests.doctor.findings import only, states, told


def setup(folder: Path, **environment: str) -> Setup:
    samples.write(folder)
    return Setup.read(folder, environment)


def looked(of: Setup) -> list[Finding]:
    return list(database(of, read(of, 5)))


def made(folder: Path, *people: str, **environment: str) -> Database:
    """An open one, with people on its list."""
    opened = Database.open(samples.newsletter(folder, **environment))
    for one in people:
        Subscribers(opened).add(address.parse(one))
    return opened


def tree(folder: Path) -> dict[str, tuple[int, int, int]]:
    """Every file below a folder: size, time, mode."""
    return {
        str(path.relative_to(folder)): (status.st_size, status.st_mtime_ns, status.st_mode)
        for path in sorted(folder.rglob("*"))
        for status in [path.stat()]
    }


def test_none_was_made_and_none_is(tmp_path: Path) -> None:
    of = setup(tmp_path)
    before = tree(tmp_path)
    (found,) = looked(of)
    assert found.state == "note" and "was not made yet" in found.what
    assert tree(tmp_path) == before


def test_one_that_is_made_and_who_is_on_its_list(tmp_path: Path) -> None:
    made(tmp_path, "ada@example.com", "bo@example.com").close()
    of = setup(tmp_path)
    before = tree(tmp_path)
    found = looked(of)
    assert states(found) == ["ok", "ok"] and f"({REVISION})" in found[0].what
    assert found[1].what == "2 would get an issue now"
    assert tree(tmp_path) == before, "not even a WAL beside it"


def test_what_another_process_has_just_written_is_seen(tmp_path: Path) -> None:
    opened = made(tmp_path, "ada@example.com")
    assert (tmp_path / ".news" / "news.db-wal").stat().st_size
    of = setup(tmp_path)
    before = tree(tmp_path)
    assert "1 would get an issue" in told(looked(of))
    assert tree(tmp_path) == before
    opened.close()


def test_a_writer_is_not_held_up_and_does_not_hold_up(tmp_path: Path) -> None:
    opened = made(tmp_path, "ada@example.com")
    with opened.writing() as connection:
        connection.execute(text("update subscriber set name = 'Ada'"))
        assert states(looked(setup(tmp_path))) == ["ok", "ok"]
    opened.close()


def test_changes_that_are_only_in_a_wal_left_behind_are_named(tmp_path: Path) -> None:
    opened = made(tmp_path, "ada@example.com")
    copy = tmp_path / "copy"
    samples.write(copy)
    (copy / ".news").mkdir()
    for name in ("news.db", "news.db-wal"):
        (copy / ".news" / name).write_bytes((tmp_path / ".news" / name).read_bytes())
    opened.close()
    (found,) = looked(setup(copy))
    assert found.state == "error" and "news.db-wal only" in found.what
    assert sorted(os.listdir(copy / ".news")) == ["news.db", "news.db-wal"]


def test_nobody_on_the_list(tmp_path: Path) -> None:
    made(tmp_path).close()
    assert "nobody is on the list" in only(looked(setup(tmp_path)), "warning").what


@pytest.mark.parametrize(
    ("revision", "state", "words"),
    [("0001", "note", "of an older version (0001)"), ("9999", "error", "made by a newer news (9999)")],
    ids=["older", "newer"],
)
def test_another_version(tmp_path: Path, revision: str, state: str, words: str) -> None:
    opened = made(tmp_path)
    with opened.writing() as connection:
        connection.execute(text("update alembic_version set version_num = :one"), {"one": revision})
    opened.close()
    (found,) = looked(setup(tmp_path))
    assert found.state == state and words in found.what
    with sqlite3.connect(tmp_path / ".news" / "news.db") as connection:
        assert connection.execute("select version_num from alembic_version").fetchall() == [(revision,)]


def test_a_file_that_is_none(tmp_path: Path) -> None:
    (tmp_path / ".news").mkdir()
    (tmp_path / ".news" / "news.db").write_text("no database at all, " * 100)
    (found,) = looked(setup(tmp_path))
    assert found.state == "error" and "not a database" in found.what


@pytest.mark.parametrize(
    ("url", "words"),
    [
        pytest.param("mysql://news@db.example/news", "neither PostgreSQL nor SQLite", id="mysql"),
        pytest.param("hush-hush", "is no database address", id="nonsense"),
        pytest.param("sqlite://", "in memory", id="memory"),
    ],
)
def test_an_address_that_is_none(tmp_path: Path, url: str, words: str) -> None:
    (found,) = looked(setup(tmp_path, NEWS_DATABASE_URL=url))
    assert found.state == "error" and words in found.what
    assert "hush-hush" not in told([found])


def test_an_address_that_is_malformed_is_not_taken_for_none(tmp_path: Path) -> None:
    (found,) = looked(setup(tmp_path, NEWS_DATABASE_URL="postgresql://a\nb"))
    assert found.state == "skipped" and "malformed" in found.what


def test_a_file_at_an_address(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/elsewhere.db"
    assert states(looked(setup(tmp_path, NEWS_DATABASE_URL=url))) == ["note"]
    made(tmp_path, "ada@example.com", NEWS_DATABASE_URL=url).close()
    of = setup(tmp_path, NEWS_DATABASE_URL=url)
    assert is_file(of) and states(looked(of)) == ["ok", "ok"]


PROGRAM = """
import os, sys
from pathlib import Path
from newsletter.doctor.database import database, read
from newsletter.doctor.setup import Setup
of = Setup.read(Path(sys.argv[1]), {})
read(of, 5)  # so that all is imported that somebody else may not be able to read
os.setgid(65534), os.setuid(65534)
print(*(f"{one.state} {one.what}" for one in database(of, read(of, 5))), sep="\\n")
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody who may not write")
def test_one_that_may_not_be_written_to() -> None:
    # Not below pytest's own folder, which nobody else may enter, and which each run of it shuts again.
    with TemporaryDirectory() as folder:
        _may_not_be_written_to(Path(folder))


def _may_not_be_written_to(folder: Path) -> None:
    made(folder, "ada@example.com").close()
    for path in (folder, folder / ".news"):
        path.chmod(0o755)
    (folder / ".news" / "news.db").chmod(0o644)
    program = [sys.executable, "-c", PROGRAM, str(folder)]
    done = subprocess.run(program, capture_output=True, text=True, check=True)
    assert "error may not be written to" in done.stdout and "ok 1 would get" in done.stdout
    for path in (folder / ".news", folder / ".news" / "news.db"):
        os.chown(path, 65534, 65534)
    done = subprocess.run(program, capture_output=True, text=True, check=True)
    assert "error" not in done.stdout


# PostgreSQL


def test_postgresql_that_was_never_made_stays_so(tmp_path: Path, postgresql_url: str) -> None:
    of = setup(tmp_path, NEWS_DATABASE_URL=postgresql_url)
    assert not is_file(of)
    (found,) = looked(of)
    assert found.state == "note" and "was not made yet" in found.what
    engine = create_engine(postgresql_url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.connect() as connection:
        tables = connection.scalar(text("select count(*) from pg_tables where schemaname = 'public'"))
    engine.dispose()
    assert tables == 0


def test_postgresql_that_is_made(tmp_path: Path, postgresql_url: str) -> None:
    made(tmp_path, "ada@example.com", NEWS_DATABASE_URL=postgresql_url).close()
    of = setup(tmp_path, NEWS_DATABASE_URL=postgresql_url)
    found = read(of, 5)
    assert isinstance(found, DatabaseStatus)
    assert (found.subscribers, found.held_batches, found.writable, found.age) == (1, 0, True, "current")
    assert found.clock_offset is not None and abs(found.clock_offset) < timedelta(seconds=5)
    assert states(looked(of)) == ["ok", "ok"]


def test_postgresql_of_an_older_version_stays_so(tmp_path: Path, postgresql_url: str) -> None:
    opened = made(tmp_path, NEWS_DATABASE_URL=postgresql_url)
    with opened.writing() as connection:
        connection.execute(text("update alembic_version set version_num = '0001'"))
    of = setup(tmp_path, NEWS_DATABASE_URL=postgresql_url)
    assert only(looked(of), "note").what.startswith("is of an older version (0001)")
    with opened.reading() as connection:
        assert connection.scalar(text("select version_num from alembic_version")) == "0001"
    opened.close()


def test_postgresql_that_lets_nobody_write(tmp_path: Path, postgresql_url: str) -> None:
    opened = made(tmp_path, "ada@example.com", NEWS_DATABASE_URL=postgresql_url)
    with opened.writing() as connection:
        connection.execute(text("drop role if exists reader"))
        connection.execute(text("create role reader login"))
        connection.execute(text("grant usage on schema public to reader"))
        connection.execute(text("grant select on all tables in schema public to reader"))
    reader = postgresql_url.replace("//news@", "//reader@")
    found = looked(setup(tmp_path, NEWS_DATABASE_URL=reader))
    assert "may not be written to" in only(found, "error").what
    with opened.writing() as connection:
        connection.execute(text("grant insert on all tables in schema public to reader"))
    assert states(looked(setup(tmp_path, NEWS_DATABASE_URL=reader))) == ["ok", "ok"]
    with opened.writing() as connection:
        connection.execute(text("drop owned by reader"))
        connection.execute(text("drop role reader"))
    opened.close()


def test_nobody_answers_for_postgresql(tmp_path: Path) -> None:
    url = "postgresql://news:hush-hush@127.0.0.1:1/news"
    of = setup(tmp_path, NEWS_DATABASE_URL=url)
    found = read(of, 5)
    assert isinstance(found, NewsError)
    (told_of,) = database(of, found)
    assert told_of.state == "error" and "does not answer as it should" in told_of.what
    assert told_of.looked_at == "PostgreSQL database news on 127.0.0.1"
    assert "hush-hush" not in told([told_of])


def test_lanes_whose_time_has_come_are_not_counted(tmp_path: Path) -> None:
    opened, now = made(tmp_path), datetime.now(UTC)
    row = {"id": 1, "issue": "2026-04-27", "list": "subscribers", "content_sha256": "0", "started_at": now}
    held_batches = [
        {"number": number, "batch_id": f"b{number}", "send_at": now + timedelta(minutes=minutes)}
        for number, minutes in ((1, -5), (2, 25))
    ]
    with opened.writing() as connection:
        connection.execute(insert(send_table), {**row, "provider": "sendgrid", "recipients": 2})
        connection.execute(
            insert(held_batch_table),
            [{**one, "send_id": 1, "opened_at": now, "state": "open"} for one in held_batches],
        )
    opened.close()
    found = read(setup(tmp_path), 5)
    assert isinstance(found, DatabaseStatus) and found.held_batches == 1
