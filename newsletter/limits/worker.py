"""Answer calls in a process with limits of time and memory, which `process` starts."""

import os
import pickle
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, Protocol

from newsletter.errors import LimitReached, NewsError

MAX_MEMORY_BYTES = 1 << 30
"""The memory that a limited process may use in addition to that of the process that started it."""
MAX_RESULT_BYTES = 64_000_000
HINT = (
    "look for an endless loop or a huge number in the templates, and for thousands of brackets in the issue"
)


class Connection(Protocol):
    """The part of `multiprocessing.connection.Connection` that both processes use; `fork.Pipe` has it too."""

    def poll(self, timeout: float, /) -> bool: ...

    def send_bytes(self, message: bytes, /) -> None: ...

    def recv_bytes(self, max_bytes: int = ..., /) -> bytes: ...

    def close(self) -> None: ...


def too_large() -> LimitReached:
    """Return the error for a call that needs too much memory."""
    what = f"building or checking the issue needs more than {MAX_MEMORY_BYTES >> 20} MB of memory"
    return LimitReached(what, HINT)


def serve(answer: Callable[..., None], *arguments: Any) -> None:
    """Answer calls with limits: the main function of the process."""
    _close_input()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches both processes, and the other one decides
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])  # it was blocked during the fork
    _limit_memory()
    with suppress(EOFError, OSError):  # the other process has ended
        answer(*arguments)


def answer_once(connection: Connection, call: Callable[[], object], seconds: float) -> None:
    """Answer one call; `seconds` is its limit of processor time."""
    _limit_processor_time(seconds)
    connection.send_bytes(_answer(call))


def answer_all(connection: Connection, _first: Callable[..., object] | None = None) -> None:
    """Answer calls until the connection is closed; the parameter of the first call's function imports it."""
    connection.send_bytes(b"ready")
    while True:
        seconds, call = pickle.loads(connection.recv_bytes())
        _limit_processor_time(seconds)
        connection.send_bytes(_answer(call))


def _answer(call: Callable[[], object]) -> bytes:
    """Return the exception of a call with its causes, and the call's result, pickled."""
    try:
        pickled = pickle.dumps(([], call()))
        if len(pickled) > MAX_RESULT_BYTES:
            raise LimitReached(f"the finished issue is larger than {MAX_RESULT_BYTES // 1_000_000} MB", HINT)
        return pickled
    except MemoryError:
        return pickle.dumps(([too_large()], None))
    except Exception as failure:
        return pickle.dumps(([_picklable(one) for one in _with_causes(failure)], None))


def _with_causes(failure: BaseException | None) -> Iterator[BaseException]:
    while failure:
        yield failure
        failure = failure.__cause__


def _picklable(failure: BaseException) -> BaseException:
    """Return an exception, or one with the same text if it cannot be pickled; add the traceback of a bug."""
    if not isinstance(failure, NewsError):
        failure.add_note("".join(traceback.format_tb(failure.__traceback__)))
    try:
        pickle.loads(pickle.dumps(failure))
    except Exception:  # any class of exception, with any signature
        return RuntimeError(f"{type(failure).__name__}: {failure}")
    return failure


def _close_input() -> None:
    """Make standard input empty: what is read there is meant for the other process."""
    if sys.stdin:
        with suppress(OSError):
            nothing = os.open(os.devnull, os.O_RDONLY)
            os.dup2(nothing, 0)
            os.close(nothing)


def _limit_memory() -> None:
    """Limit the address space to its present size and MAX_MEMORY_BYTES, where the system can do that."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        with open("/proc/self/statm", "rb") as statm:
            present = int(statm.read().split()[0]) * resource.getpagesize()
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (present + MAX_MEMORY_BYTES, hard))


def _limit_processor_time(seconds: float) -> None:
    """Make the system end this process if it still computes after its time: nobody may be left to kill it."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_CPU)
        resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time() + seconds) + 2, hard))
