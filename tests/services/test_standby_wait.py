"""The wait of a standby, with a clock that a test moves: how it ends, and what is not continued after it."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

import pytest

from newsletter.errors import SendBusy, SendRefused, StoreError
from newsletter.sending.events import Event, StandingBy, Waiting
from newsletter.sending.model import Send, SendOptions
from newsletter.services.send import SendService
from newsletter.services.standby import Standby, Wait, refuse_state_ref
from newsletter.store.database import Database
from newsletter.store.journal import Holder
from newsletter.store.subscribers import Subscribers
from newsletter.subscribers.parsing import parse_subscriber
from tests import samples
from tests.fakes.provider import FakeClock, FakeProvider
from tests.samples import NOW

T = TypeVar("T")

ISSUE = "2026-04-27"
EDITED = samples.ISSUE.replace("subject: Leek & potato", "subject: Leeks")
OTHER = "mx1_7_abcd"  # the process 7 on the host mx1


@dataclass
class ScriptedClock(FakeClock):
    """A clock that runs actions at times, in seconds after NOW, while somebody waits."""

    script: dict[int, Callable[[], object]] = field(default_factory=dict)

    def wait(self, until: datetime, stopped: Callable[[], bool]) -> None:
        super().wait(until, stopped)
        for second in [second for second in self.script if self.seconds >= second]:
            self.script.pop(second)()

    @property
    def seconds(self) -> float:
        return (self.time - NOW).total_seconds()


@pytest.fixture
def clock() -> ScriptedClock:
    return ScriptedClock()


@pytest.fixture
def service(tmp_path: Path, clock: ScriptedClock) -> Iterator[SendService]:
    """A service with five subscribers, over the fake provider and the clock."""
    newsletter = samples.newsletter(tmp_path)
    parts = (newsletter, Database.open(newsletter), FakeProvider(clock), clock)
    with closing(SendService(*parts, limited=unlimited)) as service:
        for n in range(5):
            person = parse_subscriber(f"reader{n}@example.com")[0]
            Subscribers(service._database, lambda: NOW - timedelta(days=1)).add(person)
        yield service


def unlimited(function: Callable[..., T], /, *arguments: object, **options: object) -> T:
    return function(*arguments, **options)


@contextmanager
def database(service: SendService) -> Iterator[sqlite3.Connection]:
    """Open the database as another process; commit at the end."""
    with closing(sqlite3.connect(service.newsletter.state / "news.db")) as connection, connection:
        yield connection


def execute(service: SendService, statement: str, *values: object) -> None:
    with database(service) as connection:
        connection.execute(statement, values)


def started(service: SendService, options: SendOptions | None = None) -> Send:
    return service.start(service.plan(service.prepare(ISSUE), options)).send


def hold(service: SendService, seconds: int = 120, holder: str | None = OTHER) -> None:
    """Acquire or renew the lease as another process, from now on; without `holder`, release it."""
    until = service.clock.now() + timedelta(seconds=seconds)
    stored = until.isoformat(sep=" ").partition("+")[0] + ".000000" if holder else None
    execute(service, "update send set holder = ?, held_until = ?", holder, stored)


def standby(service: SendService, *, resumes: bool = False) -> Standby:
    prepared = service.prepare(ISSUE)
    if resumes:
        send = service.queries.sends()[0]
        return Standby(service, service.plan_resume(prepared, send))
    return Standby(service, service.plan(prepared))


def wait(standby: Standby, stopped: Callable[[], bool] = lambda: False) -> list[Event]:
    return list(standby.wait(stopped))


def seconds(count: int) -> datetime:
    return NOW + timedelta(seconds=count)


# How the wait ends


def test_a_send_that_nobody_has_is_not_waited_for(service: SendService, clock: ScriptedClock) -> None:
    new = standby(service)
    assert wait(new) == [] and not new.has_waited
    started(service)
    planned = standby(service)
    assert wait(planned) == [] and not planned.has_waited
    assert clock.now() == NOW


def test_a_lease_that_is_not_renewed_ends_and_the_send_is_planned_again(
    service: SendService, clock: ScriptedClock
) -> None:
    started(service)
    hold(service)
    clock.script = {5: lambda: hold(service), 10: lambda: hold(service)}
    waiting = standby(service)
    assert wait(waiting) == [StandingBy(ISSUE, "7", "mx1", seconds(120))]
    assert clock.seconds == 130, "two minutes after it was renewed at last"
    plan = waiting.plan_again()
    assert (plan.action, plan.recipients) == ("start", 5)
    assert waiting.holder and waiting.holder.process == "7"


def test_another_process_that_takes_over_first_is_waited_for_too(
    service: SendService, clock: ScriptedClock
) -> None:
    started(service)
    hold(service)
    clock.script = {60: lambda: hold(service, holder="mx2_8_abcd")}
    waiting = standby(service)
    assert wait(waiting) == [
        StandingBy(ISSUE, "7", "mx1", seconds(120)),
        StandingBy(ISSUE, "8", "mx2", seconds(180)),
    ]


def test_a_process_that_is_interrupted_while_it_waits_has_sent_nothing(
    service: SendService, clock: ScriptedClock
) -> None:
    started(service)
    hold(service)
    with pytest.raises(SendRefused, match=f"the wait was ended; this process has sent nothing of {ISSUE}"):
        wait(standby(service), lambda: clock.seconds >= 3)
    assert clock.seconds == 3


def test_short_outages_of_the_database_are_told_and_survived(
    service: SendService, clock: ScriptedClock
) -> None:
    """Each outage has ten minutes."""
    started(service)
    hold(service, 800)
    clock.script = {
        10: lambda: execute(service, "alter table send rename to gone"),
        200: lambda: execute(service, "alter table gone rename to send"),
        500: lambda: execute(service, "alter table send rename to gone"),
        700: lambda: execute(service, "alter table gone rename to send"),
    }
    events = wait(standby(service))
    outages = [event for event in events if isinstance(event, Waiting)]
    assert events[::2] == 3 * [StandingBy(ISSUE, "7", "mx1", seconds(800))] and events[1::2] == outages
    assert [outage.until for outage in outages] == [seconds(610), seconds(1100)]
    assert outages[0].reason.startswith("the database gives no reply (")
    assert clock.seconds == 800


def test_a_long_outage_of_the_database_ends_the_wait(service: SendService, clock: ScriptedClock) -> None:
    started(service)
    hold(service)
    clock.script = {10: lambda: execute(service, "alter table send rename to gone")}
    with pytest.raises(StoreError, match="no such table"):
        wait(standby(service))
    assert clock.seconds == 610


def test_an_interrupt_during_an_outage_from_the_start_ends_the_wait(
    service: SendService, clock: ScriptedClock
) -> None:
    started(service)
    waiting = standby(service)
    execute(service, "alter table send rename to gone")
    with pytest.raises(SendRefused, match="the wait was ended"):
        wait(waiting, lambda: clock.seconds >= 3)


# What is not continued


def stop(service: SendService, *, hands_over: bool = False, tries: str = "some") -> None:
    """Start a send, as a process that stops at once; `tries`: none, some, or all as not sent."""
    plan = service.plan(service.prepare(ISSUE), SendOptions(now=True))
    list(service.deliver(service.start(plan), lambda: True, lambda: hands_over))
    if tries == "some":
        execute(service, "update chunk set last = 2")
        columns = "send_id, first, last, skipped, state, tries"
        execute(service, f"insert into chunk ({columns}) select send_id, 3, 5, 0, 'accepted', 1 from chunk")
    elif tries == "all":
        execute(service, "update chunk set reason = '401', tries = 1")


@pytest.mark.parametrize(("tries", "waiting"), [("some", 2), ("all", 5)])
def test_a_send_that_was_stopped_before_a_standby_came_is_not_continued(
    tries: str, waiting: int, service: SendService
) -> None:
    stop(service, tries=tries)
    message = f"the send of {ISSUE} was stopped, and {waiting} recipients did not get it"
    with pytest.raises(SendRefused, match=message) as raised:
        standby(service).start(run_wait, lambda *_: None)
    assert f"news resume {ISSUE}" in raised.value.hint


def test_a_send_that_was_stopped_during_an_outage_is_not_continued(
    service: SendService, clock: ScriptedClock
) -> None:
    """The standby has seen no holder: the database was away until that process had ended."""
    started(service)
    hold(service)
    waiting = standby(service)
    execute(service, "update chunk set reason = '401', tries = 1")
    execute(service, "alter table send rename to gone")

    def end() -> None:
        execute(service, "alter table gone rename to send")
        hold(service, holder=None)

    clock.script = {5: end}
    with pytest.raises(SendRefused, match=f"the send of {ISSUE} was stopped"):
        waiting.start(run_wait, lambda *_: None)


@pytest.mark.parametrize(
    ("hands_over", "tries", "resumes"),
    [
        pytest.param(True, "some", False, id="handed-over"),
        pytest.param(False, "none", False, id="perhaps-claimed-just-now"),
        pytest.param(False, "some", True, id="a-person-resumes-it"),
    ],
)
def test_a_send_that_is_not_stopped_is_continued_by_a_standby_that_comes_late(
    hands_over: bool, tries: str, resumes: bool, service: SendService
) -> None:
    stop(service, hands_over=hands_over, tries=tries)
    begun = standby(service, resumes=resumes).start(run_wait, lambda *_: None)
    assert service.queries.counts(begun.send).waiting == (5 if tries == "none" else 2)


def test_a_send_that_its_process_has_stopped_is_not_continued(
    service: SendService, clock: ScriptedClock
) -> None:
    started(service)
    hold(service)
    clock.script = {5: lambda: hold(service, holder=None)}
    waiting = standby(service)
    wait(waiting)
    message = f"process 7 on host mx1 has stopped the send of {ISSUE}, and 5 recipients did not get it"
    with pytest.raises(SendRefused, match=message) as raised:
        waiting.plan_again()
    assert f"news resume {ISSUE}" in raised.value.hint


def test_a_send_that_its_process_has_finished_is_planned_for_nobody(
    service: SendService, clock: ScriptedClock
) -> None:
    send = started(service)
    hold(service)

    def finish() -> None:
        execute(service, "update chunk set state = 'accepted' where send_id = ?", send.id)
        hold(service, holder=None)

    clock.script = {5: finish}
    waiting = standby(service)
    wait(waiting)
    assert waiting.plan_again().recipients == 0


@pytest.mark.parametrize(
    ("resumes", "message"),
    [
        pytest.param(False, f"the send of {ISSUE} was cancelled", id="send"),
        pytest.param(True, f"the send of {ISSUE} was cancelled meanwhile", id="resume"),
    ],
)
def test_a_send_that_is_cancelled_meanwhile_is_not_continued(
    resumes: bool, message: str, service: SendService, clock: ScriptedClock
) -> None:
    send = started(service)
    hold(service)
    clock.script = {5: lambda: service.ledger.cancel(send)}
    waiting = standby(service, resumes=resumes)
    wait(waiting)
    with pytest.raises(SendRefused, match=message):
        waiting.plan_again()


def test_a_cancelled_send_is_resumed_after_the_wait(service: SendService) -> None:
    """A person who resumes a cancelled send knows that it was cancelled."""
    service.ledger.cancel(started(service))
    hold(service)
    waiting = standby(service, resumes=True)
    wait(waiting)
    assert waiting.plan_again().recipients == 5


def test_a_send_that_a_corrected_one_replaces_meanwhile_is_not_continued(
    service: SendService, clock: ScriptedClock, tmp_path: Path
) -> None:
    send = started(service)
    hold(service)

    def correct() -> None:
        service.ledger.cancel(send)
        hold(service, holder=None)
        samples.write(tmp_path, issue=EDITED)
        assert started(service).id != send.id
        hold(service)

    clock.script = {5: correct}
    waiting = standby(service)
    wait(waiting)
    with pytest.raises(SendRefused, match=f"the send of {ISSUE} was replaced by another one meanwhile"):
        waiting.plan_again()


def test_a_send_with_other_recipients_than_a_person_agreed_to_is_not_continued(service: SendService) -> None:
    prepared = service.prepare(ISSUE)
    agreed, automatic = (Standby(service, service.plan(prepared), exact=exact) for exact in (True, False))
    Subscribers(service._database).add(parse_subscriber("late@example.com")[0])
    started(service)
    for waiting in (agreed, automatic):
        waiting.note_busy(SendBusy("another send started just now"))
    assert automatic.plan_again().recipients == 6
    with pytest.raises(SendRefused, match="the list has changed: 6 recipients now"):
        agreed.plan_again()


def test_a_send_of_other_content_that_started_first_is_not_waited_for(
    service: SendService, tmp_path: Path
) -> None:
    waiting = standby(service)
    samples.write(tmp_path, issue=EDITED)
    started(service)
    with pytest.raises(SendBusy, match="another send started just now"):
        waiting.note_busy(SendBusy("another send started just now"))
    execute(service, "update chunk set state = 'accepted'")
    with pytest.raises(SendRefused, match="with different content"):
        waiting.note_busy(SendBusy("another send started just now"))


def test_a_state_on_a_git_ref_has_no_standby(tmp_path: Path) -> None:
    refuse_state_ref(samples.newsletter(tmp_path))
    with pytest.raises(SendRefused, match="keeps its state on a Git ref") as raised:
        refuse_state_ref(samples.newsletter(tmp_path, extra="state: git\n"))
    assert raised.value.hint.startswith("leave out --wait")


# The start after the wait


def run_wait(waits: Wait) -> None:
    list(waits(lambda: False))


def test_a_standby_starts_its_plan_at_once_if_nobody_has_the_send(service: SendService) -> None:
    taken_over: list[Holder] = []
    begun = standby(service).start(run_wait, lambda holder, _: taken_over.append(holder))
    assert (begun.send.recipients, taken_over) == (5, [])


def test_a_standby_takes_over_the_rest_once_the_lease_has_ended(
    service: SendService, clock: ScriptedClock
) -> None:
    send = started(service)
    hold(service)
    clock.script = {5: lambda: execute(service, "update chunk set state = 'accepted'")}
    taken_over: list[tuple[str, int]] = []
    begun = standby(service).start(
        run_wait, lambda holder, plan: taken_over.append((holder.process, plan.recipients))
    )
    assert begun.send.id == send.id and clock.seconds == 120
    assert taken_over == [("7", 0)]


def test_a_standby_that_another_one_overtakes_waits_again(service: SendService, clock: ScriptedClock) -> None:
    """The other one acquires the lease between the end of the wait and the start."""
    service.ledger.cancel(started(service))
    taken_over: list[str] = []

    def overtake(waits: Wait) -> None:
        run_wait(waits)
        if not clock.seconds:
            hold(service)

    begun = standby(service, resumes=True).start(
        overtake, lambda holder, _: taken_over.append(holder.process)
    )
    assert begun.send.state == "open" and clock.seconds == 120
    assert taken_over == ["7"]


# The end of the other process


@pytest.mark.parametrize("hands_over", [True, False])
def test_a_process_that_ends_early_hands_its_lease_over_or_releases_it(
    hands_over: bool, service: SendService
) -> None:
    plan = service.plan(service.prepare(ISSUE), SendOptions(now=True))
    list(service.deliver(service.start(plan), lambda: True, lambda: hands_over))
    (send,) = service.queries.sends()
    assert (send.lease_holder is not None) == hands_over
    assert send.lease_until == (NOW if hands_over else None)
    assert service.queries.counts(send).waiting == 5


def test_a_process_that_fails_hands_its_lease_over(service: SendService) -> None:
    begun = service.start(service.plan(service.prepare(ISSUE), SendOptions(now=True)))
    execute(service, "alter table attempt rename to gone")
    with pytest.raises(StoreError, match="no such table"):
        list(service.deliver(begun, lambda: False))
    (send,) = service.queries.sends()
    assert send.lease_holder and send.lease_until == NOW
