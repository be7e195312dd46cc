"""Tests of the database's findings, on SQLite and PostgreSQL; the examination changes nothing."""

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
from tests.doctor.findings import as_text, only, states


def make_setup(folder: Path, **environment: str) -> Setup:
    samples.write(folder)
    return Setup.read(folder, environment)


def run_database(setup: Setup) -> list[Finding]:
    return list(database(setup, read(setup, 5)))


def made(folder: Path, *addresses: str, **environment: str) -> Database:
    """Return an open database with subscribers."""
    opened = Database.open(samples.newsletter(folder, **environment))
    for subscriber in addresses:
        Subscribers(opened).add(address.parse(subscriber))
    return opened


def tree(folder: Path) -> dict[str, tuple[int, int, int]]:
    """Return size, time and mode of every file below a folder."""
    return {
        str(path.relative_to(folder)): (status.st_size, status.st_mtime_ns, status.st_mode)
        for path in sorted(folder.rglob("*"))
        for status in [path.stat()]
    }


def test_none_was_made_and_none_is(tmp_path: Path) -> None:
    setup = make_setup(tmp_path)
    before = tree(tmp_path)
    (finding,) = run_database(setup)
    assert finding.state == "note" and "does not exist yet" in finding.what
    assert tree(tmp_path) == before


def test_one_that_is_made_and_who_is_on_its_list(tmp_path: Path) -> None:
    made(tmp_path, "ada@example.com", "bo@example.com").close()
    setup = make_setup(tmp_path)
    before = tree(tmp_path)
    findings = run_database(setup)
    assert states(findings) == ["ok", "ok"] and f"({REVISION})" in findings[0].what
    assert findings[1].what == "2 would receive an issue now"
    assert tree(tmp_path) == before, "not even a WAL file was created"


def test_what_another_process_has_just_written_is_seen(tmp_path: Path) -> None:
    opened = made(tmp_path, "ada@example.com")
    assert (tmp_path / ".news" / "news.db-wal").stat().st_size
    setup = make_setup(tmp_path)
    before = tree(tmp_path)
    assert "1 would receive an issue" in as_text(run_database(setup))
    assert tree(tmp_path) == before
    opened.close()


def test_a_writer_is_not_held_up_and_does_not_hold_up(tmp_path: Path) -> None:
    opened = made(tmp_path, "ada@example.com")
    with opened.writing() as connection:
        connection.execute(text("update subscriber set name = 'Ada'"))
        assert states(run_database(make_setup(tmp_path))) == ["ok", "ok"]
    opened.close()


def test_changes_that_are_only_in_a_wal_left_behind_are_named(tmp_path: Path) -> None:
    opened = made(tmp_path, "ada@example.com")
    copy = tmp_path / "copy"
    samples.write(copy)
    (copy / ".news").mkdir()
    for name in ("news.db", "news.db-wal"):
        (copy / ".news" / name).write_bytes((tmp_path / ".news" / name).read_bytes())
    opened.close()
    (finding,) = run_database(make_setup(copy))
    assert finding.state == "error" and "only in news.db-wal" in finding.what
    assert sorted(os.listdir(copy / ".news")) == ["news.db", "news.db-wal"]


def test_nobody_on_the_list(tmp_path: Path) -> None:
    made(tmp_path).close()
    assert "the list is empty" in only(run_database(make_setup(tmp_path)), "warning").what


@pytest.mark.parametrize(
    ("revision", "state", "words"),
    [
        ("0001", "note", "of an older version (0001)"),
        ("9999", "error", "created by a newer version of news (9999)"),
    ],
    ids=["older", "newer"],
)
def test_another_version(tmp_path: Path, revision: str, state: str, words: str) -> None:
    opened = made(tmp_path)
    with opened.writing() as connection:
        connection.execute(text("update alembic_version set version_num = :revision"), {"revision": revision})
    opened.close()
    (finding,) = run_database(make_setup(tmp_path))
    assert finding.state == state and words in finding.what
    with sqlite3.connect(tmp_path / ".news" / "news.db") as connection:
        assert connection.execute("select version_num from alembic_version").fetchall() == [(revision,)]


def test_a_file_that_is_none(tmp_path: Path) -> None:
    (tmp_path / ".news").mkdir()
    (tmp_path / ".news" / "news.db").write_text("no database at all, " * 100)
    (finding,) = run_database(make_setup(tmp_path))
    assert finding.state == "error" and "not a database" in finding.what


@pytest.mark.parametrize(
    ("url", "words"),
    [
        pytest.param("mysql://news@db.example/news", "neither PostgreSQL nor SQLite", id="mysql"),
        pytest.param("hush-hush", "is not a database URL", id="nonsense"),
        pytest.param("sqlite://", "in memory", id="memory"),
        pytest.param("sqlite:///:memory:", "in memory", id="memory-by-name"),
        pytest.param("sqlite:///file:/srv/news.db?uri=true", "names its file by a URI", id="uri"),
    ],
)
def test_an_address_that_is_none(tmp_path: Path, url: str, words: str) -> None:
    (finding,) = run_database(make_setup(tmp_path, NEWS_DATABASE_URL=url))
    assert finding.state == "error" and words in finding.what
    assert "hush-hush" not in as_text([finding])


def test_an_address_that_is_malformed_is_not_taken_for_none(tmp_path: Path) -> None:
    (finding,) = run_database(make_setup(tmp_path, NEWS_DATABASE_URL="postgresql://a\nb"))
    assert finding.state == "skipped" and "malformed" in finding.what


def test_a_file_at_an_address(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/elsewhere.db"
    assert states(run_database(make_setup(tmp_path, NEWS_DATABASE_URL=url))) == ["note"]
    made(tmp_path, "ada@example.com", NEWS_DATABASE_URL=url).close()
    setup = make_setup(tmp_path, NEWS_DATABASE_URL=url)
    assert is_file(setup) and states(run_database(setup)) == ["ok", "ok"]


PROGRAM = """
import os, sys
from pathlib import Path
from newsletter.doctor.database import database, read
from newsletter.doctor.setup import Setup
setup = Setup.read(Path(sys.argv[1]), {})
read(setup, 5)  # imports all modules, which the other user may not be able to read
os.setgid(65534), os.setuid(65534)
print(*(f"{finding.state} {finding.what}" for finding in database(setup, read(setup, 5))), sep="\\n")
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user, who cannot write")
def test_one_that_check_unwritable() -> None:
    # Not below pytest's folder, which other users cannot enter: each run of pytest closes it again.
    with TemporaryDirectory() as folder:
        _check_unwritable(Path(folder))


def _check_unwritable(folder: Path) -> None:
    made(folder, "ada@example.com").close()
    for path in (folder, folder / ".news"):
        path.chmod(0o755)
    (folder / ".news" / "news.db").chmod(0o644)
    program = [sys.executable, "-c", PROGRAM, str(folder)]
    done = subprocess.run(program, capture_output=True, text=True, check=True)
    assert "error cannot be written to" in done.stdout and "ok 1 would receive" in done.stdout
    for path in (folder / ".news", folder / ".news" / "news.db"):
        os.chown(path, 65534, 65534)
    done = subprocess.run(program, capture_output=True, text=True, check=True)
    assert "error" not in done.stdout


# PostgreSQL


def test_postgresql_that_was_never_made_stays_so(tmp_path: Path, postgresql_url: str) -> None:
    setup = make_setup(tmp_path, NEWS_DATABASE_URL=postgresql_url)
    assert not is_file(setup)
    finding, connection = run_database(setup)
    assert finding.state == "note" and "does not exist yet" in finding.what
    assert connection.state == "ok" and "is reached on this machine" in connection.what
    engine = create_engine(postgresql_url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.connect() as connection:
        tables = connection.scalar(text("select count(*) from pg_tables where schemaname = 'public'"))
    engine.dispose()
    assert tables == 0


def test_postgresql_that_is_made(tmp_path: Path, postgresql_url: str) -> None:
    made(tmp_path, "ada@example.com", NEWS_DATABASE_URL=postgresql_url).close()
    setup = make_setup(tmp_path, NEWS_DATABASE_URL=postgresql_url)
    status = read(setup, 5)
    assert isinstance(status, DatabaseStatus)
    assert (status.subscribers, status.held_batches, status.writable, status.age) == (1, 0, True, "current")
    assert status.clock_offset is not None and abs(status.clock_offset) < timedelta(seconds=5)
    assert states(run_database(setup)) == ["ok", "ok", "ok"]


def test_postgresql_of_an_older_version_stays_so(tmp_path: Path, postgresql_url: str) -> None:
    opened = made(tmp_path, NEWS_DATABASE_URL=postgresql_url)
    with opened.writing() as connection:
        connection.execute(text("update alembic_version set version_num = '0001'"))
    setup = make_setup(tmp_path, NEWS_DATABASE_URL=postgresql_url)
    assert only(run_database(setup), "note").what.startswith("is of an older version (0001)")
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
    findings = run_database(make_setup(tmp_path, NEWS_DATABASE_URL=reader))
    assert "cannot be written to" in only(findings, "error").what
    with opened.writing() as connection:
        connection.execute(text("grant insert on all tables in schema public to reader"))
    assert states(run_database(make_setup(tmp_path, NEWS_DATABASE_URL=reader))) == ["ok", "ok", "ok"]
    with opened.writing() as connection:
        connection.execute(text("drop owned by reader"))
        connection.execute(text("drop role reader"))
    opened.close()


def test_nobody_answers_for_postgresql(tmp_path: Path) -> None:
    url = "postgresql://news:hush-hush@127.0.0.1:1/news"
    setup = make_setup(tmp_path, NEWS_DATABASE_URL=url)
    failure = read(setup, 5)
    assert isinstance(failure, NewsError)
    (finding,) = database(setup, failure)
    assert finding.state == "error" and "reports an error" in finding.what
    assert finding.looked_at == "PostgreSQL database news on 127.0.0.1"
    assert "hush-hush" not in as_text([finding])


def test_held_batches_that_are_due_are_not_counted(tmp_path: Path) -> None:
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
            [{**batch, "send_id": 1, "opened_at": now, "state": "open"} for batch in held_batches],
        )
    opened.close()
    status = read(make_setup(tmp_path), 5)
    assert isinstance(status, DatabaseStatus) and status.held_batches == 1
