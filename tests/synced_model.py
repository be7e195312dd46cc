"""A model of machines that continue a send from a published copy: `tests.model` with a remote.

Each process begins on a machine of its own, unless a test says otherwise, and knows only what the remote has.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from newsletter.errors import NewsError, SaveLost, SendRefused, StoreError
from newsletter.sending import start
from newsletter.sending.cancel import cancel
from newsletter.sending.model import NextChunk, Send, StartSettings
from newsletter.sending.publisher import Publisher
from newsletter.sending.synced_ledger import SyncedLedger
from tests import samples
from tests.fakes.ledger import Attempt, MemoryLedger
from tests.model import Crash, World

# Results of a save. The last four look the same to the process: it gets no reply.
SAVE_FAULTS = (
    "ok",  # published
    "slow",  # published after three minutes
    "refused",  # not published
    "landed",  # published
    "late",  # published before the next look at the remote, unless another process published
    "later",  # the same, before the look after that
)
SLOW = timedelta(minutes=3)
Data = dict[str, Any]


class SyncedMemoryLedger(SyncedLedger, MemoryLedger):
    """The ledger in memory, published."""


def data_of(ledger: MemoryLedger) -> Data:
    """Return a copy of all that a ledger records."""
    return {
        "sends": list(ledger.sends),
        "chunks": {first: replace(chunk) for first, chunk in ledger.chunks.items()},
        "attempts": [replace(attempt) for attempt in ledger.attempts],
        "batches": dict(ledger.batches),
        "contents": dict(ledger.contents),
        "left": set(ledger.left),
        "unsubscribed": set(ledger.unsubscribed),
    }


def published_copy(ledger: MemoryLedger, next_chunks: Sequence[NextChunk]) -> Data:
    """Return the copy that `store.published_copy` would write."""
    copy = data_of(ledger)
    for attempt in copy["attempts"]:
        if attempt.state == "intended":
            attempt.process = 0
    for upcoming in next_chunks:
        for chunk in copy["chunks"].values():
            if upcoming.first <= chunk.first <= upcoming.last and chunk.state == "waiting":
                chunk.state, chunk.held_batch = "intended", upcoming.held_batch
                attempt = Attempt(chunk.first, chunk.last, chunk.held_batch, 0, ledger.now())
                copy["attempts"].append(attempt)
    return copy


@dataclass
class Version:
    """A version of the remote's content."""

    number: int = 0
    copy: Data | None = None
    deadline: datetime | None = None


@dataclass
class Remote:
    """The ref of a remote: each write replaces the version that it expects, or fails."""

    faults: list[str] = field(default_factory=list)
    version: Version = field(default_factory=Version)
    written: int = 0
    # A push on its way: what it expects, what it writes, and the number of looks until it arrives.
    on_its_way: list[tuple[set[int], Version, int]] = field(default_factory=list)

    def look(self) -> Version:
        """Return the version, after the arrival of late pushes."""
        waiting = []
        for expected, version, looks in self.on_its_way:
            if looks > 1:
                waiting.append((expected, version, looks - 1))
            elif self.version.number in expected:
                self.version = version
        self.on_its_way = waiting
        return self.version

    def next_version(self, copy: Data, deadline: datetime | None) -> Version:
        self.written += 1
        return Version(self.written, copy, deadline)


class MemorySync:
    """The saves of one process (`LedgerSync`)."""

    copy_of = staticmethod(published_copy)

    def __init__(self, world: "SyncedWorld", ledger: MemoryLedger) -> None:
        self.world, self.ledger = world, ledger
        version = world.remote.look()
        self.deadline = version.deadline
        # The version that this ledger came from, and those that this process wrote: nobody else's.
        self.known = {version.number}

    def save(self, next_chunks: Sequence[NextChunk], deadline: datetime | None) -> None:
        self.world.tick("save")
        remote = self.world.remote
        if remote.look().number not in self.known:
            raise SaveLost("another process published first")
        version = remote.next_version(self.copy_of(self.ledger, next_chunks), deadline)
        fault = remote.faults.pop(0) if remote.faults else "ok"
        if fault == "slow":
            self.world.time += SLOW
        if fault in ("late", "later"):
            remote.on_its_way.append((set(self.known), version, 1 if fault == "late" else 2))
        self.known.add(version.number)
        if fault in ("ok", "slow", "landed"):
            remote.version = version
        self.world.tick("saved")
        if fault not in ("ok", "slow"):
            self.no_reply()

    def no_reply(self) -> None:
        raise StoreError("no reply")


class SyncedWorld(World):
    """One send of one issue, by processes on several machines."""

    sync_class = MemorySync
    ledger_class = SyncedMemoryLedger
    publisher_class = Publisher
    # Each process runs on the machine of the one before, which has the notes of that one.
    same_machine = False
    # It continues from that machine's own ledger, if the remote has only what that machine published.
    keeps_ledger = True

    def __init__(self, people: int = 4, **kind: Any) -> None:
        super().__init__(people, **kind)
        # A longer heartbeat only shortens the model's waits.
        self.timing = replace(self.timing, heartbeat=timedelta(seconds=20))
        self.people = people
        self.remote = Remote()
        self.dead: set[int] = set()
        self.canary_size: int | None = None
        self.takes_over: Callable[[], object] = self.run

    def delivery_steps(self) -> Iterator[object]:
        """Begin `news send` on a machine; yield at each of its events."""
        self._begin()
        yield from self._steps(lambda send: self._delivery(send).run())

    def cancel_steps(self) -> Iterator[object]:
        """Begin `news cancel` on a machine; yield at each of its events."""
        self._begin()
        yield from self._steps(self._cancel)

    def cancel(self, crash_at: int | None = None) -> bool:
        return self._process(crash_at, self._cancel)

    def _cancel(self, send: Send) -> Iterator[object]:
        can_repeat = self.provider.repeatable is not None
        recallable = self.provider.recallable
        return cancel(send, self.ledger, recallable, self, self.timing, can_repeat=can_repeat)

    def _process(self, crash_at: int | None, events: Callable[[Send], Iterator[object]]) -> bool:
        self.ticks, self.crash_at = 0, crash_at
        process = self._begin()
        try:
            for _ in self._steps(events):
                pass
            return True
        except Crash:
            self._died(process)
            return False
        except (StoreError, SendRefused):
            return True
        finally:
            self.crash_at = None

    def _steps(self, events: Callable[[Send], Iterator[object]]) -> Iterator[object]:
        """Run a process as `SendService` does; a crash releases no lease."""
        ledger = self.ledger
        settings = StartSettings(self.undo_window_seconds, canary_size=self.canary_size)
        send = start.claim_send(self.mailing, ledger, self.provider, settings)
        ledger.acquire_lease(send, self.timing.lease)
        try:
            yield from events(send)
        except NewsError:
            ledger.release_lease(send)
            raise
        ledger.release_lease(send)

    def _begin(self) -> int:
        """Begin a process with the remote's copy, or with this machine's ledger if that is newer."""
        self.processes += 1
        earlier = self.ledger
        version = self.remote.look()
        ledger = self.ledger_class(self.people, self.now, self.tick)
        sync = self.sync_class(self, ledger)
        newest = version.copy
        if self.same_machine and isinstance(earlier, SyncedMemoryLedger):
            ledger.journals = earlier.journals
            if self.keeps_ledger and version.number in self.known_here:
                newest = data_of(earlier)
        vars(ledger).update(_copied(newest or {}))
        ledger.publisher = self.publisher_class(sync, self.now, self.timing)
        ledger.process, ledger.dead = self.processes, self.dead
        self.ledger, self.known_here = ledger, sync.known
        return self.processes

    def _died(self, process: int) -> None:
        self.dead.add(process)

    def _overtake(self) -> None:
        """Suspend this process while others run, which may die; then it goes on."""
        ledger, ticks, known, self.overtaken_at = self.ledger, self.ticks, self.known_here, None
        self.takes_over()
        self.ledger, self.ticks, self.known_here = ledger, ticks, known

    def contradiction(self) -> str:
        """Return the first contradiction between the mail and the remote's copy, or an empty string."""
        ledger, self.ledger = self.ledger, MemoryLedger(self.people, self.now, self.tick)
        vars(self.ledger).update(_copied(self.remote.look().copy or {}))
        try:
            return super().contradiction()
        finally:
            self.ledger = ledger

    def states(self) -> dict[str, str]:
        """Return each recipient's state in the remote's copy."""
        ledger = MemoryLedger(self.people, self.now, self.tick)
        vars(ledger).update(_copied(self.remote.look().copy or {}))
        return ledger.states()


def _copied(data: Data) -> Data:
    ledger = MemoryLedger(0, lambda: samples.NOW, lambda step: None)
    vars(ledger).update(data)
    return data_of(ledger) if data else {}
