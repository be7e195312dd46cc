"""Looks that go on at the same time: each ends by itself, and none of them holds the others up."""

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

Seen = TypeVar("Seen")


class Overdue(Exception):
    """It did not come to an end in time."""


class Look(Generic[Seen]):
    """Something that is looked at in a thread of its own, which ends with the process at the latest.

    `limit` is for all of it, in seconds: name look-ups by the system have no time-out of their own.
    """

    def __init__(self, look: Callable[[], Seen], limit: float) -> None:
        self._look, self._until = look, time.monotonic() + limit
        self._seen: list[Seen] = []
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def result(self) -> Seen:
        """What was seen; raises what the look raised, or Overdue."""
        self._thread.join(max(0.0, self._until - time.monotonic()))
        if self._failure:
            raise self._failure
        if not self._seen:
            raise Overdue("it did not come to an end in time")
        return self._seen[0]

    def _run(self) -> None:
        try:
            self._seen.append(self._look())
        except BaseException as failure:
            self._failure = failure
