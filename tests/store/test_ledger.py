"""Test the ledger on both databases: plans, leases, claims, recalls and overrides."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert

from newsletter.errors import SendRefused, StoreError
from newsletter.sending.model import (
    ChunkResult,
    ClaimedChunk,
    Counts,
    HeldBatch,
    NewSend,
    NextChunk,
    Send,
    Transition,
)
from newsletter.sending.outcomes import Accepted, NotSent, Outcome, Refused, Unknown
from newsletter.store.database import Database
from newsletter.store.journal import SendProcess
from newsletter.store.ledger import Ledger
from newsletter.store.schema import send_table
from newsletter.store.subscribers import Subscribers
from newsletter.subscribers.parsing import parse_subscriber
from tests import samples

LIST = "subscribers"
LEASE = timedelta(minutes=2)


class Time:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = samples.NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def ledger(database: Database, tmp_path: Path, time: Time) -> Ledger:
    return Ledger(database, SendProcess(tmp_path / "runs"), time)


@pytest.fixture
def recipients(database: Database) -> Callable[[int], Subscribers]:
    def add(count: int) -> Subscribers:
        subscribers = Subscribers(database, lambda: samples.NOW)
        for n in range(1, count + 1):
            subscribers.add(parse_subscriber(f"reader{n}@example.com")[0], f"Reader {n}")
        return subscribers

    return add


def planned(issue: str = "2026-04-27", size: int = 2, **options: int | None) -> NewSend:
    return NewSend(issue, LIST, "sha", b"content", "listed", size, **options)  # type: ignore[arg-type]


def plan(ledger: Ledger, size: int = 2, canary_size: int | None = None) -> Send:
    send = ledger.plan(planned(size=size, canary_size=canary_size))
    assert send
    ledger.acquire_lease(send, LEASE)
    return send


def claim(
    ledger: Ledger, send: Send, max_chunks: int = 99, held_batch: HeldBatch | None = None
) -> list[ClaimedChunk]:
    return ledger.claim(send, max_chunks, 1 << 60, held_batch, LEASE, with_journal=True)


def settle(ledger: Ledger, claimed: ClaimedChunk, outcome: Outcome, *transitions: Transition) -> None:
    states = {Accepted: "accepted", Refused: "refused", Unknown: "unknown", NotSent: "waiting"}
    reason = getattr(outcome, "reason", "")
    whole = Transition(claimed.first, claimed.last, states[type(outcome)], reason)  # type: ignore[arg-type]
    ledger.settle([ChunkResult(claimed, outcome, transitions or (whole,))])


def recipients_in(ledger: Ledger, send: Send, state: str) -> list[tuple[str, str]]:
    """Return the names and the reasons of a send's recipients in a state."""
    return [(address.partition("@")[0], reason) for _, address, reason in ledger.recipients(send, state)]


def test_everybody_active_is_planned_once_in_chunks(
    ledger: Ledger, recipients: Callable[[int], Subscribers]
) -> None:
    recipients(5).remove(parse_subscriber("reader2@example.com")[0])
    send = plan(ledger)
    assert send.recipients == 4
    chunks = claim(ledger, send)
    assert [(chunk.first, chunk.last) for chunk in chunks] == [(1, 2), (3, 4)]
    assert [
        (recipient.number, recipient.address, recipient.name)
        for chunk in chunks
        for recipient in chunk.recipients
    ] == [(number, f"reader{n}@example.com", f"Reader {n}") for number, n in enumerate((1, 3, 4, 5), 1)]


def test_a_chunk_begins_behind_a_canary(ledger: Ledger, recipients: Callable[[int], Subscribers]) -> None:
    recipients(6)
    send = plan(ledger, size=2, canary_size=3)
    assert [(chunk.first, chunk.last) for chunk in claim(ledger, send)] == [(1, 2), (3, 3)]
    assert claim(ledger, send) == [] and ledger.next_retry_at(send) is None
    ledger.resume(send)
    (again,) = ledger.sends()
    assert [(chunk.first, chunk.last) for chunk in claim(ledger, again)] == [(4, 5), (6, 6)]


def test_an_issue_is_claimed_for_a_list_once(
    ledger: Ledger, recipients: Callable[[int], Subscribers]
) -> None:
    recipients(1)
    send = plan(ledger)
    assert ledger.plan(planned()) is None
    assert (found := ledger.find("2026-04-27", LIST)) and found.id == send.id
    assert ledger.find("2026-04-27", "rehearsal") is None
    assert ledger.plan(planned("2026-05-04"))


def test_two_that_plan_at_the_same_moment(
    database: Database, ledger: Ledger, recipients: Callable[[int], Subscribers]
) -> None:
    """The second waits for the first, and then finds the issue claimed."""
    recipients(1)
    values = {"issue": "2026-04-27", "list": LIST, "content_sha256": "sha", "provider": "outbox"}
    with ThreadPoolExecutor() as others:
        with database.writing() as connection:
            connection.execute(insert(send_table), {**values, "recipients": 0, "started_at": samples.NOW})
            second = others.submit(ledger.plan, planned())
            with pytest.raises(TimeoutError):
                second.result(0.3)
        assert second.result(10) is None


@pytest.mark.parametrize(
    ("outcome", "counts"),
    [
        pytest.param(Accepted("id"), Counts(2, accepted=2), id="accepted"),
        pytest.param(Refused("no"), Counts(2, refused=2), id="refused"),
        pytest.param(NotSent("later"), Counts(2, waiting=2), id="not-sent"),
        pytest.param(Unknown("lost"), Counts(2, unknown=2), id="unknown"),
        pytest.param(None, Counts(2, unknown=2, in_flight=2), id="crashed-in-flight"),
    ],
)
def test_what_came_of_a_chunk_is_counted_and_named(
    outcome: Outcome | None, counts: Counts, ledger: Ledger, recipients: Callable[[int], Subscribers]
) -> None:
    recipients(2)
    send = plan(ledger)
    (claimed,) = claim(ledger, send)
    assert claim(ledger, send) == [], "a chunk is claimed once"
    if outcome:
        settle(ledger, claimed, outcome)
    assert ledger.counts(send) == counts
    (state,) = [name for name in ("accepted", "refused", "unknown", "waiting") if getattr(counts, name)]
    reason = getattr(outcome, "reason", "")
    assert recipients_in(ledger, send, state) == [("reader1", reason), ("reader2", reason)]
    assert claim(ledger, send) != [] if state == "waiting" else claim(ledger, send) == []


def test_a_chunk_parts_where_fates_do(ledger: Ledger, recipients: Callable[[int], Subscribers]) -> None:
    recipients(6).remove(parse_subscriber("reader4@example.com")[0])
    send = plan(ledger, size=5)
    (claimed,) = claim(ledger, send)
    later = samples.NOW + timedelta(minutes=5)
    settle(
        ledger,
        claimed,
        Accepted(),
        Transition(1, 2, "accepted"),
        Transition(3, 3, "refused", "550 no"),
        Transition(4, 4, "waiting", "450 later", later),
        Transition(5, 5, "unknown", "lost"),
    )
    assert ledger.counts(send) == Counts(5, accepted=2, refused=1, unknown=1, waiting=1)
    assert recipients_in(ledger, send, "refused") == [("reader3", "550 no")]
    assert recipients_in(ledger, send, "waiting") == [("reader5", "450 later")]
    assert recipients_in(ledger, send, "unknown") == [("reader6", "lost")]
    assert ledger.next_retry_at(send) == later


def test_who_is_put_off_is_not_tried_before_its_time(
    ledger: Ledger, recipients: Callable[[int], Subscribers], time: Time
) -> None:
    recipients(4)
    send = plan(ledger)
    first, _ = claim(ledger, send)
    later = samples.NOW + timedelta(minutes=5)
    settle(ledger, first, NotSent("later"), Transition(1, 2, "waiting", "later", later))
    assert claim(ledger, send) == []
    time.now = later
    assert [chunk.tries for chunk in claim(ledger, send)] == [1]


def test_the_least_tried_come_first(ledger: Ledger, recipients: Callable[[int], Subscribers]) -> None:
    """A rejected address, which is searched for by splitting chunks, must not delay the others."""
    recipients(6)
    send = plan(ledger)
    (first,) = claim(ledger, send, 1)
    settle(ledger, first, Refused("400"), Transition(1, 1, "waiting"), Transition(2, 2, "waiting"))
    assert [chunk.first for chunk in claim(ledger, send)] == [3, 5, 1, 2]


def test_a_claim_has_at_most_so_much_room(ledger: Ledger, recipients: Callable[[int], Subscribers]) -> None:
    recipients(6)
    send = plan(ledger)
    assert [chunk.first for chunk in ledger.claim(send, 9, 5, None, LEASE, with_journal=False)] == [1, 3]
    assert ledger.claim(send, 9, 1, None, LEASE, with_journal=False) == []


def test_the_next_chunks_are_those_that_are_claimed_next(
    ledger: Ledger, recipients: Callable[[int], Subscribers], time: Time
) -> None:
    recipients(7)
    send = plan(ledger)
    (first,) = claim(ledger, send, 1)
    later = Transition(1, 2, "waiting", "later", time.now + timedelta(minutes=1))
    settle(ledger, first, NotSent("later", stop=False), later)
    assert ledger.next_chunks(send, 2) == [NextChunk(send.id, 3, 4), NextChunk(send.id, 5, 6)]
    time.now += timedelta(minutes=1)
    upcoming = ledger.next_chunks(send, 9)
    assert [chunk.first for chunk in upcoming] == [3, 5, 7, 1]
    assert [chunk.first for chunk in claim(ledger, send)] == [3, 5, 7, 1]
    assert ledger.next_chunks(send, 9) == []


class PartlyPublished(Ledger):
    """A ledger of which one range of recipients is published, for the mail of held batch 1."""

    def is_published(self, chunk: NextChunk) -> bool:
        return chunk.first >= 3 and chunk.last <= 6 and chunk.held_batch == 1


def test_only_published_chunks_are_claimed(
    database: Database, recipients: Callable[[int], Subscribers], tmp_path: Path, time: Time
) -> None:
    recipients(9)
    ledger = PartlyPublished(database, SendProcess(tmp_path / "runs"), time)
    send = plan(ledger)
    batch = ledger.open_held_batch(send, "id", time.now + timedelta(minutes=30))
    assert claim(ledger, send, 9) == []
    assert [chunk.first for chunk in claim(ledger, send, 9, batch)] == [3, 5]
    assert ledger.counts(send).waiting == 5


def test_who_has_left_since_the_plan_is_left_out(
    ledger: Ledger, recipients: Callable[[int], Subscribers]
) -> None:
    subscribers = recipients(5)
    send = plan(ledger)
    for n in (2, 5):
        subscribers.remove(parse_subscriber(f"reader{n}@example.com")[0])
    chunks = claim(ledger, send)
    assert [[recipient.number for recipient in chunk.recipients] for chunk in chunks] == [[1], [3, 4], []]
    for chunk in chunks[:2]:
        settle(ledger, chunk, Accepted("id"))
    assert ledger.counts(send) == Counts(5, accepted=3, left=2)
    assert ledger.counts(send).complete
    assert recipients_in(ledger, send, "left") == [("reader2", ""), ("reader5", "")]
    assert len(recipients_in(ledger, send, "accepted")) == 3


def test_who_joins_after_the_plan_is_not_in_it_and_counted(
    ledger: Ledger, recipients: Callable[[int], Subscribers], database: Database
) -> None:
    recipients(2)
    send = plan(ledger)
    Subscribers(database, lambda: samples.NOW + LEASE).add(parse_subscriber("late@example.com")[0])
    assert sum(len(chunk.recipients) for chunk in claim(ledger, send)) == 2
    assert ledger.joined(send) == 1


def test_a_send_is_finished_only_when_nothing_waits(
    ledger: Ledger, recipients: Callable[[int], Subscribers]
) -> None:
    recipients(3)
    send = plan(ledger)
    ledger.finish(send)
    assert (found := ledger.find("2026-04-27", LIST)) and found.finished_at is None
    for chunk in claim(ledger, send):
        settle(ledger, chunk, Unknown("lost"))
    ledger.finish(send)
    assert (found := ledger.find("2026-04-27", LIST)) and found.finished_at == samples.NOW
    ledger.override_state(send, "unknown", "waiting", "assumed unsent")
    assert (found := ledger.find("2026-04-27", LIST)) and found.finished_at is None


def test_people_are_read_in_pages(
    database: Database, recipients: Callable[[int], Subscribers], tmp_path: Path
) -> None:
    ledger = Ledger(database, SendProcess(tmp_path / "runs"), page_size=2)
    recipients(5)
    send = plan(ledger, 3)
    assert [name for name, _ in recipients_in(ledger, send, "waiting")] == [f"reader{n}" for n in range(1, 6)]


def test_an_empty_list_is_an_empty_send(ledger: Ledger) -> None:
    send = plan(ledger)
    assert (send.recipients, claim(ledger, send), ledger.counts(send)) == (0, [], Counts(0))


def test_a_chunk_of_another_send_is_left_alone(
    ledger: Ledger, recipients: Callable[[int], Subscribers]
) -> None:
    recipients(2)
    first = plan(ledger)
    second = ledger.plan(planned("2026-05-04"))
    assert second
    claim(ledger, first)
    assert ledger.counts(second) == Counts(2, waiting=2)


# Leases


def other_ledger(database: Database, tmp_path: Path, time: Time) -> Ledger:
    return Ledger(database, SendProcess(tmp_path / "elsewhere" / "runs"), time)


def test_a_send_has_one_run_at_a_time(
    ledger: Ledger, database: Database, recipients: Callable[[int], Subscribers], tmp_path: Path, time: Time
) -> None:
    """Another machine cannot know that this process is alive: it waits until the lease ends."""
    recipients(4)
    send, other = plan(ledger), other_ledger(database, tmp_path, time)
    with pytest.raises(SendRefused, match=r"process \d+ on host \S+ is sending 2026-04-27 now") as raised:
        other.acquire_lease(send, LEASE)
    assert "the lease ends at 09:02:00 UTC" in raised.value.hint
    with pytest.raises(StoreError, match="another process has taken over the send of 2026-04-27"):
        claim(other, send)
    time.now += LEASE
    other.acquire_lease(send, LEASE)
    assert len(claim(other, send, 1)) == 1
    for late in (lambda: claim(ledger, send), lambda: ledger.renew_lease(send, LEASE)):
        with pytest.raises(StoreError, match="another process has taken over the send of 2026-04-27"):
            late()


def test_a_run_that_goes_on_keeps_its_claim(
    ledger: Ledger, database: Database, recipients: Callable[[int], Subscribers], tmp_path: Path, time: Time
) -> None:
    recipients(4)
    send, other = plan(ledger), other_ledger(database, tmp_path, time)
    for _ in range(3):
        time.now += LEASE / 2
        ledger.renew_lease(send, LEASE)
    with pytest.raises(SendRefused):
        other.acquire_lease(send, LEASE)
    ledger.release_lease(send)
    other.acquire_lease(send, LEASE)


def test_what_a_run_finds_out_late_is_written_down_still(
    ledger: Ledger, database: Database, recipients: Callable[[int], Subscribers], tmp_path: Path, time: Time
) -> None:
    """It has lost its lease, but knows the outcome of its call, which is better than unknown."""
    recipients(2)
    send, other = plan(ledger), other_ledger(database, tmp_path, time)
    (claimed,) = claim(ledger, send)
    time.now += LEASE
    other.acquire_lease(send, LEASE)
    ((abandoned, notes),) = other.abandoned_attempts(send)
    assert notes is None, "the notes of another machine cannot be read"
    settle(other, abandoned, Unknown("the process ended"))
    settle(ledger, claimed, Accepted("id"))
    assert ledger.counts(send) == Counts(2, accepted=2)


# Held batches


def claim_held(ledger: Ledger, send: Send, number: int = 1) -> tuple[HeldBatch, ClaimedChunk]:
    """Open a held batch, and claim a chunk into it."""
    batch = ledger.open_held_batch(send, f"batch{number}", samples.NOW + timedelta(minutes=30))
    (claimed,) = claim(ledger, send, 1, batch)
    return batch, claimed


def test_a_lane_is_called_back_as_a_whole(ledger: Ledger, recipients: Callable[[int], Subscribers]) -> None:
    recipients(6)
    send = plan(ledger)
    batch, first = claim_held(ledger, send)
    (second,) = claim(ledger, send, 1, batch)
    _, third = claim_held(ledger, send, 2)
    settle(ledger, first, Accepted("id"))
    settle(ledger, second, Unknown("lost"))
    settle(ledger, third, Accepted("id"))
    first_batch, second_batch = ledger.held_batches(send)
    assert (first_batch.accepted, first_batch.unknown, first_batch.intended, first_batch.unknown_since) == (
        2,
        2,
        0,
        samples.NOW,
    )
    assert (second_batch.accepted, second_batch.unknown) == (2, 0)
    assert ledger.counts(send).held == 4
    ledger.mark_held_batch(first_batch.batch, "cancelling")
    ledger.record_recall(first_batch, "waiting", "recalled")
    assert ledger.counts(send) == Counts(6, accepted=2, waiting=4, held=2)
    assert [status.batch.state for status in ledger.held_batches(send)] == ["cancelled", "open"]
    assert [chunk.first for chunk in claim(ledger, send)] == [1, 3]


def test_what_was_called_back_is_not_settled_any_more(
    ledger: Ledger, recipients: Callable[[int], Subscribers]
) -> None:
    recipients(2)
    send = plan(ledger)
    _, claimed = claim_held(ledger, send)
    settle(ledger, claimed, Unknown("lost"))
    (status,) = ledger.held_batches(send)
    ledger.record_recall(status, "cancelled", "recalled")
    settle(ledger, claimed, Accepted("late"))
    assert ledger.counts(send) == Counts(2, cancelled=2)


def test_what_may_still_arrive_is_not_called_back_yet(
    ledger: Ledger, recipients: Callable[[int], Subscribers]
) -> None:
    recipients(4)
    send = plan(ledger)
    batch, first = claim_held(ledger, send)
    (second,) = claim(ledger, send, 1, batch)
    settle(ledger, first, Accepted("id"))
    settle(ledger, second, Unknown("lost"))
    (status,) = ledger.held_batches(send)
    ledger.record_recall(status, "cancelled", "recalled", with_unknown=False)
    assert ledger.counts(send) == Counts(4, cancelled=2, unknown=2)
    assert ledger.held_batches(send)[0].batch.state == "open"


def test_where_it_is_not_known_whether_a_lane_was_called_back_all_of_it_is_unknown(
    ledger: Ledger, recipients: Callable[[int], Subscribers]
) -> None:
    recipients(2)
    send = plan(ledger)
    batch, claimed = claim_held(ledger, send)
    settle(ledger, claimed, Accepted("id"))
    ledger.mark_batch_unknown(batch, "no answer")
    assert ledger.counts(send) == Counts(2, unknown=2)
    assert recipients_in(ledger, send, "unknown") == [("reader1", "no answer"), ("reader2", "no answer")]


# Decisions of a person


def test_nothing_begins_when_a_send_is_called_back(
    ledger: Ledger, recipients: Callable[[int], Subscribers]
) -> None:
    recipients(4)
    send = plan(ledger)
    (in_flight,) = claim(ledger, send, 1)
    ledger.cancel(send)
    assert claim(ledger, send) == []
    assert ledger.renew_lease(send, LEASE) == "cancelled"
    settle(ledger, in_flight, NotSent("later"))
    assert ledger.counts(send) == Counts(4, cancelled=4), "recipients of a cancelled send do not wait"
    ledger.resume(send)
    assert len(claim(ledger, send)) == 2


def test_a_person_settles_what_is_unknown_for_some(
    ledger: Ledger, recipients: Callable[[int], Subscribers]
) -> None:
    recipients(6)
    send = plan(ledger, size=6)
    (claimed,) = claim(ledger, send)
    settle(ledger, claimed, Unknown("lost"))
    assert ledger.override_state(send, "unknown", "accepted", "assumed sent", {1, 2, 5}) == 3
    assert ledger.override_state(send, "unknown", "waiting", "assumed unsent", {6}) == 1
    assert ledger.counts(send) == Counts(6, accepted=3, unknown=2, waiting=1)
    assert recipients_in(ledger, send, "unknown") == [("reader3", "lost"), ("reader4", "lost")]
    assert ledger.override_state(send, "unknown", "accepted", "assumed sent") == 2
    assert ledger.override_state(send, "unknown", "accepted", "assumed sent") == 0


def test_a_send_that_was_wholly_called_back_makes_room(
    ledger: Ledger, recipients: Callable[[int], Subscribers]
) -> None:
    recipients(2)
    send = plan(ledger)
    assert ledger.plan(planned(instead_of=send.id)) is None, "the send was not cancelled"
    ledger.cancel(send)
    assert ledger.plan(planned(instead_of=send.id))
    assert [(send.list, send.state) for send in ledger.sends()] == [
        (f"superseded-{send.id}", "superseded"),
        (LIST, "open"),
    ]
    assert ledger.before("2026-05-04", LIST) == ledger.find("2026-04-27", LIST)


@pytest.mark.parametrize("outcome", [Accepted("id"), Unknown("lost"), None], ids=repr)
def test_what_somebody_may_have_is_not_superseded(
    outcome: Outcome | None, ledger: Ledger, recipients: Callable[[int], Subscribers]
) -> None:
    recipients(4)
    send = plan(ledger)
    (first,) = claim(ledger, send, 1)
    if outcome:
        settle(ledger, first, outcome)
    ledger.cancel(send)
    assert ledger.plan(planned(instead_of=send.id)) is None
    assert ledger.sends()[0].list == LIST


def test_a_plan_of_which_nothing_left_is_withdrawn_whole(
    ledger: Ledger, recipients: Callable[[int], Subscribers]
) -> None:
    recipients(4)
    send = plan(ledger)
    ledger.open_held_batch(send, "batch1", samples.NOW)
    (claimed,) = claim(ledger, send, 1)
    settle(ledger, claimed, NotSent("down"))
    assert ledger.delete_unsent_plan(send) and ledger.sends() == []
    again = plan(ledger)
    claim(ledger, again)
    assert not ledger.delete_unsent_plan(again)


def test_what_was_tried_is_known_for_rate_limits(
    ledger: Ledger, recipients: Callable[[int], Subscribers], time: Time
) -> None:
    recipients(5)
    send = plan(ledger)
    claim(ledger, send, 1)
    time.now += timedelta(hours=1)
    claim(ledger, send, 9)
    assert ledger.attempts_since(samples.NOW - LEASE) == [
        (samples.NOW, 2),
        (time.now, 2),
        (time.now, 1),
    ]
    assert ledger.attempts_since(samples.NOW) == [(time.now, 2), (time.now, 1)]


def test_unknown_attempts_are_repeatable_while_everybody_is_on_the_list(
    ledger: Ledger, recipients: Callable[[int], Subscribers], time: Time
) -> None:
    subscribers = recipients(8)
    subscribers.remove(parse_subscriber("reader7@example.com")[0])
    send = plan(ledger)
    first, second, third, last = claim(ledger, send)
    for claimed in (first, second, last):
        settle(ledger, claimed, Unknown("no response"))
    settle(ledger, third, Accepted("id"))
    assert ledger.repeatable_attempts(send, time.now) == [first, second, last]
    subscribers.remove(parse_subscriber("reader3@example.com")[0])
    assert ledger.repeatable_attempts(send, time.now) == [first, last]
    subscribers.add(parse_subscriber("reader3@example.com")[0], "Reader 3", again=True)
    assert ledger.repeatable_attempts(send, time.now) == [first, second, last]
    assert ledger.repeatable_attempts(send, time.now + timedelta(seconds=1)) == []
    settle(ledger, first, Accepted("id"))
    assert ledger.repeatable_attempts(send, time.now) == [second, last]


def test_the_first_attempt_for_the_same_recipients_counts_for_the_window(
    ledger: Ledger, recipients: Callable[[int], Subscribers], time: Time
) -> None:
    """Both have the same key, which the provider keeps from the first one on."""
    recipients(2)
    send, begun = plan(ledger), time.now
    settle(ledger, claim(ledger, send)[0], NotSent("429", stop=False))
    time.now += timedelta(hours=5)
    ledger.acquire_lease(send, LEASE)
    (again,) = claim(ledger, send)
    settle(ledger, again, Unknown("no response"))
    assert ledger.repeatable_attempts(send, begun) == [again]
    assert ledger.repeatable_attempts(send, begun + timedelta(seconds=1)) == []


def test_an_attempt_is_not_repeatable_that_a_person_resolved_or_that_is_held_back(
    ledger: Ledger, recipients: Callable[[int], Subscribers], time: Time
) -> None:
    recipients(4)
    send = plan(ledger)
    batch = ledger.open_held_batch(send, "batch", time.now)
    held, straight = *claim(ledger, send, 1, batch), *claim(ledger, send)
    for claimed in (held, straight):
        settle(ledger, claimed, Unknown("no response"))
    assert ledger.repeatable_attempts(send, time.now) == [straight]
    ledger.override_state(send, "unknown", "accepted", "assumed sent", [3])
    assert ledger.repeatable_attempts(send, time.now) == []


def test_each_send_has_a_nonce_of_its_own(ledger: Ledger, recipients: Callable[[int], Subscribers]) -> None:
    recipients(1)
    sends = [ledger.plan(planned("2026-04-27")), ledger.plan(planned("2026-05-04"))]
    nonces = {send.nonce for send in sends if send and send.nonce}
    assert len(nonces) == 2 and all(len(nonce) == 32 for nonce in nonces)


def test_a_repetition_is_an_attempt_of_its_own_that_a_late_answer_does_not_change(
    ledger: Ledger, recipients: Callable[[int], Subscribers]
) -> None:
    recipients(2)
    send = plan(ledger)
    (first,) = claim(ledger, send)
    settle(ledger, first, Unknown("no response"))
    repeated = ledger.claim_repetition(send, first, LEASE)
    assert repeated and repeated.attempt != first.attempt and repeated.recipients == first.recipients
    assert ledger.claim_repetition(send, first, LEASE) is None
    # The first process wakes up, and was refused: its halves must not wait beside the repetition.
    halves = (Transition(1, 1, "waiting"), Transition(2, 2, "waiting"))
    settle(ledger, first, Refused("no"), *halves)
    assert ledger.counts(send).waiting == 0 and ledger.counts(send).unknown == 2
    settle(ledger, repeated, Accepted("id"))
    assert ledger.counts(send).accepted == 2


def test_a_repetition_is_not_begun_after_an_answer_or_a_cancel(
    ledger: Ledger, recipients: Callable[[int], Subscribers]
) -> None:
    recipients(4)
    send = plan(ledger)
    answered, cancelled = claim(ledger, send)
    for claimed in (answered, cancelled):
        settle(ledger, claimed, Unknown("no response"))
    settle(ledger, answered, Accepted("id"))
    assert ledger.claim_repetition(send, answered, LEASE) is None
    ledger.cancel(send)
    assert ledger.claim_repetition(send, cancelled, LEASE) is None
