"""Limit the requests that cause mail, for each network and in all; the counts are lost at a restart.

The pauses between the mails to one address are in the database (`store.sign_ups`).
"""

import ipaddress
from collections.abc import Sequence

from limits import RateLimitItem, RateLimitItemPerSecond
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from newsletter.config.units import Rate

# A site often has a /48 of IPv6, and each of its machines many addresses of it; a /24 has 256 of IPv4.
_PREFIXES = {4: 24, 6: 48}
_ALL = "all"


class Throttle:
    """Count requests, and refuse those above the rates."""

    def __init__(self, per_network: Sequence[Rate], in_all: Sequence[Rate]) -> None:
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._per_network = [_item(rate, "network") for rate in per_network]
        self._in_all = [_item(rate, "all") for rate in in_all]

    def admits_network(self, address: str) -> bool:
        """Count a request from an IP address; return False if its network has made too many."""
        network = network_of(address)
        return all([self._limiter.hit(item, network) for item in self._per_network])

    def admits_mail(self) -> bool:
        """Count a request that causes mail; return False if there were too many of all networks."""
        return all([self._limiter.hit(item, _ALL) for item in self._in_all])


def network_of(address: str) -> str:
    """Return the network of an IP address that is counted as one client; other text is its own network."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped:
        parsed = parsed.ipv4_mapped
    return str(ipaddress.ip_network(f"{parsed}/{_PREFIXES[parsed.version]}", strict=False))


def _item(rate: Rate, namespace: str) -> RateLimitItem:
    return RateLimitItemPerSecond(rate.count, int(rate.period.total_seconds()), namespace)
