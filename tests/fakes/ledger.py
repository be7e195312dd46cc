"""A ledger in memory, as small as the protocol allows: what it keeps survives a crash, as a database would.

`tests/store/test_ledger_agrees.py` runs it side by side with the real one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from newsletter.errors import StoreError
from newsletter.sending.model import (
    ChunkState,
    Claimed,
    Counts,
    Fate,
    Landed,
    Lane,
    LaneStanding,
    LaneState,
    Plan,
    Send,
)
from newsletter.sending.outcomes import Outcome
from newsletter.subscribers.model import Subscriber


@dataclass
class Chunk:
    """A range of recipients, and how it stands."""

    first: int
    last: int
    state: ChunkState = "waiting"
    tries: int = 0
    retry_at: datetime | None = None
    lane: int | None = None
    reason: str = ""


@dataclass
class Attempt:
    """A try of a chunk."""

    first: int
    last: int
    lane: int | None
    run: int
    state: str = "intended"
    settled_at: datetime | None = None


@dataclass
class MemoryJournal:
    """Notes that survive the process, but not a power cut."""

    tick: Callable[[str], None]
    notes: dict[int, Outcome | None] = field(default_factory=dict)

    def begin(self, number: int) -> None:
        self.tick("begin")
        self.notes[number] = None

    def end(self, number: int, outcome: Outcome) -> None:
        self.tick("end")
        self.notes[number] = outcome


class MemoryLedger:
    """One send to `people`. `tick` is called before each write, and may end the process there."""

    def __init__(self, people: int, now: Callable[[], datetime], tick: Callable[[str], None]) -> None:
        self.people = [Subscriber(n, f"reader{n}@example.com", "", n) for n in range(1, people + 1)]
        self.unsubscribed: set[int] = set()
        self.left: set[int] = set()
        self.now, self.tick = now, tick
        self.sends: list[Send] = []
        self.chunks: dict[int, Chunk] = {}
        self.attempts: list[Attempt] = []
        self.lanes_: dict[int, Lane] = {}
        self.journals: dict[int, MemoryJournal] = {}
        self.contents: dict[int, bytes] = {}
        # Which run has the lease, which is speaking, and which have ended.
        self.holder = self.run = 0
        self.dead: set[int] = set()

    # Plans and leases

    def find(self, issue: str, to: str) -> Send | None:
        return next((one for one in self.sends if (one.issue, one.list) == (issue, to)), None)

    def content(self, of: Send) -> bytes | None:
        return self.contents[of.id]

    def plan(self, of: Plan) -> Send | None:
        self.tick("plan")
        if self.find(of.issue, of.list):
            return None
        made = Send(
            id=len(self.sends) + 1,
            issue=of.issue,
            list=of.list,
            content_sha256=of.content_sha256,
            provider=of.provider,
            recipients=len(self.people),
            state="open",
            window=of.window,
            started_at=self.now(),
            send_at=of.send_at,
            hold_after=of.hold_after,
        )
        held, total = min(of.hold_after or 0, len(self.people)), len(self.people)
        firsts = [*range(1, held + 1, of.chunk_size), *range(held + 1, total + 1, of.chunk_size)]
        for first, following in zip(firsts, [*firsts[1:], total + 1], strict=True):
            self.chunks[first] = Chunk(first, following - 1)
        self.sends.append(made)
        self.contents[made.id] = of.content
        return made

    def withdraw(self, of: Send) -> bool:
        self.tick("withdraw")
        if any(one.state not in ("waiting", "skipped") for one in self.chunks.values()):
            return False
        self.sends.remove(of)
        self.chunks.clear()
        return True

    def take(self, of: Send, lease: timedelta) -> None:
        """The lease of whoever had it is always over here."""
        self.holder = self.run

    def renew(self, of: Send, lease: timedelta) -> str:
        if self.holder != self.run:
            raise StoreError("another process goes on")
        return self._send(of).state

    def release(self, of: Send) -> None:
        pass

    # Tries

    def claim(
        self, of: Send, most: int, room: int, into: Lane | None, lease: timedelta, *, noted: bool
    ) -> list[Claimed]:
        self.tick("claim")
        if self.renew(of, lease) != "open":
            return []
        found: list[Claimed] = []
        for chunk in self._due(of)[:most]:
            self.left |= self.unsubscribed & set(range(chunk.first, chunk.last + 1))
            people = self._there(chunk.first, chunk.last)
            room -= len(people)
            if room < 0:
                break
            chunk.state, chunk.lane = "intended" if people else "skipped", into.number if into else None
            number = len(self.attempts)
            if people:
                self.attempts.append(Attempt(chunk.first, chunk.last, chunk.lane, self.run))
                if noted:
                    self.journals[chunk.first] = MemoryJournal(self.tick)
            found.append(Claimed(of.id, chunk.first, chunk.last, number, chunk.tries, people, into))
        return found

    def journal(self, of: Claimed) -> MemoryJournal:
        return self.journals[of.first]

    def settle(self, landed: Sequence[Landed]) -> None:
        self.tick("settle")
        for one in landed:
            attempt = self.attempts[one.claimed.attempt]
            if attempt.state not in ("intended", "unknown"):
                continue
            states = {fate.state for fate in one.fates}
            attempt.state = "unknown" if states == {"unknown"} else "settled"
            attempt.settled_at = self.now()
            self._replace(self.chunks.pop(one.claimed.first), one.fates)
            self.journals.pop(one.claimed.first, None)

    def _replace(self, chunk: Chunk, fates: Sequence[Fate]) -> None:
        back = any(one.state == "cancelled" for one in self.sends)
        for fate in fates:
            kept = chunk.lane if fate.state in ("accepted", "unknown") else None
            state: ChunkState = "cancelled" if back and fate.state == "waiting" else fate.state
            tries = chunk.tries + (fate.retry_at is not None or len(fates) > 1)
            self.chunks[fate.first] = Chunk(
                fate.first, fate.last, state, tries, fate.retry_at, kept, fate.reason
            )

    def adrift(self, of: Send) -> list[tuple[Claimed, dict[int, Outcome | None] | None]]:
        found = []
        for number, one in enumerate(self.attempts):
            if one.state == "intended":
                people = self._there(one.first, one.last)
                journal = self.journals.get(one.first) if one.run in self.dead else None
                claimed = Claimed(of.id, one.first, one.last, number, 0, people)
                found.append((claimed, dict(journal.notes) if journal else None))
        return found

    def power_cut(self) -> None:
        """What was not on the disk is gone."""
        self.journals.clear()

    def finish(self, of: Send) -> None:
        if not any(one.state == "waiting" for one in self.chunks.values()):
            self._change(of, finished_at=self.now())

    def next_try(self, of: Send) -> datetime | None:
        waiting = [one for one in self._waiting(self._send(of))]
        return min((one.retry_at or of.started_at for one in waiting), default=None)

    def tried_since(self, moment: datetime) -> list[tuple[datetime, int]]:
        return []

    # Lanes

    def lanes(self, of: Send) -> list[LaneStanding]:
        return [self._standing(lane) for lane in self.lanes_.values()]

    def lanes_in_use(self, now: datetime) -> int:
        return sum(one.state in ("open", "cancelling") and one.send_at > now for one in self.lanes_.values())

    def open_lane(self, of: Send, batch_id: str, send_at: datetime) -> Lane:
        self.tick("open lane")
        made = Lane(of.id, len(self.lanes_) + 1, batch_id, self.now(), send_at, "open")
        self.lanes_[made.number] = made
        return made

    def mark(self, of: Lane, state: LaneState) -> None:
        self.tick(f"mark {state}")
        self.lanes_[of.number] = replace(of, state=state)

    def recall(self, of: LaneStanding, to: ChunkState, reason: str, *, doubtful: bool = True) -> None:
        self.tick("recall")
        states = ("accepted", "unknown") if doubtful else ("accepted",)
        back = any(one.state == "cancelled" for one in self.sends)
        for chunk in self.chunks.values():
            if chunk.lane == of.lane.number and chunk.state in states:
                chunk.state, chunk.lane, chunk.retry_at = "cancelled" if back else to, None, None
        for attempt in self.attempts:
            if attempt.lane == of.lane.number and (doubtful or attempt.state != "unknown"):
                attempt.state = "cancelled"
        if doubtful:
            self.lanes_[of.lane.number] = replace(of.lane, state="cancelled")

    def doubt(self, of: Lane, reason: str) -> None:
        self.tick("doubt")
        for chunk in self.chunks.values():
            if chunk.lane == of.number and chunk.state == "accepted":
                chunk.state = "unknown"
        self.lanes_[of.number] = replace(of, state="kept")

    # What people decide, and ask

    def call_back(self, of: Send) -> None:
        self.tick("call back")
        self._change(of, state="cancelled")
        for chunk in self.chunks.values():
            if chunk.state == "waiting":
                chunk.state = "cancelled"

    def go_on(self, of: Send) -> None:
        self.tick("go on")
        self._change(of, state="open", hold_after=None)
        for chunk in self.chunks.values():
            if chunk.state in ("cancelled", "waiting"):
                chunk.state, chunk.retry_at, chunk.tries = "waiting", None, 0

    def counts(self, of: Send) -> Counts:
        found: dict[str, int] = {}
        for state in self.states().values():
            found[state] = found.get(state, 0) + 1
        return Counts(len(self.people), **found)

    def states(self) -> dict[str, str]:
        """Everybody's state, as `news status` would tell it."""
        told = {}
        for chunk in self.chunks.values():
            for number in range(chunk.first, chunk.last + 1):
                lane = self.lanes_.get(chunk.lane or 0)
                doubtful = lane is not None and lane.state == "cancelling" and chunk.state == "accepted"
                state = "unknown" if chunk.state == "intended" or doubtful else chunk.state
                told[self.people[number - 1].address] = "left" if number in self.left else state
        return told

    def _send(self, of: Send) -> Send:
        return next(one for one in self.sends if one.id == of.id)

    def _change(self, of: Send, **values: object) -> None:
        self.sends = [replace(one, **values) if one.id == of.id else one for one in self.sends]

    def _waiting(self, of: Send) -> list[Chunk]:
        upto = of.hold_after or len(self.people)
        return [one for one in self.chunks.values() if one.state == "waiting" and one.first <= upto]

    def _due(self, of: Send) -> list[Chunk]:
        now = self.now()
        due = [one for one in self._waiting(self._send(of)) if one.retry_at is None or one.retry_at <= now]
        return sorted(due, key=lambda one: (one.tries, one.first))

    def _there(self, first: int, last: int) -> tuple[Subscriber, ...]:
        return tuple(one for one in self.people[first - 1 : last] if one.number not in self.left)

    def _standing(self, lane: Lane) -> LaneStanding:
        here = [one for one in self.chunks.values() if one.lane == lane.number]

        def count(state: str) -> int:
            return sum(one.last - one.first + 1 for one in here if one.state == state)

        tried = [one for one in self.attempts if one.lane == lane.number]
        since = [one.settled_at for one in tried if one.state == "unknown"]
        newest = max((at for at in since if at), default=None)
        return LaneStanding(lane, count("accepted"), count("unknown"), count("intended"), newest)
