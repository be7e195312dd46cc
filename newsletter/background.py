"""Run functions in daemon threads: a thread that hangs delays neither its caller nor the end of the program.

`BackgroundTask` runs one function, `run_in_thread` does so for a coroutine, and `ThreadedPool` runs many
calls, a few at once.
"""

import asyncio
import os
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, Generic, TypeVar
from weakref import WeakSet

Result = TypeVar("Result")

_task_threads: WeakSet[threading.Thread] = WeakSet()


class TimedOut(TimeoutError):
    """The error for a function that has not returned in time; the function's own TimeoutError is kept."""


class BackgroundTask(Generic[Result]):
    """Run a function in a new daemon thread, which starts at once.

    `seconds` is its time limit, None for no limit; some system calls, such as name look-ups, have no time-out
    of their own. `on_end` is called in the thread after the function has ended.
    """

    def __init__(
        self,
        function: Callable[[], Result],
        seconds: float | None = None,
        on_end: Callable[[], object] = lambda: None,
    ) -> None:
        self._function, self._on_end = function, on_end
        self._deadline = None if seconds is None else time.monotonic() + seconds
        self._ended = threading.Event()
        self._returned: list[Result] = []
        self._raised: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        _task_threads.add(self._thread)
        self._thread.start()

    def result(self) -> Result:
        """Wait for the function; return its result or raise its exception; raise TimedOut after `seconds`."""
        self._ended.wait(None if self._deadline is None else max(0.0, self._deadline - time.monotonic()))
        if self._raised:
            raise self._raised
        if not self._returned:
            raise TimedOut("it did not end in time")
        return self._returned[0]

    def _run(self) -> None:
        try:
            self._returned.append(self._function())
        except BaseException as failure:
            self._raised = failure
        self._ended.set()
        self._on_end()


async def run_in_thread(function: Callable[..., Result], *arguments: Any) -> Result:
    """Run a function in a thread; return its result or raise its exception.

    asyncio.to_thread would delay the program's end until the function returns, which may never happen.
    """
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()

    def wake() -> None:
        with suppress(RuntimeError):  # the event loop was closed meanwhile
            loop.call_soon_threadsafe(ended.set)

    task = BackgroundTask(partial(function, *arguments), on_end=wake)
    await ended.wait()
    return task.result()


def exit_now(seconds: float = 0.5) -> None:
    """End the program at once with exit code 0 if a task still runs after `seconds`.

    A normal exit of Python would stop its thread in the middle of compiled code, which may abort the process.
    """
    deadline = time.monotonic() + seconds
    for thread in list(_task_threads):
        thread.join(max(0.0, deadline - time.monotonic()))
    if any(thread.is_alive() for thread in _task_threads):
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(0)


class ThreadedPool(Generic[Result]):
    """Run calls in up to `size` daemon threads, and collect their results in the order in which they end."""

    def __init__(self, size: int) -> None:
        self.in_flight = 0
        self._size = size
        self._threads = 0
        self._calls: SimpleQueue[Callable[[], Result] | None] = SimpleQueue()
        self._results: SimpleQueue[Result] = SimpleQueue()

    def submit(self, call: Callable[[], Result]) -> None:
        """Queue a call, which starts as soon as a thread is free; the call must not raise."""
        self.in_flight += 1
        if self.in_flight > self._threads < self._size:
            self._threads += 1
            threading.Thread(target=self._work, daemon=True).start()
        self._calls.put(call)

    def completed(self, seconds: float) -> list[Result]:
        """Return the results of ended calls; wait at most `seconds` for the first."""
        results: list[Result] = []
        try:
            results.append(self._results.get(timeout=seconds))
            while True:
                results.append(self._results.get_nowait())
        except Empty:
            self.in_flight -= len(results)
            return results

    def close(self) -> None:
        """Tell the threads to end after the submitted calls; return without waiting for them."""
        for _ in range(self._threads):
            self._calls.put(None)

    def _work(self) -> None:
        while call := self._calls.get():
            self._results.put(call())
