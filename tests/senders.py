"""The processes that send a newsletter, and that suspend themselves (`tests.suspended`)."""

import os
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile

from sqlalchemy import create_engine, text

from newsletter.sending.model import Send
from newsletter.services.open_send import open_service
from newsletter.store.database import Database
from newsletter.store.ledger_queries import LedgerQueries
from newsletter.store.subscribers import Subscribers
from newsletter.subscribers.parsing import parse_subscriber
from tests import samples
from tests.forks import ROOT, Fork, ForkServer

ISSUE = "2026-04-27"
ADDRESSES = [f"reader{n}@example.com" for n in range(6)]
SECONDS = 60  # long, for a busy machine


class Sender:
    """A newsletter with six subscribers, in chunks of two, and the processes that send it."""

    def __init__(self, forks: ForkServer, folder: Path, url: str, *, subscribes: bool = True) -> None:
        """Write the newsletter; with `subscribes`, also its subscribers into the database at `url`."""
        self.environment = {"NEWS_DATABASE_URL": url, "NEWS_SECRET_KEY": samples.SECRET, "CI": ""}
        self._forks, self._folder = forks, folder
        self._outputs: dict[Fork, Path] = {}
        self.newsletter = samples.newsletter(folder, extra='send: {rate: "2/s"}\n', **self.environment)
        with closing(Database.open(self.newsletter)) as database:
            for address in ADDRESSES if subscribes else ():
                Subscribers(database).add(parse_subscriber(address)[0])

    def start(self, *options: str, suspend: str = "never", command: str = "send") -> Fork:
        """Start `news send`, or another command; it suspends itself at a moment of `tests.suspended`."""
        arguments = ("tests.suspended", suspend, "-C", str(self._folder), command, ISSUE, "--yes", *options)
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
        with open_service(self.newsletter) as service:
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


def is_suspended(process: Fork) -> bool:
    return Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


@contextmanager
def locked_postgresql(url: str, table: str = "") -> Iterator[None]:
    """Hold the lock on the rows of all sends, as a process in the middle of a claim does, or on a table."""
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        connection.execute(text(f"set local lock_timeout = '{SECONDS}s'"))
        lock = f"lock table {table} in share row exclusive mode"
        connection.execute(text(lock if table else "select id from send for update"))
        yield
    engine.dispose()
