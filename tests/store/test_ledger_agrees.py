"""Test that the model check's ledger in memory behaves as the real one, on both databases.

Three cases of each kind run, the first of them on PostgreSQL too; with `--every-case` 25 on both. NEWS_SEED
chooses them.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import product
from pathlib import Path
from random import Random
from typing import Any

import pytest

from newsletter.sending.model import (
    ChunkResult,
    ChunkState,
    ClaimedChunk,
    HeldBatch,
    HeldBatchState,
    HeldBatchStatus,
    NewSend,
    Send,
)
from newsletter.store.database import Database
from newsletter.store.journal import SendProcess
from newsletter.store.ledger import Ledger
from newsletter.store.subscribers import Subscribers
from newsletter.subscribers.parsing import parse_subscriber
from tests.model import CANCEL_FAULTS, FAULTS, World
from tests.store.conftest import delete_rows

CASES_OF_A_KIND, CASES_BY_DEFAULT = 25, {"sqlite": 3, "postgresql": 1}
KINDS = (
    {"people": 4, "size": 2},
    {"people": 4, "size": 2, "held_batches": 1},
    {"people": 4, "size": 2, "holds": False},
    {"people": 3, "size": 1, "holds": False},
    {"people": 4, "size": 2, "holds": False, "repeatable": True},
)


class TickingLedger(Ledger):
    """The real ledger, with the ticks at which the model ends a process, as in the ledger in memory."""

    tick: Callable[[str], None]

    def plan(self, new: NewSend) -> Send | None:
        self.tick("plan")
        return super().plan(new)

    def claim(
        self,
        send: Send,
        max_chunks: int,
        max_recipients: int,
        held_batch: HeldBatch | None,
        lease: timedelta,
        *,
        with_journal: bool,
        lookahead: int = 1,
    ) -> list[ClaimedChunk]:
        self.tick("claim")
        return super().claim(
            send,
            max_chunks,
            max_recipients,
            held_batch,
            lease,
            with_journal=with_journal,
            lookahead=lookahead,
        )

    def claim_repetition(self, send: Send, claimed: ClaimedChunk, lease: timedelta) -> ClaimedChunk | None:
        self.tick("claim repetition")
        return super().claim_repetition(send, claimed, lease)

    def settle(self, results: Sequence[ChunkResult]) -> None:
        self.tick("settle")
        super().settle(results)

    def journal(self, chunk: ClaimedChunk) -> "TickingJournal":  # type: ignore[override]
        return TickingJournal(super().journal(chunk), self.tick)

    def open_held_batch(self, send: Send, batch_id: str, send_at: datetime) -> HeldBatch:
        self.tick("open held batch")
        return super().open_held_batch(send, batch_id, send_at)

    def mark_held_batch(self, batch: HeldBatch, state: HeldBatchState) -> None:
        self.tick("mark")
        super().mark_held_batch(batch, state)

    def record_recall(
        self, status: HeldBatchStatus, state: ChunkState, reason: str, *, with_unknown: bool = True
    ) -> None:
        self.tick("recall")
        super().record_recall(status, state, reason, with_unknown=with_unknown)

    def mark_batch_unknown(self, batch: HeldBatch, reason: str) -> None:
        self.tick("mark unknown")
        super().mark_batch_unknown(batch, reason)

    def cancel(self, send: Send) -> None:
        self.tick("cancel")
        super().cancel(send)

    def states(self) -> dict[str, str]:
        (send,) = self.sends()
        states = ("accepted", "refused", "unknown", "waiting", "cancelled", "left")
        return {address: state for state in states for _, address, _ in self.recipients(send, state)}


class TickingJournal:
    """The real journal, with the same ticks."""

    def __init__(self, journal: object, tick: Callable[[str], None]) -> None:
        self._journal, self._tick = journal, tick

    def starting(self, number: int) -> None:
        self._tick("begin")
        self._journal.starting(number)  # type: ignore[attr-defined]

    def finished(self, number: int, outcome: object) -> None:
        self._tick("end")
        self._journal.finished(number, outcome)  # type: ignore[attr-defined]


class RealWorld(World):
    """The model's world on the real ledger; each process has a folder, whose lock ends with the process."""

    def __init__(self, database: Database, folder: Path, **kind: int) -> None:
        super().__init__(**kind)
        self.database, self.folder = database, folder
        subscribers = Subscribers(database, self.now)
        for n in range(1, kind["people"] + 1):
            subscribers.add(parse_subscriber(f"reader{n}@example.com")[0])

    def _process(self, crash_at: int | None, events: Callable[[Send], Iterator[object]]) -> bool:
        process = SendProcess(self.folder / "runs")
        self.ledger = TickingLedger(self.database, process, self.now)  # type: ignore[assignment]
        self.ledger.tick = self.tick
        try:
            return super()._process(crash_at, events)
        finally:
            os.close(process._alive)  # as at the end of a process

    def _begin(self) -> int:
        return 0

    def _died(self, process: int) -> None:
        """Do nothing: the lock is free, which marks the process as dead."""


def cases(count: int, seed: int) -> list[tuple[object, ...]]:
    """Return `count` of the cases of each kind, chosen by a seed."""
    chance, chosen = Random(seed), []
    for kind in KINDS:
        of_kind = product(
            [kind], product(FAULTS, repeat=2), product(CANCEL_FAULTS, repeat=2), (0, 14, 180), (False, True)
        )
        chosen += chance.sample(list(of_kind), count)
    return chosen


def cases_and_databases() -> Iterator[Any]:
    """Yield each case with each database; most are left to `--every-case`."""
    seed = int(os.environ.get("NEWS_SEED", "20260427"))
    for number, case in enumerate(cases(CASES_OF_A_KIND, seed)):
        for database, by_default in CASES_BY_DEFAULT.items():
            marks = [] if number % CASES_OF_A_KIND < by_default else [pytest.mark.every_case]
            yield pytest.param(case, database, id=f"{case}-{database}", marks=marks)


@pytest.mark.parametrize(("case", "database"), [*cases_and_databases()], indirect=["database"])
def test_both_tell_the_same_story(case: tuple[object, ...], database: Database, tmp_path: Path) -> None:
    kind, faults, cancels, gap, cancelled = case
    for crash in (2, 5, 8, 11, None):
        delete_rows(database)
        results = []
        for world in (World(**kind), RealWorld(database, tmp_path, **kind)):  # type: ignore[arg-type]
            world.provider.faults, world.provider.cancel_faults = list(faults), list(cancels)  # type: ignore[call-overload]
            ended = [world.run(crash)]
            world.time += timedelta(minutes=gap)  # type: ignore[arg-type]
            ended.append(world.cancel() if cancelled else world.run())
            results.append((ended, world.ledger.states(), world.provider.delivered(), world.time))
        assert results[0] == results[1], f"crash at {crash}"
