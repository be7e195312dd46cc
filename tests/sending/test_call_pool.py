"""Several calls in flight at the same time."""

import threading
import time

import pytest

from newsletter.background import ThreadedPool
from newsletter.sending.call_pool import CallPool, SerialPool, open_pool


@pytest.mark.parametrize("most", [0, 1, 4])
def test_each_call_comes_back_once(most: int) -> None:
    pool: CallPool[int] = open_pool(most)
    back: list[int] = []
    for n in range(20):
        pool.submit(lambda n=n: n)  # type: ignore[misc]
        back += pool.completed(0.0 if n % 3 else 5.0)
    while pool.in_flight:
        back += pool.completed(5)
    pool.close()
    assert sorted(back) == list(range(20))


def test_so_many_are_pool_at_once_and_no_more() -> None:
    running, most = [0], [0]
    lock = threading.Lock()

    def call() -> None:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        time.sleep(0.02)
        with lock:
            running[0] -= 1

    pool: ThreadedPool[None] = ThreadedPool(3)
    for _ in range(9):
        pool.submit(call)
    while pool.in_flight:
        pool.completed(5)
    pool.close()
    assert most == [3]


def test_waiting_ends_when_nothing_comes() -> None:
    pool: ThreadedPool[bool] = ThreadedPool(2)
    gate = threading.Event()
    pool.submit(lambda: gate.wait(10))
    assert pool.completed(0.01) == [] and pool.in_flight == 1
    gate.set()
    assert pool.completed(5) == [True] and pool.in_flight == 0
    pool.close()


def test_one_at_a_time_needs_no_thread() -> None:
    assert isinstance(open_pool(0), SerialPool)
