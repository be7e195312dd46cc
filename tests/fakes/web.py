"""A loopback HTTP/1.1 service with keep-alive and ordered faults: the base of every fake web API."""

import json
import re
import socket
import socketserver
import ssl
import struct
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal, NamedTuple, Self
from urllib.parse import urlsplit

ADDRESS = re.compile(r"[^\s@,;<>\"]+@[A-Za-z0-9.-]+\.[A-Za-z0-9-]+")
"""An address as most providers accept it."""


class Reply(NamedTuple):
    """A response; a payload that is not bytes is sent as JSON."""

    status: int
    payload: object = b""
    headers: Mapping[str, str] = {}


@dataclass(frozen=True)
class Request:
    """A received request; `body` is the parsed JSON, or None. Header names are case-insensitive."""

    method: str
    path: str
    headers: Message
    raw: bytes
    body: Any


@dataclass(frozen=True)
class Fault:
    """The treatment of one request; ordered with `WebFake.next`.

    `reply` replaces the right response, and the request has no effect. `cut` ends the connection, after the
    reply if there is one. `seconds` delays the right response; `later` delays the request's effect, and no
    response is sent. `silent` then keeps the connection open.
    """

    reply: Reply | None = None
    cut: (
        Literal[
            "before body",  # after the headers
            "in body",  # after half of the body
            "before reply",  # after the request had its effect
        ]
        | None
    ) = None
    seconds: float = 0
    later: float | None = None
    silent: bool = False

    @classmethod
    def html(cls, status: int = 502) -> Self:
        """Reply with the HTML page of a proxy."""
        page = b"<html><body><h1>Bad gateway</h1></body></html>"
        return cls(Reply(status, page, {"Content-Type": "text/html"}))

    @classmethod
    def redirect(cls, location: str, status: int = 302) -> Self:
        return cls(Reply(status, headers={"Location": location}))

    @classmethod
    def unread(cls, reply: Reply) -> Self:
        """Reply after the headers and reset the connection (RST), without reading the body."""
        return cls(reply, cut="before body")

    @classmethod
    def reset(cls) -> Self:
        """Reset the connection (RST) after the headers."""
        return cls(cut="before body")

    @classmethod
    def reset_in_body(cls) -> Self:
        """Reset the connection (RST) after half of the body."""
        return cls(cut="in body")

    @classmethod
    def reply_lost(cls) -> Self:
        """Let the request take effect, and close the connection without a reply."""
        return cls(cut="before reply")

    @classmethod
    def late(cls, seconds: float) -> Self:
        """Let the request take effect at once, and reply `seconds` later, unless the fake closes first."""
        return cls(seconds=seconds)

    @classmethod
    def arrives(cls, seconds: float, *, silent: bool = False) -> Self:
        """Let the request take effect `seconds` later by the fake's clock, like one delayed in the network.

        It gets no response: the connection is closed, or with `silent` kept open until the client closes it.
        """
        return cls(later=seconds, silent=silent)


class WebFake:
    """A service on 127.0.0.1 while its `with` block runs; a subclass implements the right responses.

    `connections` counts them. With `tls` it speaks https. Its clock is `offset` seconds ahead. A fault that
    was ordered and not used is an error at the end: the test has not tested it.
    """

    allows_unused_faults = False
    """True if the client may be killed before it uses all faults."""

    def __init__(self, port: int = 0, verbose: bool = False, tls: ssl.SSLContext | None = None) -> None:
        self.verbose, self.tls = verbose, tls
        self.connections = 0
        self.offset = 0.0
        self.closing = threading.Event()
        self.lock = threading.RLock()
        self._port = port
        self._requests: list[Request] = []
        self._deliveries: list[Any] = []
        self._orders: list[tuple[str, Fault | None]] = []

    def answer(self, request: Request) -> Reply:
        """Carry out the request and return the right response."""
        raise NotImplementedError

    def postpone(self, request: Request, seconds: float) -> None:
        """Let a request take effect `seconds` later."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        self._server = _Server(self, self._port)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        return self

    def __exit__(self, failure: type[BaseException] | None, *_: object) -> None:
        self.close()
        if failure is None and not self.allows_unused_faults:
            assert not self._orders, f"unused faults: {self._orders}"

    def close(self) -> None:
        """Stop listening, and end all connections."""
        self.closing.set()
        self._server.shutdown()
        self._server.hang_up()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self._server.server_address[1]}"

    def hang_up(self) -> None:
        """Close every connection, like a server after an idle time-out."""
        self._server.hang_up()

    @property
    def requests(self) -> list[Request]:
        """Return a copy of the received requests, safe to read while requests run."""
        with self.lock:
            return list(self._requests)

    @property
    def deliveries(self) -> list[Any]:
        """Return a copy of the accepted mail, as the subclass describes it."""
        with self.lock:
            return list(self._deliveries)

    def next(self, *faults: Fault | None, path: str = "") -> None:
        """Order faults for the next requests whose path starts with `path`; None treats one normally.

        For a request to a proxy, too, only the path of its URL is compared.
        """
        assert not path or path.startswith("/"), f"a path starts with /: {path}"
        with self.lock:
            self._orders += ((path, fault) for fault in faults)

    def take(self, path: str) -> Fault:
        """Return the fault ordered for this request and remove it; without one, a fault that does nothing."""
        with self.lock:
            for number, (prefix, fault) in enumerate(self._orders):
                if path.startswith(prefix):
                    del self._orders[number]
                    return fault or Fault()
        return Fault()

    def record(self, request: Request) -> None:
        with self.lock:
            self._requests.append(request)


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # so that server_close joins them
    request_queue_size = 128

    def __init__(self, fake: WebFake, port: int) -> None:
        self.fake = fake
        self._open: set[socket.socket] = set()
        super().__init__(("127.0.0.1", port), _Handler)

    def server_bind(self) -> None:
        socketserver.TCPServer.server_bind(self)  # HTTPServer.server_bind would look up a host name

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        self.fake.connections += 1
        if tls := self.fake.tls:  # the handshake is for the connection's own thread
            connection = tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        self._open.add(connection)
        return connection, address

    def close_request(self, request: Any) -> None:
        self._open.discard(request)
        super().close_request(request)

    def hang_up(self) -> None:
        """End kept-alive connections; their threads would wait for the next request."""
        for connection in tuple(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        # A client may close its connection at any time.
        if not isinstance(sys.exception(), ConnectionError | ssl.SSLError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def _respond(self) -> None:
        fake = self.server.fake
        fault = fake.take(urlsplit(self.path).path)
        length = int(self.headers.get("Content-Length", 0))
        size = {"before body": 0, "in body": length // 2}.get(fault.cut or "", length)
        raw = self.rfile.read(size)
        request = Request(self.command, self.path, self.headers, raw, _parsed(raw))
        fake.record(request)
        if fault.cut in ("before body", "in body"):
            if fault.reply:
                self._write(fault.reply)
            self._reset()
        elif "Transfer-Encoding" in self.headers:
            self.close_connection = True
            self._write(Reply(411))
        elif len(raw) < length:  # the client closed the connection too early
            self.close_connection = True
        elif fault.later is not None:
            self.close_connection = True
            fake.postpone(request, fault.later)
            if fault.silent:
                self.rfile.read(1)
        else:
            reply = fault.reply or fake.answer(request)
            if fault.cut or (fault.seconds and fake.closing.wait(fault.seconds)):
                self.close_connection = True
            else:
                self._write(reply)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _respond

    def _write(self, reply: Reply) -> None:
        payload = reply.payload if isinstance(reply.payload, bytes) else json.dumps(reply.payload).encode()
        self.send_response(reply.status)
        if payload and "Content-Type" not in reply.headers:
            self.send_header("Content-Type", "application/json")
        if reply.status != 204:
            self.send_header("Content-Length", str(len(payload)))
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(payload)

    def _reset(self) -> None:
        """End the connection with RST instead of FIN; the base class closes its file on the socket later."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def date_time_string(self, timestamp: float | None = None) -> str:
        return super().date_time_string((timestamp or time.time()) + self.server.fake.offset)

    def log_message(self, format: str, *args: Any) -> None:
        if self.server.fake.verbose:
            super().log_message(format, *args)


def _parsed(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return None
