"""Run functions in a process of their own, with limits of time and memory.

An issue or a template can ask for a computation that never ends, or for all memory. No exception interrupts
compiled code, but a process can be killed. `run_limited` forks one process for one call; `LimitedProcess`
keeps one for many calls.
"""

import multiprocessing
import os
import pickle
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from functools import partial
from itertools import pairwise
from multiprocessing.connection import Connection
from typing import Any, ParamSpec, Protocol, TypeVar, cast

from newsletter.errors import LimitReached, NewsError

MAX_SECONDS = 30.0
"""The time that building and checking an issue may take in a command."""
MAX_SECONDS_WITH_WAITS = 300.0
"""The time that the checks which wait for servers and other programs may take; each has its own time-outs."""
MAX_MEMORY_BYTES = 1 << 30
"""The memory that a limited process may use in addition to that of the process that started it."""
MAX_RESULT_BYTES = 64_000_000
_MAX_ANSWER_BYTES = 2 * MAX_RESULT_BYTES

_CAN_FORK = hasattr(os, "fork")
_HINT = (
    "look for an endless loop or a huge number in the templates, and for thousands of brackets in the issue"
)

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result", covariant=True)


class Limiter(Protocol):
    """A function that calls another one with limits of time and memory, and returns its result."""

    def __call__(
        self,
        function: Callable[Parameters, Result],
        /,
        *arguments: Parameters.args,
        **options: Parameters.kwargs,
    ) -> Result: ...


def run_limited(
    function: Callable[Parameters, Result], /, *arguments: Parameters.args, **options: Parameters.kwargs
) -> Result:
    """Run a function in a fork of this process; return its result or raise its exception.

    Raise LimitReached if it takes longer than MAX_SECONDS, or more memory than MAX_MEMORY_BYTES. The result
    or exception must be picklable. Call it while no other thread runs. A system without forks gets a thread
    with the limit of time alone; compiled code in it then goes on until the program ends.
    """
    return _run(partial(function, *arguments, **options), MAX_SECONDS)


def run_limited_with_waits(
    function: Callable[Parameters, Result], /, *arguments: Parameters.args, **options: Parameters.kwargs
) -> Result:
    """Run a function like `run_limited`, but let it wait for others; its own work has the same limits."""
    if sys.platform == "darwin":  # there a name look-up in a fork can abort it (Python's issue 77906)
        with closing(LimitedProcess(MAX_SECONDS_WITH_WAITS, fork=False)) as process:
            return process.run(function, *arguments, **options)
    return _run(partial(function, *arguments, **options), MAX_SECONDS_WITH_WAITS)


def _run(call: Callable[[], Result], seconds: float) -> Result:
    if not _CAN_FORK:
        return _run_in_thread(call, seconds)
    running = _Running()
    try:
        running.start("fork", _answer_once, call)
        result = cast(Result, running.outcome(seconds))
    except BaseException:
        running.end()
        raise
    running.leave()
    return result


def _run_in_thread(call: Callable[[], Result], seconds: float) -> Result:
    from newsletter.background import BackgroundTask, TimedOut  # imports asyncio, which takes 50 ms

    try:
        return BackgroundTask(call, seconds).result()
    except TimedOut as failure:
        raise _too_slow(seconds) from failure


class LimitedProcess:
    """A process that runs one function after the other; it is replaced after one that reached a limit.

    The first process is a fork with all modules and caches of this one, so create the object before threads
    start. A later one, or one on a system without forks, starts anew. Functions, arguments, results and
    exceptions must be picklable.
    """

    def __init__(self, seconds: float, *, fork: bool = _CAN_FORK) -> None:
        self._seconds = seconds
        self._one_call = threading.Lock()
        self._running = _Running()
        if fork:
            self._running.start("fork", _answer_all)

    def run(
        self,
        function: Callable[Parameters, Result],
        /,
        *arguments: Parameters.args,
        **options: Parameters.kwargs,
    ) -> Result:
        """Run a function in the process; return its result or raise its exception.

        Raise LimitReached if it takes too much time or memory, or returns more than MAX_RESULT_BYTES.
        """
        call = pickle.dumps((self._seconds, partial(function, *arguments, **options)))
        with self._one_call:
            running = self._running
            try:
                if not running.is_started:
                    running.start("spawn", _answer_all, function)
                running.submit(call)
                return cast(Result, running.outcome(self._seconds))
            except LimitReached:
                self._running = _Running()
                running.end()
                raise

    def close(self) -> None:
        """Kill the process; a call that waits for it raises LimitReached."""
        self._running.kill()
        with self._one_call:
            self._running.end()
            self._running = _Running()


class _Running:
    """A process that answers at the other end of a connection; it exists from `start` on."""

    _connection: Connection
    _process: Any

    def __init__(self) -> None:
        self.is_started = False
        self._is_ready = False

    def start(self, method: str, answer: Callable[..., None], *arguments: object) -> None:
        """Start the process; Ctrl-C meanwhile is raised afterwards, so that `end` can kill the process."""
        context: Any = multiprocessing.get_context(method)
        self._connection, theirs = context.Pipe()
        # A fork has a copy of our end, which would hide from it that this process has ended.
        inherited = self._connection if method == "fork" else None
        self._process = context.Process(
            target=_serve, args=(inherited, answer, theirs, *arguments), daemon=True
        )
        with _no_interrupt():
            self._process.start()
            self.is_started = True
        theirs.close()

    def submit(self, call: bytes) -> None:
        """Submit a call as soon as the process is ready: its start is not part of the call's time."""
        with suppress(EOFError, OSError):  # `outcome` explains why the process has ended
            if not self._is_ready:
                self._connection.recv_bytes()
                self._is_ready = True
            self._connection.send_bytes(call)

    def outcome(self, seconds: float) -> object:
        """Return the result of the call or raise its exception; raise LimitReached after `seconds`."""
        try:
            if not self._connection.poll(seconds):
                raise _too_slow(seconds)
            failures, result = pickle.loads(self._connection.recv_bytes(_MAX_ANSWER_BYTES))
        except (EOFError, OSError) as failure:
            self._process.join()
            raise _ended(self._process.exitcode or 0, seconds) from failure
        for effect, cause in pairwise(failures):
            effect.__cause__ = cause
        if failures:
            raise failures[0]
        return result

    def kill(self) -> None:
        """Kill the process, if there is one; `outcome` then raises LimitReached, also in another thread."""
        if self.is_started:
            self._process.kill()

    def leave(self) -> None:
        """Close the connection, after which the process ends; do not wait while it frees its memory."""
        self._connection.close()

    def end(self) -> None:
        """Kill the process, if there is one, wait for its end, and close the connection."""
        if self.is_started:
            self.kill()
            self._process.join()
            self._connection.close()


@contextmanager
def _no_interrupt() -> Iterator[None]:
    """Let the main thread's signals of Ctrl-C wait until the end of the block."""
    if not hasattr(signal, "pthread_sigmask") or threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _too_slow(seconds: float) -> LimitReached:
    return LimitReached(f"building or checking the issue takes longer than {seconds:g} seconds", _HINT)


def _too_large() -> LimitReached:
    what = f"building or checking the issue needs more than {MAX_MEMORY_BYTES >> 20} MB of memory"
    return LimitReached(what, _HINT)


def _ended(exit_code: int, seconds: float) -> LimitReached:
    """Return the error for a process that ended before its answer; a signal's code is negative."""
    name = signal.Signals(-exit_code).name if exit_code < 0 else ""
    if name == "SIGXCPU":
        return _too_slow(seconds)
    if name in ("SIGKILL", "SIGABRT"):  # of the system without memory, or of a library that got none
        return _too_large()
    what = f"the process that builds the issue has ended ({name or f'exit code {exit_code}'})"
    return LimitReached(what, "please report it, with the issue and the templates")


def _serve(inherited: Connection | None, answer: Callable[..., None], *arguments: Any) -> None:
    """Answer calls with limits: the main function of the process."""
    if inherited:
        inherited.close()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches both processes, and the other one decides
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])  # it was blocked during the fork
    _limit_memory()
    with suppress(EOFError, OSError):  # the other process has ended
        answer(*arguments)


def _answer_once(connection: Connection, call: Callable[[], object]) -> None:
    _limit_processor_time(MAX_SECONDS)
    connection.send_bytes(_answer(call))


def _answer_all(connection: Connection, _first: Callable[..., object] | None = None) -> None:
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
            raise LimitReached(f"the finished issue is larger than {MAX_RESULT_BYTES // 1_000_000} MB", _HINT)
        return pickled
    except MemoryError:
        return pickle.dumps(([_too_large()], None))
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


def _limit_memory() -> None:
    """Limit the address space to its present size and MAX_MEMORY_BYTES, where the system can do that."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        with open("/proc/self/statm", encoding="ascii") as statm:
            present = int(statm.read().split()[0]) * resource.getpagesize()
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (present + MAX_MEMORY_BYTES, hard))


def _limit_processor_time(seconds: float) -> None:
    """Make the system end this process if it still computes after its time: nobody may be left to kill it."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_CPU)
        resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time() + seconds) + 2, hard))
