"""An HTTP server that accepts SendGrid's mail/send, and counts.

`python benchmarks/sink_http.py LATENCY` prints its port, and its totals when its standard input is closed.
"""

import json
import re
import socket
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

CHECK_EVERY = 50
_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
_CLOSE = re.compile(rb"(?i)\r\nconnection: *close")
# Each recipient has exactly one. A long text is found faster than `"to":`; the bodies that are parsed confirm
# the count.
_RECIPIENT = b'"Message-ID":'
# Other requests of a send, and their responses.
_OTHER_RESPONSES = {b"GET /v3/user/scheduled_sends": b"[]", b"POST /v3/mail/batch": b'{"batch_id": "sink"}'}


class HttpSink:
    """A server that answers POST /v3/mail/send with 202, `latency` seconds after the end of the request.

    It counts the recipients in each body, and checks each fiftieth body against SendGrid's rules.
    """

    def __init__(self, latency: float) -> None:
        self._latency = latency
        self._lock = threading.Lock()
        self._began = self._ended = 0.0
        self._last_recipients: set[bytes] = set()
        self._problems: list[str] = []
        self._counts = dict.fromkeys(("requests", "recipients", "bytes", "read_whole", "connections"), 0)

    def start(self) -> int:
        """Start to listen, in threads; return the port."""
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
            _in_background(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
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
                connection.sendall(self._respond(path, buffer, start, end))
                if closing:
                    return

    def _respond(self, path: bytes, buffer: bytearray, start: int, end: int) -> bytes:
        if path == b"POST /v3/mail/send":
            number = self._count(buffer, start, end)
            if self._latency:
                time.sleep(self._latency)
            self._ended = time.perf_counter()
            return b"HTTP/1.1 202 Accepted\r\nX-Message-Id: sink-%d\r\nContent-Length: 0\r\n\r\n" % number
        response = _OTHER_RESPONSES.get(path)
        if response is None:
            self._problems.append(f"the sink does not know the request {path!r}")
            return b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
        status = b"200 OK" if path.startswith(b"GET") else b"201 Created"
        return b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status, len(response), response)

    def _count(self, buffer: bytearray, start: int, end: int) -> int:
        recipients = buffer.count(_RECIPIENT, start, end)
        last = buffer.rfind(_RECIPIENT, start, end)
        last_recipient = bytes(buffer[last : last + 120])
        with self._lock:
            self._began = self._began or time.perf_counter()
            self._counts["requests"] += 1
            self._counts["recipients"] += recipients
            self._counts["bytes"] += end - start
            number = self._counts["requests"]
            if last_recipient in self._last_recipients:
                self._problems.append(f"request {number} ends with a recipient of another request")
            self._last_recipients.add(last_recipient)
        if number % CHECK_EVERY == 1:
            self._counts["read_whole"] += 1
            self._problems += _problems_of(bytes(buffer[start:end]), recipients)
        return number


def _read_head(connection: socket.socket, buffer: bytearray) -> tuple[int, int] | None:
    """Return the start of the body and the bytes in the buffer, or None if the connection is closed."""
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


def _problems_of(body: bytes, counted: int) -> list[str]:
    """Return the problems that SendGrid would reject, and a problem if recipients share a link."""
    from tests.fakes import sendgrid_rules

    message = json.loads(body)
    problems = [str(error) for error in sendgrid_rules.check(message, time.time(), lambda _: True)]
    people = message["personalizations"]
    links = {re.findall(r"<([^>]+)>", person["headers"]["List-Unsubscribe"])[0] for person in people}
    substituted = {tuple(person["substitutions"].values()) for person in people}
    if not len(people) == len(links) == len(substituted) == counted:
        problems.append(f"{len(people)} recipients ({counted} counted), {len(links)} unsubscribe links")
    return problems


def _in_background(action: Callable[..., object], *arguments: object) -> None:
    threading.Thread(target=action, args=arguments, daemon=True).start()


def main() -> None:
    sink = HttpSink(float(sys.argv[1]))
    print(sink.start(), flush=True)
    sys.stdin.read()
    print(json.dumps(sink.totals()), flush=True)


if __name__ == "__main__":
    main()
