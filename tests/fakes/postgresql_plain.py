"""A server that speaks the beginning of PostgreSQL's protocol, declines TLS, and asks for the password."""

import socket
import struct
import threading
from contextlib import suppress
from typing import Self

_SSL_REQUEST = struct.pack("!ii", 8, 80877103)
_ASK_PASSWORD = b"R" + struct.pack("!ii", 8, 3)  # AuthenticationCleartextPassword


class PlainPostgreSQL:
    """The server; `received` has all bytes of each connection after the request for TLS."""

    def __init__(self) -> None:
        self.received: list[bytes] = []

    def __enter__(self) -> Self:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._server.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._server.accept()
                with client:
                    self.received.append(self._talk(client))

    def _talk(self, client: socket.socket) -> bytes:
        """Decline TLS, ask for the password after the start-up packet, and return all that came."""
        received = b""
        while more := client.recv(10_000):
            if more == _SSL_REQUEST:
                client.sendall(b"N")
                continue
            received += more
            if len(received) > len(more):  # the password has come
                break
            client.sendall(_ASK_PASSWORD)
        return received
