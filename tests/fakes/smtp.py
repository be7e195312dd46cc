"""An SMTP server that follows a script, for what real ones do only on bad days."""

import socket
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import BinaryIO, Self

CLOSE, RESET, SILENCE = "close", "reset", "silence"
_REPLIES = {
    "EHLO": "250 fake.example.com",
    "HELO": "250 fake.example.com",
    "MAIL": "250 2.1.0 ok",
    "RCPT": "250 2.1.5 ok",
    "DATA": "354 go on",
    ".": "250 2.0.0 queued as 1",
    "RSET": "250 2.0.0 ok",
    "QUIT": "221 2.0.0 bye",
}


@dataclass
class ScriptedSmtp:
    """Answers each command as told, the same way each time, or in order where told a list.

    A reply may be a line, or an action: CLOSE and RESET end the connection, SILENCE says nothing. A `.`
    stands for the end of a message. `messages` are those it said 250 to, as they were on the wire.
    """

    script: Mapping[str, str | list[str]] = field(default_factory=dict)
    greeting: str = "220 fake.example.com"
    messages: list[bytes] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    connections: int = 0

    def __enter__(self) -> Self:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._ended.set()
        socket.create_connection(("127.0.0.1", self.port)).close()
        self._thread.join(5)
        self._server.close()

    def _accept(self) -> None:
        while True:
            connection, _ = self._server.accept()
            with connection:
                if self._ended.is_set():
                    return
                self.connections += 1
                connection.settimeout(5)
                try:
                    self._converse(connection)
                except OSError:
                    continue

    def _converse(self, connection: socket.socket) -> None:
        if not self._reply(connection, self.greeting):
            return
        with connection.makefile("rb") as lines:
            while line := lines.readline():
                verb = line[:4].decode("ascii", "replace").strip().upper()
                self.commands.append(line.decode("ascii", "replace").strip())
                if not self._reply(connection, self._scripted(verb)) or verb == "QUIT":
                    return
                if verb == "DATA" and self._last.startswith("354"):
                    message = self._message(lines)
                    reply = self._scripted(".")
                    if reply.startswith("250"):
                        self.messages.append(message)
                    if not self._reply(connection, reply):
                        return

    def _message(self, lines: BinaryIO) -> bytes:
        read: list[bytes] = []
        while (line := lines.readline()) not in (b".\r\n", b""):
            read.append(line)
        return b"".join(read)

    def _scripted(self, verb: str) -> str:
        told = self.script.get(verb, _REPLIES.get(verb, "502 5.5.1 unknown"))
        if isinstance(told, list):
            return told.pop(0) if len(told) > 1 else told[0]
        return told

    def _reply(self, connection: socket.socket, reply: str) -> bool:
        self._last = reply
        if reply == SILENCE:
            self._ended.wait(5)
            return False
        if reply == RESET:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        if reply in (CLOSE, RESET):
            return False
        connection.sendall(reply.encode() + b"\r\n")
        return True
