"""The background thread of the server: its wakes, its failures, its end."""

import logging
import threading
from collections.abc import Callable

import pytest

from newsletter.errors import DatabaseBusy
from newsletter.services.background_loop import BackgroundLoop

# Longer than any test waits: what happens earlier was not caused by the pause.
NEVER = 3600.0


class Sender:
    """A function that counts its calls; `failures` are raised by the first ones."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.calls = 0
        self.called = threading.Semaphore(0)

    def __call__(self, is_stopped: Callable[[], bool]) -> int:
        self.calls += 1
        try:
            if self.failures:
                raise self.failures.pop(0)
        finally:
            self.called.release()
        return 0

    def wait(self) -> None:
        """Wait for a call."""
        assert self.called.acquire(timeout=30)


def test_it_sends_at_its_start_and_each_time_it_is_woken() -> None:
    sender = Sender()
    thread = BackgroundLoop({"mail": sender}, seconds=NEVER)
    thread.start()
    sender.wait()
    thread.wake()
    sender.wait()
    assert thread.is_alive
    thread.close()
    assert not thread.is_alive and sender.calls == 2


def test_it_looks_again_by_itself() -> None:
    sender = Sender()
    thread = BackgroundLoop({"mail": sender}, seconds=0.01)
    thread.start()
    for _ in range(3):
        sender.wait()
    thread.close()


def test_a_busy_database_and_a_mistake_of_ours_do_not_end_it(caplog: pytest.LogCaptureFixture) -> None:
    sender = Sender(DatabaseBusy("another process has locked the database"), RuntimeError("a mistake"))
    thread = BackgroundLoop({"mail": sender}, seconds=0.01)
    with caplog.at_level(logging.WARNING):
        thread.start()
        for _ in range(3):
            sender.wait()
        thread.close()
    assert [record.levelname for record in caplog.records] == ["WARNING", "ERROR"]


def test_a_step_that_fails_prevents_no_other_and_is_named() -> None:
    broken, sender = Sender(*[DatabaseBusy("locked")] * 1000), Sender()
    thread = BackgroundLoop({"broken": broken, "mail": sender}, seconds=NEVER)
    thread.start()
    for _ in range(2):
        sender.wait()
        thread.wake()
    sender.wait()
    assert (thread.is_well("mail"), thread.is_well("broken")) == (True, False)
    thread.close()
    assert not thread.is_well("mail")


def test_closing_waits_for_the_call_and_tells_it_to_end() -> None:
    entered, ended = threading.Event(), threading.Event()

    def send(is_stopped: Callable[[], bool]) -> None:
        entered.set()
        while not is_stopped():
            threading.Event().wait(0.001)
        ended.set()

    thread = BackgroundLoop({"mail": send}, seconds=NEVER)
    thread.start()
    assert entered.wait(30)
    thread.close()
    assert ended.is_set()


def test_a_wake_during_a_call_is_not_lost() -> None:
    """Mail that is written while the thread looks at the database is sent at once, not after the pause."""
    calls: list[int] = []
    second = threading.Event()

    def send(is_stopped: Callable[[], bool]) -> None:
        calls.append(1)
        if len(calls) == 1:
            thread.wake()
        else:
            second.set()

    thread = BackgroundLoop({"mail": send}, seconds=NEVER)
    thread.start()
    assert second.wait(30)
    thread.close()


def test_closing_one_that_never_started_is_fine() -> None:
    thread = BackgroundLoop({"mail": Sender()})
    thread.close()
    assert not thread.is_alive
