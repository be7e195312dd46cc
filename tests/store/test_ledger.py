"""The ledger: claims, plans, remembers; on both databases."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert

from newsletter.errors import SendRefused, StoreError
from newsletter.sending.model import ChunkResult, ClaimedChunk, Counts, HeldBatch, NewSend, Send, Transition
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
    """A clock that stands until it is told otherwise."""

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


def planned(issue: str = "2026-04-27", size: int = 2, **more: int | None) -> NewSend:
    return NewSend(issue, LIST, "sha", b"content", "listed", size, **more)  # type: ignore[arg-type]


def plan(ledger: Ledger, size: int = 2, canary_size: int | None = None) -> Send:
    made = ledger.plan(planned(size=size, canary_size=canary_size))
    assert made
    ledger.acquire_lease(made, LEASE)
    return made


def claim(ledger: Ledger, of: Send, most: int = 99, into: HeldBatch | None = None) -> list[ClaimedChunk]:
    return ledger.claim(of, most, 1 << 60, into, LEASE, noted=True)


def settle(ledger: Ledger, claimed: ClaimedChunk, outcome: Outcome, *transitions: Transition) -> None:
    states = {Accepted: "accepted", Refused: "refused", Unknown: "unknown", NotSent: "waiting"}
    reason = getattr(outcome, "reason", "")
    whole = Transition(claimed.first, claimed.last, states[type(outcome)], reason)  # type: ignore[arg-type]
    ledger.settle([ChunkResult(claimed, outcome, transitions or (whole,))])


def named(ledger: Ledger, of: Send, state: str) -> list[tuple[str, str]]:
    return [(address.partition("@")[0], reason) for _, address, reason in ledger.recipients(of, state)]


def test_everybody_active_is_planned_once_in_chunks(
    ledger: Ledger, recipients: Callable[[int], Subscribers]
) -> None:
    recipients(5).remove(parse_subscriber("reader2@example.com")[0])
    made = plan(ledger)
    assert made.recipients == 4
    chunks = claim(ledger, made)
    assert [(one.first, one.last) for one in chunks] == [(1, 2), (3, 4)]
    assert [(who.number, who.address, who.name) for one in chunks for who in one.recipients] == [
        (number, f"reader{n}@example.com", f"Reader {n}") for number, n in enumerate((1, 3, 4, 5), 1)
    ]


def test_a_chunk_begins_behind_a_canary(ledger: Ledger, recipients: Callable[[int], Subscribers]) -> None:
    recipients(6)
    made = plan(ledger, size=2, canary_size=3)
    assert [(one.first, one.last) for one in claim(ledger, made)] == [(1, 2), (3, 3)]
    assert claim(ledger, made) == [] and ledger.next_retry_at(made) is None
    ledger.resume(made)
    (again,) = ledger.sends()
    assert [(one.first, one.last) for one in claim(ledger, again)] == [(4, 5), (6, 6)]


def test_an_issue_is_claimed_for_a_list_once(
    ledger: Ledger, recipients: Callable[[int], Subscribers]
) -> None:
    recipients(1)
    made = plan(ledger)
    assert ledger.plan(planned()) is None
    assert (found := ledger.find("2026-04-27", LIST)) and found.id == made.id
    assert ledger.find("2026-04-27", "rehearsal") is None
    assert ledger.plan(planned("2026-05-04"))


def test_two_that_plan_at_the_same_moment(
    database: Database, ledger: Ledger, recipients: Callable[[int], Subscribers]
) -> None:
    """The second one waits for the first, and then finds the issue claimed."""
    recipients(1)
    with ThreadPoolExecutor() as others, database.writing() as connection:
        values = {"issue": "2026-04-27", "list": LIST, "content_sha256": "sha", "provider": "outbox"}
        connection.execute(insert(send_table), {**values, "recipients": 0, "started_at": samples.NOW})
        second = others.submit(ledger.plan, planned())
        with pytest.raises(TimeoutError):
            second.result(0.3)
        connection.commit()
        assert second.result(10) is None


@pytest.mark.parametrize(
    ("outcome", "counts"),
    [
        pytest.param(Accepted("id"), Counts(2, accepted=2), id="accepted"),
        pytest.param(Refused("no"), Counts(2, refused=2), id="refused"),
        pytest.param(NotSent("later"), Counts(2, waiting=2), id="not-sent"),
        pytest.param(Unknown("lost"), Counts(2, unknown=2), id="unknown"),
        pytest.param(None, Counts(2, unknown=2, under_way=2), id="crashed-in-flight"),
    ],
)
def test_what_came_of_a_chunk_is_counted_and_named(
    outcome: Outcome | None, counts: Counts, ledger: Ledger, recipients: Callable[[int], Subscribers]
) -> None:
    recipients(2)
    made = plan(ledger)
    (claimed,) = claim(ledger, made)
    assert claim(ledger, made) == [], "a chunk is claimed once"
    if outcome:
        settle(ledger, claimed, outcome)
    assert ledger.counts(made) == counts
    (state,) = [name for name in ("accepted", "refused", "unknown", "waiting") if getattr(counts, name)]
    reason = getattr(outcome, "reason", "")
    assert named(ledger, made, state) == [("reader1", reason), ("reader2", reason)]
    assert claim(ledger, made) != [] if state == "waiting" else claim(ledger, made) == []


def test_a_chunk_parts_where_fates_do(ledger: Ledger, recipients: Callable[[int], Subscribers]) -> None:
    recipients(6).remove(parse_subscriber("reader4@example.com")[0])
    made = plan(ledger, size=5)
    (claimed,) = claim(ledger, made)
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
    assert ledger.counts(made) == Counts(5, accepted=2, refused=1, unknown=1, waiting=1)
    assert named(ledger, made, "refused") == [("reader3", "550 no")]
    assert named(ledger, made, "waiting") == [("reader5", "450 later")]
    assert named(ledger, made, "unknown") == [("reader6", "lost")]
    assert ledger.next_retry_at(made) == later


def test_who_is_put_off_is_not_tried_before_its_time(
    ledger: Ledger, recipients: Callable[[int], Subscribers], time: Time
) -> None:
    recipients(4)
    made = plan(ledger)
    first, _ = claim(ledger, made)
    later = samples.NOW + timedelta(minutes=5)
    settle(ledger, first, NotSent("later"), Transition(1, 2, "waiting", "later", later))
    assert claim(ledger, made) == []
    time.now = later
    assert [one.tries for one in claim(ledger, made)] == [1]


def test_the_least_tried_come_first(ledger: Ledger, recipients: Callable[[int], Subscribers]) -> None:
    """So that one bad address, which is being narrowed down, holds nobody up."""
    recipients(6)
    made = plan(ledger)
    (first,) = claim(ledger, made, 1)
    settle(ledger, first, Refused("400"), Transition(1, 1, "waiting"), Transition(2, 2, "waiting"))
    assert [one.first for one in claim(ledger, made)] == [3, 5, 1, 2]


def test_a_claim_has_at_most_so_much_room(ledger: Ledger, recipients: Callable[[int], Subscribers]) -> None:
    recipients(6)
    made = plan(ledger)
    assert [one.first for one in ledger.claim(made, 9, 5, None, LEASE, noted=False)] == [1, 3]
    assert ledger.claim(made, 9, 1, None, LEASE, noted=False) == []


def test_who_has_left_since_the_plan_is_left_out(
    ledger: Ledger, recipients: Callable[[int], Subscribers]
) -> None:
    subscribers = recipients(5)
    made = plan(ledger)
    for n in (2, 5):
        subscribers.remove(parse_subscriber(f"reader{n}@example.com")[0])
    chunks = claim(ledger, made)
    assert [[who.number for who in one.recipients] for one in chunks] == [[1], [3, 4], []]
    for one in chunks[:2]:
        settle(ledger, one, Accepted("id"))
    assert ledger.counts(made) == Counts(5, accepted=3, left=2)
    assert ledger.counts(made).complete
    assert named(ledger, made, "left") == [("reader2", ""), ("reader5", "")]
    assert len(named(ledger, made, "accepted")) == 3


def test_who_joins_after_the_plan_is_not_in_it_and_counted(
    ledger: Ledger, recipients: Callable[[int], Subscribers], database: Database
) -> None:
    recipients(2)
    made = plan(ledger)
    Subscribers(database, lambda: samples.NOW + LEASE).add(parse_subscriber("late@example.com")[0])
    assert sum(len(one.recipients) for one in claim(ledger, made)) == 2
    assert ledger.joined(made) == 1


def test_a_send_is_finished_only_when_nothing_waits(
    ledger: Ledger, recipients: Callable[[int], Subscribers]
) -> None:
    recipients(3)
    made = plan(ledger)
    ledger.finish(made)
    assert (found := ledger.find("2026-04-27", LIST)) and found.finished_at is None
    for one in claim(ledger, made):
        settle(ledger, one, Unknown("lost"))
    ledger.finish(made)
    assert (found := ledger.find("2026-04-27", LIST)) and found.finished_at == samples.NOW
    ledger.override_state(made, "unknown", "waiting", "assumed unsent")
    assert (found := ledger.find("2026-04-27", LIST)) and found.finished_at is None


def test_people_are_read_in_pages(
    database: Database, recipients: Callable[[int], Subscribers], tmp_path: Path
) -> None:
    ledger = Ledger(database, SendProcess(tmp_path / "runs"), page=2)
    recipients(5)
    made = plan(ledger, 3)
    assert [name for name, _ in named(ledger, made, "waiting")] == [f"reader{n}" for n in range(1, 6)]


def test_an_empty_list_is_an_empty_send(ledger: Ledger) -> None:
    made = plan(ledger)
    assert (made.recipients, claim(ledger, made), ledger.counts(made)) == (0, [], Counts(0))


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


def another(database: Database, tmp_path: Path, time: Time) -> Ledger:
    return Ledger(database, SendProcess(tmp_path / "elsewhere" / "runs"), time)


def test_a_send_has_one_run_at_a_time(
    ledger: Ledger, database: Database, recipients: Callable[[int], Subscribers], tmp_path: Path, time: Time
) -> None:
    """Another machine, which cannot know whether this run is alive, waits for its claim to end."""
    recipients(4)
    made, other = plan(ledger), another(database, tmp_path, time)
    with pytest.raises(SendRefused, match="is being sent already, by process") as refused:
        other.acquire_lease(made, LEASE)
    assert "its claim ends at 09:02:00 UTC" in refused.value.hint
    with pytest.raises(StoreError, match="another process goes on"):
        claim(other, made)
    time.now += LEASE
    other.acquire_lease(made, LEASE)
    assert len(claim(other, made, 1)) == 1
    for late in (lambda: claim(ledger, made), lambda: ledger.renew_lease(made, LEASE)):
        with pytest.raises(StoreError, match="another process goes on"):
            late()


def test_a_run_that_goes_on_keeps_its_claim(
    ledger: Ledger, database: Database, recipients: Callable[[int], Subscribers], tmp_path: Path, time: Time
) -> None:
    recipients(4)
    made, other = plan(ledger), another(database, tmp_path, time)
    for _ in range(3):
        time.now += LEASE / 2
        ledger.renew_lease(made, LEASE)
    with pytest.raises(SendRefused):
        other.acquire_lease(made, LEASE)
    ledger.release_lease(made)
    other.acquire_lease(made, LEASE)


def test_what_a_run_finds_out_late_is_written_down_still(
    ledger: Ledger, database: Database, recipients: Callable[[int], Subscribers], tmp_path: Path, time: Time
) -> None:
    """It has lost its claim, but knows what came of its call: better than unknown."""
    recipients(2)
    made, other = plan(ledger), another(database, tmp_path, time)
    (claimed,) = claim(ledger, made)
    time.now += LEASE
    other.acquire_lease(made, LEASE)
    ((adrift, notes),) = other.abandoned_attempts(made)
    assert notes is None, "another machine's notes are not here"
    settle(other, adrift, Unknown("the process ended"))
    settle(ledger, claimed, Accepted("id"))
    assert ledger.counts(made) == Counts(2, accepted=2)


# Lanes


def staged(ledger: Ledger, made: Send, number: int = 1) -> tuple[HeldBatch, ClaimedChunk]:
    batch = ledger.open_held_batch(made, f"batch{number}", samples.NOW + timedelta(minutes=30))
    (claimed,) = claim(ledger, made, 1, batch)
    return batch, claimed


def test_a_lane_is_called_back_as_a_whole(ledger: Ledger, recipients: Callable[[int], Subscribers]) -> None:
    recipients(6)
    made = plan(ledger)
    batch, first = staged(ledger, made)
    (second,) = claim(ledger, made, 1, batch)
    _, third = staged(ledger, made, 2)
    settle(ledger, first, Accepted("id"))
    settle(ledger, second, Unknown("lost"))
    settle(ledger, third, Accepted("id"))
    ours, theirs = ledger.held_batches(made)
    assert (ours.accepted, ours.unknown, ours.intended, ours.unknown_since) == (2, 2, 0, samples.NOW)
    assert (theirs.accepted, theirs.unknown) == (2, 0)
    assert ledger.counts(made).held == 4
    ledger.mark_held_batch(ours.batch, "cancelling")
    ledger.record_recall(ours, "waiting", "called back")
    assert ledger.counts(made) == Counts(6, accepted=2, waiting=4, held=2)
    assert [one.batch.state for one in ledger.held_batches(made)] == ["cancelled", "open"]
    assert [one.first for one in claim(ledger, made)] == [1, 3]


def test_what_was_called_back_is_not_settled_any_more(
    ledger: Ledger, recipients: Callable[[int], Subscribers]
) -> None:
    recipients(2)
    made = plan(ledger)
    _, claimed = staged(ledger, made)
    settle(ledger, claimed, Unknown("lost"))
    (standing,) = ledger.held_batches(made)
    ledger.record_recall(standing, "cancelled", "called back")
    settle(ledger, claimed, Accepted("late"))
    assert ledger.counts(made) == Counts(2, cancelled=2)


def test_what_may_still_arrive_is_not_called_back_yet(
    ledger: Ledger, recipients: Callable[[int], Subscribers]
) -> None:
    recipients(4)
    made = plan(ledger)
    batch, first = staged(ledger, made)
    (second,) = claim(ledger, made, 1, batch)
    settle(ledger, first, Accepted("id"))
    settle(ledger, second, Unknown("lost"))
    (standing,) = ledger.held_batches(made)
    ledger.record_recall(standing, "cancelled", "called back", with_unknown=False)
    assert ledger.counts(made) == Counts(4, cancelled=2, unknown=2)
    assert ledger.held_batches(made)[0].batch.state == "open"


def test_where_it_is_not_known_whether_a_lane_was_called_back_all_of_it_is_unknown(
    ledger: Ledger, recipients: Callable[[int], Subscribers]
) -> None:
    recipients(2)
    made = plan(ledger)
    batch, claimed = staged(ledger, made)
    settle(ledger, claimed, Accepted("id"))
    ledger.mark_batch_unknown(batch, "no answer")
    assert ledger.counts(made) == Counts(2, unknown=2)
    assert named(ledger, made, "unknown") == [("reader1", "no answer"), ("reader2", "no answer")]


# What people decide


def test_nothing_begins_when_a_send_is_called_back(
    ledger: Ledger, recipients: Callable[[int], Subscribers]
) -> None:
    recipients(4)
    made = plan(ledger)
    (under_way,) = claim(ledger, made, 1)
    ledger.cancel(made)
    assert claim(ledger, made) == []
    assert ledger.renew_lease(made, LEASE) == "cancelled"
    settle(ledger, under_way, NotSent("later"))
    assert ledger.counts(made) == Counts(4, cancelled=4), "what comes back is not waiting any more"
    ledger.resume(made)
    assert len(claim(ledger, made)) == 2


def test_a_person_settles_what_is_unknown_for_some(
    ledger: Ledger, recipients: Callable[[int], Subscribers]
) -> None:
    recipients(6)
    made = plan(ledger, size=6)
    (claimed,) = claim(ledger, made)
    settle(ledger, claimed, Unknown("lost"))
    assert ledger.override_state(made, "unknown", "accepted", "assumed sent", {1, 2, 5}) == 3
    assert ledger.override_state(made, "unknown", "waiting", "assumed unsent", {6}) == 1
    assert ledger.counts(made) == Counts(6, accepted=3, unknown=2, waiting=1)
    assert named(ledger, made, "unknown") == [("reader3", "lost"), ("reader4", "lost")]
    assert ledger.override_state(made, "unknown", "accepted", "assumed sent") == 2
    assert ledger.override_state(made, "unknown", "accepted", "assumed sent") == 0


def test_a_send_that_was_wholly_called_back_makes_room(
    ledger: Ledger, recipients: Callable[[int], Subscribers]
) -> None:
    recipients(2)
    made = plan(ledger)
    assert ledger.plan(planned(instead_of=made.id)) is None, "it was not called back"
    ledger.cancel(made)
    assert ledger.plan(planned(instead_of=made.id))
    assert [(one.list, one.state) for one in ledger.sends()] == [
        (f"superseded-{made.id}", "superseded"),
        (LIST, "open"),
    ]
    assert ledger.before("2026-05-04", LIST) == ledger.find("2026-04-27", LIST)


@pytest.mark.parametrize("outcome", [Accepted("id"), Unknown("lost"), None], ids=repr)
def test_what_somebody_may_have_is_not_superseded(
    outcome: Outcome | None, ledger: Ledger, recipients: Callable[[int], Subscribers]
) -> None:
    recipients(4)
    made = plan(ledger)
    (first,) = claim(ledger, made, 1)
    if outcome:
        settle(ledger, first, outcome)
    ledger.cancel(made)
    assert ledger.plan(planned(instead_of=made.id)) is None
    assert ledger.sends()[0].list == LIST


def test_a_plan_of_which_nothing_left_is_withdrawn_whole(
    ledger: Ledger, recipients: Callable[[int], Subscribers]
) -> None:
    recipients(4)
    made = plan(ledger)
    ledger.open_held_batch(made, "batch1", samples.NOW)
    (claimed,) = claim(ledger, made, 1)
    settle(ledger, claimed, NotSent("down"))
    assert ledger.delete_unsent_plan(made) and ledger.sends() == []
    again = plan(ledger)
    claim(ledger, again)
    assert not ledger.delete_unsent_plan(again)


def test_what_was_tried_is_known_for_rate_limits(
    ledger: Ledger, recipients: Callable[[int], Subscribers], time: Time
) -> None:
    recipients(5)
    made = plan(ledger)
    claim(ledger, made, 1)
    time.now += timedelta(hours=1)
    claim(ledger, made, 9)
    assert ledger.attempts_since(samples.NOW - LEASE) == [
        (samples.NOW, 2),
        (time.now, 2),
        (time.now, 1),
    ]
    assert ledger.attempts_since(samples.NOW) == [(time.now, 2), (time.now, 1)]
