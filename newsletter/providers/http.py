"""HTTP/1.1 to one host: connections are kept, and every request is sent once.

Nothing here tries again or follows a redirect, so that whoever asks knows what may have been taken: nothing
after `NotConnected`, perhaps all of it after `NoResponse`.
"""

import base64
import io
import logging
import selectors
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from email.message import Message
from functools import cached_property
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from newsletter.display import printable

log = logging.getLogger(__name__)

TIMEOUT_SECONDS = 30
# Longer than what lies between two requests of a send, shorter than servers keep an idle connection.
IDLE_SECONDS = 4
# What 1000 errors take.
ANSWER_BYTES = 524_288


class NotConnected(Exception):
    """There was no connection: not a byte of the request has left."""


class NoResponse(Exception):
    """Some of the request was sent, and nothing came back that says what became of it."""


class Response(NamedTuple):
    status: int
    headers: Message
    content: bytes


class Transport:
    """Connections to the host of a URL; safe to use from several threads.

    At most `most` of them are kept open between requests. `timeout` is for connecting, for sending, and for
    the whole of the answer, in seconds. A proxy that the environment names gives a tunnel, and sees nothing
    of what passes through it. `reached` is whether there has been a connection.
    """

    def __init__(self, url: str, most: int, timeout: float, idle: float = IDLE_SECONDS) -> None:
        self._url = urlsplit(url)
        self._most, self._timeout, self._idle = most, timeout, idle
        self._lock = threading.Lock()
        self._kept: list[tuple[HTTPConnection, float]] = []
        self.reached = False

    def ask(
        self, method: str, path: str, headers: Mapping[str, str], pieces: Sequence[bytes] = ()
    ) -> Response:
        """A request with content in pieces, sent once, and its answer; raises Unreached or Unanswered."""
        started = time.monotonic()
        with self._connection() as connection:
            try:
                answer = _asked(connection, method, path, headers, pieces)
                self._log(method, path, started, answer.status)
                return answer
            except (OSError, HTTPException, ValueError) as failure:
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
            message = "no answer" if failure else "request answered"
            log.debug(message, extra={**fields, "status": status}, exc_info=failure)

    def close(self) -> None:
        """Ends what is kept, and keeps nothing more."""
        with self._lock:
            self._most = 0
            kept, self._kept = self._kept, []
        for connection, _ in kept:
            connection.close()

    @contextmanager
    def _connection(self) -> Iterator[HTTPConnection]:
        """One to itself, to be kept afterwards if nothing went wrong and it is still open."""
        connection = self._kept_one() or self._new_one()
        connection.sock.settimeout(self._timeout)
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        with self._lock:
            if connection.sock and len(self._kept) < self._most:
                self._kept.append((connection, time.monotonic()))
                return
        connection.close()

    def _kept_one(self) -> HTTPConnection | None:
        while True:
            with self._lock:
                if not self._kept:
                    return None
                connection, since = self._kept.pop()
            # The server may have closed it meanwhile: a request would find that out only once it is sent.
            if time.monotonic() - since < self._idle and not _readable(connection.sock):
                return connection
            connection.close()

    def _new_one(self) -> HTTPConnection:
        try:
            connection = self._unconnected()
            try:
                connection.connect()
            except BaseException:
                connection.close()
                raise
        except (OSError, HTTPException, ValueError) as failure:  # ValueError: a host that is none
            log.debug("no connection", extra={"host": self._url.hostname}, exc_info=failure)
            raise NotConnected(_error_text(failure)) from failure
        self.reached = True
        log.debug("connected", extra={"host": self._url.hostname, "via": connection.host})
        return connection

    def _unconnected(self) -> HTTPConnection:
        host, port = self._url.hostname or "", self._url.port
        proxy = None if proxy_bypass(self._url.netloc) else getproxies().get(self._url.scheme)
        via = urlsplit(proxy if "://" in proxy else f"http://{proxy}") if proxy else None
        place = (via.hostname or "", via.port or 80) if via else (host, port)
        if self._url.scheme == "https":
            connection: HTTPConnection = _Secure(*place, timeout=self._timeout, context=self._tls)
        else:
            connection = _Plain(*place, timeout=self._timeout)
        if via:
            port = port or connection.default_port
            connection.set_tunnel(host, port, _proxy_authorization(via.username, via.password))
        return connection

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        """Certificates are verified; read once, since that takes longer than connecting."""
        context = ssl.create_default_context()
        context.set_alpn_protocols(["http/1.1"])
        return context


def _asked(
    connection: HTTPConnection, method: str, path: str, headers: Mapping[str, str], pieces: Sequence[bytes]
) -> Response:
    length = {"Content-Length": str(sum(map(len, pieces)))} if pieces else {}
    sent = True
    try:
        connection.request(method, path, pieces or None, {**headers, **length})
    except (BrokenPipeError, ConnectionResetError):
        sent = False  # A server may refuse what it has not read to its end, and say so.
    with connection.getresponse() as response:
        if not sent and not 400 <= response.status < 500:
            raise ConnectionResetError(f"{response.status} before all of the request was sent")
        answer = Response(response.status, response.headers, _content(response))
        if not sent or not response.isclosed():  # not read to its end
            connection.close()
    return answer


def _content(response: HTTPResponse) -> bytes:
    """No more of an answer than is needed; its status has said already what counts."""
    try:
        return response.read(ANSWER_BYTES)
    except (OSError, HTTPException, ValueError):
        return b""


def _readable(connection: socket.socket) -> bool:
    """Whether there is something to read where nothing was asked: as a rule, that it was closed."""
    with getattr(selectors, "PollSelector", selectors.SelectSelector)() as selector:
        selector.register(connection, selectors.EVENT_READ)
        return bool(selector.select(0))


def _proxy_authorization(user: str | None, password: str | None) -> dict[str, str]:
    if user is None:
        return {}
    pair = f"{unquote(user)}:{unquote(password or '')}".encode()
    return {"Proxy-Authorization": f"Basic {base64.b64encode(pair).decode()}"}


def _error_text(failure: Exception) -> str:
    return printable(str(failure) or type(failure).__name__, 200)


class _Timed(io.RawIOBase):
    """What a socket has to say, waited for until its time-out is over, however slowly it comes."""

    def __init__(self, connection: socket.socket, stream: io.RawIOBase) -> None:
        self._connection, self._stream = connection, stream
        self._until = time.monotonic() + (connection.gettimeout() or TIMEOUT_SECONDS)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        self._connection.settimeout(left)
        return self._stream.readinto(buffer)

    def close(self) -> None:
        self._stream.close()
        super().close()


class _Response(HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **more: Any) -> None:
        super().__init__(sock, *args, **more)
        self.fp = io.BufferedReader(_Timed(sock, self.fp.detach()))


class _Plain(HTTPConnection):
    response_class = _Response


class _Secure(HTTPSConnection):
    response_class = _Response
