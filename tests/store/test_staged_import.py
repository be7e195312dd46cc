"""Test imports: rows read into a temporary database, compared with the store, and moved into it in chunks."""

import os
import resource
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path

import pytest
from sqlalchemy import delete, select, text

from newsletter.constants import SubscriberState
from newsletter.errors import Problem, StoreError, SubscriberError
from newsletter.store import suppression
from newsletter.store.database import Database
from newsletter.store.import_chunk import move_chunk
from newsletter.store.import_outcome import Example, ImportOutcome
from newsletter.store.schema import subscriber_table
from newsletter.store.staged_import import StagedImport, next_chunk_rows
from newsletter.store.staged_people import StagedPerson
from newsletter.store.subscribers import Subscribers
from newsletter.subscribers.address import parse
from newsletter.subscribers.import_row import ImportRow, KeptOut
from tests import samples

NOW = samples.NOW
LEFT = NOW - timedelta(days=30)
Read = ImportRow | KeptOut | Problem


def row(
    name: str, line: int = 2, state: SubscriberState | None = "active", left_at: datetime | None = None
) -> ImportRow:
    address = parse(f"{name.lower()}@example.com")
    return ImportRow(f"list.csv:{line}", address, name.title(), state, None, left_at)


@pytest.fixture
def imported(database: Database, tmp_path: Path) -> Callable[..., ImportOutcome]:
    """Return a function that imports rows, and compares them before: the outcomes must be equal."""

    def apply(*rows: Read, chunk_rows: int = 2) -> ImportOutcome:
        with StagedImport(samples.newsletter(tmp_path), chunk_rows=chunk_rows) as staged:
            staged.add(rows, "list.csv")
            expected = staged.compare(database, lambda: NOW)
            outcome = staged.apply(database, lambda: NOW)
        assert outcome == expected
        assert outcome.rows == sum(outcome.counts.values())
        return outcome

    return apply


def stored(database: Database) -> dict[str, tuple[str, str]]:
    """Return the state and its origin of each subscriber."""
    with database.reading() as connection:
        rows = connection.execute(select(subscriber_table).order_by(subscriber_table.c.id)).all()
    return {row.address.partition("@")[0]: (row.state, row.changed_how) for row in rows}


def test_every_row_is_counted_once(imported: Callable[..., ImportOutcome], database: Database) -> None:
    subscribers = Subscribers(database, lambda: NOW)
    for name in ("ada", "bo", "cy", "di"):
        subscribers.add(parse(f"{name}@example.com"), name.title())
    subscribers.remove(parse("cy@example.com"))
    with database.writing() as connection:
        suppression.forget(connection, ["fay@example.com"], NOW)
    outcome = imported(
        row("ada", 2),
        row("bo", 3, "complained"),
        row("cy", 4),
        row("di", 5)._replace(name="Diana"),
        row("eve", 6),
        row("fay", 7),
        row("gus", 8, None),
        row("hal", 9, "bounced", LEFT),
        row("eve", 10),
        KeptOut("list.csv:11", "ida@example.com", "unknown_state", "frozen"),
        Problem("list.csv:12", "nobody is not an email address"),
        Problem("list.csv", "the file is an export of another tool", "", "note"),
    )
    assert outcome.counts == {
        ("added", "active"): 1,
        ("added", "bounced"): 1,
        ("known", ""): 1,
        ("known", "twice"): 1,
        ("changed", "renamed"): 1,
        ("changed", "left"): 1,
        ("kept out", "has_left"): 1,
        ("kept out", "forgotten"): 1,
        ("kept out", "no_state"): 1,
        ("kept out", "unknown_state"): 1,
        ("refused", ""): 1,
    }
    assert outcome.rows == 11 and outcome.total("kept out") == 4
    assert outcome.examples["known", "twice"] == [Example("list.csv:10", "eve@example.com")]
    assert outcome.examples["kept out", "has_left"] == [Example("list.csv:4", "cy@example.com")]
    kept_out = Example("list.csv:11", "ida@example.com", "frozen")
    assert outcome.examples["kept out", "unknown_state"] == [kept_out]
    assert [problem.where for problem in outcome.problems + outcome.notes] == ["list.csv:12", "list.csv"]
    assert stored(database) == {
        "ada": ("active", ""),
        "bo": ("complained", "imported"),
        "cy": ("unsubscribed", "removed by hand"),
        "di": ("active", ""),
        "eve": ("active", ""),
        "hal": ("bounced", "imported"),
    }


def test_a_second_import_changes_nothing(imported: Callable[..., ImportOutcome]) -> None:
    rows = [row("ada", 2), row("bo", 3, "unsubscribed"), row("cy", 4, "bounced", LEFT)]
    assert imported(*rows).total("added") == 3
    assert imported(*rows).counts == {("known", ""): 3}


def test_a_person_is_added_with_the_times_and_the_source_of_the_file(
    imported: Callable[..., ImportOutcome], database: Database
) -> None:
    joined = datetime(2020, 1, 2, 3, 4, 5, 678000, UTC)
    imported(row("ada", left_at=LEFT, state="unsubscribed")._replace(consent_at=joined), row("bo", 3))
    with database.reading() as connection:
        ada, bo = connection.execute(select(subscriber_table).order_by(subscriber_table.c.id))
    assert (ada.address, ada.name, ada.consent_at, ada.changed_at) == ("ada@example.com", "Ada", joined, LEFT)
    assert (bo.consent_at, bo.changed_at) == (NOW, NOW)
    assert {(one.consent_how, one.consent_source) for one in (ada, bo)} == {("imported", "list.csv")}


def test_rows_of_one_person_are_merged_however_far_apart(
    imported: Callable[..., ImportOutcome], database: Database
) -> None:
    people = [row(f"reader{n:03}", n) for n in range(300)]
    outcome = imported(*people, row("reader000", 301, "complained"), row("reader299", 302), chunk_rows=70)
    assert outcome.counts == {("added", "active"): 299, ("added", "complained"): 1, ("known", "twice"): 2}
    assert list(stored(database)) == [f"reader{n:03}" for n in range(300)]


def test_many_more_people_than_parameters_of_a_statement(
    imported: Callable[..., ImportOutcome], database: Database
) -> None:
    people = [row(f"reader{n}", n) for n in range(1100)]
    assert imported(*people, chunk_rows=1100).counts == {("added", "active"): 1100}
    changed = [one._replace(state="bounced") for one in people]
    assert imported(*changed, chunk_rows=1100).counts == {("changed", "left"): 1100}
    assert set(stored(database).values()) == {("bounced", "imported")}


def test_only_the_first_rows_of_a_kind_are_kept_as_examples(imported: Callable[..., ImportOutcome]) -> None:
    outcome = imported(*(row("ada", n) for n in range(150)))
    assert outcome.counts == {("added", "active"): 1, ("known", "twice"): 149}
    assert [one.where for one in outcome.examples["known", "twice"]] == [
        f"list.csv:{n}" for n in range(1, 101)
    ]


def test_nothing_brings_back_who_has_left(imported: Callable[..., ImportOutcome], database: Database) -> None:
    """Each way to leave, then each way to come back except `--again`, in the store itself."""
    subscribers = Subscribers(database, lambda: NOW)
    leaving = ("remove", "forget", "unsubscribed", "bounced", "complained")
    returning = ("add", "active", "named", "without state")
    for left, returned in product(leaving, returning):
        ada = row(f"{left}-{returned}".replace(" ", "-"))
        subscribers.add(ada.address)
        if left == "remove":
            subscribers.remove(ada.address)
        elif left == "forget":
            with database.writing() as connection:
                mine = subscriber_table.c.address_key == ada.address.key
                connection.execute(delete(subscriber_table).where(mine))
                suppression.forget(connection, [ada.address.key], NOW)
        else:
            imported(ada._replace(state=left))
        if returned == "add":
            with pytest.raises(SubscriberError):
                subscribers.add(ada.address)
        else:
            imported(ada._replace(state=None if returned == "without state" else "active", name=returned))
    assert subscribers.count_active() == 0
    assert len(stored(database)) == (len(leaving) - 1) * len(returning)


def test_an_import_may_be_applied_to_another_state(database: Database, tmp_path: Path) -> None:
    """As on a state ref: another machine saved at the same time, so that its state is changed again."""
    with StagedImport(samples.newsletter(tmp_path)) as staged:
        staged.add([row("ada"), row("bo", 3)], "list.csv")
        assert staged.apply(database).total("added") == 2
        subscribers = Subscribers(database)
        subscribers.remove(parse("bo@example.com"))
        assert staged.apply(database).counts == {("known", ""): 1, ("kept out", "has_left"): 1}


def test_two_imports_of_a_person_at_the_same_time_both_end(postgresql_url: str, tmp_path: Path) -> None:
    """PostgreSQL lets both write: the second one waits for the first, and then finds the person."""
    newsletter = samples.newsletter(tmp_path, NEWS_DATABASE_URL=postgresql_url)
    first, second = Database.open(newsletter), Database.open(newsletter)
    rows = [row("ada"), row("bo")]

    def import_both() -> ImportOutcome:
        with StagedImport(newsletter) as staged:
            staged.add(rows, "list.csv")
            return staged.apply(second)

    with ThreadPoolExecutor(1) as pool:
        with first.writing() as connection:
            move_chunk(connection, [StagedPerson(rows[0], "list.csv")], NOW)
            moving = pool.submit(import_both)
            while not has_waiting(first) and not moving.done():
                time.sleep(0.01)
        assert moving.result().counts == {("known", ""): 1, ("added", "active"): 1}
    for database in (first, second):
        database.close()


def has_waiting(database: Database) -> bool:
    """Return True if a transaction of PostgreSQL waits for another one."""
    with database.reading() as connection:
        return bool(connection.scalar(text("select count(*) from pg_locks where not granted")))


# The rest is about files and processes, and needs no PostgreSQL.


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Database]:
    database = Database.open(samples.newsletter(tmp_path))
    yield database
    database.close()


def people(number: int) -> Iterator[ImportRow]:
    return (row(f"reader{n:04}", n) for n in range(number))


def temporary_files(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / ".news").glob("temporary-*"))


def in_child(action: Callable[[], object]) -> int:
    """Call a function in a process of its own; return the process's status for the parent."""
    child = os.fork()
    if not child:
        try:
            action()
        finally:
            os._exit(0)
    return os.waitpid(child, 0)[1]


def killing_clock(calls: int) -> Callable[[], datetime]:
    """Return a clock that kills its process when it is asked for the time once more."""
    times = iter([NOW] * calls)

    def clock() -> datetime:
        if (now := next(times, None)) is None:
            os.kill(os.getpid(), signal.SIGKILL)
        return now or NOW

    return clock


def test_a_killed_import_is_ended_by_the_next_one(tmp_path: Path) -> None:
    newsletter = samples.newsletter(tmp_path)
    rows = [*people(10), row("reader0003", 99, "complained")]

    def killed() -> None:
        database = Database.open(newsletter)
        with StagedImport(newsletter, chunk_rows=2) as staged:
            staged.add(rows, "list.csv")
            staged.apply(database, killing_clock(3))

    assert in_child(killed) == signal.SIGKILL
    left_behind = temporary_files(tmp_path)
    assert [path.suffix for path in left_behind] == [".db", ".lock"]
    database = Database.open(newsletter)
    assert len(stored(database)) == 6, "three chunks were moved, and nothing of the fourth"
    with StagedImport(newsletter, chunk_rows=2) as staged:
        assert not set(left_behind) & set(temporary_files(tmp_path))
        staged.add(rows, "list.csv")
        outcome = staged.apply(database)
    assert outcome.counts == {("known", ""): 6, ("added", "active"): 4, ("known", "twice"): 1}
    expected = {f"reader{n:04}": ("active", "") for n in range(10)} | {
        "reader0003": ("complained", "imported")
    }
    assert stored(database) == expected
    assert temporary_files(tmp_path) == []
    database.close()


def test_two_imports_at_the_same_time_leave_each_others_files(opened: Database, tmp_path: Path) -> None:
    newsletter = samples.newsletter(tmp_path)
    with StagedImport(newsletter) as first:
        first.add([row("ada")], "a.csv")
        assert in_child(lambda: StagedImport(newsletter).__enter__().add([row("bo")], "b.csv")) == 0
        with StagedImport(newsletter) as second:
            second.add([row("ada")], "b.csv")
            assert len(temporary_files(tmp_path)) == 4
            assert first.apply(opened).total("added") == 1
            assert second.apply(opened).counts == {("known", ""): 1}
    assert temporary_files(tmp_path) == []


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, RuntimeError])
def test_an_import_that_is_given_up_changes_nothing(
    error: type[BaseException], opened: Database, tmp_path: Path
) -> None:
    def interrupted() -> Iterator[ImportRow]:
        yield row("ada")
        assert {path.stat().st_mode & 0o777 for path in temporary_files(tmp_path)} == {0o600}
        raise error

    with pytest.raises(error), StagedImport(samples.newsletter(tmp_path)) as staged:
        staged.add(interrupted(), "list.csv")
    assert temporary_files(tmp_path) == []
    assert stored(opened) == {}


def test_rows_need_no_lock_of_the_store(opened: Database, tmp_path: Path) -> None:
    with StagedImport(samples.newsletter(tmp_path)) as staged, opened.writing():
        staged.add(people(3), "list.csv")
        assert staged.compare(opened).total("added") == 3


def test_another_process_writes_between_two_chunks(opened: Database, tmp_path: Path) -> None:
    """The clock is asked in each chunk's transaction: before the second one, the first is committed."""
    newsletter = samples.newsletter(tmp_path)
    other = Database.open(newsletter)
    counts = []

    def clock() -> datetime:
        counts.append(len(stored(other)))
        return NOW

    with StagedImport(newsletter, chunk_rows=2) as staged:
        staged.add(people(6), "list.csv")
        staged.apply(opened, clock)
    other.close()
    assert counts == [0, 2, 4]


@pytest.mark.parametrize(
    ("rows", "seconds", "then"),
    [
        pytest.param(1000, 0.03, 1000, id="as wanted"),
        pytest.param(1000, 0.06, 500, id="too long"),
        pytest.param(1000, 0.024, 1250, id="short"),
        pytest.param(1000, 0.0, 2000, id="no more than twice"),
        pytest.param(100, 9.0, 50, id="not less than 50"),
        pytest.param(4000, 0.01, 5000, id="not more than 5000"),
    ],
)
def test_a_chunk_is_as_long_as_other_processes_may_wait(rows: int, seconds: float, then: int) -> None:
    assert next_chunk_rows(rows, seconds) == then


@pytest.fixture
def small_files() -> Iterator[None]:
    """Let no file of this process grow above 300 kB, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def long_rows(number: int) -> Iterable[ImportRow]:
    return (one._replace(name="x" * 40_000) for one in people(number))


def test_a_full_disk_ends_the_first_phase_with_an_answer(
    opened: Database, tmp_path: Path, small_files: None
) -> None:
    with pytest.raises(StoreError) as raised, StagedImport(samples.newsletter(tmp_path)) as staged:
        staged.add(long_rows(2000), "list.csv")
        staged.compare(opened)  # a short list is written here
    assert "temporary-" in raised.value.where and raised.value.hint
    assert temporary_files(tmp_path) == [] and stored(opened) == {}


def test_after_a_full_disk_a_second_import_moves_the_others(opened: Database, tmp_path: Path) -> None:
    newsletter = samples.newsletter(tmp_path)
    with StagedImport(newsletter, chunk_rows=2) as staged:
        staged.add(long_rows(20), "list.csv")
        with opened.writing() as connection:
            pages = connection.exec_driver_sql("pragma page_count").scalar() or 0
            connection.exec_driver_sql(f"pragma max_page_count = {pages + 60}")
        with pytest.raises(StoreError, match="the disk is full"):
            staged.apply(opened)
    moved = len(stored(opened))
    assert 0 < moved < 20 and not moved % 2
    with opened.writing() as connection:
        connection.exec_driver_sql("pragma max_page_count = 1000000")
    with StagedImport(newsletter, chunk_rows=2) as staged:
        staged.add(long_rows(20), "list.csv")
        outcome = staged.apply(opened)
    assert Counter(outcome.counts) == {("known", ""): moved, ("added", "active"): 20 - moved}


def test_the_name_of_a_file_may_be_any_bytes(database: Database, tmp_path: Path) -> None:
    with StagedImport(samples.newsletter(tmp_path)) as staged:
        staged.add([row("ada")], os.fsdecode(b"\xff.csv"))
        staged.apply(database)
    with database.reading() as connection:
        assert connection.scalar(select(subscriber_table.c.consent_source)) == "\\udcff.csv"
