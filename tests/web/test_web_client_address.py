"""The address of the client that a running server counts requests by: that of the connection, or of a header.

Complaint: limits that count by a forged X-Forwarded-For limit nobody, and those that count by the proxy's
address limit everybody at once. The peers of a connection are addresses of this machine: 127.0.0.1 is the
configured proxy, and 127.0.9.1 anybody else.
"""

import socket
from collections.abc import Iterator, Sequence

import pytest

from tests.forks import ForkServer
from tests.required import need
from tests.web.running import RunningServer, newsletter_folder, plain_client, running

PROXY, OTHER = "127.0.0.1", "127.0.9.1"
ALLOWED = 2
"""The requests of a network that are answered before the first one is refused."""


def _config(proxies: str = "") -> str:
    return f"serve: {{rate_per_network: {ALLOWED}/h, rate: 10k/h{proxies}}}\n"


@pytest.fixture(scope="module")
def alone(forks: ForkServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """Serve without a proxy."""
    with running(forks, newsletter_folder(tmp_path_factory.mktemp("alone"), _config())) as server:
        yield server


@pytest.fixture(scope="module")
def behind(forks: ForkServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """Serve behind a proxy on this machine, and others in 10.0.0.0/8."""
    config = _config(f', proxies: ["{PROXY}", 10.0.0.0/8, "2001:db8:f::/48"]')
    with running(forks, newsletter_folder(tmp_path_factory.mktemp("behind"), config)) as server:
        yield server


def statuses(server: RunningServer, peer: str, forwarded: Sequence[str | list[str]]) -> list[int]:
    """Ask for mail once for each value of X-Forwarded-For; a list is several headers, and "" an empty one."""
    with plain_client(peer) as client:
        found = []
        for value in forwarded:
            headers = [("X-Forwarded-For", line) for line in ([value] if isinstance(value, str) else value)]
            form = {"address": "sam@example.com"}
            found.append(client.post(f"{server.url}subscribe", data=form, headers=headers).status_code)
        return found


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.0.9.1", "127.0.10.1"])
def test_without_a_proxy_the_header_is_ignored(peer: str, alone: RunningServer) -> None:
    forged: list[str | list[str]] = ["198.51.100.1", "203.0.113.1", "2001:db8::1", []]
    assert statuses(alone, peer, forged) == [200, 200, 429, 429]


def test_a_peer_that_is_no_proxy_is_counted_itself(behind: RunningServer) -> None:
    forged = ["198.51.100.1", PROXY, "10.0.0.1"]
    assert statuses(behind, OTHER, forged) == [200, 200, 429]


ONE_CLIENT = [
    pytest.param(["198.51.1.1", "198.51.1.9", "198.51.1.200"], id="addresses-of-a-network"),
    pytest.param(["203.0.1.1, 198.51.2.1", "203.0.2.1, 198.51.2.1", "x, 198.51.2.1"], id="forged-start"),
    pytest.param(
        ["198.51.3.1, 10.1.2.3", "203.0.3.1,198.51.3.1,10.1.1.1, 10.9.9.9", "198.51.3.1"],
        id="several-proxies",
    ),
    pytest.param(
        [["198.51.4.1"], ["203.0.4.1", "198.51.4.1"], ["203.0.4.2, 198.51.4.1", "10.0.0.1"]],
        id="several-headers",
    ),
    pytest.param(["2001:db8:1:1::1", "2001:DB8:1:2::7", "2001:0db8:0001:ffff::"], id="ipv6"),
    pytest.param(["[2001:db8:2::1]:443", "[2001:db8:2::2]", "2001:db8:2::3"], id="ipv6-with-port"),
    pytest.param(
        ["2001:db8:3::1, 2001:db8:f:1::2", "9.9.9.9, 2001:db8:3:4::1", "2001:db8:3::"], id="ipv6-proxy"
    ),
    pytest.param(["198.51.5.1:5000", "198.51.5.1:5001", "198.51.5.1"], id="with-port"),
    pytest.param(["::ffff:198.51.6.1", "198.51.6.2", "::ffff:c633:0603"], id="mapped"),
    pytest.param(["10.5.0.1, 10.5.0.2", "10.5.0.9, 127.0.0.1", "10.5.0.3"], id="only-proxies"),
    pytest.param(["", [], ["", ""]], id="no-header"),
]


@pytest.mark.parametrize("forwarded", ONE_CLIENT)
def test_behind_a_proxy_the_last_address_that_is_no_proxy_is_counted(
    forwarded: list[str | list[str]], behind: RunningServer
) -> None:
    assert len(forwarded) == ALLOWED + 1
    assert statuses(behind, PROXY, forwarded) == [200, 200, 429]


def test_readers_behind_a_proxy_do_not_share_its_limit(behind: RunningServer) -> None:
    readers = [f"203.0.{network}.1" for network in range(100, 120)]
    assert statuses(behind, PROXY, readers) == [200] * len(readers)


def test_the_header_is_believed_from_a_proxy_with_an_ipv6_address(
    forks: ForkServer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        need("IPv6 on the loopback interface")
    folder = newsletter_folder(tmp_path_factory.mktemp("ipv6"), _config(', proxies: ["::1"]'))
    with running(forks, folder, host="::1") as server:
        forwarded = ["198.51.1.1", "198.51.1.2", "198.51.1.3", "198.51.2.1"]
        assert statuses(server, "::1", forwarded) == [200, 200, 429, 200]
