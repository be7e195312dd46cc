"""Open TCP connections to public hosts only.

A branch of somebody else may name any host. Its name is judged, then each address to which the name leads,
and last the address that the socket is connected to. There is one look-up, so that a name which changes its
address between two look-ups (DNS rebinding) gains nothing.
"""

import socket
from collections.abc import Callable
from typing import Any

from newsletter.network import hosts

IsPublic = Callable[[str], bool]
Resolve = Callable[..., list[tuple[Any, ...]]]


class NotPublic(ValueError):
    """The error for a host that cannot be reached from the whole internet; nothing was sent to it."""


def refuse_private(host: str, is_public: IsPublic = hosts.is_public) -> None:
    """Raise NotPublic unless `is_public` accepts the name or IP address of a host."""
    if not is_public(host):
        raise NotPublic(f"{host} is not public")


def connect(
    address: tuple[str, int],
    timeout: float | None = None,
    source_address: tuple[str, int] | None = None,
    *,
    is_public: IsPublic = hosts.is_public,
    resolve: Resolve = socket.getaddrinfo,
) -> socket.socket:
    """Return a connected socket, like `socket.create_connection`; try the addresses of a host in turn.

    Raise NotPublic, before anything is sent, if one of its addresses is not public; OSError if none accepts
    the connection, ValueError if the host is not a host name.
    """
    host, port = address[0].strip("[]"), address[1]
    refuse_private(host, is_public)
    targets = [str(found[-1][0]) for found in resolve(host, port, type=socket.SOCK_STREAM)]
    for target in targets:
        _refuse_address(host, target, is_public)
    failure: OSError = OSError(f"{host} has no address")
    for target in targets:
        try:
            connection = socket.create_connection((target, port), timeout, source_address)
        except OSError as refused:
            failure = refused
            continue
        try:
            _refuse_address(host, str(connection.getpeername()[0]), is_public)
        except BaseException:
            connection.close()
            raise
        return connection
    raise failure


def _refuse_address(host: str, address: str, is_public: IsPublic) -> None:
    if not is_public(address):
        raise NotPublic(f"{host} is not public" + (f" ({address})" if address != host else ""))
