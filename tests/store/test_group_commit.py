"""The thread that writes for all requests: group commit, failures, and the end."""

import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime

import pytest
from sqlalchemy import Connection, event, insert, select, text, update

from newsletter.errors import DatabaseBusy, StoreError, Unavailable
from newsletter.store.database import Conflict, Database
from newsletter.store.group_commit import Writer
from newsletter.store.import_chunk import move_chunk
from newsletter.store.schema import subscriber_table, wording_table
from newsletter.store.staged_people import StagedPerson
from newsletter.store.suppression import lock_to_add_people, lock_to_forget_people
from newsletter.subscribers.import_row import ImportRow
from newsletter.subscribers.parsing import parse_subscriber

NOW = datetime(2026, 4, 27, tzinfo=UTC)


def adding(text: str) -> Callable[[Connection], str]:
    """Return a change that adds a row and returns its text."""

    def change(connection: Connection) -> str:
        connection.execute(insert(wording_table).values(text=text, since=NOW))
        return text

    return change


def texts(database: Database) -> list[str]:
    with database.reading() as connection:
        return sorted(connection.scalars(select(wording_table.c.text)))


@contextmanager
def held(writer: Writer) -> Iterator[None]:
    """Keep the writer busy with a change until the block ends, so that others wait together."""
    began, released = threading.Event(), threading.Event()

    def change(connection: Connection) -> None:
        began.set()
        released.wait()

    future = writer.submit(change)
    began.wait()
    yield
    released.set()
    future.result()


def test_the_result_of_a_change_is_on_the_disk(database: Database) -> None:
    with closing(Writer(database)) as writer:
        assert writer.write_now(adding("one")) == "one"
        assert texts(database) == ["one"]


def test_changes_that_wait_are_committed_together(database: Database) -> None:
    commits = []
    event.listen(database._engine, "commit", lambda connection: commits.append(connection))
    with closing(Writer(database)) as writer:
        with held(writer):
            futures = [writer.submit(adding(f"{number:03}")) for number in range(100)]
        assert [future.result() for future in futures] == texts(database)
    assert len(commits) == 2


def test_a_change_that_fails_does_not_undo_the_others(database: Database) -> None:
    def failing(connection: Connection) -> None:
        adding("half")(connection)
        raise ZeroDivisionError

    with closing(Writer(database)) as writer:
        with held(writer):
            futures = [writer.submit(change) for change in (adding("a"), failing, adding("a"), adding("b"))]
        assert futures[0].result() == "a"
        with pytest.raises(ZeroDivisionError):
            futures[1].result()
        with pytest.raises(Conflict):
            futures[2].result()
        assert futures[3].result() == "b"
    assert texts(database) == ["a", "b"]


def test_a_lock_of_another_process_fails_all_that_wait_and_nothing_later(database: Database) -> None:
    with closing(Writer(database, lock_seconds=0.2)) as writer:
        with database.writing_alone():
            futures = [writer.submit(adding(text)) for text in "ab"]
            for future in futures:
                with pytest.raises(DatabaseBusy):
                    future.result()
        assert writer.write_now(adding("c")) == "c"
    assert texts(database) == ["c"]


def test_more_changes_than_can_wait_are_refused(database: Database) -> None:
    with closing(Writer(database, max_waiting=3)) as writer:
        with held(writer):
            futures = [writer.submit(adding(text)) for text in "abc"]
            with pytest.raises(Unavailable, match="too many requests"):
                writer.submit(adding("d"))
        assert [future.result() for future in futures] == ["a", "b", "c"]


def test_what_waits_is_written_before_the_end_and_nothing_after_it(database: Database) -> None:
    writer = Writer(database)
    with held(writer):
        futures = [writer.submit(adding(text)) for text in "ab"]
        closer = threading.Thread(target=writer.close)
        closer.start()
    closer.join()
    assert [future.result() for future in futures] == ["a", "b"]
    assert not writer.is_alive
    with pytest.raises(Unavailable, match="stopping"):
        writer.submit(adding("c"))


def test_a_full_disk_fails_every_change_of_its_commit(database: Database) -> None:
    """SQLite rolls the whole transaction back, not the savepoint alone."""
    if database.url.get_backend_name() != "sqlite":
        return  # PostgreSQL rolls back to the savepoint

    def limit(connection: Connection) -> None:
        pages = connection.scalar(text("pragma page_count")) or 0
        connection.exec_driver_sql(f"pragma max_page_count = {pages + 2}")

    def unlimit(connection: Connection) -> None:
        connection.exec_driver_sql("pragma max_page_count = 100000")

    with closing(Writer(database)) as writer:
        writer.write_now(limit)
        with held(writer):
            futures = [writer.submit(adding(each)) for each in ("a", "too long " * 10_000, "b")]
        for future in futures:
            with pytest.raises(StoreError, match="the disk is full"):
                future.result()
        assert texts(database) == []
        writer.write_now(unlimit)
        assert writer.write_now(adding("c")) == "c"
    assert texts(database) == ["c"]


def test_a_transaction_that_the_database_has_ended_is_not_committed(database: Database) -> None:
    if database.url.get_backend_name() != "sqlite":
        return  # PostgreSQL refuses further statements
    with pytest.raises(StoreError, match="has rolled back"), database.writing() as connection:
        adding("a")(connection)
        connection.connection.driver_connection.execute("rollback")  # type: ignore[union-attr]
        adding("b")(connection)


def test_a_lock_that_all_changes_need_is_waited_for_once(database: Database) -> None:
    if database.url.get_backend_name() != "postgresql":
        return  # SQLite has one writer at a time

    def change(connection: Connection) -> None:
        lock_to_forget_people(connection)

    with closing(Writer(database, lock_to_forget_people, lock_seconds=0.2)) as writer:
        with database.writing() as connection:
            lock_to_forget_people(connection)
            futures = [writer.submit(change) for _ in range(6)]
            failures = [future.exception() for future in futures]
        assert all(isinstance(failure, DatabaseBusy) for failure in failures)
        assert len(set(map(id, failures))) <= 2, "one for the first change, one for those that waited"
        assert writer.write_now(adding("c")) == "c"


def test_changes_and_an_import_do_not_wait_for_each_other(database: Database) -> None:
    """A webhook locks rows, and a sign-up after it adds people; an import does both the other way round."""
    if database.url.get_backend_name() != "postgresql":
        return  # SQLite has one writer at a time
    people = [
        StagedPerson(ImportRow("a.csv:2", parse_subscriber("ada@example.com")[0], "", "active"), "a.csv")
    ]
    with database.writing() as connection:
        move_chunk(connection, people, NOW)

    def change(connection: Connection) -> None:
        lock_to_add_people(connection)
        connection.execute(update(subscriber_table).values(name="Ada"))
        lock_to_forget_people(connection)

    with closing(Writer(database, lock_to_forget_people)) as writer:
        with database.writing() as connection:
            lock_to_add_people(connection)
            future = writer.submit(change)
            while not _is_waiting(database):
                pass
            move_chunk(connection, people, NOW)
        assert future.result() is None


def _is_waiting(database: Database) -> bool:
    """Return True if a transaction waits for a lock."""
    query = "select count(*) from pg_locks where not granted and database = "
    query += "(select oid from pg_database where datname = current_database())"
    with database.reading() as connection:
        return bool(connection.scalar(text(query)))
