"""An SMTP server that follows a script, for what real ones do only on bad days."""

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
    """Answers each command as told, the same way each time, or in order where told a list.

    A reply may be a line, or an action: CLOSE and RESET end the connection, SILENCE says nothing. A `.`
    stands for the end of a message. `messages` are those it said 250 to and had a recipient for, as they were
    on the wire; `cut_off` those whose last line never came. What no script tells it answers as a server does,
    a command out of order included. `latency` passes before each write of its own: `turns` counts those. With
    `pipelining` EHLO offers that.
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
        self._wires: list[_Wire] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._ended.set()
        socket.create_connection(("127.0.0.1", self.port)).close()
        self._threads[0].join(5)
        for wire in self._wires:
            with suppress(OSError):
                wire.connection.shutdown(socket.SHUT_RDWR)
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
            self._wires.append(_Wire(self, connection))
            thread = threading.Thread(target=self._serve, args=(self._wires[-1],), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, wire: "_Wire") -> None:
        with wire.connection, suppress(OSError):
            self._converse(wire)

    def _converse(self, wire: "_Wire") -> None:
        if not self._reply(wire, self._in_turn(self.greeting)):
            return
        while line := wire.readline():
            verb = line[:4].decode("ascii", "replace").strip().upper()
            self.commands.append(line.decode("ascii", "replace").strip())
            if not self._reply(wire, self._scripted(verb, wire)):
                return
            if verb == "QUIT":
                wire.flush()
                return
            if verb == "DATA" and wire.last.startswith("354") and not self._message(wire):
                return

    def _message(self, wire: "_Wire") -> bool:
        read: list[bytes] = []
        while (line := wire.readline()) != b".\r\n":
            if not line:
                self.cut_off.append(b"".join(read))
                return False
            read.append(line)
        reply = self._scripted(".", wire)
        if reply.startswith("250") and wire.recipients:
            self.messages.append(b"".join(read))
        wire.begin_anew()
        return self._reply(wire, reply)

    def _scripted(self, verb: str, wire: "_Wire") -> str:
        reply = self._in_turn(self.script[verb]) if verb in self.script else self._usual(verb, wire)
        wire.note(verb, reply)
        return reply

    def _in_turn(self, told: str | list[str]) -> str:
        with self._lock:
            if isinstance(told, list):
                return told.pop(0) if len(told) > 1 else told[0]
            return told

    def _usual(self, verb: str, wire: "_Wire") -> str:
        """What a server says that has nothing against anybody."""
        if verb == "EHLO":
            return "250-fake.example.com\r\n250 PIPELINING" if self.pipelining else "250 fake.example.com"
        if verb == "MAIL" and wire.sender:
            return "503 5.5.1 nested MAIL"
        if verb == "RCPT" and not wire.sender:
            return "503 5.5.1 need MAIL"
        if verb == "DATA":
            return GO_ON if wire.recipients else "503 5.5.1 need RCPT"
        if verb == ".":
            return "250 2.0.0 queued as 1" if wire.recipients else "554 5.5.1 no valid recipients"
        return _REPLIES.get(verb, "502 5.5.1 unknown")

    def _reply(self, wire: "_Wire", reply: str) -> bool:
        wire.last = reply
        if reply in (SILENCE, RESET, CLOSE):
            wire.flush()
        if reply == SILENCE:
            self._ended.wait(5)
            return False
        if reply == RESET:
            wire.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        if reply in (CLOSE, RESET):
            return False
        wire.out += reply.encode() + b"\r\n"
        return True


@dataclass
class _Wire:
    """One connection, and where its mail transaction stands."""

    server: ScriptedSmtp
    connection: socket.socket
    heard: bytes = b""
    out: bytes = b""
    last: str = ""
    sender: bool = False
    recipients: int = 0

    def readline(self) -> bytes:
        """The next line, or nothing where there is none; what is to be said is said before waiting for it."""
        while b"\n" not in self.heard:
            if not select.select([self.connection], [], [], 0)[0]:
                self.flush()
            read = self.connection.recv(65_536)
            if not read:
                return b""
            self.heard += read
        line, _, self.heard = self.heard.partition(b"\n")
        return line + b"\n"

    def flush(self) -> None:
        if self.out:
            self.server.turns += 1
            time.sleep(self.server.latency)
            said, self.out = self.out, b""
            self.connection.sendall(said)

    def note(self, verb: str, reply: str) -> None:
        if verb == "MAIL" and reply.startswith("250"):
            self.sender = True
        elif verb == "RCPT" and reply.startswith("25"):
            self.recipients += 1
        elif verb in ("RSET", "EHLO"):
            self.begin_anew()

    def begin_anew(self) -> None:
        self.sender, self.recipients = False, 0
