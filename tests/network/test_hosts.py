"""Classification of hosts by name or IP address, without DNS."""

import pytest

from newsletter.network.hosts import is_loopback, is_public


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.9.9.9", "::1", "[::1]"])
def test_this_machine(host: str) -> None:
    assert is_loopback(host) and not is_public(host)


@pytest.mark.parametrize(
    "host", ["", "localhost.example.com", "127.0.0.1.example.com", "0.0.0.0", "10.0.0.1"]
)
def test_another_machine(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize(
    "host",
    ["example.com", "mylocal.example", "arpa.home.example.com", "9.9.9.9", "2620:fe::fe", "[2620:fe::fe]"],
)
def test_a_public_host(host: str) -> None:
    assert is_public(host)


@pytest.mark.parametrize(
    "host",
    [
        "10.0.0.1",
        "169.254.169.254",
        "fe80::1%eth0",
        "[fd00::1]",
        "printer",
        "wiki.internal",
        "a.LOCAL",
        "home.arpa",
    ],
)
def test_a_host_of_one_network(host: str) -> None:
    assert not is_public(host)
