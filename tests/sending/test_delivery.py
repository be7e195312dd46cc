"""A send over the real ledger: each outcome, each interruption, each limit; `test_protocol` has them all."""

import threading
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert

from newsletter.cli import progress
from newsletter.config.units import Rate
from newsletter.errors import Problem, SendRefused, StoreError
from newsletter.mail.message import Batch, Mailing
from newsletter.sending import guards, start, submission
from newsletter.sending.circuit_breaker import MAX_CONSECUTIVE_FAILURES
from newsletter.sending.delivery import Delivery, DeliverySettings
from newsletter.sending.events import Delivered, Event, NotRecalled, Recalled, Stopped, Waiting
from newsletter.sending.interfaces import SubmissionLog
from newsletter.sending.model import Counts, Send, StartSettings, Transition
from newsletter.sending.outcomes import (
    NOT_BEGUN,
    Accepted,
    Capabilities,
    NotSent,
    Outcome,
    Refused,
    Unknown,
)
from newsletter.store.database import Database
from newsletter.store.journal import SendProcess
from newsletter.store.ledger import Ledger
from newsletter.store.schema import subscriber_table
from newsletter.store.subscribers import Subscribers
from newsletter.subscribers.address import parse
from newsletter.subscribers.model import Subscriber
from newsletter.subscribers.parsing import parse_subscriber
from tests import samples
from tests.samples import NO_TRACKING

TAKEN = "taken, and the answer lost"
LEASE = timedelta(minutes=2)


@dataclass
class Time:
    """A clock that goes forward only while somebody waits for it."""

    time: datetime = samples.NOW
    waited: timedelta = timedelta()

    def now(self) -> datetime:
        return self.time

    def wait(self, until: datetime, stopped: Callable[[], bool]) -> None:
        self.waited += until - self.time
        self.time = until


@dataclass
class ListedProvider:
    """Does what it is told for each call in turn, then accepts; keeps what it took.

    With a `size` of 1 it answers message by message.
    """

    faults: list[Outcome | str] = field(default_factory=list)
    size: int = 2
    name: str = "listed"
    leaves_machine: bool = True
    taken: Counter[str] = field(default_factory=Counter)
    calls: int = 0
    batches: list[Batch] = field(default_factory=list)
    recallable: None = None

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(self.size, self.leaves_machine, NO_TRACKING)

    def check(self) -> list[Problem]:
        return []

    def submit(self, batch: Batch, submissions: SubmissionLog) -> Outcome:
        self.batches.append(batch)
        if self.size > 1:
            return self._answer([one.address for one in batch.recipients])
        for recipient in batch.recipients:
            if not submissions.starting(recipient):
                return NOT_BEGUN
            outcome = self._answer([recipient.address])
            submissions.finished(recipient, outcome)
            if isinstance(outcome, NotSent) and outcome.stop:
                return outcome
        return Accepted()

    def _answer(self, addresses: list[str]) -> Outcome:
        self.calls += 1
        fault = self.faults.pop(0) if self.faults else Accepted("id")
        if fault == TAKEN or isinstance(fault, Accepted):
            self.taken.update(addresses)
        return Unknown("lost") if isinstance(fault, str) else fault

    def close(self) -> None:
        pass


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database.open(samples.newsletter(tmp_path))
    yield opened
    opened.close()


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def ledger(database: Database, tmp_path: Path, time: Time) -> Ledger:
    return Ledger(database, SendProcess(tmp_path / "runs"), time.now)


@pytest.fixture
def people(database: Database) -> Callable[[int], Subscribers]:
    def add(count: int) -> Subscribers:
        subscribers = Subscribers(database, lambda: samples.NOW)
        for n in range(count):
            subscribers.add(parse_subscriber(f"reader{n}@example.com")[0])
        return subscribers

    return add


def run(
    ledger: Ledger,
    provider: ListedProvider,
    time: Time,
    mailing: Mailing | None = None,
    stopped: Callable[[], bool] = lambda: False,
    options: StartSettings | None = None,
    manner: DeliverySettings | None = None,
) -> list[Event]:
    """One `news send`, with what it said."""
    mailing = mailing or samples.plain_mailing()
    send = start.claim_send(mailing, ledger, provider, options or StartSettings())
    ledger.acquire_lease(send, LEASE)
    parts = (mailing, ledger, provider, samples.SECRET, time)
    said = list(Delivery(send, *parts, manner or DeliverySettings(), stopped).run())
    ledger.release_lease(send)
    return said


def the_send(ledger: Ledger) -> Send:
    (one,) = ledger.sends()
    return one


def counts(ledger: Ledger) -> Counts:
    return ledger.counts(the_send(ledger))


def named(ledger: Ledger, state: str) -> list[tuple[str, str]]:
    return [(address, reason) for _, address, reason in ledger.recipients(the_send(ledger), state)]


def readers(*numbers: int) -> list[str]:
    return [f"reader{n}@example.com" for n in numbers]


def test_everybody_gets_it_once(ledger: Ledger, time: Time, people: Callable[[int], Subscribers]) -> None:
    people(5)
    provider = ListedProvider()
    said = run(ledger, provider, time)
    assert [(one.first, one.last, one.recipients) for one in said if isinstance(one, Delivered)] == [
        (1, 2, 2),
        (3, 4, 2),
        (5, 5, 1),
    ]
    assert provider.taken == Counter(readers(0, 1, 2, 3, 4))
    assert counts(ledger) == Counts(5, accepted=5)
    assert run(ledger, provider, time) == [] and provider.calls == 3, "again is nothing"


@pytest.mark.parametrize("size", [1, 2])
def test_people_who_are_not_accepted_are_counted_and_not_their_tries(
    size: int,
    ledger: Ledger,
    time: Time,
    people: Callable[[int], Subscribers],
    capsys: pytest.CaptureFixture[str],
) -> None:
    people(2)
    provider = ListedProvider([NotSent("450 later", stop=False)] * 99, size)
    said = run(ledger, provider, time)
    tried = sum(isinstance(event, Delivered) for event in said)
    progress.watch(said, 2)
    assert tried > 2 and counts(ledger) == Counts(2, waiting=2)
    assert capsys.readouterr().err.splitlines()[-1] == "2 not sent: 450 later"


def test_what_is_said_of_people_is_what_their_last_try_said(capsys: pytest.CaptureFixture[str]) -> None:
    later, gone = Transition(1, 4, "waiting", "450 later"), Transition(1, 1, "refused", "550 gone")
    events = [
        Delivered(1, 4, 4, (later,), (4,)),
        Delivered(
            1, 4, 3, (gone, Transition(2, 2, "accepted"), Transition(3, 4, "waiting", "not begun")), (1, 1, 1)
        ),
        Delivered(5, 6, 2, (Transition(5, 6, "unknown", "lost"),), (2,)),
        Delivered(5, 6, 2, (Transition(5, 6, "accepted"),), (2,)),
    ]
    progress.watch(events, 6)
    assert capsys.readouterr().err.splitlines() == ["1 not sent: 450 later"]


def test_one_recipient_and_one_more_reason_are_one(capsys: pytest.CaptureFixture[str]) -> None:
    events: list[Event] = [
        Delivered(n, n, 1, (Transition(n, n, "waiting", f"450 busy {n}"),), (1,)) for n in range(1, 7)
    ]
    progress.watch([*events, Recalled(1, "waiting"), NotRecalled(1, "too late")], 6)
    told = capsys.readouterr().err
    assert told.endswith("… and 1 more reason\n")
    assert "Recalled the mail to 1 recipient, to send it again." in told
    assert "Not recalled, for 1 recipient: too late." in told


def test_who_has_left_is_in_no_count(
    ledger: Ledger, time: Time, people: Callable[[int], Subscribers], capsys: pytest.CaptureFixture[str]
) -> None:
    subscribers = people(4)
    start.claim_send(samples.plain_mailing(), ledger, provider := ListedProvider(size=1), StartSettings())
    for one in readers(1, 2):
        subscribers.remove(parse(one))
    provider.faults = [Refused("550 gone"), NotSent("down")]
    progress.watch(run(ledger, provider, time), 4)
    assert counts(ledger) == Counts(4, refused=1, waiting=1, left=2)
    assert capsys.readouterr().err.splitlines() == ["Stopped: down", "1 not sent: down"]


@pytest.mark.parametrize(
    ("faults", "expected", "calls"),
    [
        pytest.param([Unknown("lost")], Counts(5, accepted=3, unknown=2), 3, id="unknown-goes-on"),
        pytest.param([TAKEN], Counts(5, accepted=3, unknown=2), 3, id="taken-and-lost"),
        pytest.param([NotSent("down")], Counts(5, waiting=5), 1, id="provider-down-stops"),
        pytest.param([NotSent("busy", stop=False)], Counts(5, accepted=5), 4, id="put-off-is-tried-again"),
        pytest.param([NotSent("429", stop=False, wait=9)], Counts(5, accepted=5), 4, id="asked-to-wait"),
        pytest.param([Refused("400", (1,))], Counts(5, accepted=4, refused=1), 4, id="one-is-to-blame"),
    ],
)
def test_each_outcome(
    faults: list[Outcome | str],
    expected: Counts,
    calls: int,
    ledger: Ledger,
    time: Time,
    people: Callable[[int], Subscribers],
) -> None:
    people(5)
    provider = ListedProvider(list(faults))
    run(ledger, provider, time)
    assert counts(ledger) == expected
    assert provider.calls == calls
    run(ledger, provider, time)
    after = counts(ledger)
    assert after.waiting == 0
    assert (after.unknown, after.refused) == (expected.unknown, expected.refused), "never by itself"
    assert max(provider.taken.values()) == 1


class OneBad(ListedProvider):
    """Refuses every batch that a certain address is in, without saying whose fault it is."""

    bad = "reader5@example.com"

    def submit(self, batch: Batch, submissions: SubmissionLog) -> Outcome:
        if any(one.address == self.bad for one in batch.recipients):
            self.calls += 1
            return Refused("400 something is wrong")
        return super().submit(batch, submissions)


@pytest.mark.parametrize("bad", [0, 5, 15])
def test_a_refusal_that_one_causes_is_narrowed_down_to_that_one(
    bad: int, ledger: Ledger, time: Time, people: Callable[[int], Subscribers]
) -> None:
    people(16)
    provider = OneBad(size=16)
    provider.bad = f"reader{bad}@example.com"
    said = run(ledger, provider, time)
    assert not [one for one in said if isinstance(one, Stopped)]
    assert counts(ledger) == Counts(16, accepted=15, refused=1)
    assert named(ledger, "refused") == [(provider.bad, "400 something is wrong")]
    assert max(provider.taken.values()) == 1
    assert provider.calls == 9, "two a halving, and the first"


def test_who_is_put_off_is_tried_again_later_and_later(
    ledger: Ledger, time: Time, people: Callable[[int], Subscribers]
) -> None:
    people(2)
    provider = ListedProvider([NotSent("450 greylisted", stop=False)] * 3)
    said = run(ledger, provider, time)
    assert counts(ledger).accepted == 2
    assert time.waited == timedelta(seconds=5 + 20 + 80)
    assert [one.reason for one in said if isinstance(one, Waiting)] == [
        "the provider deferred some recipients"
    ] * 3


def test_who_is_put_off_for_long_is_left_waiting(
    ledger: Ledger, time: Time, people: Callable[[int], Subscribers]
) -> None:
    people(2)
    provider = ListedProvider([NotSent("450 greylisted", stop=False)] * 99)
    said = run(ledger, provider, time)
    assert isinstance(said[-1], Stopped) and "not before" in said[-1].reason
    assert counts(ledger).waiting == 2
    assert time.waited < timedelta(minutes=10)


def test_a_provider_that_asks_to_wait_hears_nothing_for_so_long(
    ledger: Ledger, time: Time, people: Callable[[int], Subscribers]
) -> None:
    people(6)
    provider = ListedProvider([Accepted("id"), NotSent("429", stop=False, wait=90)])
    run(ledger, provider, time)
    assert counts(ledger).accepted == 6
    assert time.waited == timedelta(seconds=90)


def test_a_provider_that_asks_to_wait_for_ever_is_left_alone(
    ledger: Ledger, time: Time, people: Callable[[int], Subscribers]
) -> None:
    people(2)
    provider = ListedProvider([NotSent("429", stop=False, wait=1)] * 999)
    said = run(ledger, provider, time)
    assert isinstance(said[-1], Stopped) and "the provider accepts no mail for now" in said[-1].reason
    assert provider.calls == 5 and counts(ledger).waiting == 2


def test_who_unsubscribes_between_plan_and_send_gets_nothing(
    ledger: Ledger, time: Time, people: Callable[[int], Subscribers]
) -> None:
    subscribers = people(5)
    provider = ListedProvider([NotSent("down")])
    run(ledger, provider, time)
    for n in (0, 1, 3):
        subscribers.remove(parse_subscriber(f"reader{n}@example.com")[0])
    subscribers.add(parse_subscriber("late@example.com")[0])
    run(ledger, provider, time)
    assert sorted(provider.taken) == readers(2, 4)
    assert counts(ledger) == Counts(5, accepted=2, left=3)
    assert counts(ledger).complete


def test_an_edited_issue_is_refused_and_the_difference_is_named(
    ledger: Ledger, time: Time, people: Callable[[int], Subscribers]
) -> None:
    people(5)
    provider = ListedProvider([Accepted("id"), NotSent("down")])
    run(ledger, provider, time)
    with pytest.raises(SendRefused, match="with different content") as refused:
        run(ledger, provider, time, samples.plain_mailing(subject="Corrected"))
    assert 'the subject: was "Soup", is "Corrected"' in str(refused.value)
    assert sum(provider.taken.values()) == 2


def test_another_provider_does_not_take_over(
    ledger: Ledger, time: Time, people: Callable[[int], Subscribers]
) -> None:
    people(3)
    run(ledger, ListedProvider([Accepted("id"), NotSent("down")]), time)
    with pytest.raises(SendRefused, match="was started through listed, not other") as refused:
        run(ledger, ListedProvider(name="other"), time)
    assert "news resume" in refused.value.hint


@pytest.mark.parametrize(
    ("mailing", "name"),
    [
        pytest.param(samples.plain_mailing(subject="Corrected"), "listed", id="content"),
        pytest.param(samples.plain_mailing(), "other", id="provider"),
    ],
)
def test_a_plan_of_which_nothing_has_left_is_in_nobodys_way(
    mailing: Mailing, name: str, ledger: Ledger, time: Time, people: Callable[[int], Subscribers]
) -> None:
    """A sender that is not verified, a host that was down: the mistake can be mended and the issue sent."""
    people(3).remove(parse_subscriber("reader1@example.com")[0])
    run(ledger, ListedProvider([NotSent("403 sender not verified")]), time)
    provider = ListedProvider(name=name)
    run(ledger, provider, time, mailing)
    assert provider.taken == Counter(readers(0, 2))
    assert counts(ledger) == Counts(2, accepted=2)


@pytest.mark.parametrize("first", [Accepted("id"), Unknown("lost"), Refused("no", (0, 1))], ids=repr)
def test_a_plan_of_which_something_may_have_left_is_kept(
    first: Outcome, ledger: Ledger, time: Time, people: Callable[[int], Subscribers]
) -> None:
    people(4)
    provider = ListedProvider([first, NotSent("down")])
    run(ledger, provider, time)
    assert not ledger.delete_unsent_plan(the_send(ledger))
    with pytest.raises(SendRefused, match="with different content"):
        run(ledger, provider, time, samples.plain_mailing(subject="Corrected"))


@pytest.mark.parametrize("outcome", [Refused("554 relaying denied"), Unknown("503")], ids=repr)
def test_one_bad_answer_after_another_stops_and_leaves_the_rest_waiting(
    outcome: Outcome, ledger: Ledger, time: Time, people: Callable[[int], Subscribers]
) -> None:
    people(20)
    provider = ListedProvider([outcome] * 4 + [Accepted("id")] + [outcome] * 100, size=1)
    said = run(ledger, provider, time, manner=DeliverySettings(stop_when_refused=None))
    assert provider.calls == 4 + 1 + MAX_CONSECUTIVE_FAILURES
    assert counts(ledger).waiting == 10
    assert isinstance(said[-1], Stopped) and "in a row failed" in said[-1].reason


def test_more_refusals_than_a_share_stop(
    ledger: Ledger, time: Time, people: Callable[[int], Subscribers]
) -> None:
    """A list full of addresses that are gone is a reputation gone, too."""
    people(100)
    answers: list[Outcome | str] = [Accepted("id"), Accepted("id"), Accepted("id"), Refused("550 gone")]
    provider = ListedProvider(answers * 25, size=1)
    said = run(ledger, provider, time)
    assert isinstance(said[-1], Stopped)
    assert said[-1].reason.startswith("5 of 20 recipients were refused, more than 5%")
    assert counts(ledger) == Counts(100, accepted=15, refused=5, waiting=80)


def test_a_server_that_puts_everybody_off_is_left_alone_for_a_while(
    ledger: Ledger, time: Time, people: Callable[[int], Subscribers]
) -> None:
    people(10)
    provider = ListedProvider([NotSent("450 too many", stop=False)] * MAX_CONSECUTIVE_FAILURES, size=1)
    run(ledger, provider, time)
    assert counts(ledger).accepted == 10
    assert time.waited >= timedelta(seconds=5)


def test_who_left_and_came_back_during_a_send_stays_out_of_it(
    ledger: Ledger, time: Time, people: Callable[[int], Subscribers]
) -> None:
    """And is told as left, not as accepted: one recipient, one state."""
    subscribers, (ada, _) = people(2), parse_subscriber("reader0@example.com")
    run(ledger, ListedProvider([NotSent("down")]), time)
    subscribers.remove(ada)
    run(ledger, ListedProvider([NotSent("down")]), time)
    subscribers.add(ada, again=True)
    run(ledger, ListedProvider(), time)
    run(ledger, ListedProvider(), time)
    assert [named(ledger, state) for state in ("left", "accepted")] == [
        [("reader0@example.com", "")],
        [("reader1@example.com", "")],
    ]
    assert counts(ledger) == Counts(2, accepted=1, left=1)


def test_a_rehearsal_does_not_count_as_the_send(
    ledger: Ledger, time: Time, people: Callable[[int], Subscribers]
) -> None:
    people(2)
    rehearsal, real = ListedProvider(leaves_machine=False), ListedProvider()
    run(ledger, rehearsal, time)
    run(ledger, rehearsal, time, samples.plain_mailing(subject="Edited"))
    assert set(rehearsal.taken.values()) == {2}
    run(ledger, real, time, samples.plain_mailing(subject="Edited"))
    assert set(real.taken.values()) == {1}


def test_stopping_leaves_the_rest_waiting(
    ledger: Ledger, time: Time, people: Callable[[int], Subscribers]
) -> None:
    people(5)
    provider = ListedProvider()
    run(ledger, provider, time, stopped=lambda: provider.calls == 1)
    assert counts(ledger) == Counts(5, accepted=2, waiting=3)
    run(ledger, provider, time)
    assert set(provider.taken.values()) == {1} and len(provider.taken) == 5


def test_stopping_within_a_batch_of_messages_ends_it_after_the_message(
    ledger: Ledger, time: Time, people: Callable[[int], Subscribers]
) -> None:
    people(50)
    provider = ListedProvider(size=1)
    run(ledger, provider, time, stopped=lambda: provider.calls >= 7)
    assert counts(ledger) == Counts(50, accepted=7, waiting=43)


def test_a_canary_goes_first_and_the_rest_waits(
    ledger: Ledger, time: Time, people: Callable[[int], Subscribers]
) -> None:
    people(7)
    provider = ListedProvider()
    run(ledger, provider, time, options=StartSettings(canary_size=3))
    assert sorted(provider.taken) == readers(0, 1, 2)
    with pytest.raises(SendRefused, match="waits for your go-ahead after its canary of 3"):
        guards.refuse_halted(the_send(ledger), counts(ledger))
    run(ledger, provider, time)
    assert len(provider.taken) == 3, "running it again is no go-ahead"
    ledger.resume(the_send(ledger))
    run(ledger, provider, time)
    assert provider.taken == Counter(readers(*range(7)))


def test_a_rate_is_kept_over_several_runs(
    ledger: Ledger, time: Time, people: Callable[[int], Subscribers]
) -> None:
    people(10)
    manner = DeliverySettings(rates=[Rate(2, timedelta(seconds=1)), Rate(6, timedelta(minutes=1))])
    provider = ListedProvider(size=1000)
    started = time.time
    run(ledger, provider, time, options=StartSettings(rates=manner.rates), manner=manner)
    assert counts(ledger).accepted == 10
    assert time.time - started >= timedelta(minutes=1)
    assert [len(batch.recipients) for batch in provider.batches] == [2] * 5
    mailing = replace(samples.plain_mailing(), issue="2026-05-04")
    again = time.time
    run(ledger, provider, time, mailing, options=StartSettings(rates=manner.rates), manner=manner)
    assert time.time - again >= timedelta(minutes=1), "the first send's count as well"


def test_a_chunk_larger_than_a_later_rate_goes_out_alone(
    ledger: Ledger, time: Time, people: Callable[[int], Subscribers]
) -> None:
    people(9)
    provider = ListedProvider(size=3)
    run(ledger, provider, time, manner=DeliverySettings(rates=[Rate(2, timedelta(seconds=10))]))
    assert counts(ledger).accepted == 9
    assert time.waited == timedelta(seconds=20)


class Threaded(ListedProvider):
    """Takes four batches at once, and lets nobody go before all four are there."""

    gate = threading.Barrier(4)

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(self.size, True, NO_TRACKING, 4)

    def submit(self, batch: Batch, submissions: SubmissionLog) -> Outcome:
        self.gate.wait(10)
        return super().submit(batch, submissions)


def test_several_calls_are_under_way_at_once(
    ledger: Ledger, time: Time, people: Callable[[int], Subscribers]
) -> None:
    people(16)
    provider = Threaded()
    run(ledger, provider, time, manner=DeliverySettings(max_calls=4))
    assert provider.taken == Counter(readers(*range(16)))
    assert counts(ledger) == Counts(16, accepted=16)


def test_ctrl_c_lets_the_calls_under_way_come_back(
    ledger: Ledger, time: Time, people: Callable[[int], Subscribers]
) -> None:
    people(16)
    provider = Threaded()
    run(ledger, provider, time, stopped=lambda: provider.calls > 0, manner=DeliverySettings(max_calls=4))
    assert counts(ledger) == Counts(16, accepted=8, waiting=8)


class Failing(ListedProvider):
    """Has a mistake in it."""

    def submit(self, batch: Batch, submissions: SubmissionLog) -> Outcome:
        if self.size == 1:
            assert submissions.starting(batch.recipients[0])
        raise ZeroDivisionError


@pytest.mark.parametrize(("size", "unknown"), [(2, 2), (1, 1)], ids=["batches", "one-by-one"])
def test_a_call_that_breaks_off_is_in_doubt_and_told(
    size: int, unknown: int, ledger: Ledger, time: Time, people: Callable[[int], Subscribers]
) -> None:
    people(5)
    with pytest.raises(ZeroDivisionError):
        run(ledger, Failing(size=size), time)
    assert counts(ledger) == Counts(5, unknown=unknown, waiting=5 - unknown)


def test_a_caller_that_stops_listening_loses_nothing(
    ledger: Ledger, time: Time, people: Callable[[int], Subscribers]
) -> None:
    """The terminal is gone in the middle: what is in flight is still recorded."""
    people(8)
    provider, mailing = Threaded(), samples.plain_mailing()
    send = start.claim_send(mailing, ledger, provider, StartSettings())
    ledger.acquire_lease(send, LEASE)
    parts = (mailing, ledger, provider, samples.SECRET, time)
    running = Delivery(send, *parts, DeliverySettings(max_calls=4)).run()
    next(running)
    running.close()  # type: ignore[attr-defined]
    assert counts(ledger).unknown == 0
    assert counts(ledger).accepted == len(provider.taken)


def test_a_full_disk_stops_before_a_call_and_nobody_is_forgotten(
    database: Database, ledger: Ledger, time: Time, people: Callable[[int], Subscribers]
) -> None:
    people(400)
    provider, mailing = ListedProvider(size=2), samples.plain_mailing()
    send = start.claim_send(mailing, ledger, provider, StartSettings())
    ledger.acquire_lease(send, LEASE)
    running = Delivery(send, mailing, ledger, provider, samples.SECRET, time, DeliverySettings()).run()
    next(running)
    no_more_pages(database, 0)
    with pytest.raises(StoreError, match="full") as stopped:
        list(running)
    assert "make room on the disk" in stopped.value.hint
    before, after = counts(ledger), sum(provider.taken.values())
    assert before.accepted + before.unknown == after, "a call that the ledger knows nothing of"
    no_more_pages(database, 1000)
    run(ledger, provider, time)
    assert max(provider.taken.values()) == 1
    assert counts(ledger) == Counts(400, accepted=400 - before.unknown, unknown=before.unknown)


@pytest.mark.parametrize("replaced", [False, True])
def test_a_database_that_is_deleted_meanwhile_stops_before_the_next_call(
    replaced: bool, ledger: Ledger, time: Time, people: Callable[[int], Subscribers], tmp_path: Path
) -> None:
    people(6)
    provider, mailing = ListedProvider(), samples.plain_mailing()
    send = start.claim_send(mailing, ledger, provider, StartSettings())
    ledger.acquire_lease(send, LEASE)
    running = Delivery(send, mailing, ledger, provider, samples.SECRET, time, DeliverySettings()).run()
    next(running)
    file = tmp_path / ".news" / "news.db"
    file.rename(tmp_path / "moved.db")
    if replaced:
        file.touch()
    with pytest.raises(StoreError, match="deleted or replaced"):
        next(running)
    assert provider.calls == 1


def no_more_pages(database: Database, more: int) -> None:
    """Lets the database's file grow by so many pages and no further, as a full disk would."""
    with database.reading() as connection:
        pages = connection.exec_driver_sql("pragma page_count").scalar() or 0
        connection.exec_driver_sql(f"pragma max_page_count = {pages + more}")


def test_memory_does_not_grow_with_the_list(
    database: Database, ledger: Ledger, time: Time, people: Callable[[int], Subscribers]
) -> None:
    def peak(more: int, issue: str) -> int:
        with database.writing() as connection:
            person = {
                "state": "active",
                "consent_at": samples.NOW,
                "consent_how": "",
                "changed_at": samples.NOW,
            }
            addresses = (f"{issue}-{n}@example.com" for n in range(more))
            rows = [{**person, "address": address, "address_key": address} for address in addresses]
            connection.execute(insert(subscriber_table), rows)
        del rows
        mailing, provider = replace(samples.plain_mailing(), issue=issue), Forgetful(size=100)
        send = start.claim_send(mailing, ledger, provider, StartSettings())
        ledger.acquire_lease(send, LEASE)
        tracemalloc.start()
        for _ in Delivery(send, mailing, ledger, provider, samples.SECRET, time, DeliverySettings()).run():
            pass
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    peak(200, "2026-04-13")  # loads and caches what the first send needs
    short, long = peak(2000, "2026-04-20"), peak(8000, "2026-04-27")
    assert long < short + 150_000, "a list of 10,000 costs more than a fifth of it"


class Forgetful(ListedProvider):
    """Takes everything and remembers nothing."""

    def submit(self, batch: Batch, submissions: SubmissionLog) -> Outcome:
        return Accepted("id")


def test_a_message_id_is_the_same_after_a_crash(
    ledger: Ledger, time: Time, people: Callable[[int], Subscribers]
) -> None:
    """The moment of the send is part of the message, and is the plan's, not the attempt's."""
    people(1)
    provider = ListedProvider([NotSent("down")])
    run(ledger, provider, time)
    time.time += timedelta(hours=1)
    run(ledger, provider, time)
    first, second = provider.batches
    assert first == second
    assert first.mailing.date == samples.NOW


def test_a_test_goes_past_the_ledger(ledger: Ledger, people: Callable[[int], Subscribers]) -> None:
    people(3)
    for size in (1, 2):
        provider = ListedProvider(size=size)
        to = Subscriber(0, "me@example.com", number=1)
        outcome = submission.deliver_test(samples.plain_mailing(), to, provider, samples.SECRET, samples.NOW)
        assert isinstance(outcome, Accepted)
        assert provider.taken == Counter({"me@example.com": 1})
    assert ledger.sends() == []


def test_another_issue_is_another_send(
    ledger: Ledger, time: Time, people: Callable[[int], Subscribers]
) -> None:
    people(1)
    provider = ListedProvider()
    run(ledger, provider, time)
    run(ledger, provider, time, replace(samples.plain_mailing(), issue="2026-05-04"))
    assert provider.taken == Counter({"reader0@example.com": 2})


@dataclass
class NamelessProvider(ListedProvider):
    """Refuses a batch with a bad address without naming it, as Mailgun does."""

    bad: frozenset[str] = frozenset()

    def _answer(self, addresses: list[str]) -> Outcome:
        self.calls += 1
        if self.bad & set(addresses):
            return Refused("400 to parameter is not a valid address")
        self.taken.update(addresses)
        return Accepted("id")


@pytest.mark.parametrize("calls", [0, 4])
@pytest.mark.parametrize(
    "bad",
    [range(3, 500, 62), range(7, 500, 50), range(40, 48)],
    ids=["a-few-in-one-batch", "one-in-each-batch", "next-to-each-other"],
)
def test_a_few_bad_addresses_keep_the_mail_from_nobody_else(
    bad: range, calls: int, ledger: Ledger, time: Time, people: Callable[[int], Subscribers]
) -> None:
    people(500)
    addresses = frozenset(f"reader{n}@example.com" for n in bad)
    provider = NamelessProvider(size=500 if len(addresses) < 9 else 50, bad=addresses)
    run(ledger, provider, time, manner=DeliverySettings(max_calls=calls))
    counts = ledger.counts(ledger.sends()[0])
    assert (counts.accepted, counts.refused) == (500 - len(addresses), len(addresses))
    assert set(provider.taken.values()) == {1}


def test_a_provider_that_refuses_all_without_a_name_is_soon_left_alone(
    ledger: Ledger, time: Time, people: Callable[[int], Subscribers]
) -> None:
    people(500)
    everybody = frozenset(f"reader{n}@example.com" for n in range(500))
    provider = NamelessProvider(size=100, bad=everybody)
    *_, last = run(ledger, provider, time)
    assert isinstance(last, Stopped) and last.reason.startswith("25 batches in a row were refused, the last")
    assert provider.calls == 25
