"""A ledger in memory, as small as the protocol allows: what it keeps survives a crash, as a database would.

`tests/store/test_ledger_agrees.py` runs it side by side with the real one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from newsletter.errors import StoreError
from newsletter.sending.model import (
    ChunkResult,
    ChunkState,
    ClaimedChunk,
    Counts,
    HeldBatch,
    HeldBatchState,
    HeldBatchStatus,
    NewSend,
    Send,
    Transition,
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
    held_batch: int | None = None
    reason: str = ""


@dataclass
class Attempt:
    """A try of a chunk."""

    first: int
    last: int
    held_batch: int | None
    run: int
    state: str = "intended"
    settled_at: datetime | None = None


@dataclass
class MemoryJournal:
    """Notes that survive the process, but not a power cut."""

    tick: Callable[[str], None]
    notes: dict[int, Outcome | None] = field(default_factory=dict)

    def starting(self, number: int) -> None:
        self.tick("begin")
        self.notes[number] = None

    def finished(self, number: int, outcome: Outcome) -> None:
        self.tick("end")
        self.notes[number] = outcome


class MemoryLedger:
    """One send to `people`. `tick` is called before each write, and may end the process there."""

    def __init__(self, recipients: int, now: Callable[[], datetime], tick: Callable[[str], None]) -> None:
        self.recipients = [Subscriber(n, f"reader{n}@example.com", "", n) for n in range(1, recipients + 1)]
        self.unsubscribed: set[int] = set()
        self.left: set[int] = set()
        self.now, self.tick = now, tick
        self.sends: list[Send] = []
        self.chunks: dict[int, Chunk] = {}
        self.attempts: list[Attempt] = []
        self.batches_: dict[int, HeldBatch] = {}
        self.journals: dict[int, MemoryJournal] = {}
        self.contents: dict[int, bytes] = {}
        # Which run has the lease, which is speaking, and which have ended.
        self.lease_holder = self.run = 0
        self.dead: set[int] = set()

    # Plans and leases

    def find(self, issue: str, to: str) -> Send | None:
        return next((one for one in self.sends if (one.issue, one.list) == (issue, to)), None)

    def content(self, send: Send) -> bytes | None:
        return self.contents[send.id]

    def plan(self, new: NewSend) -> Send | None:
        self.tick("plan")
        if self.find(new.issue, new.list):
            return None
        made = Send(
            id=len(self.sends) + 1,
            issue=new.issue,
            list=new.list,
            content_sha256=new.content_sha256,
            provider=new.provider,
            recipients=len(self.recipients),
            state="open",
            undo_window_seconds=new.undo_window_seconds,
            started_at=self.now(),
            send_at=new.send_at,
            canary_size=new.canary_size,
        )
        held, total = min(new.canary_size or 0, len(self.recipients)), len(self.recipients)
        firsts = [*range(1, held + 1, new.chunk_size), *range(held + 1, total + 1, new.chunk_size)]
        for first, following in zip(firsts, [*firsts[1:], total + 1], strict=True):
            self.chunks[first] = Chunk(first, following - 1)
        self.sends.append(made)
        self.contents[made.id] = new.content
        return made

    def delete_unsent_plan(self, send: Send) -> bool:
        self.tick("withdraw")
        if any(one.state not in ("waiting", "skipped") for one in self.chunks.values()):
            return False
        self.sends.remove(send)
        self.chunks.clear()
        return True

    def acquire_lease(self, send: Send, lease: timedelta) -> None:
        """The lease of whoever had it is always over here."""
        self.lease_holder = self.run

    def renew_lease(self, send: Send, lease: timedelta) -> str:
        if self.lease_holder != self.run:
            raise StoreError("another process goes on")
        return self._send(send).state

    def release_lease(self, send: Send) -> None:
        pass

    # Tries

    def claim(
        self, send: Send, most: int, room: int, into: HeldBatch | None, lease: timedelta, *, noted: bool
    ) -> list[ClaimedChunk]:
        self.tick("claim")
        if self.renew_lease(send, lease) != "open":
            return []
        found: list[ClaimedChunk] = []
        for chunk in self._due(send)[:most]:
            self.left |= self.unsubscribed & set(range(chunk.first, chunk.last + 1))
            recipients = self._there(chunk.first, chunk.last)
            room -= len(recipients)
            if room < 0:
                break
            chunk.state, chunk.held_batch = (
                "intended" if recipients else "skipped",
                into.number if into else None,
            )
            number = len(self.attempts)
            if recipients:
                self.attempts.append(Attempt(chunk.first, chunk.last, chunk.held_batch, self.run))
                if noted:
                    self.journals[chunk.first] = MemoryJournal(self.tick)
            found.append(
                ClaimedChunk(send.id, chunk.first, chunk.last, number, chunk.tries, recipients, into)
            )
        return found

    def journal(self, chunk: ClaimedChunk) -> MemoryJournal:
        return self.journals[chunk.first]

    def settle(self, results: Sequence[ChunkResult]) -> None:
        self.tick("settle")
        for one in results:
            attempt = self.attempts[one.claimed.attempt]
            if attempt.state not in ("intended", "unknown"):
                continue
            states = {transition.state for transition in one.transitions}
            attempt.state = "unknown" if states == {"unknown"} else "settled"
            attempt.settled_at = self.now()
            self._replace(self.chunks.pop(one.claimed.first), one.transitions)
            self.journals.pop(one.claimed.first, None)

    def _replace(self, chunk: Chunk, transitions: Sequence[Transition]) -> None:
        back = any(one.state == "cancelled" for one in self.sends)
        for transition in transitions:
            kept = chunk.held_batch if transition.state in ("accepted", "unknown") else None
            state: ChunkState = "cancelled" if back and transition.state == "waiting" else transition.state
            tries = chunk.tries + (transition.retry_at is not None or len(transitions) > 1)
            self.chunks[transition.first] = Chunk(
                transition.first, transition.last, state, tries, transition.retry_at, kept, transition.reason
            )

    def abandoned_attempts(self, send: Send) -> list[tuple[ClaimedChunk, dict[int, Outcome | None] | None]]:
        found = []
        for number, one in enumerate(self.attempts):
            if one.state == "intended":
                recipients = self._there(one.first, one.last)
                journal = self.journals.get(one.first) if one.run in self.dead else None
                claimed = ClaimedChunk(send.id, one.first, one.last, number, 0, recipients)
                found.append((claimed, dict(journal.notes) if journal else None))
        return found

    def power_cut(self) -> None:
        """What was not on the disk is gone."""
        self.journals.clear()

    def finish(self, send: Send) -> None:
        if not any(one.state == "waiting" for one in self.chunks.values()):
            self._change(send, finished_at=self.now())

    def next_retry_at(self, send: Send) -> datetime | None:
        waiting = [one for one in self._waiting(self._send(send))]
        return min((one.retry_at or send.started_at for one in waiting), default=None)

    def attempts_since(self, moment: datetime) -> list[tuple[datetime, int]]:
        return []

    # Lanes

    def held_batches(self, send: Send) -> list[HeldBatchStatus]:
        return [self._batch_status(batch) for batch in self.batches_.values()]

    def held_batches_in_use(self, now: datetime) -> int:
        return sum(
            one.state in ("open", "cancelling") and one.send_at > now for one in self.batches_.values()
        )

    def open_held_batch(self, send: Send, batch_id: str, send_at: datetime) -> HeldBatch:
        self.tick("open lane")
        made = HeldBatch(send.id, len(self.batches_) + 1, batch_id, self.now(), send_at, "open")
        self.batches_[made.number] = made
        return made

    def mark_held_batch(self, batch: HeldBatch, state: HeldBatchState) -> None:
        self.tick(f"mark {state}")
        self.batches_[batch.number] = replace(batch, state=state)

    def record_recall(
        self, status: HeldBatchStatus, to: ChunkState, reason: str, *, with_unknown: bool = True
    ) -> None:
        self.tick("recall")
        states = ("accepted", "unknown") if with_unknown else ("accepted",)
        back = any(one.state == "cancelled" for one in self.sends)
        for chunk in self.chunks.values():
            if chunk.held_batch == status.batch.number and chunk.state in states:
                chunk.state, chunk.held_batch, chunk.retry_at = "cancelled" if back else to, None, None
        for attempt in self.attempts:
            if attempt.held_batch == status.batch.number and (with_unknown or attempt.state != "unknown"):
                attempt.state = "cancelled"
        if with_unknown:
            self.batches_[status.batch.number] = replace(status.batch, state="cancelled")

    def mark_batch_unknown(self, batch: HeldBatch, reason: str) -> None:
        self.tick("doubt")
        for chunk in self.chunks.values():
            if chunk.held_batch == batch.number and chunk.state == "accepted":
                chunk.state = "unknown"
        self.batches_[batch.number] = replace(batch, state="kept")

    # What people decide, and ask

    def cancel(self, send: Send) -> None:
        self.tick("call back")
        self._change(send, state="cancelled")
        for chunk in self.chunks.values():
            if chunk.state == "waiting":
                chunk.state = "cancelled"

    def resume(self, send: Send) -> None:
        self.tick("go on")
        self._change(send, state="open", canary_size=None)
        for chunk in self.chunks.values():
            if chunk.state in ("cancelled", "waiting"):
                chunk.state, chunk.retry_at, chunk.tries = "waiting", None, 0

    def counts(self, send: Send) -> Counts:
        found: dict[str, int] = {}
        for state in self.states().values():
            found[state] = found.get(state, 0) + 1
        return Counts(len(self.recipients), **found)

    def states(self) -> dict[str, str]:
        """Everybody's state, as `news status` would tell it."""
        told = {}
        for chunk in self.chunks.values():
            for number in range(chunk.first, chunk.last + 1):
                batch = self.batches_.get(chunk.held_batch or 0)
                with_unknown = batch is not None and batch.state == "cancelling" and chunk.state == "accepted"
                state = "unknown" if chunk.state == "intended" or with_unknown else chunk.state
                told[self.recipients[number - 1].address] = "left" if number in self.left else state
        return told

    def _send(self, send: Send) -> Send:
        for one in self.sends:
            if one.id == send.id:
                return one
        raise KeyError(send.id)

    def _change(self, send: Send, **values: object) -> None:
        self.sends = [replace(one, **values) if one.id == send.id else one for one in self.sends]

    def _waiting(self, send: Send) -> list[Chunk]:
        upto = send.canary_size or len(self.recipients)
        return [one for one in self.chunks.values() if one.state == "waiting" and one.first <= upto]

    def _due(self, send: Send) -> list[Chunk]:
        now = self.now()
        due = [one for one in self._waiting(self._send(send)) if one.retry_at is None or one.retry_at <= now]
        return sorted(due, key=lambda one: (one.tries, one.first))

    def _there(self, first: int, last: int) -> tuple[Subscriber, ...]:
        return tuple(one for one in self.recipients[first - 1 : last] if one.number not in self.left)

    def _batch_status(self, batch: HeldBatch) -> HeldBatchStatus:
        here = [one for one in self.chunks.values() if one.held_batch == batch.number]

        def count(state: str) -> int:
            return sum(one.last - one.first + 1 for one in here if one.state == state)

        tried = [one for one in self.attempts if one.held_batch == batch.number]
        since = [one.settled_at for one in tried if one.state == "unknown"]
        newest = max((at for at in since if at), default=None)
        return HeldBatchStatus(batch, count("accepted"), count("unknown"), count("intended"), newest)
