"""The policy for held batches: until when one can be recalled, and the decision on a recall."""

from datetime import datetime, timedelta

import pytest

from newsletter.sending import hold_policy
from newsletter.sending.hold_policy import SendTimings
from newsletter.sending.model import HeldBatch, HeldBatchState, HeldBatchStatus
from tests.samples import NOW

LEAVES = NOW + timedelta(minutes=30)


def status(
    state: HeldBatchState = "open", unknown: int = 1, intended: int = 0, since: int = 0
) -> HeldBatchStatus:
    batch = HeldBatch(1, 1, "batch1", NOW, LEAVES, state)
    return HeldBatchStatus(batch, 5, unknown, intended, NOW + timedelta(minutes=since) if unknown else None)


def at(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("of", "now", "do"),
    [
        pytest.param(status(unknown=0), 1, "leave", id="nothing-unknown"),
        pytest.param(status(), 1, "wait", id="may-still-arrive"),
        pytest.param(status(), 5, "recall", id="ripe"),
        pytest.param(status(), 18, "recall", id="just-in-time"),
        pytest.param(status(), 18.1, "abandon", id="too-late"),
        pytest.param(status(since=14), 14, "abandon", id="ripe-too-late"),
        pytest.param(status(since=13), 13, "wait", id="ripe-just-in-time"),
        pytest.param(status(intended=2), 10, "wait", id="under-way"),
        pytest.param(status("cancelling", unknown=0), 10, "recall", id="begun-and-not-confirmed"),
        pytest.param(status("cancelling"), 19, "abandon", id="begun-and-too-late"),
        pytest.param(status("cancelling"), 2, "wait", id="begun-and-may-still-arrive"),
        pytest.param(status("cancelled"), 10, "leave", id="done"),
        pytest.param(status("kept"), 10, "leave", id="given-up"),
    ],
)
def test_what_an_unknown_calls_for(of: HeldBatchStatus, now: float, do: str) -> None:
    assert hold_policy.decide_recall(of, at(now), SendTimings()).action == do


def test_it_waits_until_the_lost_request_must_have_arrived() -> None:
    assert hold_policy.decide_recall(status(since=2), at(3), SendTimings()).at == at(7)


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
    state: HeldBatchState, filled: int, minutes: float, fits: bool
) -> None:
    assert hold_policy.has_room(status(state).batch, filled, 10, at(minutes)) == fits


def test_where_no_more_can_be_opened_the_newest_takes_the_rest() -> None:
    early = HeldBatch(1, 1, "a", NOW, at(20), "open")
    late = HeldBatch(1, 2, "b", NOW, at(30), "open")
    gone = HeldBatch(1, 3, "c", NOW, at(40), "cancelled")
    assert hold_policy.newest_open([early, late, gone], NOW, SendTimings()) == late
    assert hold_policy.newest_open([early, late, gone], at(19), SendTimings()) is None


def test_a_lane_needs_a_slot_until_it_has_left() -> None:
    assert hold_policy.in_use(status().batch, at(29)) and not hold_policy.in_use(status().batch, at(30))
    assert not hold_policy.in_use(status("cancelled").batch, NOW)


def test_the_back_off_grows_to_six_hours() -> None:
    seconds = [SendTimings().back_off(tries).total_seconds() for tries in (0, 1, 2, 3, 4, 8, 1000)]
    assert seconds == [5, 20, 80, 320, 1280, 21600, 21600]
