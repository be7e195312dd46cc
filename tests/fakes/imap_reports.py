"""An IMAP server with one folder, as far as RFC 3501 is needed to read reports; its faults can be set."""

import re
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self


@dataclass
class StoredMail:
    """A mail in the folder, with its flags."""

    content: bytes
    received_at: datetime
    flags: set[str] = field(default_factory=set)


@dataclass
class ImapFake:
    """A server that knows one user; `mails` are those of the folder by their UIDs.

    `commands` has the commands as they came, without the arguments of LOGIN. `replies` replace those to a
    command: a status line without its tag, or None to close the connection. Unless `obeys_size`, mails are
    sent whole. With `tls` the server speaks TLS from the start, with `starttls` after the command.
    """

    mails: dict[int, StoredMail] = field(default_factory=dict)
    username: str = "bounces"
    password: str = "only for tests"
    folder: str = "INBOX"
    tls: ssl.SSLContext | None = None
    starttls: ssl.SSLContext | None = None
    replies: Mapping[str, str | None] = field(default_factory=dict)
    obeys_size: bool = True
    commands: list[str] = field(default_factory=list)
    fetched: list[int] = field(default_factory=list)

    def add(self, content: bytes, received_at: datetime, *flags: str) -> int:
        """Add a mail; return its UID."""
        uid = max(self.mails, default=100) + 1
        self.mails[uid] = StoredMail(content, received_at, {*flags})
        return uid

    def __enter__(self) -> Self:
        fake = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                _Session(fake, self.request).run()

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._server.shutdown()
        self._thread.join(5)
        self._server.server_close()


class _Session:
    """A connection: commands are read, and replied to in order."""

    def __init__(self, fake: ImapFake, connected: socket.socket) -> None:
        self._fake, self._socket = fake, connected
        self._readonly = True

    def run(self) -> None:
        try:
            if self._fake.tls:
                self._socket = self._fake.tls.wrap_socket(self._socket, server_side=True)
            self._file = self._socket.makefile("rb")
            self._send("* OK fake.example.com ready")
            while (line := self._file.readline()) and self._reply(line.strip()):
                pass
            self._file.close()
        except OSError:
            pass  # the client has ended the connection
        finally:
            self._socket.close()

    def _reply(self, line: bytes) -> bool:
        tag, _, rest = line.decode("ascii").partition(" ")
        command, _, arguments = rest.partition(" ")
        if command.upper() == "UID":
            command, _, arguments = arguments.partition(" ")
        command = command.upper()
        self._fake.commands.append(command if command == "LOGIN" else f"{command} {arguments}".strip())
        if command in self._fake.replies:
            if (reply := self._fake.replies[command]) is None:
                return False
            self._send(f"{tag} {reply}")
            return command != "LOGOUT"
        for untagged in getattr(self, f"_{command.lower()}")(arguments):
            self._send(untagged)
        self._send(f"{tag} {self._status}")
        if command == "STARTTLS":
            assert self._fake.starttls
            self._socket = self._fake.starttls.wrap_socket(self._socket, server_side=True)
            self._file = self._socket.makefile("rb")
        return command != "LOGOUT"

    def _send(self, line: str | bytes) -> None:
        data = line.encode() if isinstance(line, str) else line
        self._socket.sendall(data + b"\r\n")

    def _capability(self, _: str) -> Iterator[str]:
        self._status = "OK done"
        yield f"* CAPABILITY IMAP4rev1{' STARTTLS' if self._fake.starttls else ''}"

    def _starttls(self, _: str) -> Iterator[str]:
        self._status = "OK begin TLS"
        yield from ()

    def _login(self, arguments: str) -> Iterator[str]:
        expected = f'"{self._fake.username}" "{self._fake.password}"'
        self._status = "OK welcome" if arguments == expected else "NO wrong password"
        yield from ()

    def _select(self, arguments: str, *, readonly: bool = False) -> Iterator[str]:
        name = self._fake.folder.replace('"', r"\"")
        if arguments != f'"{name}"':
            self._status = "NO no such folder"
            return
        self._readonly = readonly
        self._status = f"OK [{'READ-ONLY' if readonly else 'READ-WRITE'}] selected"
        yield f"* {len(self._fake.mails)} EXISTS"

    def _examine(self, arguments: str) -> Iterator[str]:
        return self._select(arguments, readonly=True)

    def _search(self, arguments: str) -> Iterator[str]:
        assert arguments == "UNSEEN UNDELETED HEADER Content-Type multipart/report"
        found = [
            uid
            for uid, mail in self._fake.mails.items()
            if "\\Seen" not in mail.flags
            and b"multipart/report" in mail.content.partition(b"\r\n\r\n")[0].lower()
        ]
        self._status = "OK done"
        yield f"* SEARCH {' '.join(map(str, found))}".strip()

    def _fetch(self, arguments: str) -> Iterator[bytes]:
        uids, _, items = arguments.partition(" ")
        size = int(re.search(r"BODY\.PEEK\[\]<0\.([0-9]+)>", items)[1])  # type: ignore[index]
        for number, uid in enumerate(map(int, uids.split(",")), 1):
            if mail := self._fake.mails.get(uid):
                self._fake.fetched.append(uid)
                content = mail.content[: size if self._fake.obeys_size else None]
                date = f"{mail.received_at.astimezone(UTC):%d-%b-%Y %H:%M:%S} +0000"
                head = f'* {number} FETCH (UID {uid} INTERNALDATE "{date}" BODY[]<0> {{{len(content)}}}\r\n'
                yield head.encode() + content + b")"
        self._status = "OK done"

    def _store(self, arguments: str) -> Iterator[Any]:
        uids, _, change = arguments.partition(" ")
        assert change == "+FLAGS.SILENT (\\Seen)" and not self._readonly
        for uid in map(int, uids.split(",")):
            self._fake.mails[uid].flags.add("\\Seen")
        self._status = "OK done"
        yield from ()

    def _logout(self, _: str) -> Iterator[str]:
        self._status = "OK good bye"
        yield "* BYE"
