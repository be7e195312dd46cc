"""`news serve` in a process of its own, for what only a network and a process show."""

import os
import re
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx

from tests import samples
from tests.forks import Fork, ForkServer
from tests.web.visitors import PUBLIC, UNSUBSCRIBE

HIGH_RATES = "serve: {rate: 100k/h, rate_per_network: 100k/h}\n"
ENVIRONMENT = {"CI": "", "NO_COLOR": "1", "NEWS_SECRET_KEY": samples.SECRET}
_URL = re.compile(r"http://\S+:[0-9]+/")
_LINK = re.compile(re.escape(PUBLIC) + r"/(?:confirm|unsubscribe|me)/[A-Za-z0-9.]+")
_WAIT_SECONDS = 30


@dataclass
class RunningServer:
    """A process that serves the newsletter of a folder, reached as through a web server for PUBLIC."""

    folder: Path
    url: str
    process: Fork
    errors: Path

    @property
    def port(self) -> int:
        return httpx.URL(self.url).port or 80

    def here(self, link: str) -> str:
        """Return the address of this machine for a link of a mail."""
        assert link.startswith(PUBLIC), link
        return self.url.rstrip("/") + link.removeprefix(PUBLIC)

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send a request; it is never redirected."""
        with plain_client() as client:
            return client.request(method, self.url.rstrip("/") + path, **options)

    def sign_up(self, address: str, **headers: str) -> httpx.Response:
        return self.ask("POST", "/subscribe", data={"address": address}, headers=headers)

    def is_well(self) -> bool:
        return self.ask("GET", "/healthz").status_code == 200

    def mails(self, kind: str = "") -> list[EmailMessage]:
        """Return the mails in the outbox; those of a kind have file names that begin with it."""
        return mails(self.folder, kind)

    def wait_for_mail(self, kind: str) -> EmailMessage:
        """Wait for the one mail of a kind."""
        wait_until(lambda: self.mails(kind))
        (mail,) = self.mails(kind)
        return mail

    def contents(self) -> dict[str, list[Any]]:
        """Return the rows of all tables, to see that nothing has changed."""
        return contents(self.folder)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and return the exit code; fail if the process does not end."""
        self.process.send_signal(number)
        return self.process.wait(_WAIT_SECONDS)

    @property
    def log(self) -> str:
        return self.errors.read_text(encoding="utf-8", errors="replace")


def plain_client(local_address: str | None = None) -> httpx.Client:
    """Return a client for `http:` only, without certificates: to load them takes 13 ms."""
    transport = httpx.HTTPTransport(local_address=local_address, verify=False)
    return httpx.Client(transport=transport, trust_env=False, timeout=_WAIT_SECONDS)


@contextmanager
def running(
    forks: ForkServer,
    folder: Path,
    *,
    module: str = "newsletter",
    host: str = "127.0.0.1",
    **environment: str,
) -> Iterator[RunningServer]:
    """Run `news serve` for the newsletter in a folder; kill it at the end, if it still runs.

    `module` is a program that behaves as `news` does.
    """
    output, errors = folder / "output.txt", folder / "errors.txt"
    arguments = ("--port", "0", "--host", host)
    process = start(
        forks, folder, output, errors, module=module, arguments=arguments, environment=environment
    )
    try:
        wait_until(lambda: "Ctrl-C" in output.read_text() or errors.read_text().startswith("Error"))
        found = _URL.search(output.read_text())
        assert found, errors.read_text()
        yield RunningServer(folder, found[0], process, errors)
    finally:
        process.kill()
        process.wait(_WAIT_SECONDS)
    assert "Traceback" not in errors.read_text(errors="replace"), errors.read_text(errors="replace")


def start(
    forks: ForkServer,
    folder: Path,
    output: Path,
    errors: Path,
    *,
    module: str = "newsletter",
    arguments: tuple[str, ...] = (),
    environment: Mapping[str, str] = MappingProxyType({}),
) -> Fork:
    """Start `news serve`; its output and its errors go into files."""
    with output.open("wb") as out, errors.open("wb") as err:
        return forks.start(
            module,
            *("serve", *arguments),
            folder=folder,
            output=out.fileno(),
            errors=err.fileno(),
            environment={**os.environ, **ENVIRONMENT, **environment},
        )


def newsletter_folder(folder: Path, extra: str = HIGH_RATES, unsubscribe: str = UNSUBSCRIBE) -> Path:
    """Write a newsletter into a folder; return the folder."""
    samples.newsletter(folder, extra=extra, unsubscribe=unsubscribe)
    return folder


def mails(folder: Path, kind: str = "") -> list[EmailMessage]:
    files = sorted((folder / "outbox" / "new").glob(f"{kind}*.eml"))
    parser = BytesParser(policy=policy.default)
    return [parser.parsebytes(file.read_bytes()) for file in files]  # type: ignore[misc]


def links(mail: EmailMessage) -> list[str]:
    """Return the links to our pages in the parts of a mail, without repetition."""
    parts = [part.get_content() for part in mail.walk() if part.get_content_maintype() == "text"]
    return list(dict.fromkeys(link for part in parts for link in _LINK.findall(part)))


def contents(folder: Path) -> dict[str, list[Any]]:
    with closing(sqlite3.connect(folder / ".news" / "news.db")) as connection:
        names = [row[0] for row in connection.execute("select name from sqlite_master where type = 'table'")]
        return {name: connection.execute(f'select * from "{name}"').fetchall() for name in names}


def wait_until(is_so: Callable[[], object], seconds: float = _WAIT_SECONDS) -> None:
    """Wait until a condition is true; fail if it does not become true."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
