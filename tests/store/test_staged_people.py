"""Test the sorted runs of an import: the people that are read are those of the rows, whatever their order."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from functools import reduce

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.store.staged_people import StagedPeople, StagedPerson
from newsletter.subscribers.address import parse
from newsletter.subscribers.import_row import ImportRow
from newsletter.subscribers.import_rules import merge_rows
from tests.samples import NOW

_LAST = datetime(2100, 12, 31, 23, 59, 59, 999_999, UTC)
_times = st.none() | st.datetimes(
    datetime(1970, 1, 1), _LAST.replace(tzinfo=None), timezones=st.just(UTC), allow_imaginary=False
)


def row(name: str, number: int = 1, **values: object) -> ImportRow:
    return ImportRow(f"list.csv:{number}", parse(f"{name}@example.com"), f"Reader {number}")._replace(
        **values
    )


@contextmanager
def staged(rows: Iterable[ImportRow], run_rows: int) -> Iterator[StagedPeople]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        people = StagedPeople(connection, run_rows=run_rows)
        for one in rows:
            people.add(one, "list.csv")
        yield people


def read(people: StagedPeople) -> list[StagedPerson]:
    with people.sorted() as found:
        return list(found)


def merged_in_memory(rows: list[ImportRow]) -> list[StagedPerson]:
    """Return the people of rows by address key, in the simplest way."""
    found = []
    for key in sorted({one.address.key for one in rows}):
        numbered = [(number, one) for number, one in enumerate(rows) if one.address.key == key]
        (first, _), further = numbered[0], [one for _, one in numbered[1:]]
        merged = reduce(merge_rows, (one for _, one in numbered))
        found.append(StagedPerson(merged, "list.csv", first, len(further), tuple(further)))
    return found


@settings(deadline=None)
@given(
    st.integers(1, 13),
    st.lists(
        st.tuples(
            st.sampled_from("abcd"),
            st.sampled_from(["active", "pending", "unsubscribed", "complained", None]),
            _times,
            _times,
        ),
        max_size=12,
    ),
)
def test_people_are_those_of_the_rows(
    run_rows: int, cells: list[tuple[str, object, datetime | None, datetime | None]]
) -> None:
    rows = [
        row(name, number, state=state, consent_at=joined, left_at=left)
        for number, (name, state, joined, left) in enumerate(cells)
    ]
    with staged(rows, run_rows) as people:
        assert read(people) == merged_in_memory(rows)


def test_people_can_be_read_again_and_more_can_be_added() -> None:
    rows = [row(name, number) for number, name in enumerate("cabcd")]
    with staged(rows, 2) as people:
        assert read(people) == read(people) == merged_in_memory(rows)
        rows.append(row("a", 9))
        people.add(rows[-1], "list.csv")
        assert read(people) == merged_in_memory(rows)


@pytest.mark.parametrize("microseconds", [0, 1, 499_999, 999_999])
def test_times_are_exact(microseconds: int) -> None:
    times = [time.replace(microsecond=microseconds) for time in (NOW, NOW - timedelta(days=9000), _LAST)]
    rows = [row("ada", n, consent_at=time, left_at=time) for n, time in enumerate(times)]
    for one in rows:
        with staged([one], 10) as people:
            assert [person.row for person in read(people)] == [one]


def test_people_need_not_be_read_to_the_end() -> None:
    with staged([row("ada"), row("bo")], 10) as people, people.sorted() as found:
        assert next(found).row == row("ada")


def test_many_further_rows_of_a_person_are_counted_and_the_first_of_them_kept() -> None:
    with staged([row("ada", number) for number in range(250)], 20) as people:
        (ada,) = read(people)
    assert ada.repeats == 249
    assert [one.where for one in ada.repeated] == [f"list.csv:{number}" for number in range(1, 101)]
