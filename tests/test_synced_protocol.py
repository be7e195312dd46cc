"""A model check of the send protocol with a published ledger: crashes, lost saves, take-overs.

At every moment the remote's copy tells the truth about the mail: no recipient gets it twice, every accepted
one gets it, and nobody gets it who is called unsent. Variants that are broken on purpose must be found.

With `--every-case` every case is tried; without it, each test takes a few sequences of faults, which its name
chooses. The broken variants are always tried with all of their cases.
"""

import logging
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from itertools import product
from typing import Any

import pytest

from newsletter.errors import NewsError, SaveLost
from newsletter.sending import start
from newsletter.sending.model import HeldBatch, HeldBatchState, NextChunk, StartSettings
from newsletter.sending.publisher import Publisher
from tests.fakes.ledger import MemoryLedger
from tests.model import FAULTS, MAILING
from tests.synced_model import SAVE_FAULTS, Data, MemorySync, SyncedMemoryLedger, SyncedWorld, published_copy

AT_ONCE, LATER, TOO_LATE = timedelta(), timedelta(minutes=12), timedelta(hours=3)
GAPS = [
    pytest.param(gap, id=name)
    for gap, name in ((AT_ONCE, "at-once"), (LATER, "later"), (TOO_LATE, "too-late"))
]
ONE_BATCH = {"people": 6, "size": 2, "held_batches": 1}
HELD = {"people": 4, "size": 2}
STRAIGHT = {"people": 4, "size": 2, "holds": False}
ONE_BY_ONE = {"people": 3, "size": 1, "holds": False}
REPEATED = {"people": 4, "size": 2, "holds": False, "repeatable": True}
KINDS = [pytest.param(HELD, id="held"), pytest.param(ONE_BATCH, id="one-batch")]
KINDS += [pytest.param(STRAIGHT, id="batches"), pytest.param(ONE_BY_ONE, id="one-by-one")]
KINDS += [pytest.param(REPEATED, id="repeated")]
MAX_TICKS = 200

World = SyncedWorld
Some = Callable[[Iterable[Any], int], list[Any]]


@pytest.fixture(scope="module", autouse=True)
def _one_snapshot() -> Iterator[None]:
    """Make the snapshot of the mailing once, which is the same in all worlds, and log nothing."""
    snapshot = start.snapshot(MAILING)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(start, "snapshot", lambda mailing: snapshot)
        logging.disable()  # hundreds of thousands of warnings
        yield
        logging.disable(logging.NOTSET)


@pytest.fixture
def some(request: pytest.FixtureRequest, every_case: bool) -> Some:
    """Return a function that chooses a number of cases, or all of them with `--every-case`."""
    chance = random.Random(request.node.name)

    def chosen(cases: Iterable[Any], count: int) -> list[Any]:
        listed = list(cases)
        return listed if every_case else chance.sample(listed, count)

    return chosen


def world_of(
    kind: dict[str, int], faults: Sequence[str] = (), saves: Sequence[str] = (), world: type[World] = World
) -> World:
    built = world(**kind)
    built.provider.faults, built.remote.faults = list(faults), list(saves)
    return built


def crashes(build: Callable[[], World], gap: timedelta) -> Iterator[World]:
    """Yield worlds in which a first process crashes at each tick in turn, and a second finishes the send.

    Each world is yielded after the crash, and after the second process.
    """
    for at in range(MAX_TICKS):
        world = build()
        ended = world.run(at)
        yield world
        world.time += gap
        world.run()
        yield world
        if ended:
            return


def first_contradiction(worlds: Iterator[World]) -> str:
    """Return the first contradiction in the worlds; empty if there is none."""
    return next(filter(None, (world.contradiction() for world in worlds)), "")


class SameMachine(World):
    same_machine = True


class SameMachineWithTheCopy(World):
    """The machine has notes that are newer than the copy from which it continues."""

    same_machine, keeps_ledger = True, False


@pytest.mark.parametrize("world_class", [World, SameMachine, SameMachineWithTheCopy])
@pytest.mark.parametrize("gap", GAPS)
@pytest.mark.parametrize("kind", KINDS)
def test_every_crash_and_every_fault(
    kind: dict[str, int], gap: timedelta, world_class: type[World], some: Some
) -> None:
    for faults in some(product(FAULTS, repeat=2), 1):
        worlds = crashes(partial(world_of, kind, faults, (), world_class), gap)
        assert first_contradiction(worlds) == "", faults


@pytest.mark.parametrize("gap", GAPS)
@pytest.mark.parametrize("kind", KINDS)
def test_every_crash_and_every_save(kind: dict[str, int], gap: timedelta, some: Some) -> None:
    """Saves fail in every way, are slow, or arrive late: before or after the next look."""
    for *saves, fault in some(product(SAVE_FAULTS, SAVE_FAULTS, ("ok", "refused"), ("ok", "late")), 2):
        worlds = crashes(partial(world_of, kind, ("ok", fault), saves), gap)
        assert first_contradiction(worlds) == "", (saves, fault)


@pytest.mark.parametrize("gap", GAPS)
@pytest.mark.parametrize("kind", KINDS)
def test_two_crashes(kind: dict[str, int], gap: timedelta, some: Some) -> None:
    for *faults, first in some(product(("ok", "taken", "late"), ("ok", "taken", "late"), range(25)), 1):
        for second in range(MAX_TICKS):
            world = world_of(kind, faults)
            world.run(first)
            world.time += gap
            ended = world.run(second)
            world.time += gap
            world.run()
            assert world.contradiction() == "", (faults, first, second)
            if ended:
                break


def take_overs(
    kind: dict[str, int],
    faults: Sequence[str],
    gap: timedelta,
    world_class: type[World] = World,
    one_death_of: int = 6,
) -> Iterator[World]:
    """Yield worlds in which a process is overtaken by one that may die, and goes on; a third follows."""
    for at, dies in product(range(1, 30), (None, *range(0, 30, one_death_of))):
        world = world_of(kind, faults, (), world_class)
        world.overtaken_at = at

        def others(world: World = world, dies: int | None = dies) -> None:
            world.time += gap
            world.run(dies)

        world.takes_over = others
        world.run()
        yield world
        world.run()
        yield world
        if world.overtaken_at is not None:
            return


@pytest.mark.parametrize("gap", [timedelta(), timedelta(seconds=80), timedelta(minutes=6)], ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_one_that_is_overtaken_goes_on(
    kind: dict[str, int], gap: timedelta, some: Some, every_case: bool
) -> None:
    """It goes on before its deadline, and after it."""
    one_death_of = 2 if every_case else 6
    for faults in some(product(("ok", "taken", "late", "put off"), repeat=2), 1):
        assert first_contradiction(take_overs(kind, faults, gap, World, one_death_of)) == "", faults


def cancels_of_live_sends(
    faults: Sequence[str], pause: timedelta, world_class: type[World] = World, *, resumed: bool = False
) -> Iterator[World]:
    """Yield worlds in which a send is cancelled from elsewhere while it runs; it goes on in each wait."""
    for begun, before in product(range(6), (timedelta(), pause)):
        world = world_of(ONE_BATCH, faults, (), world_class)
        sender = world.delivery_steps()
        for _ in range(begun):
            proceed(sender)
        world.time += before
        cancel_meanwhile(world, sender, pause)
        yield world
        while proceed(sender):
            pass
        yield world
        if resumed:
            world.resume()
            yield world


def cancel_meanwhile(world: World, sender: Iterator[object], pause: timedelta) -> None:
    """Run `news cancel`, and again if the sender publishes before the cancel does; the sender goes on."""
    for _ in range(9):
        try:
            for _ in world.cancel_steps():
                world.time += pause
                proceed(sender)
            return
        except SaveLost:
            continue
    raise AssertionError("the cancel never comes first")


def proceed(steps: Iterator[object]) -> bool:
    """Let a process run until its next event; return False if it has ended."""
    try:
        return next(steps, None) is not None
    except NewsError:  # another process published first
        return False


@pytest.mark.parametrize("resumed", [False, True], ids=["", "and-resumed"])
@pytest.mark.parametrize("seconds", [0, 80, 100])
def test_a_live_send_is_cancelled_from_elsewhere(seconds: int, resumed: bool, some: Some) -> None:
    for faults in some(product(("ok", "taken", "late", "lost"), repeat=3), 4):
        worlds = cancels_of_live_sends(faults, timedelta(seconds=seconds), resumed=resumed)
        assert first_contradiction(worlds) == "", faults


def test_everybody_is_recalled_by_a_cancel_from_elsewhere() -> None:
    for world in cancels_of_live_sends((), timedelta(seconds=20)):
        if world.remote.version.copy:
            assert set(world.states().values()) == {"cancelled"}
        assert not world.provider.delivered()


def test_a_cancel_from_elsewhere_recalls_at_once_and_again_after_the_deadline() -> None:
    """The remote says so before each recall, and the deadline of the sender stays in it."""
    world = world_of(ONE_BATCH)
    sender = world.delivery_steps()
    proceed(sender)
    begun, deadline, published = world.time, world.remote.version.deadline, []
    assert deadline == begun + world.timing.publish_hold

    def tick(step: str) -> None:
        if step == "cancel":
            copy = world.remote.version.copy or {}
            (send,), (batch,) = copy["sends"], copy["batches"].values()
            published.append((send.state, batch.state, world.remote.version.deadline))

    world.provider.tick = tick
    for _ in world.cancel_steps():
        pass
    assert [at for _, at in world.provider.cancels] == [begun, deadline + world.timing.request_ttl]
    assert published == [("cancelled", "cancelling", deadline)] * 2
    assert world.remote.version.deadline is None


@pytest.mark.parametrize("gap", GAPS)
def test_every_crash_of_a_cancel(gap: timedelta, some: Some) -> None:
    """`news send` crashes; `news cancel` crashes at every point; then a last one, each on a new machine."""
    for *faults, at in some(product(*[("ok", "late")] * 3, range(3, 30)), 3):
        for crash in range(MAX_TICKS):
            world = world_of(ONE_BATCH, faults)
            world.run(at)
            world.time += gap
            ended = world.cancel(crash)
            assert world.contradiction() == "", (faults, at, crash)
            world.cancel()
            assert world.contradiction() == "", (faults, at, crash)
            if ended:
                break


@pytest.mark.parametrize("kind", [HELD, ONE_BATCH], ids=["held", "one-batch"])
def test_what_is_held_back_becomes_certain(kind: dict[str, int], some: Some) -> None:
    """If another machine continues in time, each recipient gets exactly one mail."""
    for faults in some(product(("ok", "lost", "taken", "late"), repeat=2), 2):
        for world in crashes(partial(world_of, kind, faults), AT_ONCE):
            if world.processes > 1:
                assert set(world.states().values()) == {"accepted"}, faults
                assert set(world.provider.delivered().values()) == {1}


def test_a_call_that_only_a_copy_knows_is_not_repeated(some: Some) -> None:
    """The machine that made it may have sent to parts of the chunk since: it stays unknown."""
    for faults in some(product(("ok", "lost", "refused"), repeat=2), 2):
        for world in crashes(partial(world_of, REPEATED, faults), AT_ONCE):
            assert not world.contradiction(), faults
            if world.processes > 1:
                assert set(world.states().values()) <= {"accepted", "unknown", "refused"}, faults


@pytest.mark.parametrize("crashed", [False, True], ids=["ended", "crashed"])
def test_a_canary_is_continued_on_another_machine(crashed: bool) -> None:
    for at in range(MAX_TICKS):
        world = world_of(ONE_BATCH)
        world.canary_size = 2
        ended = world.run(at if crashed else None)
        assert not world.contradiction()
        assert sum(world.provider.delivered().values()) <= 2
        world.resume()
        assert not world.contradiction()
        assert set(list(world.states().values())[2:]) == {"accepted"}
        if ended:
            assert set(world.states().values()) == {"accepted"}
            break


# Broken on purpose


class IntendsHereOnly(World):
    """The next chunks are not intended in the copy."""

    class sync_class(MemorySync):
        @staticmethod
        def copy_of(ledger: MemoryLedger, next_chunks: Sequence[NextChunk]) -> Data:
            return published_copy(ledger, ())


class RecallsUnpublished(World):
    """A recall is requested before the copy says so."""

    class ledger_class(SyncedMemoryLedger):
        def mark_held_batch(self, batch: HeldBatch, state: HeldBatchState) -> None:
            MemoryLedger.mark_held_batch(self, batch, state)


class IgnoresItsDeadline(World):
    """A process goes on after the deadline that it published."""

    class publisher_class(Publisher):
        def renew(self, lease: timedelta) -> None:
            pass


class DatesUnknownsNow(World):
    """Date the unknown outcomes of a copy at the moment at which it is read."""

    class ledger_class(SyncedMemoryLedger):
        @property
        def abandoned_until(self) -> datetime | None:
            return None


class TakesNoReplyForSuccess(World):
    """A save that got no reply counts as published."""

    class sync_class(MemorySync):
        def no_reply(self) -> None:
            pass


class SavesAfterALostSave(World):
    """A process that lost takes the other one's copy for its own, and replaces it."""

    class sync_class(MemorySync):
        def save(self, next_chunks: Sequence[NextChunk], deadline: datetime | None) -> None:
            self.known.add(self.world.remote.look().number)
            super().save(next_chunks, deadline)


class KeepsProcesses(SameMachineWithTheCopy):
    """The copy names the processes of attempts, and this machine has notes of later attempts."""

    class sync_class(MemorySync):
        @staticmethod
        def copy_of(ledger: MemoryLedger, next_chunks: Sequence[NextChunk]) -> Data:
            copy = published_copy(ledger, next_chunks)
            for attempt in copy["attempts"]:
                if attempt.state == "intended":
                    attempt.process = ledger.process
            return copy


class RepeatsFromTheCopy(World):
    """Another machine repeats calls that the copy recorded in advance, as if it had made them.

    The first machine was refused since, and has sent to each half of the chunk, with other keys.
    """

    class sync_class(MemorySync):
        copy_of = staticmethod(KeepsProcesses.sync_class.copy_of)


class RecallsAtOnceOnly(World):
    """A cancel does not recall again what may arrive later."""

    def __init__(self, *args: Any, **kind: Any) -> None:
        super().__init__(*args, **kind)
        self.timing = replace(self.timing, request_ttl=-self.timing.publish_hold)


def crashing(
    kind: dict[str, int], faults: Sequence[str], gap: timedelta, saves: Sequence[str] = ()
) -> Callable[[type[World]], Iterator[World]]:
    return lambda world_class: crashes(partial(world_of, kind, faults, saves, world_class), gap)


def overtaken(world_class: type[World]) -> Iterator[World]:
    return take_overs(ONE_BATCH, ("taken",), timedelta(minutes=6), world_class)


def cancelled(world_class: type[World]) -> Iterator[World]:
    return cancels_of_live_sends(("ok", "late"), timedelta(seconds=80), world_class)


BROKEN: dict[type[World], Callable[[type[World]], Iterator[World]]] = {
    IntendsHereOnly: crashing(ONE_BATCH, (), AT_ONCE),
    RecallsUnpublished: crashing(ONE_BATCH, ("ok", "taken"), TOO_LATE),
    IgnoresItsDeadline: overtaken,
    DatesUnknownsNow: cancelled,
    RecallsAtOnceOnly: cancelled,
    TakesNoReplyForSuccess: crashing(ONE_BATCH, (), AT_ONCE, ("refused",)),
    SavesAfterALostSave: overtaken,
    KeepsProcesses: crashing(ONE_BY_ONE, ("put off",), AT_ONCE),
    RepeatsFromTheCopy: crashing(REPEATED, ("ok", "refused"), AT_ONCE),
}


@pytest.mark.parametrize("world_class", BROKEN)
def test_a_broken_variant_is_found(world_class: type[World]) -> None:
    assert first_contradiction(BROKEN[world_class](world_class)) != ""
    assert first_contradiction(BROKEN[world_class](World)) == ""


def test_no_message_begins_because_of_a_claim_that_is_still_being_published() -> None:
    """Until then, only the renewal before it counts for the messages of calls in flight."""
    world = world_of(STRAIGHT)
    world._begin()
    send = start.claim_send(world.mailing, world.ledger, world.provider, StartSettings())
    world.ledger.acquire_lease(send, world.timing.lease)
    delivery, seen = world._delivery(send), []

    def tick(step: str) -> None:
        if step == "saved":
            world.time += timedelta(minutes=1)
            seen.append(delivery._may_start())

    world.ledger.tick = tick
    world.tick = tick  # type: ignore[method-assign]
    world.time += world.timing.lease - timedelta(seconds=1)
    next(delivery.run())
    assert seen == [False]
