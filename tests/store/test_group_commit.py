"""The thread that writes for all requests: group commit, failures, and the end."""

import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime

import pytest
from sqlalchemy import Connection, event, insert, select

from newsletter.errors import DatabaseBusy, Unavailable
from newsletter.store.database import Conflict, Database
from newsletter.store.group_commit import Writer
from newsletter.store.schema import wording_table

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
