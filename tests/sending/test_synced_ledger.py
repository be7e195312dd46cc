"""A ledger that is published: when, what a copy covers, and what an error of the remote means."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from newsletter.config.units import Rate
from newsletter.errors import SaveLost, StoreError
from newsletter.sending.hold_policy import SendTimings
from newsletter.sending.model import (
    ChunkResult,
    ClaimedChunk,
    HeldBatch,
    NewSend,
    NextChunk,
    Send,
    Transition,
)
from newsletter.sending.outcomes import Accepted, NotSent, Outcome, Refused
from newsletter.sending.publish_credit import PublishCredit
from newsletter.sending.publisher import Publisher
from newsletter.sending.synced_ledger import SyncedLedger
from tests.fakes.ledger import MemoryLedger
from tests.samples import NOW

TIMINGS = SendTimings()
LEASE = TIMINGS.lease
MINUTE = timedelta(minutes=1)
NO_REPLY = StoreError("the remote gives no reply")
LOST = SaveLost("another process published first")


@dataclass
class Remote:
    """A remote that keeps what was saved; it raises `failure` instead, as long as it is set."""

    deadline: datetime | None = None
    saves: list[tuple[list[tuple[int, int, int | None]], datetime | None]] = field(default_factory=list)
    failure: StoreError | None = None
    tried: int = 0
    on_save: Callable[[], None] = lambda: None

    def save(self, next_chunks: list[NextChunk], deadline: datetime | None) -> None:
        self.tried += 1
        self.on_save()
        if self.failure:
            raise self.failure
        self.saves.append(([(one.first, one.last, one.held_batch) for one in next_chunks], deadline))


class PublishedMemoryLedger(SyncedLedger, MemoryLedger):
    """The ledger in memory, published."""


class Machine:
    """One machine with a clock, a ledger of one send in chunks of two, and a remote."""

    def __init__(self, recipients: int = 12, canary_size: int | None = None) -> None:
        self.time = NOW
        self.remote = Remote()
        self.ledger = PublishedMemoryLedger(recipients, self.now, lambda step: None)
        self.ledger.publisher = Publisher(self.remote, self.now, TIMINGS)  # type: ignore[arg-type]
        self.ledger.plan(NewSend("issue", "list", "sha", b"", "model", 2, canary_size=canary_size))
        self.ledger.acquire_lease(self.send, LEASE)

    def now(self) -> datetime:
        return self.time

    @property
    def send(self) -> Send:
        return self.ledger.sends[0]

    def batch(self) -> HeldBatch:
        return self.ledger.open_held_batch(self.send, "id", self.time + 30 * MINUTE)

    def claim(self, calls: int = 1, into: HeldBatch | None = None, lookahead: int = 1) -> list[ClaimedChunk]:
        return self.ledger.claim(self.send, calls, 999, into, LEASE, with_journal=False, lookahead=lookahead)

    def settle(self, claimed: ClaimedChunk, outcome: Outcome, *transitions: Transition) -> None:
        accepted = Transition(claimed.first, claimed.last, "accepted")
        self.ledger.settle([ChunkResult(claimed, outcome, transitions or (accepted,))])


@pytest.fixture
def machine() -> Machine:
    return Machine()


def firsts(claimed: list[ClaimedChunk]) -> list[int]:
    return [chunk.first for chunk in claimed]


def test_the_chunks_of_a_held_batch_are_published_together_before_the_first(machine: Machine) -> None:
    batch = machine.batch()
    assert firsts(machine.claim(1, batch, lookahead=3)) == [1]
    assert machine.remote.saves == [([(1, 2, 1), (3, 4, 1), (5, 6, 1)], NOW + TIMINGS.publish_hold)]
    assert firsts(machine.claim(9, batch, lookahead=2)) == [3, 5]
    assert len(machine.remote.saves) == 1


def test_another_held_batch_is_published_again(machine: Machine) -> None:
    machine.claim(1, machine.batch(), lookahead=3)
    assert firsts(machine.claim(1, machine.batch(), lookahead=2)) == [3]
    assert machine.remote.saves[1][0] == [(3, 4, 2), (5, 6, 2)]


def test_nothing_is_claimed_if_the_remote_gives_no_reply(machine: Machine) -> None:
    machine.remote.failure = NO_REPLY
    with pytest.raises(StoreError):
        machine.claim()
    assert machine.ledger.counts(machine.send).waiting == 12
    machine.remote.failure = None
    assert firsts(machine.claim()) == [1]
    assert len(machine.remote.saves) == 1


def test_after_a_save_that_is_not_certain_only_what_both_copies_cover_is_claimed(machine: Machine) -> None:
    batch = machine.batch()
    machine.claim(1, batch, lookahead=3)
    machine.remote.failure = NO_REPLY
    with pytest.raises(StoreError):
        machine.claim(1, machine.batch(), lookahead=3)  # it may have replaced the copy for the first batch
    with pytest.raises(StoreError):
        machine.claim(1, batch, lookahead=2)


def test_the_halves_of_a_refused_chunk_need_no_other_copy() -> None:
    machine = Machine(recipients=2)
    (claimed,) = machine.claim(1, into=(batch := machine.batch()))
    halves = (Transition(1, 1, "waiting", "no"), Transition(2, 2, "waiting", "no"))
    machine.settle(claimed, Refused("no"), *halves)
    assert firsts(machine.claim(2, batch)) == [1, 2]
    assert len(machine.remote.saves) == 1


def test_a_recalled_recipient_is_published_again(machine: Machine) -> None:
    (claimed,) = machine.claim(1, into=machine.batch(), lookahead=6)
    machine.settle(claimed, Accepted())
    (status,) = machine.ledger.held_batches(machine.send)
    machine.ledger.record_recall(status, "waiting", "recalled")
    assert firsts(machine.claim(1, into=machine.batch())) == [1]
    assert machine.remote.saves[-1][0] == [(1, 2, 2)]


def test_a_recall_is_published_before_it_is_requested(machine: Machine) -> None:
    batch = machine.batch()
    machine.claim(1, into=batch, lookahead=3)
    machine.ledger.mark_held_batch(batch, "cancelling")
    assert machine.remote.saves[-1] == ([], NOW + TIMINGS.publish_hold)
    machine.remote.failure = NO_REPLY
    with pytest.raises(StoreError):
        machine.ledger.mark_held_batch(batch, "cancelling")
    machine.ledger.mark_held_batch(batch, "kept")
    assert machine.remote.tried == 3


@pytest.mark.parametrize("minutes", [-1, 3], ids=["past", "to-come"])
def test_who_only_recalls_keeps_the_deadline_of_the_process_that_may_still_send(
    machine: Machine, minutes: int
) -> None:
    machine.remote.deadline = NOW + minutes * MINUTE
    machine.ledger.mark_held_batch(machine.batch(), "cancelling")
    machine.ledger.release_lease(machine.send)
    expected = machine.remote.deadline if minutes > 0 else None
    assert machine.remote.saves == [([], expected), ([], expected)]


def test_the_deadline_is_renewed_before_it_would_end_before_the_lease(machine: Machine) -> None:
    machine.claim(1, lookahead=6)
    for _ in range(12 * 10):  # ten minutes of heartbeats
        machine.time += TIMINGS.heartbeat
        machine.ledger.renew_lease(machine.send, LEASE)
        deadline = machine.remote.saves[-1][1]
        assert deadline and machine.time + LEASE + TIMINGS.longest_call <= deadline
    assert 6 <= len(machine.remote.saves) <= 10
    assert machine.remote.saves[-1][0] == machine.remote.saves[0][0]


def test_a_renewal_without_a_reply_ends_nothing_while_the_deadline_stands(machine: Machine) -> None:
    machine.claim(1, lookahead=6)
    machine.remote.failure = NO_REPLY
    latest = NOW + TIMINGS.publish_hold - LEASE - TIMINGS.longest_call
    machine.time = latest
    assert machine.ledger.renew_lease(machine.send, LEASE) == "open"
    assert firsts(machine.claim(1)) == [3]
    assert machine.remote.tried == 3
    machine.time = latest + timedelta(seconds=1)
    with pytest.raises(StoreError):
        machine.ledger.renew_lease(machine.send, LEASE)
    with pytest.raises(StoreError):
        machine.claim(1)


def test_without_a_claim_a_renewal_publishes_nothing(machine: Machine) -> None:
    machine.time += 60 * MINUTE
    machine.ledger.renew_lease(machine.send, LEASE)
    assert machine.remote.tried == 0


def test_a_publication_keeps_a_deadline_that_is_later_than_its_own(machine: Machine) -> None:
    """The clock of the machine of that process may be ahead."""
    machine.remote.deadline = NOW + TIMINGS.publish_hold + MINUTE
    machine.claim(1)
    assert machine.remote.saves[0][1] == machine.remote.deadline


def test_nothing_is_published_after_a_lost_save(machine: Machine) -> None:
    batch = machine.batch()
    machine.remote.failure = LOST
    with pytest.raises(SaveLost):
        machine.claim(1, batch)
    machine.remote.failure = None
    for action in (
        lambda: machine.claim(1, batch),
        lambda: machine.ledger.mark_held_batch(batch, "cancelling"),
    ):
        with pytest.raises(SaveLost):
            action()
    machine.ledger.release_lease(machine.send)  # raises nothing, which would hide the error
    assert machine.remote.tried == 1


def test_a_lost_renewal_is_an_error_at_once(machine: Machine) -> None:
    machine.claim(1, lookahead=6)
    machine.time += 2 * MINUTE
    machine.remote.failure = LOST
    with pytest.raises(SaveLost):
        machine.ledger.renew_lease(machine.send, LEASE)


def test_the_end_of_a_send_is_published(machine: Machine) -> None:
    (claimed,) = machine.claim(1, lookahead=6)
    machine.settle(claimed, Accepted())
    machine.ledger.release_lease(machine.send)
    assert machine.remote.saves[-1] == ([], None)
    machine.ledger.acquire_lease(machine.send, LEASE)
    assert firsts(machine.claim(1)) == [3]  # what was published before the end counts no more
    assert len(machine.remote.saves) == 3


def test_calls_that_are_left_keep_their_deadline(machine: Machine) -> None:
    machine.claim(1, lookahead=6)
    machine.time += MINUTE
    machine.ledger.release_lease(machine.send)
    assert machine.remote.saves[-1] == ([], NOW + TIMINGS.publish_hold)


def test_an_end_that_is_not_published_is_an_error_of_its_own_only(machine: Machine) -> None:
    machine.remote.failure = NO_REPLY
    with pytest.raises(StoreError):
        machine.ledger.release_lease(machine.send)
    with pytest.raises(StoreError):
        machine.claim()
    machine.ledger.release_lease(machine.send)  # the error of the claim was raised already


def test_an_end_that_is_not_published_is_an_error_after_a_renewal_that_was_none(machine: Machine) -> None:
    machine.claim(1, lookahead=6)
    machine.remote.failure = NO_REPLY
    machine.time += 2 * MINUTE
    assert machine.ledger.renew_lease(machine.send, LEASE) == "open"
    with pytest.raises(StoreError):
        machine.ledger.release_lease(machine.send)


def test_a_chunk_that_becomes_due_meanwhile_is_published_in_a_second_round() -> None:
    machine = Machine(recipients=4)
    first, second = machine.claim(2, lookahead=2)
    later = Transition(1, 2, "waiting", "later", NOW + MINUTE)
    machine.settle(first, NotSent("later", stop=False), later)
    machine.settle(second, Accepted())
    machine.ledger.release_lease(machine.send)
    machine.ledger.acquire_lease(machine.send, LEASE)
    looks = machine.ledger.next_chunks

    def slow(send: Send, max_chunks: int) -> list[NextChunk]:
        found = looks(send, max_chunks)
        machine.time = NOW + MINUTE
        return found

    machine.ledger.next_chunks = slow  # type: ignore[method-assign]
    assert firsts(machine.claim()) == [1]
    assert machine.remote.saves[-1][0] == [(1, 2, None)]


def test_a_cancelled_send_is_not_published_for_a_claim(machine: Machine) -> None:
    batch = machine.batch()
    machine.ledger.sends = [Send(**{**vars(machine.send), "state": "cancelled"})]
    assert machine.claim(1, batch) == []
    assert machine.remote.tried == 0


def test_only_the_canary_is_published() -> None:
    machine = Machine(recipients=12, canary_size=4)
    assert firsts(machine.claim(9, lookahead=1)) == [1, 3]
    assert machine.remote.saves[0][0] == [(1, 2, None), (3, 4, None)]


# Mail that is not held back


class Time:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.time = NOW

    def now(self) -> datetime:
        return self.time


def sizes(credit: PublishCredit, seconds_per_recipient: float, time: Time, size: int = 10) -> list[int]:
    """Publish for five minutes at a speed; return the number of recipients of each publication."""
    published, begun = [], time.time
    chunks = [NextChunk(1, first, first + size - 1) for first in range(1, 100_000, size)]
    while time.time < begun + 5 * MINUTE:
        credit.record()
        chosen = credit.choose(chunks, 1)
        published.append(sum(chunk.recipients for chunk in chosen))
        time.time += timedelta(seconds=seconds_per_recipient * published[-1])
    return published


def test_a_slow_send_publishes_500_recipients_at_once() -> None:
    time = Time()
    assert set(sizes(PublishCredit(time.now, TIMINGS), 1 / 50, time)) == {500}


def test_a_fast_send_publishes_about_six_times_a_minute() -> None:
    time = Time()
    published = sizes(PublishCredit(time.now, TIMINGS), 1 / 200, time)
    assert published[:6] == [500] * 6
    assert set(published[8:]) == {2000}
    assert len(published) <= 6 * 5 + 6


def test_no_more_is_published_than_a_rate_permits_in_a_minute() -> None:
    time = Time()
    slow = PublishCredit(time.now, TIMINGS, [Rate(5, timedelta(seconds=1)), Rate(100_000, 24 * 60 * MINUTE)])
    assert set(sizes(slow, 1 / 5, time)) == {300}
    hourly = PublishCredit(time.now, TIMINGS, [Rate(40, 60 * MINUTE)])
    assert set(sizes(hourly, 90, time)) == {40}


def test_as_many_chunks_as_calls_at_once_are_published() -> None:
    chunks = [NextChunk(1, first, first + 999) for first in range(1, 20_000, 1000)]
    assert len(PublishCredit(lambda: NOW, TIMINGS).choose(chunks, 8)) == 8
    limited = PublishCredit(lambda: NOW, TIMINGS, [Rate(10, timedelta(seconds=1))])
    assert len(limited.choose(chunks, 8)) == 1
