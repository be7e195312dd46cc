"""The state of a subscriber after delivery events, in any order and with any repetition."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.constants import DELIVERY_EVENT_KINDS, SubscriberState
from newsletter.subscribers.delivery_rules import (
    PersonEvent,
    PersonState,
    StateChange,
    bounce_kind,
    is_about_sender,
    state_after,
)
from newsletter.subscribers.origins import SOFT_BOUNCES

CONSENT = datetime(2026, 1, 1, tzinfo=UTC)
ACTIVE = PersonState("active", CONSENT, "", CONSENT)


def day(number: float) -> datetime:
    return CONSENT + timedelta(days=number)


def soft(*days: float) -> list[PersonEvent]:
    """Return a soft bounce of a message of its own on each day."""
    return [PersonEvent("soft", day(number), send_id=int(number)) for number in days]


def after(person: PersonState, events: Sequence[PersonEvent]) -> PersonState:
    change = state_after(person, events)
    return PersonState(*change, person.consent_at) if change else person


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("5.1.1", "bounced"),
        ("5.1.0", "bounced"),
        ("5.1.10", "bounced"),
        ("5.2.1", "bounced"),
        # About the address of the sender: the whole list would bounce.
        ("5.1.7", "soft"),
        ("5.1.8", "soft"),
        ("5.1.07", "soft"),
        ("5.1.70", "bounced"),
        ("5.2.2", "soft"),
        ("5.2.12", "soft"),
        ("5.3.0", "soft"),
        ("5.7.1", "soft"),
        ("5.7.515", "soft"),
        ("5.0.0", "soft"),
        ("4.1.1", "soft"),
        ("4.2.1", "soft"),
        ("", "soft"),
    ],
)
def test_a_status_code_is_hard_or_soft(status: str, expected: str) -> None:
    assert bounce_kind(status) == expected


@pytest.mark.parametrize("status", ["5.1.7", "5.1.8", "5.1.07", "5.7.0", "5.7.26"])
def test_some_status_codes_are_about_the_sender(status: str) -> None:
    assert is_about_sender(status) and bounce_kind(status) == "soft"


@pytest.mark.parametrize("status", ["5.1.1", "5.1.70", "5.17.1", "5.2.2", "4.7.1", "5.7.", "x5.1.7", ""])
def test_other_status_codes_are_not_about_the_sender(status: str) -> None:
    assert not is_about_sender(status)


@pytest.mark.parametrize(
    ("kind", "state", "how"),
    [
        ("bounced", "bounced", "hard bounce"),
        ("unsubscribed", "unsubscribed", "unsubscribed at the provider"),
        ("complained", "complained", "spam report"),
    ],
)
def test_one_event_is_enough(kind: str, state: str, how: str) -> None:
    assert state_after(ACTIVE, [PersonEvent(kind, day(3))]) == StateChange(state, day(3), how)  # type: ignore[arg-type]


def test_the_worst_event_decides() -> None:
    events = [
        PersonEvent(kind, day(at)) for at, kind in enumerate(("bounced", "complained", "unsubscribed"), 1)
    ]  # type: ignore[arg-type]
    assert state_after(ACTIVE, events) == StateChange("complained", day(2), "spam report")
    assert state_after(ACTIVE, [events[0], events[2]]) == StateChange(
        "unsubscribed", day(3), "unsubscribed at the provider"
    )


def test_a_delivery_changes_nothing() -> None:
    assert state_after(ACTIVE, [PersonEvent("delivered", day(1))]) is None


@pytest.mark.parametrize(
    ("days", "stops_on"),
    [
        pytest.param((1, 8, 15), 15, id="three"),
        pytest.param((1, 4, 8), 8, id="seven-days"),
        pytest.param((1, 4, 7.9), None, id="less-than-seven-days"),
        pytest.param((1, 2, 3, 4, 9), 9, id="many"),
        pytest.param((1, 30), None, id="two"),
    ],
)
def test_three_soft_bounces_over_a_week_stop(days: tuple[float, ...], stops_on: float | None) -> None:
    expected = StateChange("bounced", day(stops_on), SOFT_BOUNCES) if stops_on else None
    assert state_after(ACTIVE, soft(*days)) == expected


def test_several_soft_bounces_of_one_message_are_one() -> None:
    events = [PersonEvent("soft", day(number), send_id=1) for number in (1, 3, 9)]
    assert state_after(ACTIVE, events) is None
    assert state_after(ACTIVE, [*events, *soft(10)]) is None
    assert state_after(ACTIVE, [*events, *soft(10, 11)]) == StateChange("bounced", day(11), SOFT_BOUNCES)


def test_a_delivery_between_soft_bounces_begins_a_new_row() -> None:
    delivered = PersonEvent("delivered", day(9))
    assert state_after(ACTIVE, [*soft(1, 8, 15), delivered]) is None
    assert state_after(ACTIVE, [*soft(1, 8, 9), delivered, *soft(10, 17)]) is None, "in the same second"
    assert state_after(ACTIVE, [*soft(1, 8, 15, 22), delivered]) is None
    assert state_after(ACTIVE, [*soft(1, 8, 15, 22, 29), delivered]) == StateChange(
        "bounced", day(29), SOFT_BOUNCES
    )


def test_a_late_delivery_takes_back_soft_bounces_and_nothing_else() -> None:
    stopped = after(ACTIVE, soft(1, 8, 15))
    delivered = [PersonEvent("delivered", day(9)), PersonEvent("delivered", day(16))]
    for event in delivered:
        assert state_after(stopped, [*soft(1, 8, 15), event]) == StateChange("active", CONSENT, "")
    for kind in ("bounced", "unsubscribed", "complained"):
        ended = after(ACTIVE, [PersonEvent(kind, day(3))])  # type: ignore[arg-type]
        assert state_after(ended, [PersonEvent(kind, day(3)), *delivered]) is None  # type: ignore[arg-type]
    imported = PersonState("bounced", day(2), "imported", CONSENT)
    assert state_after(imported, delivered) is None


def test_events_before_the_consent_do_not_count() -> None:
    again = ACTIVE._replace(consent_at=day(10))
    events = [PersonEvent("complained", day(9)), *soft(1, 5, 9)]
    assert state_after(again, events) is None
    assert state_after(again, [*events, *soft(11, 12)]) is None
    stopped = PersonState("bounced", day(9), SOFT_BOUNCES, day(10))
    assert state_after(stopped, events) == StateChange("active", day(10), "")


def test_who_has_left_may_complain_and_stays_away() -> None:
    left = PersonState("unsubscribed", day(2), "removed by hand", CONSENT)
    assert state_after(left, [PersonEvent("bounced", day(3))]) is None
    assert state_after(left, [PersonEvent("unsubscribed", day(1))]) is None
    assert state_after(left, soft(1, 8, 15)) is None
    assert state_after(left, [PersonEvent("complained", day(3))]) == StateChange(
        "complained", day(3), "spam report"
    )


def test_nobody_becomes_active_who_was_not() -> None:
    pending = PersonState("pending", CONSENT, "", CONSENT)
    assert state_after(pending, soft(1, 8, 15)) is None
    assert state_after(pending, [PersonEvent("delivered", day(1))]) is None
    assert state_after(pending, [PersonEvent("bounced", day(1))]) == StateChange(
        "bounced", day(1), "hard bounce"
    )


EVENTS = st.lists(
    st.builds(
        PersonEvent,
        st.sampled_from(["soft", "soft", "delivered", *DELIVERY_EVENT_KINDS]),
        st.integers(-2, 12).map(lambda number: day(number * 2)),
        st.none() | st.integers(1, 4),
    ),
    max_size=12,
)
STATES = st.sampled_from(
    [
        ACTIVE,
        *(
            PersonState(state, day(1), how, CONSENT)
            for state, how in (("pending", ""), ("bounced", "imported"))
        ),
        *(PersonState(state, day(1), "removed by hand", CONSENT) for state in ("unsubscribed", "complained")),
    ]
)


@given(st.data(), STATES, EVENTS)
def test_neither_order_nor_repetition_matters(
    data: st.DataObject, person: PersonState, events: list[PersonEvent]
) -> None:
    """Compare one arrival of all events with arrivals in parts, shuffled, each with repeated events."""
    at_once = after(person, events)
    shuffled = data.draw(st.permutations(events * 2))
    state, arrived = person, list[PersonEvent]()
    while shuffled:
        size = data.draw(st.integers(1, len(shuffled)))
        arrived += shuffled[:size]
        shuffled = shuffled[size:]
        state = after(state, arrived)
    # The time of the state is the same one, too, if an event caused it.
    assert state[:3:2] == at_once[:3:2]
    assert state.changed_at == at_once.changed_at or not at_once.changed_how
    assert state_after(state, arrived) is None


@given(STATES, EVENTS)
def test_only_soft_bounces_are_taken_back(person: PersonState, events: list[PersonEvent]) -> None:
    state = after(person, events)
    worse: list[SubscriberState] = ["active", "bounced", "unsubscribed", "complained"]
    if person.state in worse:
        assert worse.index(state.state) >= worse.index(person.state)
