"""Classify a host by its name or IP address: loopback or public. Nothing is looked up."""

import ipaddress
import re

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Reserved by RFC 6761, RFC 6762, RFC 8375 and RFC 9476, or common in private networks and containers.
_PRIVATE_DOMAINS = (
    *(".localhost", ".localdomain", ".local", ".internal", ".intranet", ".private", ".lan", ".home"),
    *(".home.arpa", ".corp", ".svc", ".test", ".invalid", ".onion", ".alt"),
)
# Resolvers read such names as IPv4 addresses: 127.1, 0x7f.1, 2130706433 (WHATWG URL, "ends in a number").
_NUMBER = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)", re.IGNORECASE)

# The blocks of https://www.iana.org/assignments/iana-ipv4-special-registry that hold no web server, and
# multicast. The registry is written out, because `is_global` differs between the versions of Python.
_PRIVATE_IPV4 = tuple(
    map(
        ipaddress.IPv4Network,
        (
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.88.99.0/24",
            "192.168.0.0/16",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/4",
            "240.0.0.0/4",
            # Azure's service for its own machines, GitHub's runners among them:
            # https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16
            "168.63.129.16/32",
        ),
    )
)
# IPv6 has assigned public addresses in this block only (https://www.iana.org/assignments/
# ipv6-address-space); all other blocks, such as fc00::/7, fe80::/10, fec0::/10 and ff00::/8, are not public.
_PUBLIC_IPV6 = ipaddress.IPv6Network("2000::/3")
# The blocks of https://www.iana.org/assignments/iana-ipv6-special-registry in it that hold no web server:
# protocols and Teredo, documentation, 6to4.
_PRIVATE_IPV6 = tuple(
    map(ipaddress.IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")),
)
# A translator turns these addresses into the IPv4 address in their last 32 bits (RFC 6052). Networks without
# IPv4 reach the whole IPv4 internet in this way.
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def is_loopback(host: str) -> bool:
    """Return True for `localhost` and for a loopback IP address."""
    address = _address(host.strip("[]").partition("%")[0])
    return address.is_loopback if address else host == "localhost"


def is_public(host: str) -> bool:
    """Return True for a host that the whole internet can reach, judged by its name or IP address alone."""
    host = host.strip("[]").removesuffix(".")
    address = _address(host)
    if address:
        return _is_public_address(address)
    # An empty label, as in 127.0.0.1.. or .com, is none of a public host.
    is_name = "." in host and all(host.split(".")) and not set("%:") & set(host)
    return is_name and not _NUMBER.fullmatch(host) and not f".{host}".casefold().endswith(_PRIVATE_DOMAINS)


def _is_public_address(address: _Address) -> bool:
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in _PRIVATE_IPV4)
    if address.scope_id is not None:
        return False  # a zone names an interface of this machine
    if address in _NAT64:
        return _is_public_address(ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF))
    return address in _PUBLIC_IPV6 and not any(address in network for network in _PRIVATE_IPV6)


def _address(host: str) -> _Address | None:
    """Return the IP address; None for a host name."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
