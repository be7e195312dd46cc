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

_REPORTS = " UNDELETED HEADER Content-Type multipart/report"
USERNAME, PASSWORD = "leave@example.com", "imap-password"


@dataclass
class Stored:
    """A message in the folder."""

    uid: int
    content: bytes
    received_at: datetime
    flags: set[str] = field(default_factory=set)


@dataclass
class ImapFake:
    """A mailbox; `deliver` puts a message into its folder.

    `commands` has the commands as they came, LOGIN without its arguments, which are in `logins`. `fetched`
    has the numbers of the messages that were sent. `script` has replies that replace those to a command:
    lines with TAG in place of the tag, CLOSE or SILENCE. With `tls` the server speaks TLS from the start; if
    it `offers_starttls`, after the command. With `uid_last` the number of a message comes after its content.
    Unless it `obeys_size`, it sends messages whole.
    """

    tls: ssl.SSLContext | None = None
    offers_starttls: bool = False
    folder: str = "INBOX"
    validity: int = 7
    script: dict[str, str] = field(default_factory=dict)
    uid_last: bool = False
    obeys_size: bool = True
    stored: list[Stored] = field(default_factory=list)
    moved: dict[str, list[bytes]] = field(default_factory=dict)
    commands: list[str] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    fetched: list[int] = field(default_factory=list)
    connections: int = 0
    _closing: tuple[str, int] = ("", 0)
    _is_readonly: bool = False

    def deliver(self, content: bytes, received_at: datetime | None = None, *flags: str) -> Stored:
        uid = self.stored[-1].uid + 1 if self.stored else 1
        message = Stored(uid, content, received_at or datetime.now(UTC), {*flags})
        self.stored.append(message)
        return message

    def close_at(self, command: str, turn: int) -> None:
        """Close the connection at a command, the `turn`-th time that it comes."""
        self._closing = (command, turn)

    @property
    def unseen(self) -> list[int]:
        return [message.uid for message in self.stored if "\\Seen" not in message.flags]

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
        stream = connection.makefile("rb", buffering=0)
        # After STARTTLS there is no other greeting.
        if not isinstance(connection, ssl.SSLSocket) or not self.offers_starttls:
            connection.sendall(b"* OK fake\r\n")
        while line := stream.readline():
            tag, _, rest = line.decode("utf-8", "replace").strip().partition(" ")
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
                connection.sendall(f"{scripted.replace('TAG', tag)}\r\n".encode())
                continue
            connection.sendall(self._untagged(name, rest) + f"{tag} {self._status(name, rest)}\r\n".encode())
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
        if name in ("SELECT", "EXAMINE"):
            folder = self.folder.replace('"', r"\"")
            if rest.partition(" ")[2] != f'"{folder}"':
                return "NO no such folder"
            return f"OK [READ-{'ONLY' if self._is_readonly else 'WRITE'}] selected"
        return f"OK {name} done"

    def _untagged(self, name: str, rest: str) -> bytes:
        if name == "CAPABILITY":
            return b"* CAPABILITY IMAP4rev1" + (b" STARTTLS" if self.offers_starttls else b"") + b"\r\n"
        if name in ("SELECT", "EXAMINE"):
            self._is_readonly = name == "EXAMINE"
            return f"* {len(self.stored)} EXISTS\r\n* OK [UIDVALIDITY {self.validity}] ok\r\n".encode()
        if name == "UID SEARCH":
            return self._search(rest)
        if name == "UID FETCH":
            return b"".join(map(self._fetched, self._named(rest)))
        if name == "UID STORE":
            assert rest.endswith(r"+FLAGS.SILENT (\Seen)") and not self._is_readonly
            for message in self._named(rest):
                message.flags.add("\\Seen")
        if name == "UID MOVE":
            for message in self._named(rest):
                self.stored.remove(message)
                self.moved.setdefault(rest.split(" ", 3)[3].strip('"'), []).append(message.content)
        return b""

    def _search(self, rest: str) -> bytes:
        criteria = re.fullmatch(rf"UID SEARCH UID (\d+):\*( UNSEEN)?({_REPORTS})?", rest)
        assert criteria, rest
        last = self.stored[-1].uid if self.stored else 0
        found = [m for m in self.stored if m.uid >= min(int(criteria[1]), last)]
        if criteria[2]:
            found = [m for m in found if "\\Seen" not in m.flags]
        if criteria[3]:
            headers = {m.uid: m.content.partition(b"\r\n\r\n")[0].lower() for m in found}
            found = [m for m in found if "\\Deleted" not in m.flags and b"multipart/report" in headers[m.uid]]
        return f"* SEARCH {' '.join(str(m.uid) for m in found)}\r\n".encode()

    def _named(self, rest: str) -> list[Stored]:
        numbers = {int(number) for number in rest.split(" ")[2].split(",")}
        return [message for message in self.stored if message.uid in numbers]

    def _fetched(self, message: Stored) -> bytes:
        limit = int((re.search(r"<0\.(\d+)>", self.commands[-1]) or ["", "0"])[1])
        content = message.content[: limit if self.obeys_size else None]
        self.fetched.append(message.uid)
        if "BODY.PEEK[]" not in self.commands[-1] and not self._is_readonly:
            message.flags.add("\\Seen")
        uid = f"UID {message.uid}"
        attributes = f'INTERNALDATE "{message.received_at:%d-%b-%Y %H:%M:%S %z}"'
        before, after = (attributes, f" {uid}") if self.uid_last else (f"{uid} {attributes}", "")
        start = f"* {message.uid} FETCH ({before} BODY[]<0> {{{len(content)}}}\r\n"
        return start.encode() + content + f"{after})\r\n".encode()
