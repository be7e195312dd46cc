"""Processes on several machines that share their state on a Git ref: killed, stopped, raced, interrupted.

A fake SendGrid keeps its own books of the mail that it accepted, and a bare repository delays, refuses or
loses pushes. The next command runs on another machine, or on the same one. At the end nobody has got the
issue twice, and `news status` names on every machine those who have not got it. In no object that was
pushed is an address to be read.

By default a fixed sample of the stories runs; `--every-case` runs all. NEWS_SEED=1000 runs as many others,
whose seeds begin there. `pytest -s tests/test_killed_ref.py` prints the events of each story.
"""

import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from newsletter.state.state_key import make_state_key
from tests.fakes.sendgrid import Fault
from tests.forks import ForkServer
from tests.killed_ref import FAULTS
from tests.killed_story import CANCEL, DELAYED, LATE, NO_REPLY, REFUSED, RESUME, SEND, TOO_LATE, Story
from tests.watched import MAIL, MOMENTS, RECALL_MOMENTS, Process, Trigger, WatchedSendGrid

FIRST_SEED = int(os.environ.get("NEWS_SEED", "0"))
# Stories that run at the same time; most of a story is waiting.
PARALLEL_STORIES = 5
RACERS, MANY_RACERS = 4, 20

# The stories


def killed(story: Story) -> None:
    """Kill the send at a random moment, up to three times; another machine or the same one goes on."""
    if story.random.random() < 0.4:
        faults = [Fault.reply_lost, lambda: Fault.status(500), lambda: Fault.arrives(0.85 * LATE)]
        faults += [lambda: Fault.rate_limited(1), Fault.reset]
        story.fake.next(*[None] * story.random.randint(0, 8), story.random.choice(faults)(), path=MAIL)
    machine = "first"
    for _ in range(story.random.choice((1, 1, 2, 3))):
        story.kill_at_moment(machine, *SEND)
        machine = story.random.choice((machine, "second", "third"))
    story.finish([machine], *SEND)
    story.verify(machine)


def killed_at_once(story: Story) -> None:
    """Kill a send whose mail is not held back: what the copy does not know stays unknown, and is named."""
    machine = "first"
    for _ in range(story.random.choice((1, 2))):
        story.kill_at_moment(machine, *SEND, "--now")
        machine = story.random.choice((machine, "second", "third"))
    story.finish([machine], *SEND, "--now")
    story.verify(machine, held=False)


def broken_pushes(story: Story) -> None:
    """Delay, refuse or do not answer some pushes; after a kill, one may arrive late."""
    chance = story.random
    scripts = [DELAYED.format(f"{chance.uniform(0.2, 3):.1f}"), REFUSED, NO_REPLY]
    numbers = chance.sample(range(1, 6), chance.randint(1, 3))
    story.plan_pushes({number: chance.choice(scripts) for number in numbers})
    now = ("--now",) * (chance.random() < 0.3)
    machine = "first"
    for _ in range(chance.choice((0, 1, 1, 2))):
        story.kill_at_moment(machine, *SEND, *now)
        machine = chance.choice((machine, "second"))
    story.finish([machine], *SEND, *now)
    story.verify(machine, held=not now)


def interrupted(story: Story) -> None:
    """Stop the send with SIGINT, as Ctrl-C and GitHub do; the next machine does not have to wait for it."""
    twice = story.random.random() < 0.3

    def interrupt(process: Process) -> None:
        for pause in (0.0, 0.05)[: 1 + twice]:
            time.sleep(pause)
            process.send_signal(signal.SIGINT)

    at = partial(story.at_request, story.random.randint(2, 14), "there")
    process, moment = story.start_and(interrupt, at, "first", *SEND)
    story.ended(process, f"SIGINT {moment}{' twice' * twice}", 130, -2)
    story.trigger.clear()
    following = story.run("second", *SEND)
    if not twice:
        assert "another machine is sending" not in following.output, f"{story}\n{following.output}"
    story.finish(["second"], *SEND)
    story.verify("second")


def suspended(story: Story) -> None:
    """Suspend the send past its deadline while another machine takes over; then let it continue."""
    _slow(story, story.random.choice((0, 0.5)))
    sleeper, moment = story.start_and(_suspend, story.at_moment, "first", *SEND)
    _wait_for_stop(sleeper)
    second = story.start("second", *SEND)
    second.wait(story.random.choice((6.5, 8, 100)))
    sleeper.send_signal(signal.SIGCONT)
    story.ended(second, "second")
    story.ended(sleeper, f"suspended {moment}")
    story.trigger.clear()
    story.finish(["first", "second"], *SEND)
    story.verify("second")


def raced(story: Story, racers: int = RACERS) -> None:
    """Start the send on several machines at once: exactly one does it."""
    names = [f"racer{number}" for number in range(racers)]
    for name in names:
        story.machines.machine(name)
    started = [story.start(name, "send", "--ready", "--yes") for name in names]
    for name, process in zip(names, started, strict=True):
        story.ended(process, name)
    assert [story.fake.accepted(address) for address in story.addresses] == [1] * len(story.addresses)
    story.verify("first")


def raced_by_many(story: Story) -> None:
    """Start the send on twenty machines at once."""
    raced(story, MANY_RACERS)


def deleted(story: Story) -> None:
    """Delete the state with the push of a mirror during the send, which stops; no machine begins again."""
    _slow(story, story.random.choice((0, 0.5)))
    sender: list[Process] = []
    story.at_request(story.random.randint(1, 10), "there", lambda: story.put_back_by_mirror(""))
    sender.append(story.start("first", *SEND))
    story.ended(sender[0], "send on first")
    story.trigger.clear()
    story.refused("second", "holds no state of this newsletter", *SEND)
    story.run("first", "state", "push", "--replace", "--yes")
    story.finish(["first", "second"], *SEND)
    story.verify("second")


def put_back(story: Story) -> None:
    """Put an older state back after a send, killed or not: a machine that has seen a newer one refuses it."""
    before = story.machines.commit()
    # Not before the first mail, which is the fourth request: nothing newer has been pushed until then.
    number = story.random.randint(4, 14)
    story.kill_at(partial(story.at_request, number, story.random.choice(MOMENTS)), "first", *SEND)
    story.put_back_by_mirror(before)
    story.refused("first", "somebody has put an older one back", *SEND)
    story.run("first", "state", "push", "--replace", "--yes")
    story.finish(["first", "second"], *SEND)
    story.verify("second")


def wrong_key(story: Story) -> None:
    """Run the next command with the key of another newsletter, then with the right one."""
    story.kill_at_moment("first", *SEND)
    story.refused("second", "was sealed with another key", *SEND, key=make_state_key().text)
    story.finish(["second"], *SEND)
    story.verify("first")


def cancelled(story: Story) -> None:
    """Cancel on another machine during the send: nobody gets the mail. Then the send may be resumed."""
    chance = story.random
    _slow(story, chance.choice((0.3, 0.6, 0.9)))
    cancels: list[Process] = []
    at = chance.randint(4, 14)
    if chance.random() < 0.3:
        story.plan_pushes({chance.randint(2, 5): chance.choice((DELAYED.format(0.7), REFUSED, NO_REPLY))})
    story.at_request(at, "there", lambda: cancels.append(story.start("second", *CANCEL)))
    if chance.random() < 0.3:
        # Not before the send is saved: there would be nothing to cancel.
        story.kill_at(
            partial(story.at_request, chance.randint(5, 16), chance.choice(MOMENTS)), "first", *SEND
        )
    else:
        story.ended(story.start("first", *SEND), "send on first")
    story.trigger.clear()
    for process in cancels:
        story.ended(process, f"cancel at request {at}")
    if chance.random() < 0.4:
        moment = chance.choice(RECALL_MOMENTS)
        story.kill_at(partial(story.at_request, chance.randint(1, 2), moment), "second", *CANCEL)
    story.finish(["second", "third"], *CANCEL)
    counts = story.verify("third")
    assert not counts["accepted"], f"{story}\nnot all mail was recalled, although there was time"
    if story.random.random() < 0.5:
        story.finish(["first", "third"], *RESUME)
        story.verify("second")


def list_changed(story: Story) -> None:
    """Remove a subscriber on another machine, during the send and after it."""
    _slow(story, 0.5)
    address = story.random.choice(story.addresses)
    removals: list[Process] = []
    remove = ("subscribers", "remove", address)
    story.at_request(
        story.random.randint(5, 12), "there", lambda: removals.append(story.start("second", *remove))
    )
    if story.random.random() < 0.5:
        story.kill_at_moment("first", *SEND)
    story.finish(["first", "third"], *SEND)
    story.trigger.clear()
    for removal in removals:
        story.ended(removal, "remove during the send")
    removed = story.run("second", *remove)
    assert "unsubscribed" in removed.output, f"{story}\n{removed.output}"
    left = story.run("first", "subscribers", "list", "--state", "active")
    assert len(left.output.splitlines()) == len(story.addresses) - 1
    story.verify("first")


def _slow(story: Story, seconds: float) -> None:
    """Let the next requests for mail take some time, so that a send is long enough for other commands."""
    story.fake.next(*(Fault.late(seconds) for _ in range(12) if seconds), path=MAIL)


def _suspend(process: Process) -> None:
    process.send_signal(signal.SIGSTOP)


def _wait_for_stop(process: Process) -> None:
    """Wait until a process is suspended or has ended."""
    for _ in range(1000):
        process.wait(0.01)
        try:
            state = Path(f"/proc/{process.pid}/stat").read_text().rpartition(") ")[2][0]
        except OSError:
            return
        if state in "TtZ":
            return


# For each kind of story the number of seeds.
KINDS: list[tuple[int, Callable[[Story], None]]] = [
    (70, killed),
    (30, killed_at_once),
    (50, broken_pushes),
    (20, interrupted),
    (20, suspended),
    (12, raced),
    (2, raced_by_many),
    (12, deleted),
    (12, put_back),
    (6, wrong_key),
    (24, cancelled),
    (12, list_changed),
]


def stories(first: int) -> dict[int, Callable[[Story], None]]:
    """Return the story of each seed, from the first seed on; the kinds alternate."""
    places = [((number + 0.5) / count, kind) for count, kind in KINDS for number in range(count)]
    return dict(enumerate([kind for _, kind in sorted(places, key=lambda place: place[0])], first))


STORIES = stories(FIRST_SEED)
# The seed that runs by default: a killed send.
SAMPLE = (4,)


def run_story(
    seed: int, kind: Callable[[Story], None], folder: Path, forks: ForkServer, fault: str = "none"
) -> str:
    """Run a story; return its events. Raise AssertionError for a contradiction."""
    trigger = Trigger()
    covers = "arrived" if seed % 2 else "batch"
    with (
        WatchedSendGrid(trigger, cancel_covers=covers) as fake,
        Story(forks, seed, folder, fake, trigger) as story,
    ):
        story.fault = fault
        kind(story)
    return str(story)


@pytest.fixture(scope="module")
def results(
    request: pytest.FixtureRequest, forks: ForkServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[int, Future[str]]]:
    """Run the selected stories, a few at a time; yield their events by seed."""
    items = [item for item in request.session.items if isinstance(item, pytest.Function)]
    params = [item.callspec.params for item in items if item.originalname == "test_nobody_twice_on_machines"]
    folder = tmp_path_factory.mktemp("machines")
    with ThreadPoolExecutor(PARALLEL_STORIES) as pool:
        yield {
            seed: pool.submit(run_story, seed, STORIES[seed], folder, forks)
            for seed in (int(param["seed"]) for param in params)  # type: ignore[call-overload]
        }
        pool.shutdown(cancel_futures=True)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Create a test for each story to run."""
    if "seed" in metafunc.fixturenames:
        every_case = metafunc.config.getoption("--every-case") or FIRST_SEED
        seeds = STORIES if every_case else SAMPLE
        metafunc.parametrize("seed", seeds, ids=[f"{STORIES[seed].__name__}-{seed}" for seed in seeds])


def test_nobody_twice_on_machines(seed: int, results: dict[int, Future[str]]) -> None:
    print(f"\n{results[seed].result()}", end=" ")


# The stories find planted faults


def killed_in_the_first_batch(story: Story) -> None:
    story.kill_at(partial(story.at_request, 5, "there"), "first", *SEND)
    story.finish(["second"], *SEND)
    story.verify("second")


def first_pushes_refused(story: Story) -> None:
    story.plan_pushes(dict.fromkeys((1, 2, 3), REFUSED))
    killed_in_the_first_batch(story)


def suspended_in_the_first_batch(story: Story) -> None:
    at = partial(story.at_request, 4, "there")
    sleeper, _ = story.start_and(_suspend, at, "first", *SEND)
    _wait_for_stop(sleeper)
    story.finish(["second"], *SEND)
    sleeper.send_signal(signal.SIGCONT)
    story.ended(sleeper, "suspended")
    story.verify("second")


def killed_after_a_recall(story: Story) -> None:
    story.fake.next(None, Fault.reply_lost(), path=MAIL)
    story.kill_at(partial(story.at_request, 1, "recalled"), "first", *SEND)
    story.run("second", *SEND, late=TOO_LATE)
    story.verify("second", held=False)


def sent_then_put_back(story: Story) -> None:
    before = story.machines.commit()
    story.run("first", *SEND)
    story.put_back_by_mirror(before)
    story.run("first", *SEND)
    story.verify("first")


PLANTED: dict[str, tuple[Callable[[Story], None], str]] = {
    "publish_nothing_before_a_claim": (killed_in_the_first_batch, "got it 2 times"),
    "trust_each_push": (first_pushes_refused, "got it 2 times"),
    "obey_no_deadline": (suspended_in_the_first_batch, "got it 2 times"),
    "publish_no_recall": (killed_after_a_recall, "is accepted and did not get it"),
    "take_older_states": (sent_then_put_back, "got it 2 times"),
}


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(name, marks=[pytest.mark.every_case] * (name != "publish_nothing_before_a_claim"))
        for name in FAULTS
    ],
)
def test_a_planted_fault_is_found(fault: str, forks: ForkServer, tmp_path: Path) -> None:
    story, problem = PLANTED[fault]
    with pytest.raises(AssertionError, match=problem):
        run_story(1, story, tmp_path, forks, fault)


@pytest.mark.every_case
@pytest.mark.parametrize("story", [story for story, _ in PLANTED.values() if story is not sent_then_put_back])
def test_without_a_fault_its_story_is_well(
    story: Callable[[Story], None], forks: ForkServer, tmp_path: Path
) -> None:
    print(f"\n{run_story(1, story, tmp_path, forks)}", end=" ")
