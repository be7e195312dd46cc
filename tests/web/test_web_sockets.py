"""The running server, and bytes that no well-behaved client sends."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest

from tests.forks import ForkServer
from tests.web.running import RunningServer, newsletter_folder, running

_SECONDS = 20
_HOST = b"Host: soup.example.com\r\n"
_FORM = b"Content-Type: application/x-www-form-urlencoded\r\n"


@pytest.fixture(scope="module")
def server(forks: ForkServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with running(forks, newsletter_folder(tmp_path_factory.mktemp("served"))) as opened:
        yield opened


@pytest.fixture(autouse=True)
def _answers_afterwards(server: RunningServer) -> Iterator[None]:
    yield
    assert server.is_well()


def connect(server: RunningServer) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=_SECONDS)


def exchange(server: RunningServer, *pieces: bytes) -> bytes:
    """Send pieces; return all that comes until the server closes. Fail if it neither answers nor closes."""
    with connect(server) as connection:
        with suppress(ConnectionError):  # the server may close before it has read everything
            for piece in pieces:
                connection.sendall(piece)
        received = b""
        with suppress(ConnectionError):
            while more := connection.recv(65536):
                received += more
        return received


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer else 0


def get(target: bytes, *lines: bytes, version: bytes = b"1.1", method: bytes = b"GET") -> bytes:
    head = [
        b"%s %s HTTP/%s\r\n" % (method, target, version),
        _HOST,
        *lines,
        b"Connection: close\r\n",
        b"\r\n",
    ]
    return b"".join(head)


def post(*lines: bytes, body: bytes = b"") -> bytes:
    head = [b"POST /subscribe HTTP/1.1\r\n", _HOST, _FORM, b"Connection: close\r\n", *lines, b"\r\n"]
    return b"".join(head) + body


ASKS = [
    pytest.param(get(b"/", version=b"1.0"), 200, id="http-1.0"),
    pytest.param(get(b"/", version=b"0.9"), None, id="http-0.9"),
    pytest.param(get(b"/", version=b"2.0"), None, id="http-2.0"),
    pytest.param(b"GET / HTTP/1.1\r\n\r\n", 400, id="no-host"),
    pytest.param(get(b"/", b"Host: other.example\r\n"), 400, id="two-hosts"),
    pytest.param(get(b"/", b"X-Long: " + b"x" * 70_000 + b"\r\n"), None, id="huge-header"),
    pytest.param(get(b"/", *(b"X-%d: y\r\n" % n for n in range(5000))), None, id="many-headers"),
    pytest.param(get(b"/" + b"x" * 70_000), None, id="huge-path"),
    pytest.param(get(b"/", b"X: a\x00b\r\n"), 400, id="nul-in-header"),
    pytest.param(get(b"/", b" folded: x\r\n"), None, id="space-before-header"),
    pytest.param(get(b"/\xff"), 400, id="byte-in-path"),
    pytest.param(get(b"/%ff%fe"), 404, id="no-utf-8"),
    pytest.param(get(b"/%00"), 404, id="nul-in-path"),
    pytest.param(get(b"/%0d%0aSet-Cookie:%20a=b"), 404, id="line-break-in-path"),
    pytest.param(get(b"/confirm/x%0d%0aLocation:%20https://other.example/"), 404, id="line-break-in-token"),
    pytest.param(get(b"/ HTTP/1.1\r\nSet-Cookie: a=b\r\nX:"), 200, id="second-request-line"),
    pytest.param(get(b"/../../../../etc/passwd"), 404, id="dots"),
    pytest.param(get(b"/%2e%2e/%2e%2e/newsletter.yml"), 404, id="dots-encoded"),
    pytest.param(get(b"/site.css/../newsletter.yml"), 404, id="dots-behind-a-page"),
    pytest.param(get(b"//other.example/"), 404, id="two-slashes"),
    pytest.param(get(b"http://other.example/"), 404, id="absolute-form"),
    pytest.param(get(b"other.example:443", method=b"CONNECT"), 404, id="connect"),
    pytest.param(get(b"*", method=b"OPTIONS"), 404, id="asterisk"),
    pytest.param(get(b"/", b"Upgrade: websocket\r\n"), 200, id="websocket"),
    pytest.param(get(b"/", b"Upgrade: h2c\r\nHTTP2-Settings: AAA\r\n"), 200, id="h2c"),
    pytest.param(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", None, id="http-2-preface"),
    pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 500, 400, id="tls"),
    pytest.param(
        post(b"Content-Length: 3\r\n", b"Content-Length: 30\r\n", body=b"a=b"), 400, id="two-lengths"
    ),
    pytest.param(post(b"Content-Length: -3\r\n", body=b"a=b"), 400, id="negative-length"),
    pytest.param(post(b"Content-Length: 9" + b"9" * 30 + b"\r\n", body=b"a"), 400, id="length-of-30-digits"),
    pytest.param(
        post(b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", body=b"0\r\n\r\n"),
        422,
        id="length-and-chunks",
    ),
    pytest.param(
        post(b"Transfer-Encoding: gzip, chunked\r\n", body=b"0\r\n\r\n"), 400, id="unknown-encoding"
    ),
    pytest.param(
        post(b"Transfer-Encoding: chunked\r\n", body=b"zz\r\nx\r\n0\r\n\r\n"), 400, id="no-chunk-size"
    ),
    pytest.param(
        post(b"Transfer-Encoding: chunked\r\n", body=b"9\r\naddress=x\r\n0\r\nTrailer: y\r\n\r\n"),
        422,
        id="chunks",
    ),
    pytest.param(
        post(b"Transfer-Encoding: chunked\r\n", body=b"ffff\r\n" + b"a" * 0xFFFF), 413, id="large-chunk"
    ),
    pytest.param(post(b"Content-Length: 100000\r\n", body=b"a" * 100_000), 413, id="large-body"),
]


@pytest.mark.parametrize(("request_bytes", "expected"), ASKS)
def test_strange_bytes_are_answered_or_refused(
    request_bytes: bytes, expected: int | None, server: RunningServer
) -> None:
    """None is a request of no harm that the HTTP library may answer or refuse."""
    before = server.contents()
    answer = exchange(server, request_bytes)
    assert status(answer) == expected or (expected is None and status(answer) < 500), answer[:300]
    head = answer.partition(b"\r\n\r\n")[0].lower()
    assert b"\r\nset-cookie" not in head
    assert b"\r\nlocation" not in head
    assert server.contents() == before


def test_head_has_the_length_of_get_and_no_body(server: RunningServer) -> None:
    for path in (b"/", b"/site.css", b"/nothing"):
        head, page = exchange(server, get(path, method=b"HEAD")), exchange(server, get(path))
        assert head.endswith(b"\r\n\r\n")
        lengths = [answer.partition(b"content-length: ")[2].split(b"\r\n")[0] for answer in (head, page)]
        assert lengths[0] == lengths[1] != b"0"
        assert status(head) == status(page)


def test_requests_that_follow_each_other_in_one_piece_are_all_answered(server: RunningServer) -> None:
    keep = b"GET /healthz HTTP/1.1\r\n" + _HOST + b"\r\n"
    sign_up = post(b"Content-Length: 9\r\n", body=b"address=x").replace(b"Connection: close\r\n", b"")
    answer = exchange(server, keep * 5 + sign_up * 2 + get(b"/healthz"))
    assert answer.count(b"HTTP/1.1 200 OK") == 6
    assert answer.count(b"HTTP/1.1 422 ") == 2


def test_a_sign_up_in_chunks_of_one_byte_is_taken(server: RunningServer) -> None:
    body = b"address=chunks%40example.com"
    chunks = [b"1\r\n%c\r\n" % byte for byte in body]
    answer = exchange(server, post(b"Transfer-Encoding: chunked\r\n"), *chunks, b"0\r\n\r\n")
    assert status(answer) == 200
    assert "chunks@example.com" in str(server.contents()["sign_up"])


BEGINNINGS = [
    pytest.param(b"", id="nothing"),
    pytest.param(b"GET / HT", id="half-a-line"),
    pytest.param(b"GET / HTTP/1.1\r\n" + _HOST, id="half-a-head"),
    pytest.param(post(b"Content-Length: 40\r\n", body=b"address=half%40exam"), id="half-a-body"),
    pytest.param(post(b"Transfer-Encoding: chunked\r\n", body=b"5\r\naddr"), id="half-a-chunk"),
    pytest.param(post(b"Content-Length: 40\r\nExpect: 100-continue\r\n"), id="expects-100"),
]


@pytest.mark.parametrize("beginning", BEGINNINGS)
@pytest.mark.parametrize("is_reset", [False, True], ids=["closed", "reset"])
def test_a_client_that_goes_away_changes_nothing(
    beginning: bytes, is_reset: bool, server: RunningServer
) -> None:
    before = server.contents()
    with connect(server) as connection:
        connection.sendall(beginning)
        if is_reset:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    assert server.is_well()
    assert server.contents() == before


def test_a_hundred_clients_that_send_nothing_keep_nobody_waiting(server: RunningServer) -> None:
    with ExitStack() as clients:
        for number in range(100):
            connection = clients.enter_context(connect(server))
            connection.sendall(b"" if number % 2 else b"POST /subscribe HTTP/1.1\r\n")
        assert server.is_well()
        assert server.sign_up(f"beside{server.port}@example.com").status_code == 200
