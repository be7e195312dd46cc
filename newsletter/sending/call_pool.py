"""Run provider calls: one after another, or several at once."""

from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from newsletter.background import ThreadedPool

T = TypeVar("T")


class CallPool(Protocol[T]):
    """Run calls, and collect their results in the order in which the calls end."""

    in_flight: int

    def submit(self, call: Callable[[], T]) -> None:
        """Start a call, which must not raise."""

    def completed(self, seconds: float) -> list[T]:
        """Return the results of the calls that have ended; wait for the first, at most `seconds`."""

    def close(self) -> None:
        """End the threads, without waiting for calls in flight."""


class SerialPool(Generic[T]):
    """Run one call after another, in this thread."""

    def __init__(self) -> None:
        self.in_flight = 0
        self._results: list[T] = []

    def submit(self, call: Callable[[], T]) -> None:
        self.in_flight += 1
        self._results.append(call())

    def completed(self, seconds: float) -> list[T]:
        results, self._results, self.in_flight = self._results, [], 0
        return results

    def close(self) -> None:
        pass


def open_pool(size: int) -> CallPool[T]:
    """Return a pool for `size` calls at once; 0 for one call after another, without threads.

    A closed pool does not wait for calls in flight: the ledger has no outcome for them and reports them as
    unknown.
    """
    return ThreadedPool(size) if size else SerialPool()
