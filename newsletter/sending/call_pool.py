"""Calls under way at once: a few threads, a queue to them and a queue back."""

import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Generic, Protocol, TypeVar

T = TypeVar("T")


class CallPool(Protocol[T]):
    """Starts calls and hands back what came of them, in the order in which they end."""

    in_flight: int

    def submit(self, call: Callable[[], T]) -> None:
        """Starts a call, which must not raise."""

    def completed(self, seconds: float) -> list[T]:
        """What has come back, at least one unless it takes longer than so many seconds."""

    def close(self) -> None:
        """Lets the threads end; does not wait for calls that are still under way."""


class SerialPool(Generic[T]):
    """One call after another, in this thread."""

    def __init__(self) -> None:
        self.in_flight = 0
        self._back: list[T] = []

    def submit(self, call: Callable[[], T]) -> None:
        self.in_flight += 1
        self._back.append(call())

    def completed(self, seconds: float) -> list[T]:
        back, self._back, self.in_flight = self._back, [], 0
        return back

    def close(self) -> None:
        pass


class ThreadedPool(Generic[T]):
    """Up to `most` calls at once.

    The threads are daemons: whoever stops at once does not wait for a time-out. What was under way then is in
    doubt, and the ledger says so.
    """

    def __init__(self, most: int) -> None:
        self.in_flight = 0
        self._most = most
        self._threads = 0
        self._calls: SimpleQueue[Callable[[], T] | None] = SimpleQueue()
        self._back: SimpleQueue[T] = SimpleQueue()

    def submit(self, call: Callable[[], T]) -> None:
        self.in_flight += 1
        if self.in_flight > self._threads < self._most:
            self._threads += 1
            threading.Thread(target=self._work, daemon=True).start()
        self._calls.put(call)

    def completed(self, seconds: float) -> list[T]:
        back: list[T] = []
        try:
            back.append(self._back.get(timeout=seconds))
            while True:
                back.append(self._back.get_nowait())
        except Empty:
            self.in_flight -= len(back)
            return back

    def close(self) -> None:
        for _ in range(self._threads):
            self._calls.put(None)

    def _work(self) -> None:
        while call := self._calls.get():
            self._back.put(call())


def open_pool(most: int) -> "CallPool[T]":
    """Room for so many calls at once, in threads of their own; 0: one after another, in this one."""
    return ThreadedPool(most) if most else SerialPool()
