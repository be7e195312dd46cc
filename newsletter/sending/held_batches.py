"""Mail that is held back: put into lanes, and called back from them. When is decided in `hold_policy`."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from newsletter.sending import hold_policy
from newsletter.sending.events import Event, NotRecalled, Recalled
from newsletter.sending.hold_policy import Timing
from newsletter.sending.interfaces import Clock, Holding, Ledger
from newsletter.sending.model import ChunkState, Lane, LaneStanding, Send
from newsletter.sending.outcomes import Cancelled, NotCancelled, NotSent, Unknown
from newsletter.sending.transitions import back_off


class Staging:
    """The lanes of one send."""

    def __init__(
        self,
        send: Send,
        ledger: Ledger,
        holding: Holding | None,
        clock: Clock,
        timing: Timing,
        chunk_size: int,
    ) -> None:
        self._send, self._ledger, self._clock, self._timing = send, ledger, clock, timing
        self._holding = holding
        # A canary leaves at once: it is to be looked at before the others are even staged.
        self._holds = holding if send.window > 0 and send.hold_after is None else None
        self._chunk_size = chunk_size
        self._share = max(-(-send.recipients // timing.lanes), timing.calls * chunk_size)
        self._filled = 0
        self.lane: Lane | None = None
        # When the lanes are to be looked at again; what an earlier run left is looked at first.
        self.mend_at: datetime | None = clock.now() if holding else None

    def room(self) -> int | None:
        """How many chunks still belong into the lane; None where mail is not held back."""
        return max(-(-(self._share - self._filled) // self._chunk_size), 1) if self._holds else None

    def needs_lane(self) -> bool:
        """Whether a lane has to be opened before more can be sent."""
        if self._holds is None:
            return False
        return not (self.lane and hold_policy.fits(self.lane, self._filled, self._share, self._clock.now()))

    def ready(self) -> NotSent | None:
        """Sees to it that there is a lane where mail is held back, or says why there is none."""
        if self._holds is None or not self.needs_lane():
            return None
        found = self._open(self._holds, self._clock.now())
        if isinstance(found, NotSent):
            return found
        self.lane, self._filled = found, 0
        return None

    def fill(self, recipients: int) -> None:
        """So many more go into the lane."""
        self._filled += recipients

    def is_in_doubt(self) -> None:
        """Something in the lane is unknown: nothing more goes into it, and it is to be looked at."""
        self.lane, self.mend_at = None, self._clock.now()

    def mend(self) -> Iterator[Event]:
        """Calls lanes back that have something unknown in them, as soon as that is certain to cover it."""
        now = self._clock.now()
        if self._holding is None or self.mend_at is None or self.mend_at > now:
            return
        self.mend_at = None
        for standing in self._ledger.lanes(self._send):
            step = hold_policy.step(standing, now, self._timing)
            if step.do == "wait" and step.at:
                self.mend_at = min(step.at, self.mend_at or step.at)
            elif step.do == "give up":
                yield give_up(self._ledger, standing, step.why, tried=standing.lane.state == "cancelling")
            elif step.do == "call back":
                yield from self._mend(self._holding, standing, now)

    def _open(self, holding: Holding, now: datetime) -> Lane | NotSent:
        """A new lane, as long as every lane that is still held back could be called back."""
        in_use, free = self._ledger.lanes_in_use(now), holding.free_slots()
        if isinstance(free, NotSent):
            return free
        known = [one.lane for one in self._ledger.lanes(self._send)]
        if in_use >= free or sum(hold_policy.in_use(one, now) for one in known) >= self._timing.lanes:
            full = f"the account could call back {free} batches more, and {in_use} are held back already"
            return hold_policy.newest(known, now, self._timing) or NotSent(
                f"{full}: wait, or send with --now"
            )
        batch_id = holding.open_lane()
        if isinstance(batch_id, NotSent):
            return batch_id
        at = self._send.send_at
        if at is None or at <= now:
            at = now + timedelta(seconds=self._send.window)
        return self._ledger.open_lane(self._send, batch_id, at)

    def _mend(self, holding: Holding, standing: LaneStanding, now: datetime) -> Iterator[Event]:
        free = holding.free_slots() if standing.lane.state == "open" else None
        if isinstance(free, int) and free < self._ledger.lanes_in_use(now) + 1:
            yield give_up(self._ledger, standing, "the account can call back no more batches", tried=False)
            return
        event = call_back(self._ledger, holding, standing, "waiting", self._clock, self._timing)
        if event is None:  # no answer: to be asked again, as long as there is time
            self.mend_at = now + back_off(1)
            return
        if self.lane and self.lane.number == standing.lane.number:
            self.lane = None
        yield event


def call_back(
    ledger: Ledger,
    holding: Holding,
    standing: LaneStanding,
    to: ChunkState,
    clock: Clock,
    timing: Timing,
    *,
    doubtful: bool = True,
) -> Event | None:
    """Calls a lane back, written down before and after; None where there was no clear answer.

    Its people are in the state `to` then; without the `doubtful`, whose request may still arrive.
    """
    lane = standing.lane
    if lane.state != "cancelling":
        ledger.mark(lane, "cancelling")
    outcome = holding.cancel(lane.batch_id)
    recipients = standing.accepted + (standing.unknown if doubtful else 0)
    match outcome:
        case Cancelled() if clock.now() <= hold_policy.cancellable_until(lane, timing):
            ledger.recall(standing, to, "called back", doubtful=doubtful)
            return Recalled(recipients, to)
        case Cancelled():
            return give_up(ledger, standing, "it was called back when the time for that was over", tried=True)
        case NotCancelled(reason):
            # An earlier call, whose answer was not clear, may have worked.
            return give_up(ledger, standing, reason, tried=lane.state == "cancelling")
        case Unknown():
            return None


def give_up(ledger: Ledger, standing: LaneStanding, why: str, *, tried: bool) -> NotRecalled:
    """Leaves a lane alone that cannot be called back any more.

    Where it was `tried`, and the answer is not certain, all of it is in doubt.
    """
    if tried:
        ledger.doubt(standing.lane, why)
    else:
        ledger.mark(standing.lane, "kept")
    return NotRecalled(standing.accepted + standing.unknown, why)
