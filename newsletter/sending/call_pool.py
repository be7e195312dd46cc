"""Run provider calls: one after another, or several at once."""

from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from newsletter.background import ThreadedPool

T = TypeVar("T")


class CallPool(Protocol[T]):
    """Start calls, and collect what they return in the order in which they end."""

    in_flight: int

    def submit(self, call: Callable[[], T]) -> None:
        """Start a call, which must not raise."""

    def completed(self, seconds: float) -> list[T]:
        """Return the results that have come in; wait for the first, but not longer than `seconds`."""

    def close(self) -> None:
        """Let the threads end, without waiting for calls that are still in flight."""


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
    """Return a pool for `size` calls at once; 0: one after another, without threads.

    A run that ends does not wait for calls that are still in flight: their outcome is unknown, and the ledger
    says so.
    """
    return ThreadedPool(size) if size else SerialPool()
