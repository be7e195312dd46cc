"""Test that the model's published ledger behaves as the one in SQLite, whose copies are files.

Without `--every-case` a few stories are tried.
"""

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from itertools import product
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import URL

from newsletter.sending.model import NextChunk, Send
from newsletter.sending.publisher import Publisher
from newsletter.sending.synced_ledger import SyncedLedger
from newsletter.store.database import Database
from newsletter.store.journal import SendProcess
from newsletter.store.ledger_queries import LedgerQueries
from newsletter.store.published_copy import write_published_copy
from newsletter.store.sqlite import file_engine
from newsletter.store.subscribers import Subscribers
from newsletter.subscribers.parsing import parse_subscriber
from tests import samples
from tests.store.test_ledger_agrees import TickingLedger
from tests.synced_model import MemorySync, SyncedWorld

KINDS = (
    {"people": 6, "size": 2, "held_batches": 1},
    {"people": 4, "size": 2},
    {"people": 3, "size": 1, "holds": False},
)
STATES = ("accepted", "refused", "unknown", "waiting", "cancelled", "left")


class PublishedTickingLedger(SyncedLedger, TickingLedger):
    """The ledger in SQLite, published, with the ticks at which the model ends a process."""


class FileSync(MemorySync):
    """The saves of one process, each a file."""

    world: "FileWorld"

    def copy_of(self, ledger: object, next_chunks: Sequence[NextChunk]) -> Path:  # type: ignore[override]
        file = self.world.folder / f"copy{self.world.remote.written}.db"
        write_published_copy(self.world.database, file, next_chunks, self.world.now)
        return file


class FileWorld(SyncedWorld):
    """The model's world on databases in files; each process has a copy of its own."""

    def __init__(self, folder: Path, empty: Path, **kind: int) -> None:
        super().__init__(**kind)
        self.folder, self.empty = folder, empty
        self.opened: list[Database] = []

    def open(self, file: Path) -> Database:
        """Open a database that needs no migration, without the newsletter's files."""
        self.database = Database(file_engine(URL.create("sqlite", database=str(file))))
        self.opened.append(self.database)
        return self.database

    def _begin(self) -> int:
        self.processes += 1
        newest, file = self.remote.look().copy or self.empty, self.folder / f"machine{self.processes}.db"
        shutil.copy(newest, file)
        self.process = SendProcess(self.folder / "runs")
        ledger = PublishedTickingLedger(self.open(file), self.process, self.now)
        ledger.tick = self.tick
        ledger.publisher = Publisher(FileSync(self, ledger), self.now, self.timing)  # type: ignore[arg-type]
        self.ledger = ledger  # type: ignore[assignment]
        return self.processes

    def _process(self, crash_at: int | None, events: Callable[[Send], Iterator[object]]) -> bool:
        try:
            return super()._process(crash_at, events)
        finally:
            os.close(self.process._alive)  # as at the end of a process

    def states(self) -> dict[str, str]:
        if self.remote.version.copy is None:
            return {}
        queries = LedgerQueries(self.open(self.remote.version.copy), self.now)  # type: ignore[arg-type]
        (send,) = queries.sends()
        return {address: state for state in STATES for _, address, _ in queries.recipients(send, state)}


def stories(count: int) -> list[tuple[object, ...]]:
    """Return `count` of the stories of each kind."""
    chance, chosen = Random("a few stories"), []
    faults = ("ok", "taken", "late", "put off", "refused")
    for kind in KINDS:
        saves = product(("ok", "refused", "landed"), repeat=2)
        of_kind = product([kind], product(faults, repeat=2), saves, (0, 14, 180), (False, True))
        chosen += chance.sample(list(of_kind), count)
    return chosen


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    count = 20 if metafunc.config.getoption("--every-case") else 1
    metafunc.parametrize("story", stories(count), ids=str)


def database_of(people: int, folder: Path) -> Path:
    """Return the file of a database with some subscribers."""
    file = folder / "empty.db"
    with closing(
        Database.open(samples.newsletter(folder, NEWS_DATABASE_URL=f"sqlite:///{file}"))
    ) as database:
        for n in range(1, people + 1):
            Subscribers(database, lambda: samples.NOW).add(parse_subscriber(f"reader{n}@example.com")[0])
    return file


def test_both_tell_the_same_story(story: tuple[object, ...], tmp_path: Path) -> None:
    kind, faults, saves, gap, cancelled = story
    empty = database_of(kind["people"], tmp_path)  # type: ignore[index]
    for crash in (9, None):
        folder = tmp_path / f"crash{crash}"
        folder.mkdir()
        results: list[object] = []
        for world in (SyncedWorld(**kind), FileWorld(folder, empty, **kind)):  # type: ignore[arg-type]
            world.provider.faults, world.remote.faults = list(faults), list(saves)  # type: ignore[call-overload]
            ended = [world.run(crash)]
            states = world.states()
            world.time += timedelta(minutes=gap)  # type: ignore[arg-type]
            ended.append(world.cancel() if cancelled else world.run())
            deadline: datetime | None = world.remote.version.deadline
            results.append((ended, states, world.states(), world.provider.delivered(), world.time, deadline))
            for database in getattr(world, "opened", ()):
                database.close()
        assert results[0] == results[1], f"crash at {crash}"
