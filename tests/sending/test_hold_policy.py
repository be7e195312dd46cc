"""When a lane can still be called back, and what to do about it."""

from datetime import datetime, timedelta

import pytest

from newsletter.sending import hold_policy
from newsletter.sending.hold_policy import Timing
from newsletter.sending.model import Lane, LaneStanding, LaneState
from tests.samples import NOW

LEAVES = NOW + timedelta(minutes=30)


def standing(state: LaneState = "open", unknown: int = 1, intended: int = 0, since: int = 0) -> LaneStanding:
    lane = Lane(1, 1, "batch1", NOW, LEAVES, state)
    return LaneStanding(lane, 5, unknown, intended, NOW + timedelta(minutes=since) if unknown else None)


def at(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("of", "now", "do"),
    [
        pytest.param(standing(unknown=0), 1, "leave", id="nothing-unknown"),
        pytest.param(standing(), 1, "wait", id="may-still-arrive"),
        pytest.param(standing(), 5, "call back", id="ripe"),
        pytest.param(standing(), 18, "call back", id="just-in-time"),
        pytest.param(standing(), 18.1, "give up", id="too-late"),
        pytest.param(standing(since=14), 14, "give up", id="ripe-too-late"),
        pytest.param(standing(since=13), 13, "wait", id="ripe-just-in-time"),
        pytest.param(standing(intended=2), 10, "wait", id="under-way"),
        pytest.param(standing("cancelling", unknown=0), 10, "call back", id="begun-and-not-confirmed"),
        pytest.param(standing("cancelling"), 19, "give up", id="begun-and-too-late"),
        pytest.param(standing("cancelling"), 2, "wait", id="begun-and-may-still-arrive"),
        pytest.param(standing("cancelled"), 10, "leave", id="done"),
        pytest.param(standing("kept"), 10, "leave", id="given-up"),
    ],
)
def test_what_an_unknown_calls_for(of: LaneStanding, now: float, do: str) -> None:
    assert hold_policy.step(of, at(now), Timing()).do == do


def test_it_waits_until_the_lost_request_must_have_arrived() -> None:
    assert hold_policy.step(standing(since=2), at(3), Timing()).at == at(7)


@pytest.mark.parametrize(
    ("state", "filled", "minutes", "fits"),
    [
        ("open", 0, 0, True),
        ("open", 9, 7.5, True),
        ("open", 10, 0, False),
        ("open", 0, 7.6, False),
        ("cancelling", 0, 0, False),
    ],
)
def test_a_lane_is_filled_for_a_quarter_of_its_time(
    state: LaneState, filled: int, minutes: float, fits: bool
) -> None:
    assert hold_policy.fits(standing(state).lane, filled, 10, at(minutes)) == fits


def test_where_no_more_can_be_opened_the_newest_takes_the_rest() -> None:
    early = Lane(1, 1, "a", NOW, at(20), "open")
    late = Lane(1, 2, "b", NOW, at(30), "open")
    gone = Lane(1, 3, "c", NOW, at(40), "cancelled")
    assert hold_policy.newest([early, late, gone], NOW, Timing()) == late
    assert hold_policy.newest([early, late, gone], at(19), Timing()) is None


def test_a_lane_needs_a_slot_until_it_has_left() -> None:
    assert hold_policy.in_use(standing().lane, at(29)) and not hold_policy.in_use(standing().lane, at(30))
    assert not hold_policy.in_use(standing("cancelled").lane, NOW)
