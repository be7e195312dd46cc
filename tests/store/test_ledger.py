"""The ledger: claims, plans, remembers."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import insert

from newsletter.models import Accepted, Chunk, Counts, NotSent, Outcome, Refused, Send, Unknown
from newsletter.person import as_typed
from newsletter.store.database import Database
from newsletter.store.ledger import Ledger
from newsletter.store.schema import send
from newsletter.store.subscribers import Subscribers
from tests import samples

LIST = "subscribers"


@pytest.fixture
def ledger(database: Database) -> Ledger:
    return Ledger(database, lambda: samples.NOW)


@pytest.fixture
def people(database: Database) -> Callable[[int], Subscribers]:
    def add(count: int) -> Subscribers:
        subscribers = Subscribers(database)
        for n in range(count):
            subscribers.add(as_typed(f"reader{n}@example.com")[0], f"Reader {n}")
        return subscribers

    return add


def plan(ledger: Ledger, size: int = 2) -> Send:
    planned = ledger.plan("2026-04-27", LIST, "sha", "outbox", size)
    assert planned
    return planned


def test_everybody_active_is_planned_once_in_chunks(
    ledger: Ledger, people: Callable[[int], Subscribers]
) -> None:
    people(5).remove(as_typed("reader1@example.com")[0])
    send = plan(ledger)
    assert send.recipients == 4
    assert [(c.number, c.first, c.last) for c in ledger.waiting(send)] == [(0, 1, 2), (1, 3, 4)]
    addresses = [one.address for chunk in ledger.waiting(send) for _, one in ledger.intend(chunk) or []]
    assert addresses == [f"reader{n}@example.com" for n in (0, 2, 3, 4)]


def test_the_last_chunk_takes_what_is_left(ledger: Ledger, people: Callable[[int], Subscribers]) -> None:
    people(5)
    assert [(c.first, c.last) for c in ledger.waiting(plan(ledger, 3))] == [(1, 3), (4, 5)]


def test_an_issue_is_claimed_for_a_list_once(ledger: Ledger, people: Callable[[int], Subscribers]) -> None:
    people(1)
    send = plan(ledger)
    assert ledger.plan("2026-04-27", LIST, "other", "smtp", 1) is None
    assert ledger.find("2026-04-27", LIST) == send
    assert ledger.find("2026-04-27", "rehearsal") is None
    assert ledger.plan("2026-05-04", LIST, "sha", "outbox", 1)


def test_two_that_plan_at_the_same_moment(
    database: Database, ledger: Ledger, people: Callable[[int], Subscribers]
) -> None:
    """The second one waits for the first, and then finds the issue claimed."""
    people(1)
    with ThreadPoolExecutor() as others, database.writing() as connection:
        values = {"issue": "2026-04-27", "list": LIST, "content_sha256": "sha", "provider": "outbox"}
        connection.execute(insert(send), {**values, "recipients": 0, "started_at": samples.NOW})
        second = others.submit(ledger.plan, "2026-04-27", LIST, "sha", "outbox", 2)
        with pytest.raises(TimeoutError):
            second.result(0.3)
        connection.commit()
        assert second.result(10) is None


def test_a_chunk_is_claimed_once(ledger: Ledger, people: Callable[[int], Subscribers]) -> None:
    people(2)
    (chunk,) = ledger.waiting(plan(ledger))
    assert ledger.intend(chunk)
    assert ledger.intend(chunk) is None


@pytest.mark.parametrize(
    ("outcome", "counts"),
    [
        pytest.param(Accepted("id"), Counts(2, accepted=2), id="accepted"),
        pytest.param(Refused("no"), Counts(2, refused=2), id="refused"),
        pytest.param(NotSent("later"), Counts(2, waiting=2), id="not-sent"),
        pytest.param(Unknown("lost"), Counts(2, unknown=2), id="unknown"),
        pytest.param(None, Counts(2, unknown=2), id="crashed-in-flight"),
    ],
)
def test_what_came_of_a_chunk_is_counted_and_named(
    outcome: Outcome | None, counts: Counts, ledger: Ledger, people: Callable[[int], Subscribers]
) -> None:
    people(2)
    send = plan(ledger)
    (chunk,) = ledger.waiting(send)
    ledger.intend(chunk)
    if outcome:
        ledger.settle(chunk, outcome)
    assert ledger.counts(send) == counts
    (state,) = [name for name in ("accepted", "refused", "unknown", "waiting") if getattr(counts, name)]
    reason = "" if outcome is None or isinstance(outcome, Accepted) else outcome.reason
    assert list(ledger.people(send, state)) == [
        ("reader0@example.com", reason),
        ("reader1@example.com", reason),
    ]


def test_a_providers_words_are_kept_so_that_they_can_be_shown(
    ledger: Ledger, people: Callable[[int], Subscribers]
) -> None:
    people(1)
    one = plan(ledger)
    (chunk,) = ledger.waiting(one)
    ledger.intend(chunk)
    ledger.settle(chunk, Refused("550 \x00 \x1b[31mno\n\ud800" + "x" * 5000))
    ((_, reason),) = ledger.people(one, "refused")
    assert reason.startswith(r"550 \u0000 \u001b[31mno\u000a\ud800xxx") and len(reason) < 600


def test_a_send_is_unfinished_again_when_somebody_waits_again(
    ledger: Ledger, people: Callable[[int], Subscribers]
) -> None:
    """Two at once: the one that is done calls it finished, and the other one's call was not taken."""
    people(1)
    one = plan(ledger)
    (chunk,) = ledger.waiting(one)
    ledger.intend(chunk)
    ledger.finish(one)
    ledger.settle(chunk, NotSent("429"))
    assert (found := ledger.find("2026-04-27", LIST)) and found.finished_at is None


def test_what_was_not_sent_can_be_tried_again(ledger: Ledger, people: Callable[[int], Subscribers]) -> None:
    people(2)
    send = plan(ledger)
    (chunk,) = ledger.waiting(send)
    ledger.intend(chunk)
    ledger.settle(chunk, NotSent("later"))
    assert list(ledger.waiting(send)) == [chunk]
    assert ledger.intend(chunk)
    ledger.settle(chunk, Accepted("id"))
    assert ledger.counts(send).complete


def test_an_outcome_without_a_try_is_refused(ledger: Ledger, people: Callable[[int], Subscribers]) -> None:
    people(1)
    (chunk,) = ledger.waiting(plan(ledger))
    with pytest.raises(Exception, match="no try that waits"):
        ledger.settle(chunk, Accepted("id"))


def test_who_left_between_plan_and_send_is_skipped(
    ledger: Ledger, people: Callable[[int], Subscribers]
) -> None:
    subscribers = people(5)
    send = plan(ledger)
    for n in (1, 4):
        subscribers.remove(as_typed(f"reader{n}@example.com")[0])
    tried = []
    for chunk in ledger.waiting(send):
        there = ledger.intend(chunk) or []
        tried += [one.address for _, one in there]
        if there:
            ledger.settle(chunk, Accepted("id"))
    assert tried == [f"reader{n}@example.com" for n in (0, 2, 3)]
    assert ledger.counts(send) == Counts(5, accepted=3, left=2)
    assert ledger.counts(send).complete
    assert [address for address, _ in ledger.people(send, "left")] == [
        "reader1@example.com",
        "reader4@example.com",
    ]
    assert len(list(ledger.people(send, "accepted"))) == 3


def test_who_joins_after_the_plan_is_not_in_it(ledger: Ledger, people: Callable[[int], Subscribers]) -> None:
    people(2)
    send = plan(ledger)
    Subscribers(ledger._database).add(as_typed("late@example.com")[0])
    assert sum(chunk.last - chunk.first + 1 for chunk in ledger.waiting(send)) == 2


def test_a_send_is_finished_only_when_nothing_waits(
    ledger: Ledger, people: Callable[[int], Subscribers]
) -> None:
    people(3)
    send = plan(ledger)
    ledger.finish(send)
    assert (found := ledger.find("2026-04-27", LIST)) and found.finished_at is None
    for chunk in ledger.waiting(send):
        ledger.intend(chunk)
        ledger.settle(chunk, Unknown("lost"))
    ledger.finish(send)
    assert (found := ledger.find("2026-04-27", LIST)) and found.finished_at == samples.NOW


def test_people_are_read_in_pages(database: Database, people: Callable[[int], Subscribers]) -> None:
    ledger = Ledger(database, page=2)
    people(5)
    send = plan(ledger, 3)
    assert [address for address, _ in ledger.people(send, "waiting")] == [
        f"reader{n}@example.com" for n in range(5)
    ]


def test_an_empty_list_is_an_empty_send(ledger: Ledger, tmp_path: Path) -> None:
    send = plan(ledger)
    assert send.recipients == 0
    assert list(ledger.waiting(send)) == []
    assert ledger.counts(send) == Counts(0)


def test_a_chunk_of_another_send_is_left_alone(ledger: Ledger, people: Callable[[int], Subscribers]) -> None:
    people(2)
    first = plan(ledger)
    second = ledger.plan("2026-05-04", LIST, "sha", "outbox", 2)
    assert second
    ledger.intend(Chunk(first.id, 0, 1, 2))
    assert ledger.counts(second) == Counts(2, waiting=2)
