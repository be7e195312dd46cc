"""The unsubscribe worker of `contrib` under Node, with a SQLite database in the place of D1."""

import os
import shutil
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.fakes.web import Reply, Request, WebFake

ROOT = Path(__file__).parent.parent.parent
WORKER, SCHEMA = ROOT / "contrib" / "unsubscribe-worker.js", ROOT / "contrib" / "unsubscribe-worker.sql"
TOKEN = "worker-token"


def absent() -> str | None:
    """Return the reason for which the worker cannot run here; None if it can."""
    return None if shutil.which("node") else "node, for the unsubscribe worker (Debian: apt install nodejs)"


class _D1(WebFake):
    """The database, whose queries come over HTTP."""

    def __init__(self) -> None:
        super().__init__()
        self.connection = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        self.connection.row_factory = sqlite3.Row
        self.connection.executescript(SCHEMA.read_text(encoding="utf-8"))
        self._one_query = threading.Lock()

    def answer(self, request: Request) -> Reply:
        with self._one_query:
            rows = self.connection.execute(request.body["sql"], request.body["parameters"]).fetchall()
        return Reply(200, [dict(row) for row in rows])


@dataclass
class RunningWorker:
    """A running worker at `url`."""

    url: str
    database: _D1 = field(repr=False)

    def rows(self) -> list[tuple[int, str, int]]:
        """Return the rows of the table: id, token, time."""
        return [tuple(row) for row in self.database.connection.execute("select id, token, at from leave")]

    def put(self, token: str, at: int) -> None:
        """Store a token with a time of its own."""
        self.database.connection.execute("insert into leave (token, at) values (?, ?)", (token, at))


@contextmanager
def running() -> Iterator[RunningWorker]:
    """Run the worker until the end of the block."""
    with _D1() as database:
        environment = {**os.environ, "DATABASE": database.url, "WORKER_TOKEN": TOKEN}
        runner = ROOT / "tests" / "contrib" / "run-worker.mjs"
        command = ["node", str(runner), str(WORKER)]
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout
                yield RunningWorker(f"http://127.0.0.1:{int(process.stdout.readline())}", database)
            finally:
                process.kill()
        database.connection.close()
