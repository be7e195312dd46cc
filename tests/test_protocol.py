"""A model check of the send protocol: every crash point, every provider fault, every resume, for small sends.

No recipient gets a mail twice; every accepted recipient gets it; no recipient gets it whose state says that
it was not sent. Variants of the protocol that are broken on purpose must each be found.

With `--every-case` every sequence of faults is tried. Without it: each pair of faults, with a successful
call after them, and a fifth of the other sequences of three; each pair of failed recalls, after some of the
pairs of failed calls; of two crashes in a row, a fifth of the points of the first crash. The name of a test
is the seed of its sample. The broken variants are always tried with all of their cases.
"""

import logging
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
from newsletter.sending.interfaces import SubmissionLog
from newsletter.sending.model import HeldBatch, HeldBatchState
from newsletter.sending.outcomes import NotSent, Outcome, Unknown
from tests.model import CANCEL_FAULTS, FAULTS, MAILING, REPEATABLE_FAULTS, ModelProvider, World

AT_ONCE, LATER, TOO_LATE = timedelta(), timedelta(minutes=14), timedelta(hours=3)
NEARLY, NEXT_DAY = timedelta(minutes=18), timedelta(hours=25)
HELD = {"people": 4, "size": 2}
ONE_BATCH = {"people": 4, "size": 2, "held_batches": 1}
STRAIGHT = {"people": 4, "size": 2, "holds": False}
ONE_BY_ONE = {"people": 3, "size": 1, "holds": False}
REPEATED = {"people": 4, "size": 2, "holds": False, "repeatable": True}
KINDS = [pytest.param(HELD, id="held"), pytest.param(ONE_BATCH, id="one-batch")]
KINDS += [pytest.param(STRAIGHT, id="batches"), pytest.param(ONE_BY_ONE, id="one-by-one")]

# The gap between these two, when mail is still held, is left to `--every-case`: test_two_crashes has it, too.
GAPS = [pytest.param(AT_ONCE, id="at-once"), pytest.param(TOO_LATE, id="too-late")]
GAPS += [pytest.param(LATER, id="later", marks=pytest.mark.every_case)]

Break = Callable[[World], None]
Faults = tuple[str, ...]
Triples = Callable[[Sequence[str]], list[Faults]]
CallsAndRecalls = Callable[[Sequence[str]], Iterator[tuple[Faults, Faults]]]

# By default one of this number of sequences of three faults, and of points of a first crash, is tried.
ONE_TRIPLE_OF = 10
ONE_FIRST_CRASH_OF = 5


@pytest.fixture(scope="module", autouse=True)
def _one_snapshot() -> Iterator[None]:
    """Make the snapshot of the mailing once: it is the same in all worlds."""
    snapshot = start.snapshot(MAILING)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(start, "snapshot", lambda mailing: snapshot)
        yield


@pytest.fixture(scope="module", autouse=True)
def _no_log() -> Iterator[None]:
    """Log nothing: a tenth of the time would go into records that pytest keeps."""
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def triples(request: pytest.FixtureRequest, every_case: bool) -> Triples:
    """Return a function that lists the sequences of three faults to try."""

    def listed(faults: Sequence[str]) -> list[Faults]:
        cases = list(product(faults, repeat=3))
        if every_case:
            return cases
        pairs = [case for case in cases if case[2] == "ok"]
        others = [case for case in cases if case[2] != "ok"]
        chance = random.Random(request.node.name)
        return pairs + chance.sample(others, len(others) // ONE_TRIPLE_OF)

    return listed


@pytest.fixture
def calls_and_recalls(request: pytest.FixtureRequest, every_case: bool) -> CallsAndRecalls:
    """Return a function that yields pairs of failed calls and pairs of failed recalls to try after them.

    Without `--every-case`, some pairs of calls are tried before each pair of recalls: as many as there are
    faults of a call.
    """

    def listed(call_faults: Sequence[str]) -> Iterator[tuple[Faults, Faults]]:
        calls = list(product(call_faults, repeat=2))
        chance = random.Random(request.node.name)
        for recalls in product(CANCEL_FAULTS, repeat=2):
            for tried in calls if every_case else chance.sample(calls, len(call_faults)):
                yield tried, recalls

    return listed


def unbroken(world: World) -> None:
    """Change nothing in the world."""


def world_with(
    kind: dict[str, int], faults: tuple[str, ...], cancels: tuple[str, ...] = (), breaks: Break = unbroken
) -> World:
    world = World(**kind)
    world.provider.faults, world.provider.cancel_faults = list(faults), list(cancels)
    breaks(world)
    return world


def crashes(build: Callable[[], World], gap: timedelta, power_cut: bool = False) -> Iterator[World]:
    """Yield worlds in which a first process crashes at each tick in turn, and a second finishes the send.

    Each world is yielded after the crash, and after the second process.
    """
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
    raise AssertionError("a process does not end")


def twice(build: Callable[[], World], gap: timedelta, wanted: Callable[[], bool]) -> Iterator[World]:
    """Yield worlds in which two processes crash at each pair of ticks; `wanted` samples the first tick."""
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


def first_contradiction(worlds: Iterator[World]) -> tuple[int, str]:
    """Return the number of worlds examined, and the first contradiction; empty if there is none."""
    count = 0
    for world in worlds:
        count += 1
        if contradiction := world.contradiction():
            return count, contradiction
    return count, ""


@pytest.mark.parametrize("gap", GAPS)
@pytest.mark.parametrize("kind", KINDS)
def test_every_crash_and_every_fault(kind: dict[str, int], gap: timedelta, triples: Triples) -> None:
    """Three calls in a row fail in every way, and the process crashes at every point."""
    cases = 0
    for faults in triples(FAULTS):
        count, contradiction = first_contradiction(crashes(partial(world_with, kind, faults), gap))
        assert not contradiction, (faults, contradiction)
        cases += count
    assert cases > 2000
    print(f"{cases:,} cases")


@pytest.mark.parametrize(
    "gap",
    [
        pytest.param(AT_ONCE, id="at-once"),
        pytest.param(NEXT_DAY, id="next-day"),
        pytest.param(TOO_LATE, id="later", marks=pytest.mark.every_case),
    ],
)
def test_every_crash_and_every_fault_of_calls_that_are_repeated(gap: timedelta, triples: Triples) -> None:
    """Calls and their repetitions fail in every way; the provider answers late, twice, or with 409."""
    cases = 0
    for faults in triples(REPEATABLE_FAULTS):
        count, contradiction = first_contradiction(crashes(partial(world_with, REPEATED, faults), gap))
        assert not contradiction, (faults, contradiction)
        cases += count
    assert cases > 2000
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
        count, contradiction = first_contradiction(twice(partial(world_with, kind, faults), gap, wanted))
        assert not contradiction, (faults, contradiction)
        cases += count
    assert cases > 300
    print(f"{cases:,} cases")


@pytest.mark.parametrize("works", [False, True], ids=["late-cancel-does-nothing", "late-cancel-works"])
@pytest.mark.parametrize("gap", GAPS)
def test_every_crash_while_lanes_are_called_back(gap: timedelta, works: bool, triples: Triples) -> None:
    """Recalls fail in every way too, and a cancellation that comes too late may work or not."""

    def uncertain(world: World) -> None:
        world.provider.late_cancels_work = works

    cases = 0
    for first, cancels in product(("lost", "taken", "late"), triples(CANCEL_FAULTS)):
        build = partial(world_with, ONE_BATCH, ("ok", first), cancels, uncertain)
        count, contradiction = first_contradiction(crashes(build, gap))
        assert not contradiction, (first, cancels, contradiction)
        cases += count
    assert cases > 2500
    print(f"{cases:,} cases")


@pytest.mark.parametrize("gap", [AT_ONCE, LATER, timedelta(minutes=21)], ids=["at-once", "later", "too-late"])
@pytest.mark.parametrize("before", [False, True], ids=["first", "second"])
def test_every_crash_of_a_cancel(gap: timedelta, before: bool, calls_and_recalls: CallsAndRecalls) -> None:
    """`news send` crashes; then the first or second `news cancel` at every point; then a last one."""
    cases = 0
    for faults, cancels in calls_and_recalls(("ok", "late")):
        for at in (3, 6, 9, None):
            for crash in range(200):
                world = world_with(ONE_BATCH, faults, cancels)
                world.run(at)
                world.time += gap
                if before:
                    world.cancel()
                ended = world.cancel(crash)
                assert not world.contradiction(), (faults, cancels, at, crash, world.contradiction())
                world.cancel()
                cases += 1
                assert not world.contradiction(), (faults, cancels, at, crash, world.contradiction())
                if ended:
                    break
    assert cases > 300
    print(f"{cases:,} cases")


@pytest.mark.parametrize("minutes", [0, 3, 14], ids=str)
def test_resuming_what_a_cancel_was_interrupted_in(minutes: int, calls_and_recalls: CallsAndRecalls) -> None:
    """The cancel crashed before it covered mail that may still arrive; the resume must wait for that mail."""
    cases = 0
    for faults, cancels in calls_and_recalls(("ok", "late", "taken")):
        for at in (6, 9, None):
            for crash in range(200):
                world = world_with(ONE_BATCH, faults, cancels)
                world.run(at)
                ended = world.cancel(crash)
                world.time += timedelta(minutes=minutes)
                world.resume()
                cases += 1
                assert not world.contradiction(), (faults, cancels, at, crash, world.contradiction())
                if ended:
                    break
    assert cases > 300
    print(f"{cases:,} cases")


@pytest.mark.parametrize("kind", [*KINDS, pytest.param(REPEATED, id="repeated")])
def test_one_that_stands_still_is_overtaken_and_goes_on(kind: dict[str, int]) -> None:
    """A suspended process loses its lease, and does not know that when it continues.

    It reads the clock before each call; between the two it must not be suspended.
    """
    cases = 0
    for faults in product(("ok", "taken", "refused", "put off"), repeat=2):
        for at in range(1, 30):
            world = world_with(kind, faults)
            world.overtaken_at = at
            world.run()
            world.run()
            cases += world.overtaken_at is None
            assert not world.contradiction(), (faults, at, world.contradiction())
    assert cases > 100
    print(f"{cases:,} cases")


def trusts_notes_of_the_living(world: World) -> None:
    world.ledger.dead = set(range(100))


@pytest.mark.parametrize("kind", KINDS)
def test_a_power_cut_takes_the_notes_with_it(kind: dict[str, int]) -> None:
    for faults in product(("ok", "taken", "refused"), repeat=2):
        worlds = crashes(partial(world_with, kind, faults), AT_ONCE, power_cut=True)
        _, contradiction = first_contradiction(worlds)
        assert not contradiction, (faults, contradiction)


def test_what_is_held_back_becomes_certain(triples: Triples) -> None:
    """If every unknown chunk can be recalled in time, each recipient gets exactly one mail."""
    for faults in triples(("ok", "lost", "taken", "late")):
        for world in crashes(partial(world_with, HELD, faults), AT_ONCE):
            if world.processes == 1:
                continue
            assert set(world.ledger.states().values()) == {"accepted"}, faults
            assert world.provider.delivered() == Counter(
                {recipient.address: 1 for recipient in world.ledger.recipients}
            )


def test_what_is_repeated_becomes_certain(triples: Triples) -> None:
    """If calls can be repeated in time, each recipient gets exactly one mail, also after a crash."""
    for faults in triples(("ok", "lost", "taken", "late", "conflict")):
        for world in crashes(partial(world_with, REPEATED, faults), AT_ONCE):
            if world.processes == 1:
                continue
            assert set(world.ledger.states().values()) == {"accepted"}, faults
            assert world.provider.delivered() == Counter(
                {recipient.address: 1 for recipient in world.ledger.recipients}
            )


def test_after_the_provider_may_have_forgotten_the_key_an_unknown_stays() -> None:
    for hours, states in ((22, {"accepted"}), (25, {"accepted", "unknown"})):
        world = world_with(REPEATED, ("taken", "ok", *["lost"] * 3))
        world.run()
        assert Counter(world.ledger.states().values()) == {"unknown": 2, "accepted": 2}
        world.time += timedelta(hours=hours)
        world.run()
        assert set(world.ledger.states().values()) == states
        assert set(world.provider.delivered().values()) == {1}


@pytest.mark.parametrize("ahead", [timedelta(hours=3), timedelta(hours=11), timedelta(days=3)], ids=str)
def test_a_clock_that_was_ahead_makes_nobody_get_it_twice(ahead: timedelta) -> None:
    """The first process has a clock that is ahead; it is set right before the next one."""
    world = world_with(REPEATED, ("taken", "ok", *["lost"] * 3))
    world.provider.repeatable = timedelta(hours=12)
    world.time += ahead
    world.run()
    for mail in world.provider.mail:  # the provider has a clock of its own
        mail.arrived -= ahead
        mail.send_at -= ahead
    world.time -= ahead
    for hours in (5, 10, 15, 20, 25, 30):
        world.time += timedelta(hours=5)
        world.provider.faults = ["lost"] * 3 if hours < 25 else []  # until the provider has forgotten the key
        world.run()
        assert not world.contradiction(), world.contradiction()


def after_a_pause(breaks: Break = lambda _: None) -> Iterator[World]:
    """Yield sends of a machine that is paused for a day between two processes; its clock stood still."""
    world = world_with(REPEATED, ("taken", "ok", *["lost"] * 3), (), breaks)
    world.run()
    assert Counter(world.ledger.states().values()) == {"unknown": 2, "accepted": 2}
    world.provider.clock_ahead -= timedelta(hours=26)
    world.run()
    yield world


def test_a_machine_that_was_paused_repeats_no_call() -> None:
    (world,) = after_a_pause()
    assert not world.contradiction(), world.contradiction()
    assert Counter(world.ledger.states().values()) == {"unknown": 2, "accepted": 2}
    world.time += timedelta(hours=1)
    world.provider.clock_ahead += timedelta(hours=26)
    world.run()  # the clock is right again: so says the provider
    assert set(world.ledger.states().values()) == {"accepted"}


def believes_its_clock(world: World) -> None:
    world.provider.server_time = world.provider.now  # type: ignore[method-assign]


def test_believing_the_clock_after_a_pause_is_found() -> None:
    _, contradiction = first_contradiction(after_a_pause(believes_its_clock))
    assert "got it 2 times" in contradiction


@pytest.mark.parametrize("hours", [-25, -2, 2, 25])
def test_a_send_does_not_begin_with_a_wrong_clock(hours: int) -> None:
    world = world_with(REPEATED, ())
    world.provider.clock_ahead = timedelta(hours=hours)
    world.run()
    assert set(world.ledger.states().values()) == {"waiting"} and not world.provider.mail
    world.time += timedelta(hours=26)  # the plan has times of the clock that was wrong
    world.provider.clock_ahead = timedelta()
    world.run()
    assert set(world.ledger.states().values()) == {"accepted"} and not world.contradiction()


@pytest.mark.parametrize("fault", ["lost", "taken"])
def test_a_call_is_not_repeated_if_one_of_its_recipients_has_left(fault: str) -> None:
    """The same bytes would need the same people; the others of the chunk stay unknown."""
    world = world_with(REPEATED, (fault, "ok", *["lost"] * 3))
    world.run()
    before = world.provider.delivered()
    world.ledger.unsubscribed |= {1}
    world.run()
    assert world.provider.delivered() == before
    assert Counter(world.ledger.states().values()) == {"unknown": 2, "accepted": 2}


def test_a_cancelled_send_repeats_nothing() -> None:
    """Also if the cancel came when no recipient was waiting: the first call may never have arrived."""
    for crash in range(20):
        world = world_with(REPEATED, ("lost", "lost", *["lost"] * 6))
        world.run(crash)
        before = world.provider.delivered()
        world.cancel()
        world.provider.faults.clear()
        world.run()
        assert world.provider.delivered() == before, crash


@pytest.mark.parametrize("lost", range(8))
def test_a_doubt_is_cleared_up_with_others_under_way(lost: int) -> None:
    """The lost call ends first, while others into the same held batch are still in flight."""
    world = World(16, held_batches=1)
    world.in_flight = 4
    world.provider.faults = ["ok"] * lost + ["late"]
    world.run()
    assert set(world.ledger.states().values()) == {"accepted"}
    assert set(world.provider.delivered().values()) == {1}


def test_a_send_that_goes_badly_still_clears_up_its_doubts() -> None:
    """Five lost calls in a row stop the send; their unknown recipients are still recalled."""
    world = World(20, held_batches=1)
    world.provider.faults = ["lost", "taken", "lost", "late", "lost"]
    world.run()
    assert not world.contradiction()
    assert set(world.ledger.states().values()) == {"waiting"}
    world.run()
    assert set(world.provider.delivered().values()) == {1}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("numbers", [{1, 2}, {3}], ids=["a-whole-chunk", "one"])
def test_who_has_left_before_the_resume_gets_nothing(kind: dict[str, int], numbers: set[int]) -> None:
    for faults in product(("ok", "taken", "down"), repeat=2):
        for at in range(20):
            world = world_with(kind, faults)
            world.run(at)
            sent = world.provider.delivered()
            world.ledger.unsubscribed |= numbers
            for _ in range(3):
                world.run()
            assert not world.contradiction(), (faults, at, world.contradiction())
            states, later = world.ledger.states(), world.provider.delivered() - sent
            assert not {"waiting", "intended"} & set(states.values())
            left = {address for address, state in states.items() if state == "left"}
            assert not left & set(later)


def test_kill_leaves_in_doubt_only_what_was_under_way() -> None:
    for world in crashes(partial(world_with, ONE_BY_ONE, ()), AT_ONCE):
        states = Counter(world.ledger.states().values())
        assert world.processes == 1 or states["unknown"] <= 1
        assert world.processes == 1 or states["accepted"] >= 2


# Broken on purpose


class RetriesTimeOuts(ModelProvider):
    """A provider client that retries after a time-out, as a naive sender does."""

    def _call(self, addresses: list[str], batch: Batch) -> Outcome:
        outcome = super()._call(addresses, batch)
        return NotSent("time-out", stop=False) if isinstance(outcome, Unknown) else outcome


def retry_on_time_out(world: World) -> None:
    world.provider.__class__ = RetriesTimeOuts


def recalls_at_once(world: World) -> None:
    world.timing = replace(world.timing, request_ttl=timedelta())


def recalls_too_late(world: World) -> None:
    world.timing = replace(world.timing, cancel_margin=timedelta(), recall_margin=timedelta())


def intends_without_the_disk(world: World) -> None:
    abandoned_attempts = world.ledger.abandoned_attempts

    def forget(send: object) -> list[object]:
        for claimed, _ in abandoned_attempts(send):  # type: ignore[arg-type]
            world.ledger.chunks[claimed.first].state = "waiting"
            world.ledger.attempts[claimed.attempt].state = "settled"
        return []

    world.ledger.abandoned_attempts = forget  # type: ignore[assignment, method-assign]


def trusts_notes_after_a_power_cut(world: World) -> None:
    def empty_journals() -> None:
        for journal in world.ledger.journals.values():
            journal.notes.clear()

    world.ledger.power_cut = empty_journals  # type: ignore[method-assign]


def recalls_unwritten(world: World) -> None:
    mark = world.ledger.mark_held_batch

    def forget(batch: HeldBatch, state: HeldBatchState) -> None:
        mark(batch, "open" if state == "cancelling" else state)

    world.ledger.mark_held_batch = forget  # type: ignore[method-assign]


class OwnKeys(ModelProvider):
    """A client that gives each request a key of its own, or each process, as libraries do."""

    by_process: Callable[[], int] | None = None
    requests = 0

    def submit(self, batch: Batch, submissions: SubmissionLog) -> Outcome:
        self.requests += 1
        own = self.by_process() if self.by_process else self.requests
        return super().submit(replace(batch, key=f"{batch.key} {own}"), submissions)


def repeats_with_another_key(world: World) -> None:
    world.provider.__class__ = OwnKeys


def repeats_with_the_key_of_the_process(world: World) -> None:
    world.provider.__class__ = OwnKeys
    world.provider.by_process = lambda: world.processes  # type: ignore[attr-defined]


def repeats_after_the_key_is_forgotten(world: World) -> None:
    world.provider.repeatable = timedelta(hours=100)


def suspended(kind: dict[str, int], breaks: Break) -> Iterator[World]:
    for at in range(1, 30):
        world = world_with(kind, (), (), breaks)
        world.overtaken_at = at
        world.run()
        yield world


def test_believing_the_notes_of_the_living_is_found() -> None:
    _, contradiction = first_contradiction(suspended(ONE_BY_ONE, trusts_notes_of_the_living))
    assert "got it 2 times" in contradiction


BROKEN = {
    "retry-on-time-out": (retry_on_time_out, HELD, False),
    "retry-on-time-out, one by one": (retry_on_time_out, ONE_BY_ONE, False),
    "recalls-at-once": (recalls_at_once, HELD, False),
    "recalls-too-late": (recalls_too_late, HELD, False),
    "intends-without-the-disk": (intends_without_the_disk, STRAIGHT, False),
    "trusts-notes-after-a-power-cut": (trusts_notes_after_a_power_cut, ONE_BY_ONE, True),
    "recalls-unwritten": (recalls_unwritten, ONE_BATCH, False),
    "repeats-with-another-key": (repeats_with_another_key, REPEATED, False),
    "repeats-with-the-key-of-the-process": (repeats_with_the_key_of_the_process, REPEATED, False),
    "repeats-after-the-key-is-forgotten": (repeats_after_the_key_is_forgotten, REPEATED, False),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_variant_is_found(name: str) -> None:
    breaks, kind, power_cut = BROKEN[name]

    def worlds() -> Iterator[World]:
        for gap in (AT_ONCE, LATER, NEARLY, TOO_LATE, NEXT_DAY):
            for faults in product(("ok", "taken", "late"), repeat=2):
                for cancels in product(("ok", "done", "late"), repeat=1):
                    build = partial(world_with, kind, faults, cancels, breaks)
                    yield from crashes(build, gap, power_cut)

    count, contradiction = first_contradiction(worlds())
    assert contradiction, f"no contradiction in {count} cases"
