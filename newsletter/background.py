"""Work beside the event loop, in threads that nobody has to wait for at the end."""

import asyncio
import ctypes
import os
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar
from weakref import WeakSet

Result = TypeVar("Result")

_threads: WeakSet[threading.Thread] = WeakSet()


class _GivenUp(BaseException):
    """Raised in work that takes too long."""


async def beside(work: Callable[..., Result], *given: Any, seconds: float | None = None) -> Result:
    """What work returns or raises; stops it and raises TimeoutError once it has taken so many seconds.

    asyncio.to_thread would not let the program end before work does, which may hang. Only Python code can be
    stopped; what waits for the system is left behind.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Result] = loop.create_future()

    def settle(how: Callable[[Any], None], value: Any) -> None:
        if not done.done():
            how(value)

    def run() -> None:
        how: Callable[[Any], None] = done.set_result
        try:
            value: Any = work(*given)
        except BaseException as failure:
            how, value = done.set_exception, failure
        with suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(settle, how, value)

    thread = threading.Thread(target=run, daemon=True)
    _threads.add(thread)
    thread.start()
    try:
        return await asyncio.wait_for(done, seconds)
    except TimeoutError:
        if thread.is_alive():
            _stop(thread)
        raise


def leave(seconds: float = 0.5) -> None:
    """Ends the program with exit code 0, and at once, where work still goes on after a last grace.

    Python's own end would have threads torn down in the middle of compiled code, which may abort.
    """
    last = time.monotonic() + seconds
    for thread in list(_threads):
        thread.join(max(0.0, last - time.monotonic()))
    if any(thread.is_alive() for thread in _threads):
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(0)


def _stop(thread: threading.Thread) -> None:
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident or 0), ctypes.py_object(_GivenUp))
