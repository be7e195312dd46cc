"""A ledger in memory, as small as the protocol allows; its data survives a simulated crash.

`tests/store/test_ledger_agrees.py` runs it side by side with the real one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from newsletter.errors import StoreError
from newsletter.sending.guards import refuse_other_recipients
from newsletter.sending.model import (
    ChunkResult,
    ChunkState,
    ClaimedChunk,
    Counts,
    HeldBatch,
    HeldBatchState,
    HeldBatchStatus,
    NewSend,
    NextChunk,
    Send,
    Transition,
)
from newsletter.sending.outcomes import Outcome
from newsletter.subscribers.model import Subscriber


@dataclass
class Chunk:
    """A range of recipients in the same state."""

    first: int
    last: int
    state: ChunkState = "waiting"
    tries: int = 0
    retry_at: datetime | None = None
    held_batch: int | None = None
    reason: str = ""


@dataclass
class Attempt:
    """An attempt to submit a chunk."""

    first: int
    last: int
    held_batch: int | None
    process: int
    intended_at: datetime
    state: str = "intended"
    settled_at: datetime | None = None


@dataclass
class MemoryJournal:
    """A journal that survives the process, but not a power cut."""

    tick: Callable[[str], None]
    notes: dict[int, Outcome | None] = field(default_factory=dict)

    def starting(self, number: int) -> None:
        self.tick("begin")
        self.notes[number] = None

    def finished(self, number: int, outcome: Outcome) -> None:
        self.tick("end")
        self.notes[number] = outcome


class MemoryLedger:
    """A ledger of one send. `tick` is called before each write, and may end the process there."""

    def __init__(self, recipients: int, now: Callable[[], datetime], tick: Callable[[str], None]) -> None:
        self.recipients = [Subscriber(n, f"reader{n}@example.com", "", n) for n in range(1, recipients + 1)]
        self.unsubscribed: set[int] = set()
        self.left: set[int] = set()
        self.now, self.tick = now, tick
        self.sends: list[Send] = []
        self.chunks: dict[int, Chunk] = {}
        self.attempts: list[Attempt] = []
        self.batches: dict[int, HeldBatch] = {}
        self.journals: dict[int, MemoryJournal] = {}
        self.contents: dict[int, bytes] = {}
        # Numbers of processes: the lease's holder, the one that runs now, and those that have ended.
        self.lease_holder = self.process = 0
        self.dead: set[int] = set()

    @property
    def abandoned_until(self) -> datetime | None:
        return None

    # Plans and leases

    def find(self, issue: str, list_name: str) -> Send | None:
        key = issue, list_name
        return next((send for send in self.sends if (send.issue, send.list) == key), None)

    def content(self, send: Send) -> bytes | None:
        return self.contents[send.id]

    def plan(self, new: NewSend) -> Send | None:
        self.tick("plan")
        if self.find(new.issue, new.list):
            return None
        if new.agreed_recipients is not None:
            refuse_other_recipients(len(self.recipients), new.agreed_recipients)
        send = Send(
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
            key_fingerprint=new.key_fingerprint,
            nonce=new.nonce,
        )
        canaries, total = min(new.canary_size or 0, len(self.recipients)), len(self.recipients)
        firsts = [*range(1, canaries + 1, new.chunk_size), *range(canaries + 1, total + 1, new.chunk_size)]
        for first, following in zip(firsts, [*firsts[1:], total + 1], strict=True):
            self.chunks[first] = Chunk(first, following - 1)
        self.sends.append(send)
        self.contents[send.id] = new.content
        return send

    def delete_unsent_plan(self, send: Send) -> bool:
        self.tick("delete plan")
        if any(chunk.state not in ("waiting", "skipped") for chunk in self.chunks.values()):
            return False
        self.sends.remove(send)
        self.chunks.clear()
        return True

    def acquire_lease(self, send: Send, lease: timedelta) -> None:
        """Acquire the lease; another process's lease has always ended in the model."""
        self.lease_holder = self.process

    def renew_lease(self, send: Send, lease: timedelta) -> str:
        return self._renew_lease(send)

    def _renew_lease(self, send: Send) -> str:
        if self.lease_holder != self.process:
            raise StoreError("another process is sending")
        return self._send(send).state

    def release_lease(self, send: Send, *, hand_over: bool = False) -> None:
        pass

    # Attempts

    def claim(
        self,
        send: Send,
        max_chunks: int,
        max_recipients: int,
        held_batch: HeldBatch | None,
        lease: timedelta,
        *,
        with_journal: bool,
        lookahead: int = 1,
    ) -> list[ClaimedChunk]:
        self.tick("claim")
        if self._renew_lease(send) != "open":
            return []
        claimed: list[ClaimedChunk] = []
        batch = held_batch.number if held_batch else None
        for chunk in self._due(send)[:max_chunks]:
            if not self.is_published(NextChunk(send.id, chunk.first, chunk.last, batch)):
                continue
            self.left |= self.unsubscribed & set(range(chunk.first, chunk.last + 1))
            recipients = self._subscribed(chunk.first, chunk.last)
            max_recipients -= len(recipients)
            if max_recipients < 0:
                break
            chunk.state = "intended" if recipients else "skipped"
            chunk.held_batch = held_batch.number if held_batch else None
            number = len(self.attempts)
            if recipients:
                self.attempts.append(
                    Attempt(chunk.first, chunk.last, chunk.held_batch, self.process, self.now())
                )
                if with_journal:
                    self.journals[chunk.first] = MemoryJournal(self.tick)
            claimed.append(
                ClaimedChunk(send.id, chunk.first, chunk.last, number, chunk.tries, recipients, held_batch)
            )
        return claimed

    def next_chunks(self, send: Send, max_chunks: int) -> list[NextChunk]:
        return [NextChunk(send.id, chunk.first, chunk.last) for chunk in self._due(send)[:max_chunks]]

    def is_published(self, chunk: NextChunk) -> bool:
        return True

    def journal(self, chunk: ClaimedChunk) -> MemoryJournal:
        return self.journals[chunk.first]

    def settle(self, results: Sequence[ChunkResult]) -> None:
        self.tick("settle")
        for result in results:
            attempt = self.attempts[result.claimed.attempt]
            if attempt.state not in ("intended", "unknown"):
                continue
            states = {transition.state for transition in result.transitions}
            attempt.state = "unknown" if states == {"unknown"} else "settled"
            attempt.settled_at = result.at or self.now()
            self._replace(self.chunks.pop(result.claimed.first), result.transitions)
            self.journals.pop(result.claimed.first, None)

    def _replace(self, chunk: Chunk, transitions: Sequence[Transition]) -> None:
        is_cancelled = any(send.state == "cancelled" for send in self.sends)
        for transition in transitions:
            held_batch = chunk.held_batch if transition.state in ("accepted", "unknown") else None
            state: ChunkState = (
                "cancelled" if is_cancelled and transition.state == "waiting" else transition.state
            )
            tries = chunk.tries + (transition.retry_at is not None or len(transitions) > 1)
            self.chunks[transition.first] = Chunk(
                transition.first,
                transition.last,
                state,
                tries,
                transition.retry_at,
                held_batch,
                transition.reason,
            )

    def abandoned_attempts(self, send: Send) -> list[tuple[ClaimedChunk, dict[int, Outcome | None] | None]]:
        abandoned = []
        for number, attempt in enumerate(self.attempts):
            if attempt.state == "intended":
                recipients = self._subscribed(attempt.first, attempt.last)
                journal = self.journals.get(attempt.first) if attempt.process in self.dead else None
                claimed = ClaimedChunk(send.id, attempt.first, attempt.last, number, 0, recipients)
                abandoned.append((claimed, dict(journal.notes) if journal else None))
        return abandoned

    def repeatable_attempts(self, send: Send, since: datetime) -> list[ClaimedChunk]:
        repeatable = []
        for chunk in sorted(self.chunks.values(), key=lambda chunk: chunk.first):
            tried = [
                (number, attempt)
                for number, attempt in enumerate(self.attempts)
                if (attempt.first, attempt.last) == (chunk.first, chunk.last)
            ]
            if chunk.state != "unknown" or chunk.held_batch is not None or not tried:
                continue
            recipients = self._subscribed(chunk.first, chunk.last)
            nobody_left = not self.unsubscribed.intersection(recipient.number for recipient in recipients)
            begun = [attempt.intended_at for _, attempt in tried]
            is_in_time = since <= min(begun) and max(begun) <= self.now()
            in_copy_only = any(attempt.process == 0 for _, attempt in tried)
            if recipients and nobody_left and is_in_time and not in_copy_only:
                newest = tried[-1][0]
                repeatable.append(ClaimedChunk(send.id, chunk.first, chunk.last, newest, 0, recipients))
        return repeatable

    def claim_repetition(self, send: Send, claimed: ClaimedChunk, lease: timedelta) -> ClaimedChunk | None:
        self.tick("claim repetition")
        if self._renew_lease(send) != "open" or self.attempts[claimed.attempt].state != "unknown":
            return None
        self.attempts[claimed.attempt].state = "cancelled"
        self.attempts.append(Attempt(claimed.first, claimed.last, None, self.process, self.now()))
        return replace(claimed, attempt=len(self.attempts) - 1)

    def power_cut(self) -> None:
        """Delete the journals, which were not on the disk."""
        self.journals.clear()

    def finish(self, send: Send) -> None:
        if not any(chunk.state == "waiting" for chunk in self.chunks.values()):
            self._change(send, finished_at=self.now())

    def next_retry_at(self, send: Send) -> datetime | None:
        waiting = self._waiting(self._send(send))
        return min((chunk.retry_at or send.started_at for chunk in waiting), default=None)

    def attempts_since(self, moment: datetime) -> list[tuple[datetime, int]]:
        return []

    # Held batches

    def held_batches(self, send: Send) -> list[HeldBatchStatus]:
        return [self._batch_status(batch) for batch in self.batches.values()]

    def held_batches_in_use(self, now: datetime) -> int:
        return sum(
            batch.state in ("open", "cancelling") and batch.send_at > now for batch in self.batches.values()
        )

    def open_held_batch(self, send: Send, batch_id: str, send_at: datetime) -> HeldBatch:
        self.tick("open held batch")
        batch = HeldBatch(send.id, len(self.batches) + 1, batch_id, self.now(), send_at, "open")
        self.batches[batch.number] = batch
        return batch

    def mark_held_batch(self, batch: HeldBatch, state: HeldBatchState) -> None:
        self.tick(f"mark {state}")
        self.batches[batch.number] = replace(batch, state=state)

    def record_recall(
        self, status: HeldBatchStatus, state: ChunkState, reason: str, *, with_unknown: bool = True
    ) -> None:
        self.tick("recall")
        states = ("accepted", "unknown") if with_unknown else ("accepted",)
        is_cancelled = any(send.state == "cancelled" for send in self.sends)
        for chunk in self.chunks.values():
            if chunk.held_batch == status.batch.number and chunk.state in states:
                chunk.state = "cancelled" if is_cancelled else state
                chunk.held_batch = chunk.retry_at = None
        for attempt in self.attempts:
            if attempt.held_batch == status.batch.number and (with_unknown or attempt.state != "unknown"):
                attempt.state = "cancelled"
        if with_unknown:
            self.batches[status.batch.number] = replace(status.batch, state="cancelled")

    def mark_batch_unknown(self, batch: HeldBatch, reason: str) -> None:
        self.tick("mark unknown")
        for chunk in self.chunks.values():
            if chunk.held_batch == batch.number and chunk.state == "accepted":
                chunk.state = "unknown"
        self.batches[batch.number] = replace(batch, state="kept")

    # Decisions of a person, and queries

    def cancel(self, send: Send) -> None:
        self.tick("cancel")
        self._change(send, state="cancelled")
        for chunk in self.chunks.values():
            if chunk.state == "waiting":
                chunk.state = "cancelled"

    def resume(self, send: Send) -> None:
        self.tick("resume")
        self._change(send, state="open", canary_size=None)
        for chunk in self.chunks.values():
            if chunk.state in ("cancelled", "waiting"):
                chunk.state, chunk.retry_at, chunk.tries = "waiting", None, 0

    def counts(self, send: Send) -> Counts:
        by_state: dict[str, int] = {}
        for state in self.states().values():
            by_state[state] = by_state.get(state, 0) + 1
        in_flight = sum(
            chunk.last - chunk.first + 1 for chunk in self.chunks.values() if chunk.state == "intended"
        )
        return Counts(len(self.recipients), **by_state, in_flight=in_flight)

    def states(self) -> dict[str, str]:
        """Return each recipient's state by address, as `news status` reports it."""
        states = {}
        for chunk in self.chunks.values():
            for number in range(chunk.first, chunk.last + 1):
                batch = self.batches.get(chunk.held_batch or 0)
                in_recall = batch is not None and batch.state == "cancelling" and chunk.state == "accepted"
                state = "unknown" if chunk.state == "intended" or in_recall else chunk.state
                states[self.recipients[number - 1].address] = "left" if number in self.left else state
        return states

    def _send(self, send: Send) -> Send:
        for planned in self.sends:
            if planned.id == send.id:
                return planned
        raise KeyError(send.id)

    def _change(self, send: Send, **values: object) -> None:
        self.sends = [
            replace(planned, **values) if planned.id == send.id else planned for planned in self.sends
        ]

    def _waiting(self, send: Send) -> list[Chunk]:
        last = send.canary_size or len(self.recipients)
        return [chunk for chunk in self.chunks.values() if chunk.state == "waiting" and chunk.first <= last]

    def _due(self, send: Send) -> list[Chunk]:
        now = self.now()
        due = [
            chunk
            for chunk in self._waiting(self._send(send))
            if chunk.retry_at is None or chunk.retry_at <= now
        ]
        return sorted(due, key=lambda chunk: (chunk.tries, chunk.first))

    def _subscribed(self, first: int, last: int) -> tuple[Subscriber, ...]:
        return tuple(
            recipient for recipient in self.recipients[first - 1 : last] if recipient.number not in self.left
        )

    def _batch_status(self, batch: HeldBatch) -> HeldBatchStatus:
        in_batch = [chunk for chunk in self.chunks.values() if chunk.held_batch == batch.number]

        def count(state: str) -> int:
            return sum(chunk.last - chunk.first + 1 for chunk in in_batch if chunk.state == state)

        attempts = [attempt for attempt in self.attempts if attempt.held_batch == batch.number]
        unknown_since = [attempt.settled_at for attempt in attempts if attempt.state == "unknown"]
        newest = max((at for at in unknown_since if at), default=None)
        return HeldBatchStatus(batch, count("accepted"), count("unknown"), count("intended"), newest)
