"""An adapter of `requests` that connects to public hosts only.

Everything that `requests` sends passes an adapter, with the address that was really parsed. A proxy of the
environment looks hosts up itself: then only the name or IP address in the address can be judged here.
"""

import socket
from functools import partial
from typing import Any, cast
from urllib.parse import urlsplit

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from newsletter.network.connections import IsPublic, connect, refuse_private


class PublicAdapter(HTTPAdapter):
    """Connect to hosts that `is_public` accepts; raise NotPublic for others."""

    def __init__(self, is_public: IsPublic) -> None:
        self._is_public = is_public
        super().__init__()

    def get_connection_with_tls_context(
        self, request: Any, verify: Any, proxies: Any = None, cert: Any = None
    ) -> HTTPConnectionPool:
        pool = cast(
            HTTPConnectionPool, super().get_connection_with_tls_context(request, verify, proxies, cert)
        )
        if pool.proxy:
            refuse_private(urlsplit(request.url).hostname or "", self._is_public)
        else:
            connection = _PublicHttpsConnection if pool.scheme == "https" else _PublicHttpConnection
            # The pool calls it with the host and the options of a connection.
            pool.ConnectionCls = cast(Any, partial(connection, is_public=self._is_public))
        return pool


class _PublicHttpConnection(HTTPConnection):
    def __init__(self, *args: Any, is_public: IsPublic, **options: Any) -> None:
        super().__init__(*args, **options)
        self._is_public = is_public

    def _new_conn(self) -> socket.socket:
        """Open the socket; TLS and requests follow on it. Raise ValueError if the host does not exist."""
        try:
            return connect((self.host, self.port), _seconds(self.timeout), is_public=self._is_public)
        except socket.gaierror as failure:
            raise ValueError("the host does not exist") from failure
        except TimeoutError as failure:
            raise ConnectTimeoutError(self, str(failure)) from failure
        except OSError as failure:
            raise NewConnectionError(self, str(failure)) from failure


class _PublicHttpsConnection(_PublicHttpConnection, HTTPSConnection):
    """The same with TLS, which verifies the certificate of the host."""


def _seconds(timeout: object) -> float | None:
    return timeout if isinstance(timeout, int | float) else None
