"""Run functions in a process of their own, with limits of time and memory.

An issue or a template can ask for a computation that never ends, or for all memory. No exception interrupts
compiled code, but a process can be killed. `run_limited` forks one process for one call; `LimitedProcess`
keeps one for many calls. The code that these processes run is in `worker`.
"""

import os
import pickle
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from functools import partial
from itertools import pairwise
from typing import Any, ParamSpec, Protocol, TypeVar, cast

from newsletter.errors import LimitReached
from newsletter.limits import fork
from newsletter.limits.worker import (
    HINT,
    MAX_RESULT_BYTES,
    Connection,
    answer_all,
    answer_once,
    serve,
    too_large,
)

MAX_SECONDS = 30.0
"""The time that building and checking an issue may take in a command."""
MAX_SECONDS_WITH_WAITS = 300.0
"""The time that the checks which wait for servers and other programs may take; each has its own time-outs."""
_MAX_ANSWER_BYTES = 2 * MAX_RESULT_BYTES

_CAN_FORK = hasattr(os, "fork")

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
        running.fork(answer_once, call, MAX_SECONDS)
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
            self._running.fork(answer_all)

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
                    running.spawn(answer_all, function)
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

    def fork(self, answer: Callable[..., None], *arguments: object) -> None:
        """Start the process as a fork of this one."""
        self._start(lambda: fork.start(lambda theirs: serve(answer, theirs, *arguments)))

    def spawn(self, answer: Callable[..., None], *arguments: object) -> None:
        """Start the process anew, with nothing of this one but the arguments."""
        import multiprocessing  # takes 10 ms

        context = multiprocessing.get_context("spawn")

        def start() -> tuple[Any, Connection]:
            ours, theirs = context.Pipe()
            process = context.Process(target=serve, args=(answer, theirs, *arguments), daemon=True)
            process.start()
            theirs.close()
            return process, ours

        self._start(start)

    def _start(self, start: Callable[[], tuple[Any, Connection]]) -> None:
        """Start the process; Ctrl-C meanwhile is raised afterwards, so that `end` can kill the process."""
        with _no_interrupt():
            self._process, self._connection = start()
            self.is_started = True

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
        """Close the connection of a fork, which ends then; do not wait while it frees its memory."""
        self._process.is_ending = True
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
    return LimitReached(f"building or checking the issue takes longer than {seconds:g} seconds", HINT)


def _ended(exit_code: int, seconds: float) -> LimitReached:
    """Return the error for a process that ended before its answer; a signal's code is negative."""
    name = signal.Signals(-exit_code).name if exit_code < 0 else ""
    if name == "SIGXCPU":
        return _too_slow(seconds)
    if name in ("SIGKILL", "SIGABRT"):  # of the system without memory, or of a library that got none
        return too_large()
    what = f"the process that builds the issue has ended ({name or f'exit code {exit_code}'})"
    return LimitReached(what, "please report it, with the issue and the templates")
