"""The send protocol: whatever happens, nobody twice, and nobody missing without being named."""

import contextlib
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from newsletter import delivery
from newsletter.address import parse
from newsletter.csvfile import Row
from newsletter.delivery import Delivered
from newsletter.errors import SendRefused, StoreError
from newsletter.message import Batch, Mailing
from newsletter.models import (
    Accepted,
    Capabilities,
    Chunk,
    Counts,
    NotSent,
    Outcome,
    Refused,
    Send,
    Subscriber,
    Unknown,
)
from newsletter.person import as_typed
from newsletter.store.database import Database
from newsletter.store.ledger import Ledger
from newsletter.store.subscribers import Subscribers
from tests import samples

TAKEN = "taken, and the answer lost"


class Crash(BaseException):
    """The process ends here: kill -9, a power cut."""


@dataclass
class ListedProvider:
    """Does what it is told for each call in turn, then accepts; keeps what it took."""

    faults: list[Outcome | str | type[Crash]] = field(default_factory=list)
    size: int = 2
    name: str = "listed"
    leaves_machine: bool = True
    taken: Counter[str] = field(default_factory=Counter)
    calls: int = 0

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(self.size, self.leaves_machine, "none")

    def check(self) -> list[delivery.Problem]:
        return []

    def submit(self, batch: Batch) -> Outcome:
        self.calls += 1
        fault = self.faults.pop(0) if self.faults else Accepted("id")
        if fault is Crash:
            raise Crash
        if fault == TAKEN or isinstance(fault, Accepted):
            self.taken.update(one.address for one in batch.recipients)
        return Unknown("lost") if isinstance(fault, str) else fault

    def close(self) -> None:
        pass


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database.open(samples.newsletter(tmp_path))
    yield opened
    opened.close()


@pytest.fixture
def people(database: Database) -> Callable[[int], Subscribers]:
    def add(count: int) -> Subscribers:
        subscribers = Subscribers(database)
        for n in range(count):
            subscribers.add(as_typed(f"reader{n}@example.com")[0])
        return subscribers

    return add


def send(
    database: Database,
    provider: ListedProvider,
    mailing: Mailing | None = None,
    stopped: Callable[[], bool] = lambda: False,
    *,
    keep: bool = True,
) -> list[Delivered]:
    ledger, mailing = Ledger(database), mailing or samples.plain_mailing()
    started = delivery.start(mailing, ledger, provider)
    run = delivery.deliver(started, mailing, ledger, provider, samples.SECRET, stopped)
    return list(run) if keep else [one for one in run if one.outcome is None]


def counts(database: Database) -> Counts:
    ledger = Ledger(database)
    (one,) = ledger.sends()
    return ledger.counts(one)


def test_everybody_gets_it_once(database: Database, people: Callable[[int], Subscribers]) -> None:
    people(5)
    provider = ListedProvider()
    delivered = send(database, provider)
    assert [one.recipients for one in delivered] == [2, 2, 1]
    assert provider.taken == Counter({f"reader{n}@example.com": 1 for n in range(5)})
    assert counts(database) == Counts(5, accepted=5)


def test_again_is_nothing(database: Database, people: Callable[[int], Subscribers]) -> None:
    people(3)
    provider = ListedProvider()
    send(database, provider)
    assert send(database, provider) == []
    assert provider.calls == 2


@pytest.mark.parametrize("crash_at", range(4))
@pytest.mark.parametrize("where", ["before the intent", "at the call", "after the call", "after the outcome"])
def test_a_crash_anywhere_and_again(
    where: str, crash_at: int, database: Database, people: Callable[[int], Subscribers]
) -> None:
    people(7)
    provider = ListedProvider()
    with pytest.raises(Crash):
        list(deliver_crashing(database, provider, where, crash_at))
    send(database, provider)
    assert max(provider.taken.values()) == 1, "somebody got it twice"
    named = {address for address, _ in Ledger(database).people(Ledger(database).sends()[0], "unknown")}
    missing = {f"reader{n}@example.com" for n in range(7)} - set(provider.taken)
    assert missing <= named, "somebody is missing and not named"
    in_flight = where in ("at the call", "after the call")
    assert len(named) == (0 if not in_flight else 1 if crash_at == 3 else 2)
    assert (where == "at the call") == bool(missing)


def deliver_crashing(
    database: Database, provider: ListedProvider, where: str, crash_at: int
) -> Iterator[Delivered]:
    """A send whose process ends at the given chunk."""

    class CrashingLedger(Ledger):
        def intend(self, of: Chunk) -> list[tuple[int, Subscriber]] | None:
            if where == "before the intent" and of.number == crash_at:
                raise Crash
            return super().intend(of)

        def settle(self, of: Chunk, outcome: Outcome) -> None:
            if where == "after the call" and of.number == crash_at:
                raise Crash
            super().settle(of, outcome)
            if where == "after the outcome" and of.number == crash_at:
                raise Crash

    if where == "at the call":
        provider.faults = [*[Accepted("id")] * crash_at, Crash]
    ledger, mailing = CrashingLedger(database), samples.plain_mailing()
    started = delivery.start(mailing, ledger, provider)
    yield from delivery.deliver(started, mailing, ledger, provider, samples.SECRET)


def test_trying_an_unknown_again_would_be_found(
    database: Database, people: Callable[[int], Subscribers]
) -> None:
    """The naive way, which the tests above must be able to tell from ours."""
    people(2)
    provider = ListedProvider([TAKEN])
    send(database, provider)
    with database.writing() as connection:
        connection.exec_driver_sql("update chunk set state = 'waiting'")
    send(database, provider)
    assert max(provider.taken.values()) == 2


@pytest.mark.parametrize(
    ("faults", "expected", "calls"),
    [
        pytest.param([Unknown("lost")], Counts(5, accepted=3, unknown=2), 3, id="unknown-goes-on"),
        pytest.param([TAKEN], Counts(5, accepted=3, unknown=2), 3, id="taken-and-lost"),
        pytest.param([Refused("no")], Counts(5, accepted=3, refused=2), 3, id="refused-goes-on"),
        pytest.param([NotSent("down")], Counts(5, waiting=5), 1, id="provider-down-stops"),
        pytest.param([NotSent("busy", stop=False)], Counts(5, accepted=3, waiting=2), 3, id="one-waits"),
    ],
)
def test_each_outcome(
    faults: list[Outcome | str | type[Crash]],
    expected: Counts,
    calls: int,
    database: Database,
    people: Callable[[int], Subscribers],
) -> None:
    people(5)
    provider = ListedProvider(list(faults))
    send(database, provider)
    assert counts(database) == expected
    assert provider.calls == calls
    send(database, provider)
    after = counts(database)
    assert after.waiting == 0
    assert (after.unknown, after.refused) == (expected.unknown, expected.refused), "never by itself"
    assert max(provider.taken.values()) == 1


def test_who_unsubscribes_between_plan_and_send_gets_nothing(
    database: Database, people: Callable[[int], Subscribers]
) -> None:
    subscribers = people(5)
    provider = ListedProvider([NotSent("down")])
    send(database, provider)
    for n in (0, 1, 3):
        subscribers.remove(as_typed(f"reader{n}@example.com")[0])
    subscribers.add(as_typed("late@example.com")[0])
    send(database, provider)
    assert sorted(provider.taken) == ["reader2@example.com", "reader4@example.com"]
    assert counts(database) == Counts(5, accepted=2, left=3)
    assert counts(database).complete


def test_an_edited_issue_is_not_mixed_with_what_was_started(
    database: Database, people: Callable[[int], Subscribers]
) -> None:
    people(5)
    provider = ListedProvider([Accepted("id"), NotSent("down")])
    send(database, provider)
    with pytest.raises(SendRefused, match="with another content"):
        send(database, provider, samples.plain_mailing(subject="Corrected"))
    assert sum(provider.taken.values()) == 2


def test_another_provider_does_not_take_over(
    database: Database, people: Callable[[int], Subscribers]
) -> None:
    people(3)
    send(database, ListedProvider([Accepted("id"), NotSent("down")]))
    with pytest.raises(SendRefused, match="was started through listed, not other") as refused:
        send(database, ListedProvider(name="other"))
    assert "--provider listed" in refused.value.hint


@pytest.mark.parametrize(
    ("mailing", "name"),
    [
        pytest.param(samples.plain_mailing(subject="Corrected"), "listed", id="content"),
        pytest.param(samples.plain_mailing(), "other", id="provider"),
    ],
)
def test_a_plan_of_which_nothing_has_left_is_in_nobodys_way(
    mailing: Mailing, name: str, database: Database, people: Callable[[int], Subscribers]
) -> None:
    """A sender that is not verified, a host that was down: the mistake can be mended and the issue sent."""
    people(3).remove(as_typed("reader1@example.com")[0])
    send(database, ListedProvider([NotSent("403 sender not verified")]))
    provider = ListedProvider(name=name)
    send(database, provider, mailing)
    assert provider.taken == Counter({"reader0@example.com": 1, "reader2@example.com": 1})
    assert counts(database) == Counts(2, accepted=2)


@pytest.mark.parametrize("first", [Accepted("id"), Unknown("lost"), Refused("no"), Crash])
def test_a_plan_of_which_something_may_have_left_is_kept(
    first: Outcome | type[Crash], database: Database, people: Callable[[int], Subscribers]
) -> None:
    people(4)
    provider = ListedProvider([first, NotSent("down")])
    with contextlib.suppress(Crash):
        send(database, provider)
    ledger = Ledger(database)
    assert not ledger.withdraw(ledger.sends()[0])
    with pytest.raises(SendRefused, match="with another content"):
        send(database, provider, samples.plain_mailing(subject="Corrected"))


@pytest.mark.parametrize("outcome", [Refused("554 relaying denied"), Unknown("503")])
def test_one_bad_answer_after_another_stops_and_leaves_the_rest_waiting(
    outcome: Outcome, database: Database, people: Callable[[int], Subscribers]
) -> None:
    people(20)
    provider = ListedProvider([outcome] * 4 + [Accepted("id")] + [outcome] * 100, size=1)
    send(database, provider)
    assert provider.calls == 4 + 1 + delivery.DOUBTFUL_IN_A_ROW
    assert counts(database).waiting == 10


def test_who_left_and_came_back_during_a_send_stays_out_of_it(
    database: Database, people: Callable[[int], Subscribers]
) -> None:
    """And is told as left, not as accepted: one recipient, one state."""
    subscribers, (ada, _) = people(2), as_typed("reader0@example.com")
    subscribers.remove(ada)
    subscribers.add(ada, again=True)
    provider = ListedProvider([NotSent("down"), Accepted("id")])
    send(database, ListedProvider([NotSent("down")]))
    subscribers.remove(ada)
    send(database, ListedProvider([NotSent("down")]))
    subscribers.add(ada, again=True)
    send(database, provider)
    send(database, provider)
    ledger = Ledger(database)
    (one,) = ledger.sends()
    assert [list(ledger.people(one, state)) for state in ("left", "accepted")] == [
        [("reader0@example.com", "")],
        [("reader1@example.com", "")],
    ]
    assert counts(database) == Counts(2, accepted=1, left=1)


def test_a_rehearsal_does_not_count_as_the_send(
    database: Database, people: Callable[[int], Subscribers]
) -> None:
    people(2)
    rehearsal, real = ListedProvider(leaves_machine=False), ListedProvider()
    send(database, rehearsal)
    send(database, rehearsal, samples.plain_mailing(subject="Edited"))
    assert set(rehearsal.taken.values()) == {2}
    send(database, real, samples.plain_mailing(subject="Edited"))
    assert set(real.taken.values()) == {1}


def test_two_at_once_share_the_work(database: Database, people: Callable[[int], Subscribers]) -> None:
    """Each takes what the other has not: the claim of a chunk is what keeps them apart."""
    people(9)
    mailing, ledger, provider = samples.plain_mailing(), Ledger(database), ListedProvider()
    started = delivery.start(mailing, ledger, provider)
    runs = [delivery.deliver(started, mailing, ledger, provider, samples.SECRET) for _ in range(2)]
    while runs:
        for run in list(runs):
            if next(run, None) is None:
                runs.remove(run)
    assert set(provider.taken.values()) == {1} and len(provider.taken) == 9


def test_stopping_leaves_the_rest_waiting(database: Database, people: Callable[[int], Subscribers]) -> None:
    people(5)
    provider = ListedProvider()
    send(database, provider, stopped=lambda: provider.calls == 1)
    assert counts(database) == Counts(5, accepted=2, waiting=3)
    send(database, provider)
    assert set(provider.taken.values()) == {1} and len(provider.taken) == 5


def test_a_full_disk_stops_and_nobody_is_forgotten(
    database: Database, people: Callable[[int], Subscribers]
) -> None:
    people(200)
    provider = ListedProvider(size=1)
    ledger, mailing = Ledger(database), samples.plain_mailing()
    started = delivery.start(mailing, ledger, provider)
    run = delivery.deliver(started, mailing, ledger, provider, samples.SECRET)
    next(run)
    no_more_pages(database, 0)
    with pytest.raises(StoreError, match="full") as stopped:
        list(run)
    assert "free some space" in stopped.value.hint
    before, after = counts(database), provider.calls
    assert before.accepted + before.unknown == after, "a call that the ledger knows nothing of"
    no_more_pages(database, 1000)
    send(database, provider)
    assert max(provider.taken.values()) == 1
    assert counts(database) == Counts(200, accepted=200 - before.unknown, unknown=before.unknown)


@pytest.mark.parametrize("replaced", [False, True])
def test_a_database_that_is_deleted_meanwhile_stops_before_the_next_call(
    replaced: bool, database: Database, people: Callable[[int], Subscribers], tmp_path: Path
) -> None:
    people(6)
    provider = ListedProvider(size=1)
    ledger, mailing = Ledger(database), samples.plain_mailing()
    started = delivery.start(mailing, ledger, provider)
    run = delivery.deliver(started, mailing, ledger, provider, samples.SECRET)
    next(run)
    file = tmp_path / ".news" / "news.db"
    file.rename(tmp_path / "moved.db")
    if replaced:
        file.touch()
    with pytest.raises(StoreError, match="deleted or replaced"):
        next(run)
    assert provider.calls == 1


def no_more_pages(database: Database, more: int) -> None:
    """Lets the database's file grow by so many pages and no further, as a full disk would."""
    with database.reading() as connection:
        pages = connection.exec_driver_sql("pragma page_count").scalar() or 0
        connection.exec_driver_sql(f"pragma max_page_count = {pages + more}")


def test_memory_does_not_grow_with_the_list(database: Database, people: Callable[[int], Subscribers]) -> None:
    def peak(more: int, issue: str) -> int:
        rows = [Row(f"list:{n}", parse(f"{issue}-{n}@example.com"), "") for n in range(more)]
        for _ in Subscribers(database).bring_in(rows, "list"):
            pass
        del rows
        provider = Forgetful(size=100)
        tracemalloc.start()
        send(database, provider, replace(samples.plain_mailing(), issue=issue), keep=False)
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    peak(200, "2026-04-13")  # loads and caches what the first send needs
    short, long = peak(0, "2026-04-20"), peak(5000, "2026-04-27")
    assert long < short + 100_000, "a list of 5000 costs more than ten times that"


class Forgetful(ListedProvider):
    """Takes everything and remembers nothing."""

    def submit(self, batch: Batch) -> Outcome:
        return Accepted("id")


def test_a_message_id_is_the_same_after_a_crash(
    database: Database, people: Callable[[int], Subscribers]
) -> None:
    """The moment of the send is part of the message, and is the plan's, not the attempt's."""
    people(1)
    seen: list[Batch] = []

    class Watching(ListedProvider):
        def submit(self, batch: Batch) -> Outcome:
            seen.append(batch)
            return super().submit(batch)

    provider = Watching([NotSent("down")])
    send(database, provider)
    send(database, provider)
    first, second = seen
    assert first == second
    assert first.mailing.date == Ledger(database).sends()[0].started_at


def test_a_test_goes_past_the_ledger(database: Database, people: Callable[[int], Subscribers]) -> None:
    people(3)
    provider = ListedProvider()
    outcome = delivery.deliver_test(
        samples.plain_mailing(), Subscriber(0, "me@example.com"), provider, samples.SECRET, samples.NOW
    )
    assert isinstance(outcome, Accepted)
    assert provider.taken == Counter({"me@example.com": 1})
    assert Ledger(database).sends() == []


def test_the_planned_send_is_what_is_claimed() -> None:
    """Two that plan at the same moment: the one that comes second sends nothing."""

    class Slow:
        def find(self, _issue: str, _to: str) -> Send | None:
            return None

        def plan(self, *_: object) -> Send | None:
            return None

    with pytest.raises(SendRefused, match="started just now"):
        delivery.start(samples.plain_mailing(), Slow(), ListedProvider())


def test_another_issue_is_another_send(database: Database, people: Callable[[int], Subscribers]) -> None:
    people(1)
    provider = ListedProvider()
    send(database, provider)
    send(database, provider, replace(samples.plain_mailing(), issue="2026-05-04"))
    assert provider.taken == Counter({"reader0@example.com": 2})
