"""A newsletter's store with the steps of a history, which is the same in each database."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from newsletter.sending.model import ChunkResult, NewSend, Send, Transition
from newsletter.sending.outcomes import Accepted
from newsletter.store.database import Database
from newsletter.store.journal import SendProcess
from newsletter.store.ledger import Ledger
from newsletter.store.subscribers import Subscribers
from newsletter.subscribers.address import Address
from newsletter.subscribers.parsing import parse_subscriber
from tests import samples

LEASE = timedelta(minutes=2)
STATES = ("accepted", "refused", "unknown", "waiting", "cancelled", "left")
PEOPLE = 8
_OUTCOMES = ("accepted", "accepted", "refused", "unknown", "waiting")
STEPS = (
    *("plan", "deliver", "accept", "override", "leave", "join", "cancel", "resume", "delete_plan", "recall"),
    *("mark", "lose"),
)


class Time:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = samples.NOW

    def __call__(self) -> datetime:
        return self.now


class History:
    """A newsletter's store as one process uses it, with the steps of a history; each step is told a number.

    A number chooses recipients, states and batches, so that the same history is the same in another database.
    """

    def __init__(self, database: Database, folder: Path) -> None:
        self.database, self.time = database, Time()
        self.ledger = Ledger(database, SendProcess(folder), self.time, page_size=2)
        self.subscribers = Subscribers(database, self.time)
        for n in range(PEOPLE):
            self.subscribers.add(_address(n))
        self.subscribers.remove(_address(2))  # ids of recipients have a gap
        self.plan(1)

    @property
    def send(self) -> Send:
        return [send for send in self.ledger.sends() if send.state != "superseded"][-1]

    def step(self, name: str, number: int) -> None:
        self.time.now += timedelta(minutes=5)
        self.ledger.acquire_lease(self.send, LEASE)
        getattr(self, name)(number)
        for send in self.ledger.sends():
            self.ledger.finish(send)

    def plan(self, number: int) -> None:
        cancelled = self.send.id if number % 2 == 0 and self.send.state == "cancelled" else None
        issue = self.send.issue if cancelled else f"2026-04-{number:02}"
        self.ledger.plan(NewSend(issue, "subscribers", "sha", b"content", "listed", 3, instead_of=cancelled))

    def deliver(self, number: int) -> None:
        batch = None
        if number % 3:
            batch = self.ledger.open_held_batch(self.send, "batch", self.time.now + timedelta(hours=number))
        for claimed in self.ledger.claim(self.send, 1 + number % 4, 99, batch, LEASE, with_journal=False):
            if not claimed.recipients:
                continue
            states = [
                _choice(number + n, "accepted", "accepted", "refused", "unknown", "waiting") for n in range(2)
            ]
            middle = claimed.first + number % (claimed.last - claimed.first + 1)
            transitions = [Transition(claimed.first, middle, states[0], "first")]
            if middle < claimed.last:
                transitions.append(Transition(middle + 1, claimed.last, states[1], "second"))
            self.ledger.settle([ChunkResult(claimed, Accepted("id"), tuple(transitions))])

    def accept(self, number: int) -> None:
        for claimed in self.ledger.claim(self.send, 99, 99, None, LEASE, with_journal=False):
            if claimed.recipients:
                whole = Transition(claimed.first, claimed.last, "accepted")
                self.ledger.settle([ChunkResult(claimed, Accepted("id"), (whole,))])

    def override(self, number: int) -> None:
        old = _choice(number, "refused", "unknown", "accepted", "cancelled", "waiting")
        new = _choice(number // 2, "waiting", "accepted", "unknown", "refused")
        numbers = set(range(number % PEOPLE, PEOPLE)) if number % 3 else None
        self.ledger.override_state(self.send, old, new, "a person", numbers)

    def leave(self, number: int) -> None:
        self.subscribers.remove(_address(number % PEOPLE))

    def join(self, number: int) -> None:
        self.subscribers.add(_address(number % (PEOPLE + 2)), again=True)

    def cancel(self, number: int) -> None:
        self.ledger.cancel(self.send)

    def resume(self, number: int) -> None:
        self.ledger.resume(self.send)

    def delete_plan(self, number: int) -> None:
        if len(self.ledger.sends()) > 1:
            self.ledger.delete_unsent_plan(self.send)

    def recall(self, number: int) -> None:
        for status in self.ledger.held_batches(self.send)[: 1 + number % 2]:
            state = _choice(number, "cancelled", "waiting")
            self.ledger.record_recall(status, state, "recalled", with_unknown=bool(number % 3))

    def mark(self, number: int) -> None:
        for status in self.ledger.held_batches(self.send)[: 1 + number % 2]:
            self.ledger.mark_held_batch(status.batch, _choice(number, "cancelling", "kept", "open"))

    def lose(self, number: int) -> None:
        for status in self.ledger.held_batches(self.send)[: 1 + number % 2]:
            self.ledger.mark_batch_unknown(status.batch, "perhaps recalled")

    def look(self) -> list[object]:
        """Return the results of all queries, without the ids that a database chose."""
        ledger = self.ledger
        seen: list[object] = [ledger.held_batches_in_use(self.time.now), ledger.attempts_since(samples.NOW)]
        for send in ledger.sends():
            name = "superseded" if send.state == "superseded" else send.list
            seen += [
                replace(send, id=0, list=name, lease_holder=None, nonce=None),
                ledger.counts(send),
                ledger.joined(send),
            ]
            seen += [ledger.next_retry_at(send), ledger.content(send), len(ledger.abandoned_attempts(send))]
            for status in ledger.held_batches(send):
                seen.append(replace(status, batch=replace(status.batch, send_id=0)))
            for state in STATES:
                seen.append(
                    (state, list(ledger.recipients(send, state)), sorted(ledger.reasons(send, state)))
                )
        return seen


def _address(number: int) -> Address:
    return parse_subscriber(f"reader{number}@example.com")[0]


def _choice(number: int, *values: str) -> Any:
    return values[number % len(values)]
