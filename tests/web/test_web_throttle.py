"""The limits of requests for mail."""

import pytest

from newsletter.config.units import parse_rates
from newsletter.web.throttle import Throttle, network_of


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.7", "203.0.113.0/24"),
        ("::ffff:203.0.113.7", "203.0.113.0/24"),
        ("2001:db8:1:2::7", "2001:db8:1::/48"),
        ("fe80::1%eth0", "fe80::/48"),
        ("", ""),
        ("unix socket", "unix socket"),
    ],
)
def test_a_network_counts_as_one_client(address: str, network: str) -> None:
    assert network_of(address) == network


def test_each_network_has_its_own_limit() -> None:
    throttle = Throttle(parse_rates("3/h"), parse_rates("1000/h"))
    assert [throttle.admits_network(f"203.0.113.{n}") for n in range(5)] == [True, True, True, False, False]
    assert throttle.admits_network("198.51.100.1")
    assert [throttle.admits_network(f"2001:db8:1:{n:x}::1") for n in range(4)] == [True, True, True, False]


def test_all_limits_of_a_network_count() -> None:
    throttle = Throttle(parse_rates("100/s, 3/h"), parse_rates("1000/h"))
    assert [throttle.admits_network("203.0.113.1") for _ in range(4)] == [True, True, True, False]


def test_the_limit_in_all_counts_every_network() -> None:
    throttle = Throttle(parse_rates("100/h"), parse_rates("5/h"))
    assert [throttle.admits_mail() for _ in range(7)] == [True] * 5 + [False] * 2
