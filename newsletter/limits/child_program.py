"""Start an installed program, and kill it with its children if it does not end by itself."""

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from newsletter.background import BackgroundTask

if TYPE_CHECKING:
    import subprocess


_MAX_START_SECONDS = 5


@contextmanager
def child_program(command: Sequence[str], **options: Any) -> Iterator["subprocess.Popen[bytes]"]:
    """Start a program in a session of its own, and yield its process; `options` are those of Popen.

    If it has not ended at the end of the block, also after Ctrl-C, it is killed with the programs that it
    started. In its session it has no terminal on which it could ask for a password. Raise OSError or
    ValueError if it cannot be started.

    A thread starts it: Ctrl-C raises KeyboardInterrupt in the main thread, and inside Popen it would leave a
    process behind that nobody knows. The same thread kills a program that was given up while it was started.
    """
    import subprocess

    given_up, was_tried = threading.Event(), threading.Event()
    started: list[subprocess.Popen[bytes]] = []

    def start() -> None:
        try:
            started.append(subprocess.Popen(command, start_new_session=True, **options))
            if given_up.is_set():
                _kill(started[0])
        finally:
            was_tried.set()

    try:
        _run(start)
        yield started[0]
    finally:
        given_up.set()
        if started:
            _kill(started[0])
        was_tried.wait(_MAX_START_SECONDS)  # not forever: Ctrl-C may have come before the thread


def _run(start: Callable[[], None]) -> None:
    """Run a function in a thread; raise OSError if there can be no further thread."""
    try:
        task = BackgroundTask(start)
    except RuntimeError as failure:
        raise OSError(str(failure)) from failure
    task.result()


def _kill(process: "subprocess.Popen[bytes]") -> None:
    """Kill a process with its group unless its end is known; its id may be that of another process then."""
    if process.returncode is None:
        with suppress(OSError):  # it has ended; on macOS, also if all of its group have
            if hasattr(os, "killpg"):
                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()
        process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream:
            with suppress(OSError):
                stream.close()
