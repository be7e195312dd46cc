"""Addresses of a stranger's branch: `news check --online` connects to public hosts only."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import ClassVar

import pytest

from newsletter.checks.external.url_checker import ask
from newsletter.network.connections import NotPublic, connect
from newsletter.network.hosts import is_public
from tests.fakes.proxy import ProxyFake
from tests.fakes.web import Reply, Request, WebFake


class Listener:
    """A TCP server on 127.0.0.1 that counts connections and keeps each byte that it receives."""

    def __init__(self) -> None:
        self.connections, self.received = 0, b""
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                self.connections += 1
                with connection, suppress(OSError):
                    connection.settimeout(5)
                    while received := connection.recv(1000):
                        self.received += received
                        connection.sendall(b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n")

    def close(self) -> None:
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()


@pytest.fixture
def inside(monkeypatch: pytest.MonkeyPatch) -> Iterator[Listener]:
    """Start a server inside the network, and use no proxy."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    listener = Listener()
    yield listener
    listener.close()


class Page(WebFake):
    """A public page that redirects every request to `target`."""

    target = ""

    def answer(self, request: Request) -> Reply:
        return Reply(302, b"", {"Location": self.target})


NOT_PUBLIC = {
    # https://www.iana.org/assignments/iana-ipv4-special-registry
    "this-network": "0.0.0.0 0.255.255.255",
    "private-10": "10.0.0.0 10.255.255.255",
    "shared": "100.64.0.0 100.127.255.255 100.100.100.200",
    "loopback": "127.0.0.1 127.255.255.255",
    "link-local": "169.254.0.0 169.254.169.254 169.254.255.255",
    "private-172": "172.16.0.0 172.31.255.255",
    "protocols": "192.0.0.0 192.0.0.8 192.0.0.9 192.0.0.170 192.0.0.192 192.0.0.255",
    "documentation": "192.0.2.1 198.51.100.1 203.0.113.255",
    "6to4-relay": "192.88.99.1",
    "private-192": "192.168.0.0 192.168.255.255",
    "benchmarks": "198.18.0.0 198.19.255.255",
    "multicast": "224.0.0.0 224.0.0.251 239.255.255.255",
    "reserved": "240.0.0.0 255.255.255.254 255.255.255.255",
    "azure": "168.63.129.16",
    # https://www.iana.org/assignments/iana-ipv6-special-registry
    "loopback-6": ":: ::1",
    "mapped": "::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254",
    "compatible": "::127.0.0.1 ::7f00:1 ::10.0.0.1 ::a9fe:a9fe",
    "translated": "64:ff9b::127.0.0.1 64:ff9b::7f00:1 64:ff9b::10.0.0.1 64:ff9b::a9fe:a9fe",
    "translated-locally": "64:ff9b:1::1 64:ff9b:1::8.8.8.8 64:ff9b:1:ffff::7f00:1",
    "discard": "100:: 100::1 100:0:0:1::1",
    "teredo": "2001:: 2001:0:7f00:1::1 2001:0:4136:e378:8000:63bf:f5ff:fffe",
    "protocols-6": "2001:1::1 2001:2::1 2001:10::1 2001:20::1 2001:1ff:ffff::1",
    "documentation-6": "2001:db8::1 3fff::1 3fff:fff::1",
    "6to4": "2002:7f00:1:: 2002:a00:1::1 2002:a9fe:a9fe::1",
    "segment-routing": "5f00::1",
    "unique-local": "fc00::1 fd00::1 fd00:ec2::254 fdff:ffff::1",
    "link-local-6": "fe80::1 febf::1 fe80::1%eth0 fe80::1%25eth0",
    "site-local": "fec0::1 feff::1 fec0:0:0:ffff::1",
    "multicast-6": "ff00::1 ff02::1 ff0e::1",
    "unassigned": "::2 1::1 1fff::1 4000::1 8000::1 e000::1",
    "zone": "2620:fe::fe%lo 9.9.9.9%lo",
    # Names that a resolver reads as an address, and names of one network.
    "numbers": "127.1 0x7f.1 0x7f000001 2130706433 017700000001 0177.0.0.1 10.0.0.0x1 127.0.0.1.",
    "empty-labels": "127.0.0.1.. .127.0.0.1. a..example.com .com ..",
    "containers": "a.localdomain a.home.arpa. a.private b.default.svc",
    "names": "localhost localhost. a.localhost. wiki.internal. printer printer. a.LOCAL.",
    "other-text": "a.example:80 127.0.0.1:80 a%2eexample.com",
}


@pytest.mark.parametrize("hosts", NOT_PUBLIC.values(), ids=NOT_PUBLIC.keys())
def test_special_addresses_are_not_public(hosts: str) -> None:
    assert [host for host in hosts.split() if is_public(host) or is_public(f"[{host}]")] == []


PUBLIC = """
1.1.1.1 9.9.9.9 100.63.255.255 100.128.0.0 172.15.255.255 172.32.0.0 192.0.1.1 192.169.0.0 198.17.0.1
198.20.0.0 223.255.255.255 168.63.129.15 2000::1 2620:fe::fe 2001:200::1 2001:4860:4860::8888 2a00::1
64:ff9b::9.9.9.9 example.com example.com. 1.example.com 127.0.0.1.example.com internal.example.com
"""


def test_other_addresses_are_public() -> None:
    assert [host for host in PUBLIC.split() if not is_public(host)] == []


INSIDE = {
    "loopback": "http://127.0.0.1:{port}/",
    "backslash": r"http://127.0.0.1:{port}\@8.8.8.8/",
    "backslash-name": r"http://127.0.0.1:{port}\@example.com/",
    "user": "http://8.8.8.8@127.0.0.1:{port}/",
    "fragment": "http://127.0.0.1:{port}#@8.8.8.8/",
    "query": "http://127.0.0.1:{port}?@8.8.8.8/",
    "mapped": "http://[::ffff:127.0.0.1]:{port}/",
    "compatible": "http://[::127.0.0.1]:{port}/",
    "any": "http://0.0.0.0:{port}/",
    "any-6": "http://[::]:{port}/",
    "short": "http://127.1:{port}/",
    "number": "http://2130706433:{port}/",
    "hexadecimal": "http://0x7f000001:{port}/",
    "ideographic-stops": "http://127。0。0。1:{port}/",
    "circled-digit": "http://①27.0.0.1:{port}/",
    "name-with-a-dot": "http://localhost.:{port}/",
    "tls": "https://127.0.0.1:{port}/",
}


def test_no_address_leads_inside(inside: Listener) -> None:
    results = ask([address.format(port=inside.port) for address in INSIDE.values()])
    allowed = [name for name, result in zip(INSIDE, results, strict=True) if result.status is not None]
    assert (allowed, inside.connections, inside.received) == ([], 0, b"")
    assert "no connection" not in {result.failure for result in results}


@pytest.mark.parametrize("name", ["backslash", "mapped", "tls"])
def test_no_redirect_leads_inside(name: str, inside: Listener) -> None:
    # The host of the page is public for the three questions about its request; after that none is.
    first = iter([True] * 3)
    with Page() as page:
        page.target = INSIDE[name].format(port=inside.port)
        (result,) = ask([page.url], is_public=lambda host: next(first, False) or is_public(host))
        assert len(page.requests) == 1
    assert result.failure.endswith(" is not public")
    assert (inside.connections, inside.received) == (0, b"")


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_name_that_leads_inside_is_not_connected_to(scheme: str, inside: Listener) -> None:
    address = f"{scheme}://localhost:{inside.port}/"
    (result,) = ask([address], is_public=lambda host: host == "localhost" or is_public(host))
    assert result.failure.startswith("localhost is not public (")
    assert (inside.connections, inside.received) == (0, b"")


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_no_byte_is_sent_before_the_address_of_the_socket_is_judged(scheme: str, inside: Listener) -> None:
    judged: list[str] = []

    def only_until_connected(host: str) -> bool:
        judged.append(host)
        return len(judged) <= 2  # as the host of the link, and as the result of the look-up

    (result,) = ask([f"{scheme}://127.0.0.1:{inside.port}/"], is_public=only_until_connected)
    assert result.failure == "127.0.0.1 is not public"
    assert (inside.connections, inside.received, len(judged)) == (1, b"", 3)


def test_a_public_page_is_requested(inside: Listener) -> None:
    (result,) = ask([f"http://localhost:{inside.port}/"], is_public=lambda host: True)
    assert result.status == 204 and inside.received.startswith(b"HEAD / HTTP/1.1\r\n")


def resolver(*addresses: str) -> Callable[..., list[tuple[object, ...]]]:
    """Return a resolver that gives all addresses at the first look-up, and 127.0.0.1 at each later one."""
    answers = [list(addresses)]

    def resolve(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        found = answers.pop() if answers else ["127.0.0.1"]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    return resolve


@pytest.mark.parametrize(
    "addresses", [("9.9.9.9", "127.0.0.1"), ("127.0.0.1", "9.9.9.9"), ("::ffff:127.0.0.1",)]
)
def test_each_address_of_a_name_is_judged(addresses: tuple[str, ...], inside: Listener) -> None:
    with pytest.raises(NotPublic, match=r"soup\.example\.com is not public \(.*127\.0\.0\.1\)"):
        connect(("soup.example.com", inside.port), 1, resolve=resolver(*addresses))
    assert inside.connections == 0


def test_a_name_is_looked_up_once(inside: Listener) -> None:
    """DNS rebinding: the address changes after the look-up that is judged."""
    judged: list[str] = []

    def judge(host: str) -> bool:
        judged.append(host)
        return host != "127.0.0.1"

    with pytest.raises(OSError):  # nothing listens there
        connect(("soup.example.com", 1), 1, is_public=judge, resolve=resolver("127.0.0.2"))
    assert judged == ["soup.example.com", "127.0.0.2"] and inside.connections == 0


def test_the_next_address_is_tried(inside: Listener) -> None:
    resolve = resolver("127.0.0.2", "127.0.0.1")
    with connect(
        ("soup.example.com", inside.port), 1, is_public=lambda host: True, resolve=resolve
    ) as opened:
        assert opened.getpeername() == ("127.0.0.1", inside.port)


def test_a_proxy_gets_no_private_address(inside: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    with ProxyFake({}) as proxy:
        for name, value in proxy.environment.items():
            monkeypatch.setenv(name, value)
        host = f"127.0.0.1:{inside.port}"
        results = ask([rf"http://{host}\@8.8.8.8/", f"http://{host}/", f"https://{host}/", "http://127.1/"])
        assert [result.status for result in results] == [None] * 4
        assert proxy.asked() == [] and proxy.connections == 0 and inside.connections == 0


class Tracker(WebFake):
    """A page that sets a cookie, and redirects to itself once."""

    cookies: ClassVar[list[str | None]] = []

    def answer(self, request: Request) -> Reply:
        self.cookies.append(request.headers.get("Cookie"))
        headers = {"Set-Cookie": "reader=1; Path=/"}
        if request.path == "/first":
            return Reply(302, b"", {"Location": "/second", **headers})
        return Reply(204, b"", headers)


def test_no_cookie_is_sent_from_one_link_to_another() -> None:
    with Tracker() as web:
        results = ask([f"{web.url}/first", f"{web.url}/third"], is_public=lambda host: True)
    assert [result.status for result in results] == [204, 204]
    assert web.cookies == [None] * 3
