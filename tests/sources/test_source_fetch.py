"""The request for a source: whom it asks, how much it takes, and what it says if there is no content."""

import gzip
import socket
import threading
import zlib
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from newsletter.errors import Unavailable
from newsletter.network.hosts import is_public
from newsletter.sources.fetch import MAX_REDIRECTS, Limits, Response, fetch
from tests.fakes.source import SourceFake
from tests.fakes.web import Fault, Reply
from tests.sources.asking import request

PAGE = Reply(200, b"soup", {"Content-Type": "text/plain; charset=utf-8"})
LIMITS = Limits(seconds=30.0, max_bytes=100_000)


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def web() -> Iterator[SourceFake]:
    with SourceFake(feed=PAGE) as fake:
        yield fake


def fetched(web: SourceFake, path: str = "/feed", limits: Limits = LIMITS) -> Response:
    return fetch(request(feed=web.url + path), limits, web.is_public)


def refusal(web: SourceFake, path: str = "/feed", limits: Limits = LIMITS) -> str:
    with pytest.raises(Unavailable) as raised:
        fetched(web, path, limits)
    (problem,) = raised.value.problems
    assert problem.where == "newsletter.yml:11"
    begin, end = "source soup: ", f" ({web.url}{path})"
    assert problem.what.startswith(begin) and problem.what.endswith(end)
    return f"{problem.what.removeprefix(begin).removesuffix(end)}; {problem.fix}"


def test_the_address_is_asked_once_for_its_week(web: SourceFake) -> None:
    asked = request(feed=f"{web.url}/feed?week={{week}}&from={{date}}&month={{month}}")
    found = fetch(asked, LIMITS, web.is_public)
    path = "/feed?week=2026-W18&from=2026-04-27&month=2026-04"
    assert found == Response(b"soup", web.url + path, "text/plain; charset=utf-8")
    (received,) = web.requests
    assert (received.method, received.path) == ("GET", path)
    assert received.headers["User-Agent"] == "news (test)"
    assert {name.lower() for name in received.headers} == {
        *("host", "user-agent", "accept-encoding", "accept", "connection")
    }


def test_no_cookie_and_no_password_is_sent(
    web: SourceFake, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path_factory.mktemp("home")
    (home / ".netrc").write_text("default login cook password secret\n")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("NETRC", str(home / ".netrc"))
    web.pages["/moved"] = Reply(302, b"", {"Location": "/feed", "Set-Cookie": "soup=leek"})
    fetched(web, "/moved")
    assert len(web.requests) == 2
    assert not any({"Cookie", "Authorization"} & set(received.headers) for received in web.requests)


def test_redirects_are_followed_a_few_times(web: SourceFake) -> None:
    for number in range(MAX_REDIRECTS):
        target = "/feed" if number == MAX_REDIRECTS - 1 else f"/r{number + 1}"
        web.pages[f"/r{number}"] = Reply(302, b"", {"Location": target})
    assert fetched(web, "/r0").url == f"{web.url}/feed"
    web.pages["/more"] = Reply(302, b"", {"Location": "/r0"})
    assert refusal(web, "/more") == f"more than {MAX_REDIRECTS} redirects; correct the address"


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://example.com/", "data:text/plain,x"])
def test_a_redirect_to_another_scheme_is_refused(target: str, web: SourceFake) -> None:
    web.pages["/moved"] = Reply(302, b"", {"Location": target})
    expected = "it leads to an address that is not http or https; check the address, and try again later"
    assert refusal(web, "/moved") == expected


@pytest.mark.parametrize("host", ["127.0.0.1", "10.0.0.1", "localhost", "wiki.internal"])
def test_a_private_address_is_never_asked(host: str, web: SourceFake) -> None:
    asked = request(feed=web.url.replace("127.0.0.1", host) + "/feed")
    with pytest.raises(Unavailable) as raised:
        fetch(asked, LIMITS, is_public)
    why = f"{host} is not public: news reads public addresses only"
    assert raised.value.what == f"source soup: {why} ({asked.address})"
    assert raised.value.hint == "write a public address; a feed of an intranet cannot be a source"
    assert web.connections == 0


@pytest.mark.parametrize(
    "host", ["localhost", "[::1]", "10.0.0.1", "169.254.169.254", "2130706433", "0x7f.1"]
)
def test_a_redirect_to_a_private_address_is_not_followed(host: str, web: SourceFake) -> None:
    web.pages["/moved"] = Reply(302, b"", {"Location": f"http://{host}/latest/meta-data"})
    with pytest.raises(Unavailable, match="is not public"):
        # The server of the test stands for a public one.
        fetch(request(feed=f"{web.url}/moved"), LIMITS, lambda name: is_public(name) or name == "127.0.0.1")
    assert [received.path for received in web.requests] == ["/moved"]


def test_a_response_at_the_limit_is_read_and_a_larger_one_is_not(web: SourceFake) -> None:
    web.pages["/feed"] = Reply(200, b"x" * LIMITS.max_bytes)
    assert len(fetched(web).body) == LIMITS.max_bytes
    web.pages["/feed"] = Reply(200, b"x" * (LIMITS.max_bytes + 1))
    assert refusal(web) == "the response is larger than 0.1 MB; choose an address that gives fewer entries"


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_packed_response_is_limited_by_its_unpacked_size(encoding: str, web: SourceFake) -> None:
    pack = gzip.compress if encoding == "gzip" else zlib.compress
    web.pages["/feed"] = Reply(200, pack(b"soup" * 10), {"Content-Encoding": encoding})
    assert fetched(web).body == b"soup" * 10
    bomb = pack(b"\0" * 20_000_000)
    assert len(bomb) < 1_000_000
    web.pages["/feed"] = Reply(200, bomb, {"Content-Encoding": encoding})
    assert "larger than 0.1 MB" in refusal(web)


def test_a_packed_response_that_is_broken_is_an_error(web: SourceFake) -> None:
    web.pages["/feed"] = Reply(200, b"no gzip", {"Content-Encoding": "gzip"})
    assert refusal(web) == "the response cannot be read; check the address, and try again later"


def test_the_time_limit_holds_for_a_server_that_sends_a_byte_now_and_then() -> None:
    stop = threading.Event()

    def trickle(server: socket.socket) -> None:
        connection, _ = server.accept()
        with connection, suppress(OSError):
            connection.recv(10_000)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
            while not stop.wait(0.05):
                connection.sendall(b"x")

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=trickle, args=(server,))
        thread.start()
        asked = request(feed=f"http://127.0.0.1:{server.getsockname()[1]}/feed")
        with pytest.raises(Unavailable, match="no complete response within 1 seconds"):
            fetch(asked, Limits(seconds=1.0), lambda host: True)
        stop.set()
        thread.join()


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        pytest.param(Reply(404), "there is no such page: 404; correct the address", id="404"),
        pytest.param(Reply(410), "there is no such page: 410; correct the address", id="410"),
        pytest.param(Reply(403), "does not let programs read it: 403; choose another address", id="403"),
        pytest.param(Reply(500), "responds with 500; open it in a browser, and try again later", id="500"),
        pytest.param(Reply(204), "responds with 204; open it in a browser, and try again later", id="204"),
        pytest.param(Reply(304), "responds with 304; open it in a browser, and try again later", id="304"),
        pytest.param(
            Reply(302), "responds with 302; open it in a browser, and try again later", id="no-location"
        ),
        pytest.param(Reply(429), "too many requests: 429; try again later", id="429"),
        pytest.param(
            Reply(429, b"", {"Retry-After": "90"}),
            "too many requests: 429; try again in 90 seconds",
            id="429-seconds",
        ),
        pytest.param(
            Reply(429, b"", {"RateLimit": '"api";r=0;t=241'}),
            "too many requests: 429; try again in 5 minutes",
            id="429-rate-limit",
        ),
        pytest.param(
            Reply(503, b"", {"Retry-After": "3600"}),
            "the server is busy: 503; try again in 60 minutes",
            id="503",
        ),
        pytest.param(
            Reply(503, b"", {"Retry-After": "9" * 30}),
            "the server is busy: 503; try again later",
            id="503-for-ever",
        ),
        pytest.param(
            Reply(503, b"", {"Retry-After": "soon \x1b[31m"}),
            "the server is busy: 503; try again later",
            id="503-words",
        ),
    ],
)
def test_a_response_without_content_is_an_error_that_says_what_to_do(
    reply: Reply, expected: str, web: SourceFake
) -> None:
    web.pages["/feed"] = reply
    assert refusal(web) == expected
    assert len(web.requests) == 1


def test_the_wait_may_be_a_date(web: SourceFake) -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(minutes=30), usegmt=True)
    web.pages["/feed"] = Reply(503, b"", {"Retry-After": later})
    assert refusal(web) in [f"the server is busy: 503; try again in {n} minutes" for n in range(20, 31)]
    for past in ("Mon, 01 Jan 2024 00:00:00 GMT", "Mon, 01 Jan 2024 00:00:00"):
        web.pages["/feed"] = Reply(503, b"", {"Retry-After": past})
        assert refusal(web) == "the server is busy: 503; try again later"


def test_a_server_that_is_not_there_is_an_error(web: SourceFake) -> None:
    web.next(Fault.reset(), path="/feed")
    assert refusal(web) == "no connection; check the address, and try again later"
