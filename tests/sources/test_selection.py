"""The entries for an issue: those of the week, the best first, each once, up to the limit."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from newsletter.errors import Unavailable
from newsletter.sources.entry import Entries, SourceEntry, SourceRequest
from newsletter.sources.selection import select
from tests.sources.asking import ADDRESS, request

FEED = request(feed=ADDRESS, limit=3)
RATED = request(json=ADDRESS, title="t", rating="r", limit=3)


def entry(title: str, day: int | None = None, rating: float | None = None) -> SourceEntry:
    """Return an entry of a day of April 2026, at noon; the week is that from 27 April."""
    at = datetime(2026, 4, day, 12, tzinfo=UTC) if day else None
    return SourceEntry(title, f"https://example.com/{title}", (), at, rating=rating)


def selected(asked: SourceRequest, *entries: SourceEntry) -> tuple[str, list[str]]:
    """Return the titles, and the notes behind `source soup: `."""
    chosen = select(asked, Entries(entries))
    notes = [f"{note.severity}: {note.what.removeprefix('source soup: ')}" for note in chosen.notes]
    return " ".join(entry.title for entry in chosen.entries), notes


def refusal(asked: SourceRequest, *entries: SourceEntry) -> str:
    with pytest.raises(Unavailable) as raised:
        select(asked, Entries(entries))
    return f"{raised.value.what}; {raised.value.hint}"


def test_the_newest_entries_of_the_week_come_first() -> None:
    days = [entry("a", 27), entry("b", 26), entry("c", 30), entry("d", 28), entry("e", 29)]
    assert selected(FEED, *days) == ("c e d", [])


def test_the_highest_rated_entries_come_first_and_ties_stay_in_order() -> None:
    rated = [
        entry("a", rating=1),
        entry("b"),
        entry("c", rating=-2),
        entry("d", 30, rating=1),
        entry("e", rating=5),
    ]
    assert selected(RATED, *rated)[0] == "e a d"
    assert selected(RATED, entry("a"), entry("b", rating=-5), entry("c"))[0] == "b a c"


def test_without_ratings_and_dates_the_order_is_that_of_the_source() -> None:
    assert selected(RATED, entry("a"), entry("b"), entry("c"), entry("d")) == ("a b c", [])


def test_entries_without_a_date_come_last_with_a_note() -> None:
    assert selected(FEED, entry("a"), entry("b", 27), entry("c", 28)) == (
        "c b a",
        ["note: 1 entry without a date"],
    )


def test_an_entry_is_chosen_once() -> None:
    twice = [entry("a", 27), entry("b", 28), replace(entry("A", 29), link="https://example.com/a")]
    assert selected(FEED, *twice, entry("c", 27))[0] == "A b c"
    assert selected(FEED, replace(entry("x", 28), link=""), replace(entry("X", 27), link=""))[0] == "x"


def test_fewer_entries_than_the_limit_are_a_note() -> None:
    assert selected(FEED, entry("a", 27), entry("b", 1)) == (
        "a",
        ["note: has only 1 entry for the week 2026-04-27 to 2026-05-03, and its limit is 3"],
    )


def test_entries_without_a_title_or_a_link_are_named() -> None:
    found = [entry("a", 27), entry("", 28), entry("b", 27), replace(entry("c", 27), link="")]
    assert selected(FEED, *found) == (
        "a b c",
        ["note: 1 entry without a title left out", "note: 1 entry without a web address"],
    )


def test_texts_become_plain_paragraphs() -> None:
    found = select(FEED, Entries((replace(entry("a", 27), text="<p>One<br>two</p><script>x</script>"),)))
    assert found.entries[0].text == "One\ntwo"


def test_a_source_that_gives_nothing_is_an_error() -> None:
    assert refusal(FEED) == (
        f"source soup: gave a valid list without an entry ({ADDRESS}); "
        "try again later: some services give an empty list now and then"
    )
    assert refusal(FEED, entry(""), entry("")) == (
        f"source soup: gave 2 entries without a title ({ADDRESS}); choose another source"
    )
    assert refusal(FEED, entry("a", 3), entry("b", 20)) == (
        "source soup: gave 2 entries of 2026-04-03 to 2026-04-20, and none of the week 2026-04-27 to "
        f"2026-05-03 ({ADDRESS}); for the week of the newest: --week 2026-W17"
    )
