"""Test that the bytes of deleted rows leave the files of a SQLite database."""

import random
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import delete, insert

from newsletter.store.database import Database
from newsletter.store.schema import subscriber_table
from newsletter.store.sqlite import BUSY_SECONDS
from tests import samples

NUMBER = 2000


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database.open(samples.newsletter(tmp_path))


def fill(database: Database, *, secure: bool) -> list[str]:
    """Add people whose rows and index entries divide pages; return their addresses."""
    chance = random.Random(5)
    keys = [f"p{chance.getrandbits(40):x}@example.com" for _ in range(NUMBER)]
    row = {"name": "", "state": "active", "consent_at": samples.NOW, "changed_at": samples.NOW}
    row |= {"consent_how": "imported", "consent_source": "", "changed_how": ""}
    with database.writing() as connection:
        connection.exec_driver_sql(f"pragma secure_delete = {'on' if secure else 'off'}")
        rows = [row | {"address": key.upper(), "address_key": key} for key in keys]
        connection.execute(insert(subscriber_table), rows)
    with database.writing() as connection:
        connection.exec_driver_sql("pragma secure_delete = on")
        connection.execute(delete(subscriber_table).where(subscriber_table.c.address_key.in_(keys[:300])))
    return keys[:300]


def found(folder: Path, keys: list[str]) -> list[str]:
    """Return those of the addresses that are in the files of the database, in any case."""
    content = b"".join(file.read_bytes() for file in folder.rglob("news.db*")).lower()
    return [key for key in keys if key.encode() in content]


def busy_seconds(database: Database) -> float:
    """Return the time that the connection of the pool waits for other processes."""
    with database.reading() as connection:
        return float(connection.exec_driver_sql("pragma busy_timeout").scalar_one()) / 1000


def test_a_database_of_an_earlier_version_is_written_anew(database: Database, tmp_path: Path) -> None:
    gone = fill(database, secure=False)
    with database.writing() as connection:
        connection.exec_driver_sql("pragma user_version = 7")
    assert found(tmp_path, gone)
    assert database.erase_deleted()
    assert found(tmp_path, gone) == []
    assert database.generation() == 7
    with database.writing() as connection:  # ids are never given again
        values = {"address": "a@example.com", "address_key": "a@example.com", "state": "active"}
        values |= {"consent_at": samples.NOW, "consent_how": "", "changed_at": samples.NOW}
        assert connection.execute(insert(subscriber_table), values).inserted_primary_key == (NUMBER + 1,)


def test_a_database_is_written_anew_once_only(database: Database, tmp_path: Path) -> None:
    assert database.erase_deleted()
    gone = fill(database, secure=True)
    with database.writing() as connection:
        connection.execute(delete(subscriber_table))
    with database.reading() as connection:
        free = connection.exec_driver_sql("pragma freelist_count").scalar()
    assert free and database.erase_deleted()
    assert found(tmp_path, gone) == []
    with database.reading() as connection:
        assert connection.exec_driver_sql("pragma freelist_count").scalar() == free


def test_each_connection_overwrites_what_it_deletes(database: Database) -> None:
    with database.writing() as one, database.reading() as other:
        for connection in (one, other):
            assert connection.exec_driver_sql("pragma secure_delete").scalar() == 1


def test_another_process_that_reads_is_waited_for_and_named(database: Database, tmp_path: Path) -> None:
    gone = fill(database, secure=True)
    (file,) = tmp_path.rglob("news.db")
    reader = sqlite3.connect(file, isolation_level=None)
    reader.execute("begin")
    reader.execute("select count(*) from subscriber").fetchone()
    fill_more = {"address": "z@example.com", "address_key": "z@example.com", "state": "active"}
    fill_more |= {"consent_at": samples.NOW, "consent_how": "", "changed_at": samples.NOW}
    with database.writing() as connection:
        connection.execute(insert(subscriber_table), fill_more)
    assert not database.erase_deleted(wait_seconds=0)
    assert busy_seconds(database) == BUSY_SECONDS
    reader.execute("rollback")
    reader.close()
    assert database.erase_deleted(wait_seconds=60)
    assert busy_seconds(database) == BUSY_SECONDS
    assert found(tmp_path, gone) == []
