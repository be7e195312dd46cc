"""Start Python programs as forks of a process that has already imported all modules of news.

Imports take most of the time of a short `news`, and some tests start hundreds. A fork is a normal process: it
has its own environment, folder, output and exit code, and can be killed.

`python -m tests.forks DESCRIPTOR` is the fork server, one for all workers of a run of tests: it listens on
the socket with this file descriptor, until its standard input is closed.
"""

import atexit
import gc
import importlib
import json
import os
import pkgutil
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn

import newsletter
from tests import caches

ROOT = Path(__file__).parent.parent
# Modules that the libraries import only on use.
_LATE_IMPORTS = ("psycopg", "sqlalchemy.dialects.postgresql.psycopg", "sqlalchemy.dialects.sqlite.pysqlite")
_START_SECONDS = 60


class Fork:
    """A running program."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection, self._lock = connection, threading.Lock()
        self._received = b""
        self._code: int | None = None
        self.pid = int(self._line())

    def send_signal(self, number: int) -> None:
        if self._code is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def wait(self, seconds: float | None = None) -> int:
        """Return the exit code, negative after a signal; raise TimeoutExpired if the program still runs."""
        with self._lock:
            if self._code is None:
                self._connection.settimeout(seconds)
                try:
                    self._code = int(self._line())
                except TimeoutError:
                    raise subprocess.TimeoutExpired(str(self.pid), seconds or 0) from None
                self._connection.close()
            return self._code

    def _line(self) -> bytes:
        """Read the next line from the fork server."""
        while b"\n" not in self._received:
            more = self._connection.recv(100)
            if not more:
                self._connection.close()
                raise AssertionError("the fork server has ended")
            self._received += more
        line, _, self._received = self._received.partition(b"\n")
        return line


@contextmanager
def run_fork_server() -> Iterator[str]:
    """Run the fork server; yield the path of its socket, where connections wait for its imports."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:  # the path of a socket has at most 107 bytes
        address = str(Path(folder) / "socket")
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
            listening.bind(address)
            listening.listen(100)
            number = listening.fileno()
            command = [sys.executable, "-m", "tests.forks", str(number)]
            server = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, pass_fds=[number])
        with server:
            yield address


class ForkServer:
    """The fork server, which starts programs; `address` is the path of its socket."""

    def __init__(self, address: str) -> None:
        self.address = address

    def start(
        self,
        module: str,
        *arguments: str,
        folder: Path,
        output: int,
        errors: int,
        environment: Mapping[str, str] = os.environ,
    ) -> Fork:
        """Start `python -m MODULE ARGUMENT…` in a folder; its output goes to the file descriptors."""
        order = {"module": module, "arguments": arguments, "folder": str(folder)}
        order["environment"] = dict(environment)
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(_START_SECONDS)
        try:
            connection.connect(self.address)
            # The first byte carries the descriptors.
            socket.send_fds(connection, [b"{"], [output, errors])
            connection.sendall(json.dumps(order).encode()[1:] + b"\n")
            return Fork(connection)
        except OSError as failure:
            connection.close()
            raise AssertionError(f"the fork server has ended, or does not answer: {failure}") from failure


def main(number: int) -> None:
    """Import all modules, and run each requested program in a fork."""
    _import_everything()
    caches.share_compiled_statements()
    caches.fill_caches()
    caches.compile_statements()
    gc.freeze()
    assert threading.active_count() == 1, "a fork has only the thread that forks"
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches pytest too, which ends this process later
    with socket.socket(fileno=number) as listening:
        order = _fork_programs(listening)
    if order:
        _run(order["module"])


def _run(module: str) -> NoReturn:
    """Run a program and exit with its code, without the teardown of all modules: it would copy them first."""
    code: object = None
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        code = end.code
    if code is not None and not isinstance(code, int):
        print(code, file=sys.stderr)
        code = 1
    threading._shutdown()  # type: ignore[attr-defined]  # waits for the threads, as a normal exit does
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code or 0)


def _import_everything() -> None:
    for module in pkgutil.walk_packages(newsletter.__path__, "newsletter."):
        if not module.name.endswith("__main__") and "migrations" not in module.name:
            importlib.import_module(module.name)
    for name in _LATE_IMPORTS:
        importlib.import_module(name)


def _fork_programs(listening: socket.socket) -> dict[str, Any] | None:
    """Fork the requested programs and report their exit codes; return in each fork, and at the end with None.

    A program is forked once: a fork of this large process takes a good part of a short program's time.
    """
    programs: dict[int, socket.socket] = {}
    child_ended, wakeup = socket.socketpair()
    for end in (child_ended, wakeup):
        end.setblocking(False)
    # A handler must be set so that the signal writes to the file descriptor.
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wakeup.fileno())
    while True:
        ready = select.select([listening, child_ended, sys.stdin], [], [])[0]
        if sys.stdin in ready:
            for pid in programs:
                os.kill(pid, signal.SIGKILL)
            return None
        if child_ended in ready:
            child_ended.recv(1000)
            _report_ended(programs)
        if listening in ready:
            connection, _ = listening.accept()
            try:
                order, descriptors = _receive_order(connection)
            except OSError:  # the worker has ended
                connection.close()
                continue
            pid = os.fork()
            if pid == 0:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                signal.signal(signal.SIGINT, signal.default_int_handler)
                for inherited in (child_ended, wakeup, connection, *programs.values()):
                    inherited.close()
                _set_up_process(order, descriptors)
                return order
            for descriptor in descriptors:
                os.close(descriptor)
            programs[pid] = connection
            _report(connection, pid)


def _receive_order(connection: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """Return the order of a program, and the descriptors of its output; raise OSError if it is cut off."""
    data, descriptors, *_ = socket.recv_fds(connection, 1, 2)
    while not data.endswith(b"\n"):
        more = connection.recv(1_000_000)
        if not more:
            for descriptor in descriptors:
                os.close(descriptor)
            raise OSError("the order is not complete")
        data += more
    return json.loads(data), descriptors


def _report_ended(programs: dict[int, socket.socket]) -> None:
    """Report the exit codes of the programs that have ended."""
    while programs:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        connection = programs.pop(pid)
        _report(connection, os.waitstatus_to_exitcode(status))
        connection.close()


def _report(connection: socket.socket, number: int) -> None:
    with suppress(OSError):  # the test may have closed the connection
        connection.sendall(b"%d\n" % number)


def _set_up_process(order: dict[str, Any], descriptors: Sequence[int]) -> None:
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    for standard, descriptor in enumerate(descriptors, 1):
        os.dup2(descriptor, standard)
        os.close(descriptor)
    sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = os.fdopen(2, "w", 1, encoding="utf-8", errors="backslashreplace", closefd=False)
    sys.argv = [order["module"], *order["arguments"]]
    os.environ.clear()
    os.environ.update(order["environment"])
    time.tzset()
    os.chdir(order["folder"])


if __name__ == "__main__":
    main(int(sys.argv[1]))
