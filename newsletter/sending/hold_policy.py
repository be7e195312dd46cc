"""Lanes: when mail that is held back can still be called back, and what to do about one in doubt. Pure.

open --unknown, ripe, in time--> cancelling --confirmed--> cancelled     (its people are waiting again)
  |                                  |
  +------- too late, no slot --------+--------------------> kept         (what is unknown stays unknown)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from newsletter.sending.model import Lane, LaneStanding

# How far ahead mail can be scheduled (SendGrid's reference: 72 hours).
FURTHEST = timedelta(hours=72)


@dataclass(frozen=True)
class Timing:
    """How long things take, or may be relied on; and how many lanes are held back at once."""

    # SendGrid cancels at most ten batches at once in an account: five leave room for staging again.
    lanes: int = 5
    # Few people need few lanes: so many calls fill one at least, and other sends find slots, too.
    calls: int = 5

    # A request whose answer was lost may still arrive; then it is covered by no cancel that came before it.
    late: timedelta = timedelta(minutes=5)
    # "Not later than 10 minutes before send_at" (SendGrid's reference), and half a minute for our clock.
    cancel: timedelta = timedelta(minutes=10, seconds=30)
    # Mending begins no later than this before the mail leaves: the calls it takes have time-outs.
    mend: timedelta = timedelta(minutes=12)
    # Who says nothing for so long has lost the send to whoever asks for it.
    lease: timedelta = timedelta(minutes=2)
    # A sign of life, and a look whether the send was called back meanwhile.
    sign: timedelta = timedelta(seconds=5)
    # For so long a run waits for something that is put off; beyond that it ends, and says until when.
    patience: timedelta = timedelta(minutes=10)
    slow: timedelta = timedelta(minutes=61)


@dataclass(frozen=True)
class Step:
    """What to do about a lane, not before `at`."""

    do: Literal["leave", "wait", "call back", "give up"]
    at: datetime | None = None
    why: str = ""


def step(standing: LaneStanding, now: datetime, timing: Timing) -> Step:
    """What an unknown in a lane calls for now."""
    lane = standing.lane
    if lane.state in ("cancelled", "kept"):
        return Step("leave")
    begun = lane.state == "cancelling"
    if not begun and not standing.unknown:
        return Step("leave")
    if standing.intended:
        return Step("wait", now + timing.sign)
    # What may still arrive is covered by no cancel that comes before it; also where one has been asked for.
    last, ripe = lane.send_at - timing.mend, ripe_at(standing, now, timing)
    if max(ripe, now) > last:
        late = "it was being called back when the time for that was over"
        return Step("give up", why=late if begun else f"too late: it leaves at {lane.send_at:%H:%M} UTC")
    return Step("wait", ripe) if now < ripe else Step("call back")


def cancellable_until(lane: Lane, timing: Timing) -> datetime:
    """Until when a cancel can be relied upon."""
    return lane.send_at - timing.cancel


def ripe_at(standing: LaneStanding, now: datetime, timing: Timing) -> datetime:
    """From when on whatever was lost must have arrived, so that a cancel covers it."""
    return standing.unknown_since + timing.late if standing.unknown and standing.unknown_since else now


def in_use(lane: Lane, now: datetime) -> bool:
    """Whether a lane needs a slot kept for it: it has not left yet, and could be called back."""
    return lane.state in ("open", "cancelling") and lane.send_at > now


def fits(lane: Lane, filled: int, share: int, now: datetime) -> bool:
    """Whether more may be put into a lane: room in its share, three quarters of its time left."""
    window = lane.send_at - lane.opened_at
    return lane.state == "open" and filled < share and now <= lane.opened_at + window / 4


def newest(lanes: Sequence[Lane], now: datetime, timing: Timing) -> Lane | None:
    """The lane to put the rest into where no more can be opened."""
    open_ = [one for one in lanes if one.state == "open" and one.send_at - timing.mend > now]
    return max(open_, key=lambda one: one.send_at, default=None)
