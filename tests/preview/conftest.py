"""A newsletter to preview, the preview as a process of its own, and a browser to look at it."""

import select
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from sqlalchemy import insert

from newsletter.store.database import open_database
from newsletter.store.schema import send_table

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
_SERVE = """
import sys
import threading
from pathlib import Path
from newsletter.preview.launch import serve
serve(Path(sys.argv[1]), sys.argv[2] or None, port=0, ready=lambda url: print(url, flush=True))
"""


@dataclass(frozen=True)
class Letter:
    """A newsletter's folder, written to as an editor would."""

    folder: Path
    issue: str = ISSUE
    config: str = CONFIG

    def save(self, name: str, text: str) -> None:
        """Writes a new file and renames it over the old one, as vim and others do."""
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        new = self.folder / "being-saved"
        new.write_text(text, encoding="utf-8")
        new.replace(file)

    def edit(self, old: str, new: str, name: str = "issues/2026-01-05.yml") -> None:
        """Saves a file with one text replaced by another."""
        text = (self.folder / name).read_text(encoding="utf-8")
        assert old in text
        self.save(name, text.replace(old, new))

    def records(
        self, issue: str = "2026-01-05", state: str = "open", finished_at: datetime | None = None
    ) -> None:
        """Puts a send into the ledger."""
        values = {"issue": issue, "state": state, "finished_at": finished_at, "list": "subscribers"}
        values |= {
            "content_sha256": "0" * 64,
            "content": b"",
            "provider": "smtp",
            "recipients": 2,
            "undo_window_seconds": 0,
        }
        with open_database(self.folder) as database, database.writing() as connection:
            connection.execute(
                insert(send_table), {**values, "started_at": datetime(2026, 1, 26, 9, tzinfo=UTC)}
            )


@dataclass(frozen=True)
class Served:
    """A running preview."""

    url: str
    process: subprocess.Popen[str]

    def interrupt(self) -> int:
        """Ctrl-C; the exit code. Fails where that takes more than three seconds."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(3)


@pytest.fixture
def letter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Letter:
    """A newsletter with one issue; the test runs in its folder, so files are shown relative to it."""
    monkeypatch.chdir(tmp_path)
    letter = Letter(tmp_path)
    letter.save("newsletter.yml", CONFIG)
    letter.save("issues/2026-01-05.yml", ISSUE)
    return letter


@pytest.fixture
def preview(letter: Letter) -> Iterator[Callable[..., Served]]:
    """Starts `serve` in a process of its own; whatever still runs at the end of the test is ended."""
    with ExitStack() as running:
        yield lambda name="": running.enter_context(_serving(letter.folder, name))


@contextmanager
def _serving(folder: Path, name: str) -> Iterator[Served]:
    command = [sys.executable, "-W", "error", "-c", _SERVE, str(folder), name]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            assert select.select([process.stdout], [], [], 20)[0], "the preview did not say that it listens"
            yield Served(process.stdout.readline().strip(), process)
        finally:
            process.kill()


@dataclass
class Recorder:
    """A web server that only writes down what it is asked for."""

    url: str
    asked: list[str]


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    """A running Recorder on this machine."""
    asked: list[str] = []

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield Recorder(f"http://127.0.0.1:{server.server_port}/", asked)
        server.shutdown()
        thread.join()
