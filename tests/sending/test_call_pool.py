"""Calls under way at once."""

import threading
import time

import pytest

from newsletter.sending.call_pool import CallPool, SerialPool, ThreadedPool, open_pool


@pytest.mark.parametrize("most", [0, 1, 4])
def test_each_call_comes_back_once(most: int) -> None:
    under_way: CallPool[int] = open_pool(most)
    back: list[int] = []
    for n in range(20):
        under_way.submit(lambda n=n: n)  # type: ignore[misc]
        back += under_way.completed(0.0 if n % 3 else 5.0)
    while under_way.in_flight:
        back += under_way.completed(5)
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

    under_way: ThreadedPool[None] = ThreadedPool(3)
    for _ in range(9):
        under_way.submit(call)
    while under_way.in_flight:
        under_way.completed(5)
    under_way.close()
    assert most == [3]


def test_waiting_ends_when_nothing_comes() -> None:
    under_way: ThreadedPool[bool] = ThreadedPool(2)
    gate = threading.Event()
    under_way.submit(lambda: gate.wait(10))
    assert under_way.completed(0.01) == [] and under_way.in_flight == 1
    gate.set()
    assert under_way.completed(5) == [True] and under_way.in_flight == 0
    under_way.close()


def test_one_at_a_time_needs_no_thread() -> None:
    assert isinstance(open_pool(0), SerialPool)
