"""Fixtures of the preview's tests: a newsletter, a preview in a separate process, a web server."""

import os
import select
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from sqlalchemy import insert

from newsletter.config import loader
from newsletter.store.database import open_database
from newsletter.store.schema import send_table
from tests.forks import Fork, ForkServer

CONFIG = """\
name: Kitchen Letter
sender: {name: Kitchen Letter, email: kitchen@example.com}
postal_address: Kitchen Letter, 1 Example Street
unsubscribe: {url: "https://kitchen.example.com/leave/{token}"}
"""
ISSUE = """\
subject: Soup for all
preheader: Three soups for the first cold week of the year.
stories:
  - title: Leek and potato
    link: https://kitchen.example.com/leek
    passages:
      - heading: How
        text: |
          Cook slowly. Then **wait**.
"""


@dataclass(frozen=True)
class Letter:
    """A newsletter's folder, with the saves of an editor."""

    folder: Path
    issue: str = ISSUE
    config: str = CONFIG

    def save(self, name: str, text: str) -> None:
        """Write a new file and rename it over the old one, like vim and others."""
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        new = self.folder / "being-saved"
        new.write_text(text, encoding="utf-8")
        new.replace(file)

    def edit(self, old: str, new: str, name: str = "issues/2026-01-05.yml") -> None:
        """Save a file with one text replaced by another."""
        text = (self.folder / name).read_text(encoding="utf-8")
        assert old in text
        self.save(name, text.replace(old, new))

    def record_send(
        self, issue: str = "2026-01-05", state: str = "open", finished_at: datetime | None = None
    ) -> None:
        """Insert a send into the ledger."""
        values = {"issue": issue, "state": state, "finished_at": finished_at, "list": "subscribers"}
        values |= {
            "content_sha256": "0" * 64,
            "content": b"",
            "provider": "smtp",
            "recipients": 2,
            "undo_window_seconds": 0,
        }
        with open_database(loader.load(self.folder)) as database, database.writing() as connection:
            connection.execute(
                insert(send_table), {**values, "started_at": datetime(2026, 1, 26, 9, tzinfo=UTC)}
            )


@dataclass(frozen=True)
class Served:
    """A running preview."""

    url: str
    process: Fork

    def interrupt(self) -> int:
        """Press Ctrl-C and return the exit code; fail if it does not end."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(20)


@pytest.fixture
def letter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Letter:
    """Return a newsletter with one issue; the test runs in its folder, so that paths are relative to it."""
    monkeypatch.chdir(tmp_path)
    letter = Letter(tmp_path)
    letter.save("newsletter.yml", CONFIG)
    letter.save("issues/2026-01-05.yml", ISSUE)
    return letter


@pytest.fixture
def preview(letter: Letter, forks: ForkServer) -> Iterator[Callable[..., Served]]:
    """Yield a function that runs `serve` in a new process; the processes end with the test."""
    with ExitStack() as running:
        yield lambda name="": running.enter_context(_serving(forks, letter.folder, name))


@contextmanager
def _serving(forks: ForkServer, folder: Path, name: str) -> Iterator[Served]:
    reading, writing = os.pipe()
    with open(reading, encoding="utf-8") as output:
        process = forks.start(
            "tests.preview.served", str(folder), name, folder=folder, output=writing, errors=2
        )
        os.close(writing)
        try:
            assert select.select([output], [], [], 30)[0], "the preview did not print its address"
            yield Served(output.readline().strip(), process)
        finally:
            process.kill()
            process.wait(30)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Yield a page of a browser that records its requests; the test fails if a script of the page does."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page, mistakes = context.new_page(), list[str]()
    page.requested = []  # type: ignore[attr-defined]
    page.on("pageerror", lambda error: mistakes.append(str(error)))
    page.on("request", lambda request: page.requested.append(request.url))  # type: ignore[attr-defined]
    yield page
    context.close()
    assert mistakes == []


@dataclass
class Recorder:
    """A web server that records the requested paths and answers 404."""

    url: str
    requested: list[str]


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    """Yield a running Recorder."""
    requested: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            requested.append(self.path)
            self.send_error(404)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield Recorder(f"http://127.0.0.1:{server.server_port}/", requested)
        server.shutdown()
        thread.join()
