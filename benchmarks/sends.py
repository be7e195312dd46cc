"""Sends to a sink, each checked for completeness, and the size of the database afterwards."""

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
    """A finished send: the process, and the totals of its sink."""

    ran: measure.Run
    totals: dict[str, Any]

    @property
    def rate(self) -> float:
        """Return recipients per second, from the start of the process to its end."""
        return self._recipients / self.ran.seconds

    @property
    def rate_at_sink(self) -> float:
        """Return recipients per second, from the first request to the last response."""
        return float(self._recipients / self.totals["seconds"])

    @property
    def _recipients(self) -> int:
        return int(self.totals["recipients"] if "recipients" in self.totals else self.totals["messages"])


class Letters:
    """Newsletters by their number of subscribers; each is made once, and copied for each send."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def with_subscribers(self, recipients: int) -> Iterator[Path]:
        """Yield a new copy of a newsletter with this number of subscribers."""
        original = self._folder / str(recipients)
        if not original.exists():
            letter.make(original, recipients)
        with tempfile.TemporaryDirectory(dir=self._folder) as name:
            copy = Path(name) / "letter"
            shutil.copytree(original, copy)
            yield copy


def without_ledger(folder: Path, recipients: int) -> float:
    """Return recipients per second, timed like the peers: without the start of Python and rendering."""
    with sinks.Sink("http") as sink:
        letter.configure(folder, "sendgrid", sink.port, letter.REQUESTS)
        script = Path(__file__).with_name("ours.py")
        ran = measure.run(sys.executable, script, folder, str(recipients), cwd=folder, **letter.ENVIRONMENT)
        printed = json.loads(ran.output)
        _check_complete(Sent(ran, sink.finish()), "recipients", recipients, printed["accepted"])
        return float(recipients / printed["seconds"])


def through_sendgrid(
    folder: Path,
    recipients: int,
    latency: float = 0.0,
    concurrency: int = letter.REQUESTS,
    database: str = "",
) -> Sent:
    with sinks.Sink("http", latency) as sink:
        letter.configure(folder, "sendgrid", sink.port, concurrency)
        ran = news_send(folder, database)
        return _check_complete(Sent(ran, sink.finish()), "recipients", recipients)


def through_smtp(folder: Path, messages: int, connections: int, latency: float = 0.0) -> Sent:
    with sinks.Sink("smtp", latency) if latency else sinks.fastest_smtp() as sink:
        letter.configure(folder, "smtp", sink.port, connections)
        ran = news_send(folder)
        totals = sink.finish()
        return _check_complete(Sent(ran, totals), "messages", messages, totals.get("links", messages))


def news_send(folder: Path, database: str = "") -> measure.Run:
    """Run `news send`."""
    command = (measure.news(), "send", "--issue", letter.ISSUE, "--yes", "--now")
    return measure.run(*command, cwd=folder, **letter.ENVIRONMENT | {"NEWS_DATABASE_URL": database})


def status_seconds(folder: Path) -> float:
    status = (measure.news(), "status", "--issue", letter.ISSUE)
    return measure.seconds(measure.whole_process(*status, cwd=folder, **letter.ENVIRONMENT), 5)


def ledger_bytes(folder: Path) -> int:
    """Return the bytes of the database file with all commits in it."""
    file = folder / ".news" / "news.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("pragma wal_checkpoint(truncate)")
    return file.stat().st_size


def postgresql_bytes(database: str) -> int:
    """Return the bytes of the database at a URL."""
    folder = postgresql.binaries()
    assert folder
    query = "select pg_database_size(current_database())"
    command = (folder / "psql", database, "-Atc", query)
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def _check_complete(sent: Sent, key: str, *expected: int) -> Sent:
    if wrong := [number for number in expected if number != sent.totals[key]]:
        raise SystemExit(
            f"{wrong[0]:,} {key} were expected, but {sent.totals[key]:,} arrived:\n{sent.ran.output}"
        )
    return sent
