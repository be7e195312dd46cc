"""An HTTP server that takes SendGrid's mail/send, and counts.

`python benchmarks/sink_http.py LATENCY` prints its port, and what it got when its standard input ends.
"""

import json
import re
import socket
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

CHECK_EACH = 50
_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
_CLOSE = re.compile(rb"(?i)\r\nconnection: *close")
# Each recipient has one. A long needle is found faster than the `"to":` it stands for; the bodies that are
# read whole tell whether it does.
_RECIPIENT = b'"Message-ID":'
# What a send may ask besides.
_OTHER_ANSWERS = {b"GET /v3/user/scheduled_sends": b"[]", b"POST /v3/mail/batch": b'{"batch_id": "sink"}'}


class HttpSink:
    """Answers POST /v3/mail/send with 202, `latency` seconds after it has all of it.

    Recipients are counted in each body; each fiftieth is read whole and held against SendGrid's rules.
    """

    def __init__(self, latency: float) -> None:
        self._latency = latency
        self._lock = threading.Lock()
        self._began = self._ended = 0.0
        self._last_ones: set[bytes] = set()
        self._problems: list[str] = []
        self._counts = dict.fromkeys(("requests", "recipients", "bytes", "read_whole", "connections"), 0)

    def start(self) -> int:
        """Listens, and goes on in threads; the port."""
        server = socket.create_server(("127.0.0.1", 0), backlog=1000)
        _in_background(self._accept, server)
        return int(server.getsockname()[1])

    def totals(self) -> dict[str, Any]:
        return {**self._counts, "seconds": self._ended - self._began, "problems": self._problems[:5]}

    def _accept(self, server: socket.socket) -> None:
        while True:
            connection, _ = server.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._counts["connections"] += 1
            _in_background(self._converse, connection)

    def _converse(self, connection: socket.socket) -> None:
        buffer = bytearray(1 << 20)
        with connection:
            while (head := _read_head(connection, buffer)) is not None:
                start, filled = head
                length = _LENGTH.search(buffer, 0, start)
                end = start + int(length[1]) if length else start
                if end > len(buffer):
                    buffer.extend(bytes(end - len(buffer)))
                _read_to(connection, buffer, filled, end)
                path = bytes(buffer[: buffer.find(b" HTTP/")])
                closing = _CLOSE.search(buffer, 0, start)
                connection.sendall(self._answer(path, buffer, start, end))
                if closing:
                    return

    def _answer(self, path: bytes, buffer: bytearray, start: int, end: int) -> bytes:
        if path == b"POST /v3/mail/send":
            number = self._take(buffer, start, end)
            if self._latency:
                time.sleep(self._latency)
            self._ended = time.perf_counter()
            return b"HTTP/1.1 202 Accepted\r\nX-Message-Id: sink-%d\r\nContent-Length: 0\r\n\r\n" % number
        said = {b"GET /v3/user/scheduled_sends": b"[]", b"POST /v3/mail/batch": b'{"batch_id": "sink"}'}.get(
            path
        )
        if said is None:
            self._problems.append(f"nobody told the sink about {path!r}")
            return b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
        status = b"200 OK" if path.startswith(b"GET") else b"201 Created"
        return b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status, len(said), said)

    def _take(self, buffer: bytearray, start: int, end: int) -> int:
        recipients = buffer.count(_RECIPIENT, start, end)
        last = buffer.rfind(_RECIPIENT, start, end)
        last_one = bytes(buffer[last : last + 120])
        with self._lock:
            self._began = self._began or time.perf_counter()
            self._counts["requests"] += 1
            self._counts["recipients"] += recipients
            self._counts["bytes"] += end - start
            number = self._counts["requests"]
            if last_one in self._last_ones:
                self._problems.append(f"request {number} ends with somebody who was in another one")
            self._last_ones.add(last_one)
        if number % CHECK_EACH == 1:
            self._counts["read_whole"] += 1
            self._problems += _wrong_with(bytes(buffer[start:end]), recipients)
        return number


def _read_head(connection: socket.socket, buffer: bytearray) -> tuple[int, int] | None:
    """Where the body starts, and how much is in the buffer; None where the connection has ended."""
    filled = 0
    with memoryview(buffer) as view:
        while True:
            try:
                got = connection.recv_into(view[filled:])
            except ConnectionError:
                return None
            if not got:
                return None
            filled += got
            if (end := buffer.find(b"\r\n\r\n", 0, filled)) >= 0:
                return end + 4, filled


def _read_to(connection: socket.socket, buffer: bytearray, filled: int, end: int) -> None:
    with memoryview(buffer) as view:
        while filled < end:
            got = connection.recv_into(view[filled:end])
            if not got:
                raise ConnectionError("the body ended early")
            filled += got


def _wrong_with(body: bytes, counted: int) -> list[str]:
    """What SendGrid would refuse, and links that several recipients share."""
    from tests.fakes import sendgrid_rules

    message = json.loads(body)
    wrong = [str(error) for error in sendgrid_rules.check(message, time.time(), lambda _: True)]
    people = message["personalizations"]
    links = {re.findall(r"<([^>]+)>", one["headers"]["List-Unsubscribe"])[0] for one in people}
    substituted = {tuple(one["substitutions"].values()) for one in people}
    if not len(people) == len(links) == len(substituted) == counted:
        wrong.append(f"{len(people)} recipients ({counted} counted), {len(links)} unsubscribe links")
    return wrong


def _in_background(action: Callable[..., object], *arguments: object) -> None:
    threading.Thread(target=action, args=arguments, daemon=True).start()


def main() -> None:
    sink = HttpSink(float(sys.argv[1]))
    print(sink.start(), flush=True)
    sys.stdin.read()
    print(json.dumps(sink.totals()), flush=True)


if __name__ == "__main__":
    main()
