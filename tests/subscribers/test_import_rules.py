"""Test the rules of an import: the table of changes, and that no order brings anybody back."""

from datetime import timedelta
from itertools import permutations, product
from typing import get_args

import pytest

from newsletter.constants import SUBSCRIBER_STATES, SubscriberState
from newsletter.subscribers.address import parse
from newsletter.subscribers.import_row import ImportRow
from newsletter.subscribers.import_rules import Change, Known, Result, is_departed, merge_rows, merged
from tests.samples import NOW

EARLY, LATE = NOW - timedelta(days=20), NOW - timedelta(days=10)
ADA = parse("ada@example.com")
STATES: tuple[SubscriberState | None, ...] = (None, "active", "bounced", "unsubscribed", "complained")


def known(state: SubscriberState = "active", how: str = "imported", changed: object = EARLY) -> Known:
    return Known("Ada", state, EARLY, how, changed)  # type: ignore[arg-type]


def row(state: SubscriberState | None = "active", left_at: object = None, name: str = "Ada") -> ImportRow:
    return ImportRow("list.csv:2", ADA, name, state, None, left_at)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("before", "read", "result", "detail"),
    [
        pytest.param(None, row(), "added", "active", id="stranger"),
        pytest.param(None, row("complained"), "added", "complained", id="stranger-who-left"),
        pytest.param(None, row(None), "kept out", "no_state", id="stranger-without-state"),
        pytest.param(None, row("pending"), "kept out", "not_confirmed", id="stranger-not-confirmed"),
        pytest.param(known(), row(), "known", "", id="same"),
        pytest.param(known(), row(None, name="Eve"), "known", "", id="without-state"),
        pytest.param(known(), row("pending", name="Eve"), "known", "", id="not-confirmed-there"),
        pytest.param(known(), row(name=""), "known", "", id="without-name"),
        pytest.param(known(), row(name="Eve"), "changed", "renamed", id="renamed"),
        pytest.param(known("pending"), row(name="Eve"), "known", "", id="not-confirmed-here"),
        pytest.param(known("pending"), row("bounced"), "changed", "left", id="not-confirmed-and-left"),
        pytest.param(known("bounced"), row(name="Eve"), "kept out", "has_left", id="never-back"),
        pytest.param(known("bounced"), row(None), "known", "", id="left-and-without-state"),
        pytest.param(known(), row("unsubscribed"), "changed", "left", id="left"),
        pytest.param(known("bounced"), row("unsubscribed"), "changed", "worse", id="worse"),
        pytest.param(known("unsubscribed"), row("complained", EARLY), "changed", "worse", id="complained"),
        pytest.param(known("complained"), row("unsubscribed"), "known", "", id="less-bad"),
        pytest.param(known("unsubscribed"), row("unsubscribed"), "known", "", id="same-departure"),
        pytest.param(known("unsubscribed"), row("bounced", LATE), "changed", "worse", id="later-departure"),
        pytest.param(known(how="added by hand"), row("bounced"), "changed", "left", id="undated-departure"),
        pytest.param(
            known(how="added by hand"),
            row("bounced", EARLY - timedelta(1)),
            "known",
            "",
            id="consent-is-later",
        ),
        pytest.param(
            known("unsubscribed", "added by hand"),
            row("complained", EARLY - timedelta(1)),
            "known",
            "",
            id="consent-is-later-and-left-since",
        ),
        pytest.param(
            known(), row("bounced", EARLY - timedelta(1)), "changed", "left", id="consent-of-import"
        ),
        pytest.param(
            known(how="added by hand"), row("bounced", EARLY), "changed", "left", id="departure-after-consent"
        ),
    ],
)
def test_a_row_changes(before: Known | None, read: ImportRow, result: Result, detail: str) -> None:
    change = merged(before, read, NOW)
    assert (change.result, change.detail) == (result, detail)
    assert bool(change.values) == (result in ("added", "changed"))
    if change.values:
        again = merged(_after(before, change), read, NOW)
        expected = "has_left" if read.state == "active" and is_departed(_after(before, change).state) else ""
        assert (again.detail, dict(again.values)) == (expected, {}), "a second import changes nothing"


def test_a_forgotten_person_is_kept_out_in_every_state() -> None:
    for state in STATES:
        assert merged(None, row(state), NOW, is_forgotten=True) == Change("kept out", "forgotten")


def test_a_time_in_the_future_is_not_believed() -> None:
    later = NOW + timedelta(days=1)
    assert merged(known(), row("unsubscribed", later), NOW).values["changed_at"] == NOW
    stranger = merged(None, row("bounced", later)._replace(consent_at=later), NOW).values
    assert (stranger["consent_at"], stranger["changed_at"]) == (NOW, NOW)


def test_the_values_of_a_departure_are_those_of_the_worst_state_and_the_latest_time() -> None:
    worse = merged(known("bounced", changed=LATE), row("unsubscribed", EARLY), NOW).values
    assert worse == {"state": "unsubscribed", "changed_at": LATE, "changed_how": "imported"}
    later = merged(known("complained"), row("bounced", LATE), NOW).values
    assert later == {"state": "complained", "changed_at": LATE, "changed_how": "imported"}


def test_rows_of_a_person_are_merged() -> None:
    first = row("unsubscribed", EARLY, "Old")._replace(where="list.csv:2", consent_at=LATE)
    second = row("active", None, "New")._replace(where="list.csv:3", consent_at=EARLY)
    for both in (merge_rows(first, second), merge_rows(second, first)):
        assert both == ImportRow("list.csv:2", ADA, "New", "unsubscribed", EARLY, EARLY)
    later = row("bounced", LATE, "Other")
    assert merge_rows(first, later).left_at == LATE and merge_rows(first, later).name == "Old"
    assert merge_rows(row(name=""), row("bounced", name="Ada")).name == "Ada"
    assert merge_rows(row(name="Ada"), row(name="Bo")).name == "Bo", "the later name"
    assert merge_rows(row(None), row()).state == "active"


def _after(before: Known | None, change: Change) -> Known:
    """Return the subscriber after a change."""
    assert before or change.values
    fields = before._asdict() if before else {}
    return Known(**fields | {name: value for name, value in change.values.items() if name in Known._fields})


def play(history: tuple[object, ...]) -> tuple[Known | None, bool]:
    """Return the person after a history of imports, `add`, `add again`, `remove` and `forget`.

    The store's methods have the same conditions (tests/store/test_subscribers.py).
    """
    person: Known | None = None
    is_forgotten = False
    for action in history:
        if isinstance(action, ImportRow):
            change = merged(person, action, NOW, is_forgotten=is_forgotten)
            person = _after(person, change) if change.values else person
        elif action == "add again" or (action == "add" and person is None and not is_forgotten):
            person, is_forgotten = known("active", "asked to come back"), False
        elif action == "remove" and person and not is_departed(person.state):
            person = person._replace(state="unsubscribed")
        elif action == "forget":
            person, is_forgotten = None, True
    return person, is_forgotten


ROWS = [
    row(state, left_at) for state in STATES for left_at in (None, LATE) if is_departed(state) or not left_at
]


def test_only_add_again_brings_back() -> None:
    """All histories of up to four actions: who has left or was forgotten is not active at the end."""
    actions = (*ROWS, "add", "remove", "forget")
    tried = 0
    for history in (history for length in (2, 3, 4) for history in product(actions, repeat=length)):
        before, was_forgotten = play(history[:-1])
        after, _ = play(history)
        if was_forgotten or (before and is_departed(before.state)):
            assert after is None or is_departed(after.state), history
            tried += 1
        again, is_forgotten = play((*history, "add again"))
        assert again and again.state == "active" and not is_forgotten
    assert tried > 10_000


def test_the_state_does_not_depend_on_the_order_of_imports() -> None:
    times = (None, EARLY - timedelta(days=1), LATE)
    rows = [row(state, time) for state in STATES for time in (times if is_departed(state) else (None,))]
    starts = [
        None,
        known(),
        known("bounced"),
        known(how="added by hand"),
        known("unsubscribed", "added by hand"),
    ]
    for start, chosen in product(starts, product(rows, repeat=3)):
        ends = set()
        for order in permutations(chosen):
            person = start
            for read in order:
                change = merged(person, read, NOW)
                person = _after(person, change) if change.values else person
            ends.add(person and person.state)
        assert len(ends) == 1, (start, chosen, ends)


def test_the_time_of_the_departure_does_not_depend_on_the_order_if_each_has_one() -> None:
    rows = [row(state, time) for state in STATES if is_departed(state) for time in (EARLY, LATE)]
    for start, (one, two) in product((None, known(), known("bounced")), product(rows, repeat=2)):
        ends = set()
        for order in ((one, two), (two, one)):
            person = start
            for read in order:
                change = merged(person, read, NOW)
                person = _after(person, change) if change.values else person
            assert person
            ends.add((person.state, person.changed_at))
        assert len(ends) == 1


def test_every_state_of_a_subscriber_has_a_rank() -> None:
    assert set(SUBSCRIBER_STATES) == set(get_args(SubscriberState))
    assert [state for state in SUBSCRIBER_STATES if is_departed(state)] == [
        "unsubscribed",
        "bounced",
        "complained",
    ]  # type: ignore[arg-type]


def test_a_departure_without_a_time_is_not_dated_by_another_one() -> None:
    dated, undated = row("unsubscribed", EARLY), row("unsubscribed")
    for rows in permutations([dated, undated, row("bounced", LATE)]):
        assert merge_rows(merge_rows(rows[0], rows[1]), rows[2]).left_at is None
    assert merge_rows(dated, row("unsubscribed", LATE)).left_at == LATE
    assert merge_rows(dated, row()).left_at == EARLY


def test_the_earlier_consent_counts_unless_the_person_gave_it_here() -> None:
    earlier = row()._replace(consent_at=EARLY - timedelta(days=9))
    assert merged(known(), earlier, NOW) == Change("changed", "consent", {"consent_at": earlier.consent_at})
    assert merged(known(how="added by hand"), earlier, NOW) == Change("known")
    assert merged(known(), row()._replace(consent_at=LATE), NOW) == Change("known")
