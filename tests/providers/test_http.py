"""Test the transport of requests against servers that answer byte by byte, twice, or not at all."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pytest

from newsletter.providers.http import NoResponse, NotConnected, Transport

Serve = Callable[[socket.socket], None]


@contextmanager
def server(serve: Serve) -> Iterator[str]:
    """Serve each connection in a thread; yield the URL."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def accept() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)


def request_of(connection: socket.socket) -> bytes:
    """Return the head of the next request, which has no content; empty at the end of the connection."""
    head = b""
    while b"\r\n\r\n" not in head:
        if not (received := connection.recv(65_536)):
            return b""
        head += received
    return head


def answering(*before: bytes) -> Serve:
    """Answer each request with its path, after other responses."""

    def serve(connection: socket.socket) -> None:
        with connection:
            while head := request_of(connection):
                path = head.split()[1]
                length = f"Content-Length: {len(path)}\r\n\r\n".encode()
                connection.sendall(b"".join(before) + b"HTTP/1.1 200 OK\r\n" + length + path)

    return serve


EARLY_HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n"


@pytest.mark.parametrize(
    "before",
    [
        (EARLY_HINTS,),
        (EARLY_HINTS, b"HTTP/1.1 100 Continue\r\n\r\n", EARLY_HINTS),
        (b"HTTP/1.1 102 Processing\r\n\r\n",),
    ],
)
def test_an_interim_response_is_not_taken_for_the_response(before: tuple[bytes, ...]) -> None:
    with server(answering(*before)) as url, closing(Transport(url, 1, timeout=10)) as transport:
        for path in ("/first", "/second", "/third"):
            response = transport.request("GET", path, {})
            assert (response.status, response.content) == (200, path.encode())


def test_another_protocol_is_no_response() -> None:
    switching = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"
    with server(answering(switching)) as url, closing(Transport(url, 1, timeout=10)) as transport:
        for _ in range(2):
            with pytest.raises(NoResponse, match="101"):
                transport.request("GET", "/", {})


def reading_slowly(connection: socket.socket) -> None:
    with connection:
        while connection.recv(65_536):
            time.sleep(0.05)


def test_a_server_that_reads_slowly_does_not_make_a_call_longer() -> None:
    """Each of the pieces would have the time-out for itself. The server has no whole request then."""
    with server(reading_slowly) as url, closing(Transport(url, 1, timeout=1)) as transport:
        began = time.monotonic()
        with pytest.raises(NotConnected, match="too slow for the request"):
            transport.request("POST", "/", {}, [b"x" * 50_000] * 400)
        took = time.monotonic() - began
    assert took < 5


def test_a_header_that_cannot_be_sent_is_not_shown() -> None:
    with server(answering()) as url, closing(Transport(url, 1, timeout=10)) as transport:
        with pytest.raises(NotConnected) as failure:
            transport.request("GET", "/", {"Authorization": "Bearer key-part-1\nkey-part-2"})
        assert "key-part" not in str(failure.value) and failure.value.__cause__ is None
        assert transport.request("GET", "/next", {}).content == b"/next"


def test_a_proxy_that_cannot_be_read_does_not_show_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://user:key/part-2@proxy.example:8080")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    unreadable = pytest.raises(NotConnected, match="http_proxy cannot be read")
    with closing(Transport("http://api.example", 1, timeout=1)) as transport, unreadable as failure:
        transport.request("GET", "/", {})
    assert "key" not in str(failure.value)


def test_a_request_that_was_sent_to_its_end_may_have_been_taken() -> None:
    def serve(connection: socket.socket) -> None:
        with connection:
            while connection.recv(65_536):
                pass

    with server(serve) as url, closing(Transport(url, 1, timeout=0.5)) as transport:
        for pieces in ([b"x"], [b"x" * 50_000] * 3):
            with pytest.raises(NoResponse, match="timed out"):
                transport.request("POST", "/", {}, pieces)


def test_an_address_without_an_answer_leaves_time_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    with server(answering()) as url, socket.create_server(("127.0.0.2", 0), backlog=0) as silent:
        port = int(url.rpartition(":")[2])
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:  # they fill the queue: the next connection gets no answer
            one.setblocking(False)
            one.connect_ex(silent.getsockname())
        kind = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
        addresses = [(*kind, silent.getsockname()), (*kind, ("127.0.0.1", port))]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: addresses)
        with closing(Transport(f"http://api.example:{port}", 1, timeout=8)) as transport:
            assert transport.request("GET", "/here", {}).content == b"/here"
        for one in waiting:
            one.close()


def test_what_a_proxy_says_beside_its_status_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    def serve(connection: socket.socket) -> None:
        with connection:
            request_of(connection)
            connection.sendall(b"HTTP/1.1 407 Authentication user:key-part\r\n\r\n")

    with server(serve) as url:
        monkeypatch.setenv("http_proxy", url)
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        transport = Transport("http://api.example", 1, timeout=5)
        with closing(transport), pytest.raises(NotConnected) as failure:
            transport.request("GET", "/", {})
    assert str(failure.value) == "Tunnel connection failed: 407"
