"""Suspend a real process in the middle of a send, while it has the send locked in the database."""

import os
import re
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import NamedTemporaryFile

import pytest
from sqlalchemy import create_engine, text

from newsletter.sending.model import Send
from newsletter.services.send import SendService
from newsletter.store.database import Database
from newsletter.store.ledger_queries import LedgerQueries
from newsletter.store.subscribers import Subscribers
from newsletter.subscribers.parsing import parse_subscriber
from tests import samples
from tests.forks import Fork, Forks

ISSUE = "2026-04-27"
ADDRESSES = [f"reader{n}@example.com" for n in range(6)]
ROOT = Path(__file__).parent.parent
SECONDS = 60  # long, for a busy machine
LOCKED = f"another process has locked the send of {ISSUE} in the database"


class Sender:
    """A newsletter with six subscribers, in chunks of two, and the processes that send it."""

    def __init__(self, forks: Forks, folder: Path, url: str) -> None:
        self.environment = {"NEWS_DATABASE_URL": url, "NEWS_SECRET_KEY": samples.SECRET, "CI": ""}
        self._forks, self._folder = forks, folder
        self._outputs: dict[Fork, Path] = {}
        self.newsletter = samples.newsletter(folder, extra='send: {rate: "2/s"}\n', **self.environment)
        with closing(Database.open(self.newsletter)) as database:
            for address in ADDRESSES:
                Subscribers(database).add(parse_subscriber(address)[0])

    def start(self, suspend_at: int = 0) -> Fork:
        """Start `news send`; it suspends itself in one of its claims."""
        arguments = ("tests.suspended", str(suspend_at), "-C", str(self._folder), "send", ISSUE, "--yes")
        environment = {**os.environ, "NO_COLOR": "1", **self.environment}
        with NamedTemporaryFile(dir=self._folder, delete=False) as file:
            output = file.fileno()
            process = self._forks.start(
                *arguments, folder=ROOT, output=output, errors=output, environment=environment
            )
        self._outputs[process] = Path(file.name)
        return process

    def output(self, process: Fork) -> str:
        """Return the output of a process in one line."""
        return " ".join(self._outputs[process].read_text().split())

    def plan(self) -> None:
        """Start the send; no mail is sent yet."""
        with SendService.open(self.newsletter) as service:
            service.start(service.plan(service.prepare(ISSUE)))

    def send(self) -> Send:
        with closing(Database.open(self.newsletter)) as database:
            (send,) = LedgerQueries(database).sends()
            return send

    def states(self) -> dict[str, int]:
        with closing(Database.open(self.newsletter)) as database:
            counts = vars(LedgerQueries(database).counts(self.send()))
        return {state: count for state, count in counts.items() if count}

    def mails(self) -> Counter[str]:
        """Return the number of mails to each address."""
        files = (self._folder / "outbox" / "new").glob("*.eml")
        return Counter(re.findall(r"^To: (\S+)", "".join(map(_text, files)), re.MULTILINE))


def _text(file: Path) -> str:
    return file.read_bytes().decode()


def until(condition: Callable[[], object]) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "this takes too long"
        time.sleep(0.02)


@contextmanager
def locked_postgresql(url: str) -> Iterator[None]:
    """Hold the lock on the rows of all sends, as a process in the middle of a claim does."""
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        connection.execute(text(f"set local lock_timeout = '{SECONDS}s'"))
        connection.execute(text("select id from send for update"))
        yield
    engine.dispose()


@contextmanager
def locked_sqlite(url: str) -> Iterator[None]:
    """Hold the lock on the database's file."""
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
        connection.execute("begin immediate")
        yield
        connection.rollback()


@pytest.fixture(params=["postgresql", "sqlite"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgresql_url"))
    return f"sqlite:///{tmp_path}/news.db"


def locked(url: str) -> AbstractContextManager[None]:
    return locked_sqlite(url) if url.startswith("sqlite") else locked_postgresql(url)


def is_suspended(process: Fork) -> bool:
    return Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def test_a_suspended_process_loses_its_lock_and_another_one_takes_over(
    forks: Forks, tmp_path: Path, postgresql_url: str
) -> None:
    sender = Sender(forks, tmp_path, postgresql_url)
    first = sender.start(suspend_at=2)
    try:
        until(lambda: is_suspended(first))
        with locked_postgresql(postgresql_url):  # waits until the server has ended the transaction
            until(lambda: is_suspended(first))  # the system may wake a stopped process for a moment
        until(lambda: sender.send().lease_until < datetime.now(UTC))  # type: ignore[operator]
        assert sender.states() == {"recipients": 6, "accepted": 2, "waiting": 4}
        assert sender.start().wait(SECONDS) == 0
        assert sender.states() == {"recipients": 6, "accepted": 6}
        first.send_signal(signal.SIGCONT)
        assert first.wait(SECONDS) == 3
        assert "ended a transaction of this process, which was suspended" in sender.output(first)
        assert f"news status {ISSUE}" in sender.output(first)
    finally:
        first.kill()
        first.wait(SECONDS)
    assert sender.mails() == Counter(ADDRESSES)
    assert sender.states() == {"recipients": 6, "accepted": 6}


def test_a_wait_for_a_locked_send_is_told_and_ends_with_the_lock_or_a_signal(
    forks: Forks, tmp_path: Path, database_url: str
) -> None:
    sender = Sender(forks, tmp_path, database_url)
    sender.plan()
    with locked(database_url):
        waiting, stopped = sender.start(), sender.start()
        for process in (waiting, stopped):
            until(lambda process=process: LOCKED in sender.output(process))
        stopped.send_signal(signal.SIGTERM)
        assert stopped.wait(SECONDS) == 3
        assert f"{LOCKED} wait until it has ended" in sender.output(stopped)
        assert not sender.mails()
    assert waiting.wait(SECONDS) == 0
    assert re.search(rf"Waiting until \d\d:\d\d:\d\d UTC: {LOCKED}\.", sender.output(waiting))
    assert sender.mails() == Counter(ADDRESSES)
