"""The sinks of the benchmarks: servers on loopback, one process each, that accept and count all mail."""

import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

SMTP_SINK = Path("/usr/sbin/smtp-sink")
_START_SECONDS = 10


class Sink:
    """An `http` or `smtp` sink in a separate process, on `port`; `finish` stops it and returns its totals.

    `latency`: seconds until its responses arrive.
    """

    def __init__(self, kind: str, latency: float = 0.0) -> None:
        self._command = (sys.executable, Path(__file__).with_name(f"sink_{kind}.py"), str(latency))
        self._totals: dict[str, Any] | None = None

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._process.stdout
        self.port = int(self._process.stdout.readline())
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.finish()

    def finish(self) -> dict[str, Any]:
        """Stop the sink and return its totals; raise SystemExit if it found problems in the mail."""
        if self._totals is None:
            output, _ = self._process.communicate()
            self._totals = dict(json.loads(output))
            if problems := self._totals.get("problems"):
                raise SystemExit("the sink found problems in the mail:\n" + "\n".join(problems))
        return self._totals


class PostfixSink:
    """Postfix's smtp-sink, which accepts mail faster than a server in Python."""

    def __enter__(self) -> Self:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        user = ("-u", "nobody") if os.geteuid() == 0 else ()
        self._counters = tempfile.TemporaryFile()
        command = (SMTP_SINK, "-c", *user, f"127.0.0.1:{self.port}", "1000")
        self._process = subprocess.Popen(command, stdout=self._counters)
        _wait_for(self.port)
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._process.kill()
        self._process.wait()
        self._counters.close()

    def finish(self) -> dict[str, Any]:
        """Return the number of messages."""
        self._counters.seek(max(0, self._counters.seek(0, os.SEEK_END) - 200))
        counts = re.findall(rb"mesg= *(\d+)", self._counters.read())
        return {"messages": int(counts[-1]) if counts else 0}


def fastest_smtp() -> Sink | PostfixSink:
    """Return smtp-sink if it is installed, else the sink in Python."""
    return PostfixSink() if SMTP_SINK.exists() else Sink("smtp")


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
