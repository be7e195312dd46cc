"""Wait for a send that another process has locked, and for its lease if that process was suspended."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from newsletter.errors import DatabaseBusy, SendBusy, SendRefused
from newsletter.sending.cancel import cancel
from newsletter.sending.events import Event, Stopped, Waiting
from newsletter.sending.hold_policy import SendTimings
from newsletter.sending.lock_wait import acquire_lease
from newsletter.sending.model import NewSend, Send
from tests.fakes.ledger import MemoryLedger
from tests.fakes.provider import FakeClock
from tests.samples import NOW

TIMING = SendTimings()
LOCKED, HELD = "another process has locked the send", "process 7 on host mx1 is sending now"


class LockedLedger(MemoryLedger):
    """A ledger whose send another process keeps locked until a time, and leased until a later one."""

    def __init__(self, clock: FakeClock, locked: timedelta, leased: timedelta) -> None:
        super().__init__(1, clock.now, lambda step: None)
        self.locked_until, self.leased_until = clock.now() + locked, clock.now() + leased
        new = NewSend("2026-04-27", "subscribers", "0", b"", "fake", 1)
        send = self.plan(new)
        assert send
        self.planned: Send = send

    def acquire_lease(self, send: Send, lease: timedelta) -> None:
        self._refuse_locked()
        if self.now() < self.leased_until:
            raise SendBusy(HELD)

    def cancel(self, send: Send) -> None:
        self._refuse_locked()
        super().cancel(send)

    def _refuse_locked(self) -> None:
        if self.now() < self.locked_until:
            raise DatabaseBusy(LOCKED)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def seconds(count: float) -> timedelta:
    return timedelta(seconds=count)


def acquire(
    ledger: LockedLedger, clock: FakeClock, stopped: Callable[[], bool] = lambda: False
) -> list[Waiting]:
    return list(acquire_lease(ledger.planned, ledger, clock, TIMING, stopped))


def reasons(events: list[Waiting]) -> list[str]:
    return [wait.reason for wait in events]


def test_a_free_send_is_taken_at_once(clock: FakeClock) -> None:
    assert acquire(LockedLedger(clock, seconds(0), seconds(0)), clock) == []
    assert clock.now() == NOW


def test_a_lease_without_a_lock_is_refused_at_once(clock: FakeClock) -> None:
    with pytest.raises(SendRefused, match=HELD):
        acquire(LockedLedger(clock, seconds(0), seconds(100)), clock)
    assert clock.now() == NOW


def test_a_suspended_process_is_waited_for_until_its_lock_and_its_lease_have_ended(clock: FakeClock) -> None:
    """PostgreSQL ends its transaction after 60 seconds; its lease ends at the latest after two minutes."""
    waits = acquire(LockedLedger(clock, seconds(60), seconds(119)), clock)
    assert reasons(waits) == [LOCKED, HELD]
    assert clock.now() == NOW + seconds(119)


def test_a_lock_that_does_not_end_is_an_error_in_the_end(clock: FakeClock) -> None:
    with pytest.raises(DatabaseBusy, match=LOCKED):
        acquire(LockedLedger(clock, seconds(10_000), seconds(0)), clock)
    assert clock.now() == NOW + TIMING.max_lock_wait


def test_a_process_that_continues_and_renews_its_lease_is_not_overtaken(clock: FakeClock) -> None:
    with pytest.raises(SendRefused, match=HELD):
        acquire(LockedLedger(clock, seconds(5), seconds(10_000)), clock)


def test_a_wait_that_is_stopped_ends_with_the_sentence(clock: FakeClock) -> None:
    began: datetime = clock.now()

    def stopped() -> bool:
        return clock.now() > began

    with pytest.raises(DatabaseBusy, match=LOCKED):
        acquire(LockedLedger(clock, seconds(60), seconds(0)), clock, stopped)
    assert clock.now() - began <= seconds(2)


def test_a_cancel_waits_for_the_lock_and_says_so(clock: FakeClock) -> None:
    ledger = LockedLedger(clock, seconds(60), seconds(119))
    events: list[Event] = list(cancel(ledger.planned, ledger, None, clock, TIMING))
    assert next(event.reason for event in events if isinstance(event, Waiting)) == LOCKED
    assert not [event for event in events if isinstance(event, Stopped)]
    assert ledger.sends[0].state == "cancelled"
