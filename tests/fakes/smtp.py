"""An SMTP server that follows a script, for failures that real servers rarely have."""

import select
import socket
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

CLOSE, RESET, SILENCE = "close", "reset", "silence"
GO_ON = "354 go on"
_REPLIES = {
    "HELO": "250 fake.example.com",
    "MAIL": "250 2.1.0 ok",
    "RCPT": "250 2.1.5 ok",
    "RSET": "250 2.0.0 ok",
    "QUIT": "221 2.0.0 bye",
}


@dataclass
class ScriptedSmtp:
    """Reply to each command by a script: always the same reply, or the replies of a list one after the other.

    A reply is a line or an action: CLOSE and RESET end the connection, SILENCE sends nothing. The command `.`
    is the end of a message. `messages` has the accepted messages with a recipient, as sent; `cut_off` those
    whose last line never came. Commands that are not in the script get a normal server's reply, also those
    out of order. Each write takes `latency` seconds, and `turns` counts the writes. With `pipelining` EHLO
    offers it.
    """

    script: Mapping[str, str | list[str]] = field(default_factory=dict)
    greeting: str | list[str] = "220 fake.example.com"
    messages: list[bytes] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    connections: int = 0
    pipelining: bool = False
    latency: float = 0
    turns: int = 0
    cut_off: list[bytes] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._connections: list[_Connection] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._ended.set()
        socket.create_connection(("127.0.0.1", self.port)).close()
        self._threads[0].join(5)
        for client in self._connections:
            with suppress(OSError):
                client.connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads[1:]:
            thread.join(5)
        self._server.close()

    def _accept(self) -> None:
        while True:
            connection, _ = self._server.accept()
            if self._ended.is_set():
                connection.close()
                return
            self.connections += 1
            connection.settimeout(5)
            self._connections.append(_Connection(self, connection))
            thread = threading.Thread(target=self._serve, args=(self._connections[-1],), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, client: "_Connection") -> None:
        with client.connection, suppress(OSError):
            self._converse(client)

    def _converse(self, client: "_Connection") -> None:
        if not self._reply(client, self._next_reply(self.greeting)):
            return
        while line := client.readline():
            verb = line[:4].decode("ascii", "replace").strip().upper()
            self.commands.append(line.decode("ascii", "replace").strip())
            if not self._reply(client, self._scripted(verb, client)):
                return
            if verb == "QUIT":
                client.flush()
                return
            if verb == "DATA" and client.last.startswith("354") and not self._message(client):
                return

    def _message(self, client: "_Connection") -> bool:
        read: list[bytes] = []
        while (line := client.readline()) != b".\r\n":
            if not line:
                self.cut_off.append(b"".join(read))
                return False
            read.append(line)
        reply = self._scripted(".", client)
        if reply.startswith("250") and client.recipients:
            self.messages.append(b"".join(read))
        client.reset()
        return self._reply(client, reply)

    def _scripted(self, verb: str, client: "_Connection") -> str:
        reply = (
            self._next_reply(self.script[verb]) if verb in self.script else self._default_reply(verb, client)
        )
        client.record(verb, reply)
        return reply

    def _next_reply(self, replies: str | list[str]) -> str:
        with self._lock:
            if isinstance(replies, list):
                return replies.pop(0) if len(replies) > 1 else replies[0]
            return replies

    def _default_reply(self, verb: str, client: "_Connection") -> str:
        """Return the reply of a server that accepts everybody."""
        if verb == "EHLO":
            return "250-fake.example.com\r\n250 PIPELINING" if self.pipelining else "250 fake.example.com"
        if verb == "MAIL" and client.sender:
            return "503 5.5.1 nested MAIL"
        if verb == "RCPT" and not client.sender:
            return "503 5.5.1 need MAIL"
        if verb == "DATA":
            return GO_ON if client.recipients else "503 5.5.1 need RCPT"
        if verb == ".":
            return "250 2.0.0 queued as 1" if client.recipients else "554 5.5.1 no valid recipients"
        return _REPLIES.get(verb, "502 5.5.1 unknown")

    def _reply(self, client: "_Connection", reply: str) -> bool:
        client.last = reply
        if reply in (SILENCE, RESET, CLOSE):
            client.flush()
        if reply == SILENCE:
            self._ended.wait(5)
            return False
        if reply == RESET:
            client.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        if reply in (CLOSE, RESET):
            return False
        client.out += reply.encode() + b"\r\n"
        return True


@dataclass
class _Connection:
    """One connection, and the state of its mail transaction."""

    server: ScriptedSmtp
    connection: socket.socket
    received: bytes = b""
    out: bytes = b""
    last: str = ""
    sender: bool = False
    recipients: int = 0

    def readline(self) -> bytes:
        """Return the next line, empty at the end; send the pending replies before waiting for it."""
        while b"\n" not in self.received:
            if not select.select([self.connection], [], [], 0)[0]:
                self.flush()
            read = self.connection.recv(65_536)
            if not read:
                return b""
            self.received += read
        line, _, self.received = self.received.partition(b"\n")
        return line + b"\n"

    def flush(self) -> None:
        if self.out:
            self.server.turns += 1
            time.sleep(self.server.latency)
            data, self.out = self.out, b""
            self.connection.sendall(data)

    def record(self, verb: str, reply: str) -> None:
        if verb == "MAIL" and reply.startswith("250"):
            self.sender = True
        elif verb == "RCPT" and reply.startswith("25"):
            self.recipients += 1
        elif verb in ("RSET", "EHLO"):
            self.reset()

    def reset(self) -> None:
        self.sender, self.recipients = False, 0
