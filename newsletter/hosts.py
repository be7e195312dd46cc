"""Classify a host by its name or IP address: loopback or public. Nothing is looked up."""

import ipaddress
import re

# Reserved by RFC 6761, RFC 6762 and RFC 9476, or common in private networks.
_PRIVATE_DOMAIN = re.compile(
    r".*\.(?:localhost|local|internal|intranet|lan|home|corp|test|invalid|onion|alt)", re.IGNORECASE
)


def is_loopback(host: str) -> bool:
    """Return True for `localhost` and for a loopback IP address."""
    address = _address(host)
    return address.is_loopback if address else host == "localhost"


def is_public(host: str) -> bool:
    """Return True for a host that the whole internet can reach, judged by its name or IP address alone."""
    address = _address(host)
    return address.is_global if address else "." in host and not _PRIVATE_DOMAIN.fullmatch(host)


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return the IP address of a host, which may be in brackets and have a zone; None for a host name."""
    try:
        return ipaddress.ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        return None
