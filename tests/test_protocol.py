"""A model check of the send protocol: every crash point, every provider fault, every resume, for small sends.

Nobody twice; nobody missing who is told as accepted; nobody told as certain to get nothing who gets it.
Variants that are broken on purpose must be found, each of them.

With `--every-case` every sequence of three faults is tried. Without it: each pair of faults, with a call
that goes well after them, and a fifth of the other sequences; of two crashes in a row, a third of the points
of the first one. The name of a test is the seed of its choice. The broken variants are always tried with all
of their cases.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import product

import pytest

from newsletter.mail.message import Batch
from newsletter.sending import start
from newsletter.sending.model import HeldBatch, HeldBatchState
from newsletter.sending.outcomes import NotSent, Outcome, Unknown
from tests.model import CANCEL_FAULTS, FAULTS, MAILING, ModelProvider, World

AT_ONCE, LATER, TOO_LATE = timedelta(), timedelta(minutes=14), timedelta(hours=3)
NEARLY = timedelta(minutes=18)
HELD = {"people": 4, "size": 2}
ONE_BATCH = {"people": 4, "size": 2, "held_batches": 1}
STRAIGHT = {"people": 4, "size": 2, "holds": False}
ONE_BY_ONE = {"people": 3, "size": 1, "holds": False}
KINDS = [pytest.param(HELD, id="held"), pytest.param(ONE_BATCH, id="one-batch")]
KINDS += [pytest.param(STRAIGHT, id="batches"), pytest.param(ONE_BY_ONE, id="one-by-one")]

Break = Callable[[World], None]
Faults = tuple[str, ...]
Triples = Callable[[Sequence[str]], list[Faults]]

# One of so many sequences of three faults, and of so many points of a first crash, is tried by default.
ONE_TRIPLE_OF = 5
ONE_FIRST_CRASH_OF = 3


@pytest.fixture(scope="module", autouse=True)
def _one_snapshot() -> Iterator[None]:
    """Make the snapshot of the mailing, which is the same in all worlds, once instead of in each of them."""
    made = start.snapshot(MAILING)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(start, "snapshot", lambda mailing: made)
        yield


@pytest.fixture
def triples(request: pytest.FixtureRequest, every_case: bool) -> Triples:
    """Return a function that lists the sequences of three faults to try."""

    def listed(faults: Sequence[str]) -> list[Faults]:
        found = list(product(faults, repeat=3))
        if every_case:
            return found
        pairs = [one for one in found if one[2] == "ok"]
        others = [one for one in found if one[2] != "ok"]
        chance = random.Random(request.node.name)
        return pairs + chance.sample(others, len(others) // ONE_TRIPLE_OF)

    return listed


def whole(world: World) -> None:
    """Nothing is broken."""


def world_with(
    kind: dict[str, int], faults: tuple[str, ...], cancels: tuple[str, ...] = (), breaks: Break = whole
) -> World:
    world = World(**kind)
    world.provider.faults, world.provider.cancel_faults = list(faults), list(cancels)
    breaks(world)
    return world


def crashes(build: Callable[[], World], gap: timedelta, power_cut: bool = False) -> Iterator[World]:
    """The worlds in which the first run ends at each tick in turn, a second at none, and a third finishes."""
    for at in range(200):
        world = build()
        ended = world.run(at)
        yield world
        if power_cut:
            world.ledger.power_cut()
        world.time += gap
        world.run()
        yield world
        if ended:
            return
    raise AssertionError("a run does not end")


def twice(build: Callable[[], World], gap: timedelta, wanted: Callable[[], bool]) -> Iterator[World]:
    """The worlds in which two runs end at each pair of ticks, where the first tick is wanted."""
    for first in range(200):
        if not wanted():
            if build().run(first):
                return
            continue
        for second in range(200):
            world = build()
            if world.run(first):
                return
            world.time += gap
            ended = world.run(second)
            yield world
            world.time += gap
            world.run()
            yield world
            if ended:
                break


def first_wrong(worlds: Iterator[World]) -> tuple[int, str]:
    """How many worlds were looked at, and what was wrong with the first that was."""
    count = 0
    for world in worlds:
        count += 1
        if wrong := world.wrong():
            return count, wrong
    return count, ""


@pytest.mark.parametrize("gap", [AT_ONCE, LATER, TOO_LATE], ids=["at-once", "later", "too-late"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_crash_and_every_fault(kind: dict[str, int], gap: timedelta, triples: Triples) -> None:
    """Three calls in a row go wrong in every way, and the process ends at every point."""
    cases = 0
    for faults in triples(FAULTS):
        count, wrong = first_wrong(crashes(partial(world_with, kind, faults), gap))
        assert not wrong, (faults, wrong)
        cases += count
    assert cases > 2500
    print(f"{cases:,} cases")


@pytest.mark.parametrize("gap", [AT_ONCE, LATER])
@pytest.mark.parametrize("kind", KINDS)
def test_two_crashes(
    kind: dict[str, int], gap: timedelta, every_case: bool, request: pytest.FixtureRequest
) -> None:
    chance, cases = random.Random(request.node.name), 0

    def wanted() -> bool:
        return every_case or chance.randrange(ONE_FIRST_CRASH_OF) == 0

    for faults in product(("ok", "lost", "taken", "late"), repeat=2):
        count, wrong = first_wrong(twice(partial(world_with, kind, faults), gap, wanted))
        assert not wrong, (faults, wrong)
        cases += count
    assert cases > 300
    print(f"{cases:,} cases")


@pytest.mark.parametrize("works", [False, True], ids=["late-cancel-does-nothing", "late-cancel-works"])
@pytest.mark.parametrize("gap", [AT_ONCE, LATER, TOO_LATE], ids=["at-once", "later", "too-late"])
def test_every_crash_while_lanes_are_called_back(gap: timedelta, works: bool, triples: Triples) -> None:
    """Calling back goes wrong in every way, too, and a cancel that comes too late may work or not."""

    def uncertain(world: World) -> None:
        world.provider.late_cancels_work = works

    cases = 0
    for first, cancels in product(("lost", "taken", "late"), triples(CANCEL_FAULTS)):
        build = partial(world_with, ONE_BATCH, ("ok", first), cancels, uncertain)
        count, wrong = first_wrong(crashes(build, gap))
        assert not wrong, (first, cancels, wrong)
        cases += count
    assert cases > 2500
    print(f"{cases:,} cases")


@pytest.mark.parametrize("gap", [AT_ONCE, LATER, timedelta(minutes=21)], ids=["at-once", "later", "too-late"])
@pytest.mark.parametrize("before", [False, True], ids=["first", "second"])
def test_every_crash_of_a_cancel(gap: timedelta, before: bool) -> None:
    """`news send`, ended anywhere, then `news cancel`, the first or second one ended anywhere, and again."""
    cases = 0
    for *faults, first, second in product(*[("ok", "late")] * 2, *[CANCEL_FAULTS] * 2):
        for at in (3, 6, 9, None):
            for crash in range(200):
                world = world_with(ONE_BATCH, tuple(faults), (first, second))
                world.run(at)
                world.time += gap
                if before:
                    world.cancel()
                ended = world.cancel(crash)
                assert not world.wrong(), (faults, first, second, at, crash, world.wrong())
                world.cancel()
                cases += 1
                assert not world.wrong(), (faults, first, second, at, crash, world.wrong())
                if ended:
                    break
    assert cases > 300
    print(f"{cases:,} cases")


@pytest.mark.parametrize("minutes", [0, 3, 14], ids=str)
def test_resuming_what_a_cancel_was_interrupted_in(minutes: int) -> None:
    """The cancel has ended before it could cover what may still arrive; the resume must wait for that."""
    cases = 0
    for *faults, first, second in product(*[("ok", "late", "taken")] * 2, *[CANCEL_FAULTS] * 2):
        for at in (6, 9, None):
            for crash in range(200):
                world = world_with(ONE_BATCH, tuple(faults), (first, second))
                world.run(at)
                ended = world.cancel(crash)
                world.time += timedelta(minutes=minutes)
                world.resume()
                cases += 1
                assert not world.wrong(), (faults, first, second, at, crash, world.wrong())
                if ended:
                    break
    assert cases > 300
    print(f"{cases:,} cases")


@pytest.mark.parametrize("kind", KINDS)
def test_one_that_stands_still_is_overtaken_and_goes_on(kind: dict[str, int]) -> None:
    """A process that is suspended loses its claim, and knows nothing of it when it goes on.

    It looks at the clock before each call; between that and the call it must not stand still.
    """
    cases = 0
    for faults in product(("ok", "taken", "refused", "put off"), repeat=2):
        for at in range(1, 30):
            world = world_with(kind, faults)
            world.overtaken_at = at
            world.run()
            world.run()
            cases += world.overtaken_at is None
            assert not world.wrong(), (faults, at, world.wrong())
    assert cases > 100
    print(f"{cases:,} cases")


def believes_notes_of_the_living(world: World) -> None:
    world.ledger.dead = set(range(100))


@pytest.mark.parametrize("kind", KINDS)
def test_a_power_cut_takes_the_notes_with_it(kind: dict[str, int]) -> None:
    for faults in product(("ok", "taken", "refused"), repeat=2):
        _, wrong = first_wrong(crashes(partial(world_with, kind, faults), AT_ONCE, power_cut=True))
        assert not wrong, (faults, wrong)


def test_what_is_held_back_becomes_certain(triples: Triples) -> None:
    """Where every unknown can be called back in time, everybody gets it exactly once."""
    for faults in triples(("ok", "lost", "taken", "late")):
        for world in crashes(partial(world_with, HELD, faults), AT_ONCE):
            if world.runs == 1:
                continue
            assert set(world.ledger.states().values()) == {"accepted"}, faults
            assert world.provider.delivered() == Counter({one.address: 1 for one in world.ledger.recipients})


@pytest.mark.parametrize("lost", range(8))
def test_a_doubt_is_cleared_up_with_others_under_way(lost: int) -> None:
    """What was lost comes back first, while the rest is still on its way into the same lane."""
    world = World(16, held_batches=1)
    world.in_flight = 4
    world.provider.faults = ["ok"] * lost + ["late"]
    world.run()
    assert set(world.ledger.states().values()) == {"accepted"}
    assert set(world.provider.delivered().values()) == {1}


def test_a_send_that_goes_badly_still_clears_up_its_doubts() -> None:
    """Five lost in a row end the send; what they leave in doubt is called back all the same."""
    world = World(20, held_batches=1)
    world.provider.faults = ["lost", "taken", "lost", "late", "lost"]
    world.run()
    assert not world.wrong()
    assert set(world.ledger.states().values()) == {"waiting"}
    world.run()
    assert set(world.provider.delivered().values()) == {1}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("gone", [{1, 2}, {3}], ids=["a-whole-chunk", "one"])
def test_who_has_left_before_the_resume_gets_nothing(kind: dict[str, int], gone: set[int]) -> None:
    for faults in product(("ok", "taken", "down"), repeat=2):
        for at in range(20):
            world = world_with(kind, faults)
            world.run(at)
            sent = world.provider.delivered()
            world.ledger.unsubscribed |= gone
            for _ in range(3):
                world.run()
            assert not world.wrong(), (faults, at, world.wrong())
            states, later = world.ledger.states(), world.provider.delivered() - sent
            assert not {"waiting", "intended"} & set(states.values())
            told = {address for address, state in states.items() if state == "left"}
            assert not told & set(later)


def test_kill_leaves_in_doubt_only_what_was_under_way() -> None:
    for world in crashes(partial(world_with, ONE_BY_ONE, ()), AT_ONCE):
        states = Counter(world.ledger.states().values())
        assert world.runs == 1 or states["unknown"] <= 1
        assert world.runs == 1 or states["accepted"] >= 2


# Broken on purpose


class Trusting(ModelProvider):
    """Takes a time-out for a refusal to be tried again: what every naive sender does."""

    def _call(self, addresses: list[str], batch: Batch) -> Outcome:
        outcome = super()._call(addresses, batch)
        return NotSent("time-out", stop=False) if isinstance(outcome, Unknown) else outcome


def retry_on_time_out(world: World) -> None:
    world.provider.__class__ = Trusting


def calls_back_at_once(world: World) -> None:
    world.timing = replace(world.timing, request_ttl=timedelta())


def calls_back_too_late(world: World) -> None:
    world.timing = replace(world.timing, cancel_margin=timedelta(), recall_margin=timedelta())


def intends_without_the_disk(world: World) -> None:
    adrift = world.ledger.abandoned_attempts

    def forgotten(of: object) -> list[object]:
        for claimed, _ in adrift(of):  # type: ignore[arg-type]
            world.ledger.chunks[claimed.first].state = "waiting"
            world.ledger.attempts[claimed.attempt].state = "settled"
        return []

    world.ledger.abandoned_attempts = forgotten  # type: ignore[assignment, method-assign]


def believes_notes_after_a_power_cut(world: World) -> None:
    def emptied() -> None:
        for journal in world.ledger.journals.values():
            journal.notes.clear()

    world.ledger.power_cut = emptied  # type: ignore[method-assign]


def calls_back_unwritten(world: World) -> None:
    mark = world.ledger.mark_held_batch

    def forgets(of: HeldBatch, state: HeldBatchState) -> None:
        mark(of, "open" if state == "cancelling" else state)

    world.ledger.mark_held_batch = forgets  # type: ignore[method-assign]


def stands_still(kind: dict[str, int], breaks: Break) -> Iterator[World]:
    for at in range(1, 30):
        world = world_with(kind, (), (), breaks)
        world.overtaken_at = at
        world.run()
        yield world


def test_believing_the_notes_of_the_living_is_found() -> None:
    _, wrong = first_wrong(stands_still(ONE_BY_ONE, believes_notes_of_the_living))
    assert "got it 2 times" in wrong


BROKEN = {
    "retry-on-time-out": (retry_on_time_out, HELD, False),
    "retry-on-time-out, one by one": (retry_on_time_out, ONE_BY_ONE, False),
    "calls-back-at-once": (calls_back_at_once, HELD, False),
    "calls-back-too-late": (calls_back_too_late, HELD, False),
    "intends-without-the-disk": (intends_without_the_disk, STRAIGHT, False),
    "believes-notes-after-a-power-cut": (believes_notes_after_a_power_cut, ONE_BY_ONE, True),
    "calls-back-unwritten": (calls_back_unwritten, ONE_BATCH, False),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_variant_is_found(name: str) -> None:
    breaks, kind, power_cut = BROKEN[name]

    def worlds() -> Iterator[World]:
        for gap in (AT_ONCE, LATER, NEARLY, TOO_LATE):
            for faults in product(("ok", "taken", "late"), repeat=2):
                for cancels in product(("ok", "done", "late"), repeat=1):
                    build = partial(world_with, kind, faults, cancels, breaks)
                    yield from crashes(build, gap, power_cut)

    count, wrong = first_wrong(worlds())
    assert wrong, f"{count} cases, and nothing was found"
