"""Open the socket of a server of news."""

import errno
import os
import socket

from newsletter.errors import Unavailable

_NOT_HERE = (errno.EADDRNOTAVAIL, socket.EAI_NONAME, socket.EAI_AGAIN)


def listen(host: str, port: int, *, default_port: int) -> socket.socket:
    """Return a socket that listens on an address of this machine; port 0 is a free port.

    Raise Unavailable if that is not possible; the hint names another port.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        host.encode("idna")  # `socket` raises several types of errors for text that no host name can be
        return socket.create_server((host, port), family=family)
    except UnicodeError as failure:
        raise _elsewhere(host) from failure
    except OSError as failure:
        if failure.errno in _NOT_HERE:
            raise _elsewhere(host) from failure
        if failure.errno == errno.EADDRINUSE:
            what = f"port {port} is in use"
            hint = f"use another port if the server there is not yours: --port {port + 1}"
        else:
            what = f"port {port} on {host} cannot be used ({os.strerror(failure.errno or 0)})"
            hint = f"use another port: --port {default_port}"
        raise Unavailable(what, hint) from failure


def url_of(host: str, listening: socket.socket) -> str:
    """Return the address of a server that listens on a host, with a slash at its end."""
    return f"http://{url_host(host)}:{listening.getsockname()[1]}/"


def url_host(host: str) -> str:
    """Return a host as it is written in an address."""
    return f"[{host}]" if ":" in host else host


def _elsewhere(host: str) -> Unavailable:
    hint = "listen on 127.0.0.1, or on every address of this machine: --host 0.0.0.0"
    return Unavailable(f"{host} is not an address of this machine", hint)
