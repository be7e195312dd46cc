"""Calls under way at once."""

import threading
import time

import pytest

from newsletter.sending.call_pool import Flights, Inline, Threads, flights


@pytest.mark.parametrize("most", [0, 1, 4])
def test_each_call_comes_back_once(most: int) -> None:
    under_way: Flights[int] = flights(most)
    back: list[int] = []
    for n in range(20):
        under_way.launch(lambda n=n: n)  # type: ignore[misc]
        back += under_way.landed(0.0 if n % 3 else 5.0)
    while under_way.aloft:
        back += under_way.landed(5)
    under_way.close()
    assert sorted(back) == list(range(20))


def test_so_many_are_under_way_at_once_and_no_more() -> None:
    running, most = [0], [0]
    lock = threading.Lock()

    def call() -> None:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        time.sleep(0.02)
        with lock:
            running[0] -= 1

    under_way: Threads[None] = Threads(3)
    for _ in range(9):
        under_way.launch(call)
    while under_way.aloft:
        under_way.landed(5)
    under_way.close()
    assert most == [3]


def test_waiting_ends_when_nothing_comes() -> None:
    under_way: Threads[bool] = Threads(2)
    gate = threading.Event()
    under_way.launch(lambda: gate.wait(10))
    assert under_way.landed(0.01) == [] and under_way.aloft == 1
    gate.set()
    assert under_way.landed(5) == [True] and under_way.aloft == 0
    under_way.close()


def test_one_at_a_time_needs_no_thread() -> None:
    assert isinstance(flights(0), Inline)
