"""Suspend a real process in the middle of a send, while it has the send locked in the database."""

import re
import signal
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.forks import ForkServer
from tests.senders import ADDRESSES, ISSUE, SECONDS, Sender, is_suspended, locked_postgresql, until

LOCKED = f"another process has locked the send of {ISSUE} in the database"


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


def test_a_suspended_process_loses_its_lock_and_another_one_takes_over(
    forks: ForkServer, tmp_path: Path, postgresql_url: str
) -> None:
    sender = Sender(forks, tmp_path, postgresql_url)
    first = sender.start(suspend="claim:2:2")
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
    forks: ForkServer, tmp_path: Path, database_url: str
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
