"""Whole sends to a sink, each checked to have arrived completely, and what they leave in the database."""

import json
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import letter
import measure
import sinks

from tests.fakes import postgresql


@dataclass(frozen=True)
class Sent:
    """A whole send: the process, and what its sink got."""

    ran: measure.Run
    got: dict[str, Any]

    @property
    def rate(self) -> float:
        """Recipients a second from the start of the process to its end."""
        return self._people / self.ran.seconds

    @property
    def rate_at_sink(self) -> float:
        """Recipients a second between the first request and the last answer."""
        return float(self._people / self.got["seconds"])

    @property
    def _people(self) -> int:
        return int(self.got["recipients"] if "recipients" in self.got else self.got["messages"])


class Letters:
    """Newsletters with so many subscribers; made once for a size, and copied for each send."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def with_subscribers(self, recipients: int) -> Iterator[Path]:
        """A fresh copy of one."""
        made = self._folder / str(recipients)
        if not made.exists():
            letter.make(made, recipients)
        with tempfile.TemporaryDirectory(dir=self._folder) as name:
            copy = Path(name) / "letter"
            shutil.copytree(made, copy)
            yield copy


def without_ledger(folder: Path, recipients: int) -> float:
    """Recipients a second, timed as the peers are: without starting Python, and without rendering."""
    with sinks.Sink("http") as sink:
        letter.configure(folder, "sendgrid", sink.port, letter.REQUESTS)
        script = Path(__file__).with_name("ours.py")
        ran = measure.run(sys.executable, script, folder, str(recipients), cwd=folder, **letter.ENVIRONMENT)
        said = json.loads(ran.output)
        _all_there(Sent(ran, sink.finish()), "recipients", recipients, said["accepted"])
        return float(recipients / said["seconds"])


def through_sendgrid(
    folder: Path, recipients: int, latency: float = 0.0, at_once: int = letter.REQUESTS, database: str = ""
) -> Sent:
    with sinks.Sink("http", latency) as sink:
        letter.configure(folder, "sendgrid", sink.port, at_once)
        ran = news_send(folder, database)
        return _all_there(Sent(ran, sink.finish()), "recipients", recipients)


def through_smtp(folder: Path, messages: int, connections: int, latency: float = 0.0) -> Sent:
    with sinks.Sink("smtp", latency) if latency else sinks.fastest_smtp() as sink:
        letter.configure(folder, "smtp", sink.port, connections)
        ran = news_send(folder)
        got = sink.finish()
        return _all_there(Sent(ran, got), "messages", messages, got.get("links", messages))


def news_send(folder: Path, database: str = "") -> measure.Run:
    """`news send`, whole."""
    command = (measure.news(), "send", "--issue", letter.ISSUE, "--yes", "--now")
    return measure.run(*command, cwd=folder, **letter.ENVIRONMENT | {"NEWS_DATABASE_URL": database})


def status_seconds(folder: Path) -> float:
    status = (measure.news(), "status", "--issue", letter.ISSUE)
    return measure.seconds(measure.whole_process(*status, cwd=folder, **letter.ENVIRONMENT), 5)


def ledger_bytes(folder: Path) -> int:
    """The database's size with everything in it that was committed."""
    file = folder / ".news" / "news.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("pragma wal_checkpoint(truncate)")
    return file.stat().st_size


def postgresql_bytes(server: Path) -> int:
    folder = postgresql.binaries()
    assert folder
    query = "select pg_database_size(current_database())"
    command = (folder / "psql", "-h", server, "-U", "news", "-Atc", query, "postgres")
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def _all_there(sent: Sent, what: str, *numbers: int) -> Sent:
    if wrong := [number for number in numbers if number != sent.got[what]]:
        raise SystemExit(
            f"{wrong[0]:,} {what} were to arrive, and {sent.got[what]:,} did:\n{sent.ran.output}"
        )
    return sent
