"""An IMAP server on loopback with one folder, for the commands that news uses, with ordered faults."""

import re
import socket
import ssl
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from tests.fakes.smtp import CLOSE, SILENCE

USERNAME, PASSWORD = "leave@example.com", "imap-password"


@dataclass
class Stored:
    """A message in the folder."""

    uid: int
    content: bytes
    arrived_at: datetime
    seen: bool = False


@dataclass
class ImapFake:
    """A mailbox; `deliver` puts a message into its folder.

    `script` has replies that replace those to a command: text after the tag, CLOSE or SILENCE. With
    `uid_last` the number of a message comes after its content.
    """

    tls: ssl.SSLContext | None = None
    offers_starttls: bool = False
    folder: str = "INBOX"
    validity: int = 7
    script: dict[str, str] = field(default_factory=dict)
    uid_last: bool = False
    stored: list[Stored] = field(default_factory=list)
    moved: dict[str, list[bytes]] = field(default_factory=dict)
    commands: list[str] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    connections: int = 0
    _closing: tuple[str, int] = ("", 0)

    def deliver(self, content: bytes, arrived_at: datetime | None = None, *, seen: bool = False) -> Stored:
        uid = self.stored[-1].uid + 1 if self.stored else 1
        message = Stored(uid, content, arrived_at or datetime.now(UTC), seen)
        self.stored.append(message)
        return message

    def close_at(self, command: str, turn: int) -> None:
        """Close the connection at a command, the `turn`-th time that it comes."""
        self._closing = (command, turn)

    @property
    def unseen(self) -> list[int]:
        return [message.uid for message in self.stored if not message.seen]

    def __enter__(self) -> Self:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._ended.set()
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port)).close()
        self._thread.join(5)
        self._server.close()

    def _accept(self) -> None:
        while True:
            connection, _ = self._server.accept()
            if self._ended.is_set():
                connection.close()
                return
            self.connections += 1
            with suppress(OSError, ssl.SSLError):
                if self.tls and not self.offers_starttls:
                    connection = self.tls.wrap_socket(connection, server_side=True)
                self._serve(connection)
            connection.close()

    def _serve(self, connection: socket.socket) -> None:
        """Serve one client after the other: news has one connection at a time."""
        connection.settimeout(20)
        stream = connection.makefile("rwb", buffering=0)
        # After STARTTLS there is no other greeting.
        if not isinstance(connection, ssl.SSLSocket) or not self.offers_starttls:
            stream.write(b"* OK fake\r\n")
        while line := stream.readline():
            tag, _, rest = line.decode("utf-8").strip().partition(" ")
            name = (re.match(r"(UID )?\w+", rest.upper()) or [""])[0]
            self.commands.append("LOGIN" if name == "LOGIN" else rest)
            self.logins += [rest] if name == "LOGIN" else []
            scripted = self.script.get(name)
            if name == self._closing[0]:
                self._closing = (name, self._closing[1] - 1)
                scripted = CLOSE if not self._closing[1] else scripted
            if scripted == CLOSE:
                return
            if scripted == SILENCE:
                self._ended.wait(20)
                return
            if scripted is not None:
                stream.write(f"{scripted.replace('TAG', tag)}\r\n".encode())
                continue
            stream.write(self._untagged(name, rest) + f"{tag} {self._status(name, rest)}\r\n".encode())
            if name == "LOGOUT":
                return
            if name == "STARTTLS" and self.tls:
                stream.close()
                with self.tls.wrap_socket(connection, server_side=True) as encrypted:
                    self._serve(encrypted)
                return

    def _status(self, name: str, rest: str) -> str:
        if name == "LOGIN" and rest.split(" ", 1)[1] != f'"{USERNAME}" "{PASSWORD}"':
            return f"NO [AUTHENTICATIONFAILED] {rest} is wrong"
        if name == "SELECT" and rest.partition(" ")[2].strip('"') != self.folder:
            return "NO no such folder"
        return f"OK {name} done"

    def _untagged(self, name: str, rest: str) -> bytes:
        if name == "CAPABILITY":
            return b"* CAPABILITY IMAP4rev1" + (b" STARTTLS" if self.offers_starttls else b"") + b"\r\n"
        if name == "SELECT":
            return f"* {len(self.stored)} EXISTS\r\n* OK [UIDVALIDITY {self.validity}] ok\r\n".encode()
        if name == "UID SEARCH":
            return self._search(rest)
        if name == "UID FETCH":
            return b"".join(map(self._fetched, self._named(rest)))
        if name == "UID STORE":
            for message in self._named(rest):
                message.seen = message.seen or "\\Seen" in rest
        if name == "UID MOVE":
            for message in self._named(rest):
                self.stored.remove(message)
                self.moved.setdefault(rest.split(" ", 3)[3].strip('"'), []).append(message.content)
        return b""

    def _search(self, rest: str) -> bytes:
        first = int((re.search(r"UID (\d+):\*", rest.partition("SEARCH")[2]) or ["", "1"])[1])
        last = self.stored[-1].uid if self.stored else 0
        found = [m.uid for m in self.stored if m.uid >= min(first, last)]
        if "UNSEEN" in rest:
            found = [uid for uid in found if uid in self.unseen]
        return f"* SEARCH {' '.join(map(str, found))}\r\n".encode()

    def _named(self, rest: str) -> list[Stored]:
        numbers = {int(number) for number in rest.split(" ")[2].split(",")}
        return [message for message in self.stored if message.uid in numbers]

    def _fetched(self, message: Stored) -> bytes:
        limit = int((re.search(r"<0\.(\d+)>", self.commands[-1]) or ["", "0"])[1])
        content = message.content[:limit]
        uid = f"UID {message.uid}"
        date = message.arrived_at.strftime("%d-%b-%Y %H:%M:%S %z")
        attributes = f'RFC822.SIZE {len(message.content)} INTERNALDATE "{date}"'
        before, after = (attributes, f" {uid}") if self.uid_last else (f"{uid} {attributes}", "")
        start = f"* {message.uid} FETCH ({before} BODY[]<0> {{{len(content)}}}\r\n"
        return start.encode() + content + f"{after})\r\n".encode()
