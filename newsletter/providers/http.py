"""Send HTTP/1.1 requests to one host, each once, over connections that are kept open.

No request is repeated and no redirect is followed, so that the caller knows what the server may have
processed: nothing after `NotConnected`, possibly the whole request after `NoResponse`.
"""

import base64
import io
import logging
import re
import selectors
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from email.message import Message
from functools import cached_property
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection, parse_headers
from typing import Any, NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from newsletter.display import printable

log = logging.getLogger(__name__)

TIMEOUT_SECONDS = 30
# Longer than the pause between two requests of a send, shorter than the idle time that servers allow.
IDLE_SECONDS = 4
# Enough for a response that lists 1000 errors.
MAX_CONTENT_BYTES = 524_288
_RECORD_BYTES = 16_384
_TUNNEL_FAILED = re.compile(r"(Tunnel connection failed: [0-9]{3}).*", re.DOTALL)
_NOT_IN_PATHS = re.compile(r"[^!-~]")
# RFC 9110, 5.5; other characters than those of Latin-1 have no bytes in a header.
_NOT_IN_HEADERS = re.compile(r"[\r\n\0]|[^\x00-\xff]")


class NotConnected(Exception):
    """The error for a request that the server certainly did not get: not a byte of it, or not to its end."""


class NoResponse(Exception):
    """The error for a request without a response; the server may have processed it.

    A part or all of the request was sent.
    """


class Response(NamedTuple):
    """A response, its content cut after the limit of the transport."""

    status: int
    headers: Message
    content: bytes


class _Proxy(NamedTuple):
    """A proxy of the environment, with the header that it asks for."""

    host: str
    port: int
    authorization: dict[str, str]


class Transport:
    """Connections to the host of a URL; safe to use from several threads.

    At most `max_idle` of them are kept open between requests, for `idle` seconds. `timeout` is for all of a
    call, from the connection to the end of the response, in seconds. Only the look-up of the host's name and
    its connections may take longer, if many addresses give no answer, and then nothing is sent. A proxy from
    the environment is used as a tunnel, so that it cannot read the requests. `reached` is True after the
    first connection was made. `connect` opens the sockets of connections without a proxy; it may raise
    ValueError. `max_content` is the number of bytes of a response that are read.
    """

    def __init__(
        self,
        url: str,
        max_idle: int,
        timeout: float,
        idle: float = IDLE_SECONDS,
        connect: Callable[..., socket.socket] = socket.create_connection,
        max_content: int = MAX_CONTENT_BYTES,
    ) -> None:
        self._url, self._connect_socket, self._max_content = urlsplit(url), connect, max_content
        self._max_idle, self._timeout, self._idle = max_idle, timeout, idle
        self._lock = threading.Lock()
        self._idle_connections: list[tuple[HTTPConnection, float]] = []
        self.reached = False

    def request(
        self, method: str, path: str, headers: Mapping[str, str], pieces: Sequence[bytes] = ()
    ) -> Response:
        """Send a request once, its content in pieces; return the response.

        Raise NotConnected if the server certainly has no whole request, NoResponse if no response came.
        """
        started = time.monotonic()
        deadline = started + self._timeout
        with self._connection(deadline) as connection:
            try:
                response = _request(connection, method, path, headers, pieces, deadline, self._max_content)
                self._log(method, path, started, response.status)
                return response
            except (OSError, HTTPException) as failure:
                self._log(method, path, started, failure=failure)
                raise NoResponse(_error_text(failure)) from failure

    def _log(
        self,
        method: str,
        path: str,
        started: float,
        status: int | None = None,
        failure: Exception | None = None,
    ) -> None:
        if log.isEnabledFor(logging.DEBUG):
            took = round(1000 * (time.monotonic() - started))
            fields = {"host": self._url.hostname, "method": method, "path": path, "milliseconds": took}
            message = "no response" if failure else "response received"
            log.debug(message, extra={**fields, "status": status}, exc_info=failure)

    def close(self) -> None:
        """Close the idle connections, and keep no others open."""
        with self._lock:
            self._max_idle = 0
            connections, self._idle_connections = self._idle_connections, []
        for connection, _ in connections:
            connection.close()

    @contextmanager
    def _connection(self, deadline: float) -> Iterator[HTTPConnection]:
        """Yield a connection for one request; keep it open afterwards if no error occurred."""
        connection = self._take_idle() or self._connect(deadline)
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        with self._lock:
            if connection.sock and len(self._idle_connections) < self._max_idle:
                self._idle_connections.append((connection, time.monotonic()))
                return
        connection.close()

    def _take_idle(self) -> HTTPConnection | None:
        while True:
            with self._lock:
                if not self._idle_connections:
                    return None
                connection, since = self._idle_connections.pop()
            # The server may have closed the connection; a request would fail only after it was sent.
            if time.monotonic() - since < self._idle and not _is_readable(connection.sock):
                return connection
            connection.close()

    def _connect(self, deadline: float) -> HTTPConnection:
        try:
            connection = self._new_connection()
            try:
                connection.connect()
                _remaining(deadline)
            except BaseException:
                connection.close()
                raise
        except (OSError, HTTPException, ValueError) as failure:  # ValueError: an invalid host name
            log.debug("no connection", extra={"host": self._url.hostname}, exc_info=failure)
            raise NotConnected(_error_text(failure)) from failure
        self.reached = True
        log.debug("connected", extra={"host": self._url.hostname, "via": connection.host})
        return connection

    def _new_connection(self) -> HTTPConnection:
        host, port = self._url.hostname or "", self._url.port
        via = self._proxy()
        target = (via.host, via.port) if via else (host, port)
        # For each address of the host, so that one without an answer leaves time for the next.
        seconds = min(self._timeout, max(self._timeout / 4, 1))
        connection: _HttpConnection | _HttpsConnection
        if self._url.scheme == "https":
            connection = _HttpsConnection(*target, timeout=seconds, context=self._tls)
        else:
            connection = _HttpConnection(*target, timeout=seconds)
        connection._create_connection = socket.create_connection if via else self._connect_socket
        if via:
            port = port or connection.default_port
            connection.set_tunnel(host, port, via.authorization)
        return connection

    def _proxy(self) -> "_Proxy | None":
        """Return the proxy of the environment for this host; None if there is none."""
        url = None if proxy_bypass(self._url.netloc) else getproxies().get(self._url.scheme)
        if not url:
            return None
        parts = urlsplit(url if "://" in url else f"http://{url}")
        if (port := _port(parts)) is None:
            name = f"{self._url.scheme}_proxy"
            what = f"the proxy in {name} cannot be read; in its password write %2F for /, and %23 for #"
            raise NotConnected(what)
        return _Proxy(parts.hostname or "", port, _authorization(parts))

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        """Return a TLS context that verifies certificates; it is made once, because loading it is slow."""
        context = ssl.create_default_context()
        context.set_alpn_protocols(["http/1.1"])
        return context


def _request(
    connection: HTTPConnection,
    method: str,
    path: str,
    headers: Mapping[str, str],
    pieces: Sequence[bytes],
    deadline: float,
    max_content: int,
) -> Response:
    """Send a request and return the response; raise NotConnected if a header cannot be sent."""
    # http.client would name the header, which may be a key, in its error.
    if any(_NOT_IN_HEADERS.search(value) for value in headers.values()) or _NOT_IN_PATHS.search(path):
        raise NotConnected("a header or the path holds a character that HTTP does not permit")
    length = {"Content-Length": str(sum(map(len, pieces)))} if pieces else {}
    content = _Content(connection, pieces, deadline) if pieces else None
    sent_all = True
    try:
        connection.sock.settimeout(_remaining(deadline))
        connection.request(method, path, content, {**headers, **length})
    except (BrokenPipeError, ConnectionResetError):
        sent_all = False  # A server may reject a request before it has read all of it.
    except TimeoutError as failure:
        if content and content.is_incomplete:
            raise NotConnected("the connection is too slow for the request") from failure
        raise
    connection.sock.settimeout(_remaining(deadline))
    with connection.getresponse() as response:
        if response.status < 200 or (not sent_all and not 400 <= response.status < 500):
            raise ConnectionResetError(f"{response.status} before all of the request was sent")
        result = Response(response.status, response.headers, _content(response, max_content))
        if not sent_all or not response.isclosed():  # the content was not read to its end
            connection.close()
    return result


class _Content:
    """The pieces of a request, in parts of the size of a TLS record: a socket's time-out is for each part.

    `is_incomplete` is True while a part after the one that is being sent is left: the server has no whole
    request, whatever the network did, and processes none (RFC 9112, 8).
    """

    def __init__(self, connection: HTTPConnection, pieces: Sequence[bytes], deadline: float) -> None:
        self._connection, self._pieces, self._deadline = connection, pieces, deadline
        self.is_incomplete = True

    def __iter__(self) -> Iterator[bytes]:
        parts = (
            piece[start : start + _RECORD_BYTES]
            for piece in self._pieces
            for start in range(0, len(piece), _RECORD_BYTES)
        )
        part = next(parts, None)
        while part is not None:
            following = next(parts, None)
            self._connection.sock.settimeout(_remaining(self._deadline))
            self.is_incomplete = following is not None
            yield part
            part = following


def _remaining(deadline: float) -> float:
    """Return the seconds up to a deadline; raise TimeoutError if it is over."""
    if (seconds := deadline - time.monotonic()) <= 0:
        raise TimeoutError("timed out")
    return seconds


def _content(response: HTTPResponse, max_content: int) -> bytes:
    """Return at most `max_content` bytes of the content; empty if it cannot be read: the status is enough."""
    try:
        return response.read(max_content)
    except (OSError, HTTPException, ValueError):
        return b""


def _is_readable(connection: socket.socket) -> bool:
    """Return True if an idle connection has data to read, usually because the server has closed it."""
    if isinstance(connection, ssl.SSLSocket) and connection.pending():
        return True
    with getattr(selectors, "PollSelector", selectors.SelectSelector)() as selector:
        selector.register(connection, selectors.EVENT_READ)
        return bool(selector.select(0))


def _port(proxy: SplitResult) -> int | None:
    """Return the port of a proxy; None if there is no number: a part of the password may be in its place."""
    try:
        return proxy.port or 80
    except ValueError:
        return None


def _authorization(proxy: SplitResult) -> dict[str, str]:
    if proxy.username is None:
        return {}
    pair = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}".encode()
    return {"Proxy-Authorization": f"Basic {base64.b64encode(pair).decode()}"}


def _error_text(failure: Exception) -> str:
    # A proxy may repeat the credentials after its status.
    text = _TUNNEL_FAILED.sub(r"\1", str(failure)) or type(failure).__name__
    return printable(text, 200)


class _DeadlineReader(io.RawIOBase):
    """A socket's stream with one time-out for the whole response instead of one for each read."""

    def __init__(self, connection: socket.socket, stream: io.RawIOBase) -> None:
        self._connection, self._stream = connection, stream
        # `_request` has set the rest of the call's time.
        self._deadline = time.monotonic() + (connection.gettimeout() or TIMEOUT_SECONDS)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._connection.settimeout(_remaining(self._deadline))
        return self._stream.readinto(buffer)

    def close(self) -> None:
        self._stream.close()
        super().close()


class _Response(HTTPResponse):
    """A response with one time-out; interim responses before it, such as 103 Early Hints, are passed over.

    `HTTPResponse` takes each of them but 100 for the response, and the next call would get the real one.
    """

    def __init__(self, sock: socket.socket, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        self.fp = io.BufferedReader(_DeadlineReader(sock, self.fp.detach()))

    def _read_status(self) -> tuple[str, int, str]:
        while True:
            version, status, reason = super()._read_status()  # type: ignore[misc]
            if not 100 < status < 200 or status == HTTPStatus.SWITCHING_PROTOCOLS:
                return version, status, reason
            parse_headers(self.fp)


class _HttpConnection(HTTPConnection):
    response_class = _Response
    # The seam of `http.client` for the socket; its types do not know it.
    _create_connection: Callable[..., socket.socket]


class _HttpsConnection(HTTPSConnection):
    response_class = _Response
    _create_connection: Callable[..., socket.socket]
