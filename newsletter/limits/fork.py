"""Fork this process, and exchange messages with the fork.

The classes have the methods of `multiprocessing` that `process` uses; to import that package takes 10 ms.
"""

import atexit
import os
import select
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn

_LENGTH_BYTES = 8
_MAX_READ_BYTES = 1 << 16  # the size of a pipe of Linux


class Pipe:
    """One end of a connection that carries messages in both directions."""

    def __init__(self, reading: int, writing: int) -> None:
        self._reading, self._writing = reading, writing

    def poll(self, seconds: float) -> bool:
        """Wait for a message, or for the end of the other process; return False after `seconds`."""
        poll = select.poll()  # `select` refuses numbers of files from 1,024 on
        poll.register(self._reading, select.POLLIN)
        return bool(poll.poll(seconds * 1000))

    def send_bytes(self, message: bytes) -> None:
        """Send a message; raise OSError if the other process has ended."""
        rest = memoryview(len(message).to_bytes(_LENGTH_BYTES) + message)
        while rest:
            rest = rest[os.write(self._writing, rest) :]

    def recv_bytes(self, max_bytes: int = sys.maxsize) -> bytes:
        """Return the next message.

        Raise OSError if it is too long, and EOFError if the other process has ended.
        """
        length = int.from_bytes(self._read(_LENGTH_BYTES))
        if length > max_bytes:
            raise OSError(f"a message of {length:,} bytes")
        return self._read(length)

    def _read(self, length: int) -> bytes:
        content = bytearray()
        while len(content) < length:
            part = os.read(self._reading, min(length - len(content), _MAX_READ_BYTES))
            if not part:
                raise EOFError
            content += part
        return bytes(content)

    def close(self) -> None:
        """Close this end."""
        os.close(self._reading)
        os.close(self._writing)


class Fork:
    """A child process that is a fork of this one."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self.exitcode: int | None = None
        """None until `join`; negative for the number of a signal that ended the process."""
        self.is_ending = False
        """True if the process has nothing left to do: at the end of this one, it is not killed."""

    def kill(self) -> None:
        """Kill the process, unless it has ended."""
        if self.exitcode is None:
            with suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)

    def join(self) -> None:
        """Wait for the end of the process."""
        if self.exitcode is None:
            self._wait(0)

    def is_alive(self) -> bool:
        """Return False if the process has ended; the system then forgets it."""
        if self.exitcode is None:
            self._wait(os.WNOHANG)
        return self.exitcode is None

    def _wait(self, options: int) -> None:
        try:
            pid, status = os.waitpid(self._pid, options)
        except ChildProcessError:  # another thread has waited for it, or the system if SIGCHLD is ignored
            self.exitcode = self.exitcode or 0
            return
        if pid:
            self.exitcode = os.waitstatus_to_exitcode(status)


_forks: list[Fork] = []
"""The forks that nobody may have waited for: the system keeps the exit code of each until somebody does."""
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forks.clear)  # they are the children of the other process


@atexit.register
def end_all() -> None:
    """End the forks of this process, and wait for those that are ending already."""
    for process in _forks:
        if not process.is_ending:
            process.kill()
        process.join()


def start(main: Callable[[Pipe], None]) -> tuple[Fork, Pipe]:
    """Run a function in a fork of this process; return the fork, and this process's end of the connection."""
    _forks[:] = filter(Fork.is_alive, _forks)
    calls, answers = os.pipe(), os.pipe()
    # Python calls functions of modules after a fork, and ignores what they raise: Ctrl-C would be lost there.
    interrupts: list[int] = []
    handler = signal.getsignal(signal.SIGINT)
    is_main = threading.current_thread() is threading.main_thread() and handler is not None
    if is_main:
        signal.signal(signal.SIGINT, lambda number, _: interrupts.append(number))
    pid = os.fork()
    if is_main:
        signal.signal(signal.SIGINT, handler)
    if not pid:
        _run(main, Pipe(calls[0], answers[1]), inherited=(calls[1], answers[0]))
    os.close(calls[0])
    os.close(answers[1])
    _forks.append(process := Fork(pid))
    if interrupts and callable(handler):
        handler(signal.SIGINT, None)
    return process, Pipe(answers[0], calls[1])


def _run(main: Callable[[Pipe], None], pipe: Pipe, inherited: tuple[int, ...]) -> NoReturn:
    """Run a function and end this process, without what Python does at its end: the other process does it."""
    code = 1
    try:
        for number in inherited:  # a copy of the other end would hide that the other process has ended
            os.close(number)
        main(pipe)
        code = 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(code)
