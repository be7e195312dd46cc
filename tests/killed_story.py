"""One story of `tests.test_killed_ref`: machines with the state on a Git ref, and processes on them."""

import csv
import json
import os
import random
import re
import shlex
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Self

from tests import samples
from tests.fakes.sendgrid import SendGridFake
from tests.forks import ForkServer
from tests.killed_ref import PUBLISHED_RECIPIENTS, RECIPIENTS_PER_CALL
from tests.machines import Machines
from tests.object_search import found
from tests.repositories import git
from tests.watched import HOLDS, MOMENTS, Process, Trigger, contradictions

ISSUE = "2026-04-27"
SEND, CANCEL, RESUME = ((command, "--issue", ISSUE, "--yes") for command in ("send", "cancel", "resume"))
# Recipients of twelve requests.
PEOPLE = 12 * RECIPIENTS_PER_CALL
# Seconds for `tests.killed_ref`: longer than a request can take; so long that no batch is recalled in time.
LATE, TOO_LATE = 2.0, 3600.0
ENVIRONMENT = {
    **{name: "" for name in ("CI", "GITHUB_ACTIONS", "NEWS_DATABASE_URL")},
    "NO_COLOR": "1",
    "NEWS_SECRET_KEY": samples.SECRET,
    "SENDGRID_API_KEY": "SG.fake",
}
# Messages of a command that changed nothing, or that stopped before its next request.
NOT_NOW = (
    "is sending now, until",
    f"is sending {ISSUE} now",
    "started just now",
    "news process on this machine",
    "saves and sends nothing more",
    "it is not certain that the state was saved",
    "nothing was saved",
    "was replaced meanwhile",
    "does not say how many batches",
)
# The remote counts the pushes, and runs what is planned for each. It may end the git that pushes, whose
# process is the parent of the one that runs the hook.
_HOOK = """#!/bin/sh
n=1
while ! mkdir "pushes/$n" 2>/dev/null; do n=$((n + 1)); done
read -r _ _ _ pusher _ < /proc/$PPID/stat
if [ -f "plan/$n" ]; then . "./plan/$n"; fi
exit 0
"""
DELAYED, REFUSED, NO_REPLY = "sleep {}", "echo full >&2; exit 1", "kill -9 $pusher; sleep 0.1"


class Story:
    """A story: processes on machines that share a state, and mail that arrives at a fake SendGrid."""

    def __init__(
        self, forks: ForkServer, seed: int, folder: Path, fake: SendGridFake, trigger: Trigger
    ) -> None:
        self.random = random.Random(seed)
        self.fake, self.trigger = fake, trigger
        self.requests = self.random.randint(1, 3)
        through = f"provider: sendgrid\nsendgrid: {{host: '{fake.url}', requests: {self.requests}}}\n"
        self.machines = Machines(folder / f"seed{seed}", f"{through}send: {{undo_window: 90m}}\n")
        self.addresses = [f"reader{number}@example.com" for number in range(PEOPLE)]
        self.events: list[str] = [f"seed {seed}"]
        self.kills = 0
        # The fault that the processes have; the stories must find it.
        self.fault = "none"
        self._forks = forks
        self._processes: list[Process] = []

    def __enter__(self) -> Self:
        (self.machines.folder / "list.csv").write_text("\n".join(["address", *self.addresses]))
        self._check(self.start("first", "state", "init"), 0)
        added = self.start("first", "subscribers", "import", str(self.machines.folder / "list.csv"))
        self._check(added, 0)
        for name in ("plan", "pushes"):
            (self.machines.origin / name).mkdir()
        hook = self.machines.origin / "hooks" / "pre-receive"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(_HOOK)
        hook.chmod(0o755)
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.kill()
            process.exit_code()

    def __str__(self) -> str:
        return ", ".join(self.events)

    # Processes

    def start(self, machine: str, *arguments: str, late: float = LATE, key: str = "") -> Process:
        """Start `news` on a machine, which is cloned if it is new."""
        folder = self.machines.machine(machine)
        environment = {**os.environ, **ENVIRONMENT, **self.machines.environment()}
        process = Process(
            self._forks,
            ["tests.killed_ref", str(late), self.fault, "-C", str(folder), *arguments],
            environment | ({"NEWS_STATE_KEY": key} if key else {}),
            self.machines.folder / f"output{len(self._processes)}",
        )
        self._processes.append(process)
        return process

    def ended(self, process: Process, name: str, *codes: int) -> int:
        """Wait for the end of a process and record it; return the exit code.

        The code is 0, 3 or one of `codes`; or 1 if the process had to leave the work to others.
        """
        code = process.exit_code()
        self.events.append(f"{name}: {code}")
        self._check(process, 0, 3, *codes, *([1] if self._was_refused(process) else []))
        return code

    def run(self, machine: str, *arguments: str, late: float = LATE) -> Process:
        """Run a command to its end."""
        process = self.start(machine, *arguments, late=late)
        self.ended(process, f"{arguments[0]} on {machine}")
        return process

    def refused(self, machine: str, reason: str, *arguments: str, key: str = "") -> None:
        """Run a command that must be refused for a reason; it must send nothing and save nothing."""
        before = len(self.fake.deliveries), self.machines.commit()
        process = self.start(machine, *arguments, key=key)
        self._check(process, 1)
        assert reason in process.output, f"{self}\n{self._all_output()}"
        assert (len(self.fake.deliveries), self.machines.commit()) == before, str(self)
        self.events.append(f"{arguments[0]} refused on {machine}")

    def kill(self, process: Process, *, with_git: bool = False) -> None:
        """Kill a process; with its `git`, as when its machine ends, or without, which then ends its push."""
        process.send_signal(signal.SIGSTOP)
        children: list[str] = []
        with suppress(OSError):
            tasks = Path(f"/proc/{process.pid}/task")
            children = [
                child for task in tasks.iterdir() for child in (task / "children").read_text().split()
            ]
        process.kill()
        for child in children if with_git else []:
            with suppress(OSError):
                os.killpg(int(child), signal.SIGKILL)

    # Moments

    def at_moment(self, action: Callable[[], None]) -> str:
        """Run an action at a random moment from now on: of a request, of a push, or of time; return which."""
        how = self.random.choice(("request", "request", "request", "push", "time"))
        if how == "request":
            return self.at_request(self.random.randint(1, 16), self.random.choice(MOMENTS), action)
        if how == "push":
            return self.at_push(self.random.choice((1, 1, 2, 3, 4)), action)
        seconds = self.random.uniform(0.1, 1.5)
        threading.Thread(target=lambda: (time.sleep(seconds), action()), daemon=True).start()
        return f"after {seconds:.2f} s"

    def at_request(self, number: int, moment: str, action: Callable[[], None]) -> str:
        delay = self.random.random() / 1000
        self.trigger.add(number, moment, lambda: (time.sleep(delay), action())[0])
        return f"at request {number} {moment}"

    def at_push(self, number: int, action: Callable[[], None]) -> str:
        """Run an action shortly after the beginning of a push, counted from now."""
        number += self.pushes()
        delay = self.random.choice((0.0, self.random.random() / 10))

        def wait() -> None:
            until = time.monotonic() + 20
            while time.monotonic() < until:
                if (self.machines.origin / "pushes" / str(number)).exists():
                    time.sleep(delay)
                    action()
                    return
                time.sleep(0.003)

        threading.Thread(target=wait, daemon=True).start()
        return f"at push {number}"

    def pushes(self) -> int:
        """Return the number of pushes that the remote has seen since the list was saved."""
        return len(list((self.machines.origin / "pushes").iterdir()))

    def plan_pushes(self, plan: Mapping[int, str]) -> None:
        """Let the remote delay, refuse or not answer some of the next pushes."""
        before = self.pushes()
        for number, script in plan.items():
            (self.machines.origin / "plan" / str(before + number)).write_text(script)
        if plan:
            self.events.append(f"pushes {shlex.join(f'{n}: {script}' for n, script in plan.items())}")

    def kill_at_moment(self, machine: str, *arguments: str) -> bool:
        """Run a command and kill it at a random moment; return False if it ended before."""
        return self.kill_at(self.at_moment, machine, *arguments)

    def kill_at(self, at: Callable[[Callable[[], None]], str], machine: str, *arguments: str) -> bool:
        """Run a command, and kill it at a moment that `at` plans; return False if it ended before."""
        with_git = self.random.random() < 0.5
        kill = partial(self.kill, with_git=with_git)
        process, moment = self.start_and(kill, at, machine, *arguments)
        code = self.ended(process, f"{arguments[0]} on {machine} killed {moment}", -9)
        self.trigger.clear()
        self.kills += code == -9
        return code == -9

    def start_and(
        self,
        action: Callable[[Process], None],
        at: Callable[[Callable[[], None]], str],
        machine: str,
        *arguments: str,
    ) -> tuple[Process, str]:
        """Start a command, and plan an action on its process; return the process and the moment."""
        processes: list[Process] = []
        is_started = threading.Event()

        def act() -> None:
            is_started.wait(20)
            action(processes[0])

        moment = at(act)
        processes.append(self.start(machine, *arguments))
        is_started.set()
        return processes[0], moment

    # The end

    def finish(self, machines: Sequence[str], *arguments: str) -> int:
        """Run a command on random machines until nobody is waiting; return the last exit code."""
        for _ in range(12):
            process = self.run(self.random.choice(machines), *arguments)
            code, output = process.exit_code(), process.output
            stopped = "Stopped" in output or "The send stopped" in output
            if code in (0, 3) and not stopped and not re.search(r"^Waiting +[\d,]+$", output, re.MULTILINE):
                return code
        raise AssertionError(f"{self}\nrecipients are still waiting\n{self._all_output()}")

    def verify(self, machine: str, *, held: bool = True) -> Counter[str]:
        """Compare the books of the fake with the report on a machine and on a new one; return the counts."""
        states = self.states(machine)
        counts = Counter(states.values())
        self.events.append(", ".join(f"{count} {state}" for state, count in sorted(counts.items())))
        delivered = Counter(one.address for one in self.fake.delivered_by(self.fake.clock() + 9 * 24 * 3600))
        problems = contradictions(states, delivered, self.addresses)
        new = f"new{len(self._processes)}"
        if self._named(new) != {address: state for address, state in states.items() if state != "accepted"}:
            problems.append("another machine does not name the same recipients")
        most = 0 if held and self.recalled < 5 else self._max_unknown()
        if counts["unknown"] > most:
            problems.append(f"{counts['unknown']} are unknown, more than {most}")
        chosen = self.random.sample(self.addresses, 30)
        problems += [f"{address} can be read" for address in found(self.machines.origin, chosen)]
        assert not problems, f"{self}\n{len(problems)} problems: {problems[:10]}\n{self._all_output()}"
        return counts

    @property
    def recalled(self) -> int:
        """Return the number of batches that the fake was asked to recall."""
        bodies = [request.body or {} for request in self.fake.requests if request.path.startswith(HOLDS)]
        return len({body["batch_id"] for body in bodies if "batch_id" in body})

    def states(self, machine: str) -> dict[str, str]:
        """Return each recipient's state by address, as `news status --csv` reports it on a machine."""
        report = self.machines.folder / "report.csv"
        self._check(self.start(machine, "status", ISSUE, "--csv", str(report)), 0)
        with report.open() as file:
            rows = list(csv.DictReader(file))
        assert len(rows) == len({row["address"] for row in rows}), f"{self}\nan address is reported twice"
        return {row["address"]: row["state"] for row in rows}

    def put_back_by_mirror(self, commit: str) -> None:
        """Push a mirror whose state is an older one, or that has none, over the remote."""
        mirror = self.machines.folder / "mirror.git"
        git(self.machines.folder, "clone", "-q", "--mirror", str(self.machines.origin), mirror.name)
        ref = git(mirror, "for-each-ref", "--format=%(refname)", "refs/newsletter").strip()
        git(mirror, "update-ref", *((ref, commit) if commit else ("-d", ref)))
        git(mirror, "push", "-q", "--mirror", str(self.machines.origin))
        self.events.append("older state put back" if commit else "state deleted")

    def _named(self, machine: str) -> dict[str, str]:
        """Return the state of each recipient that is not accepted, as another machine names them."""
        process = self.start(machine, "status", ISSUE, "--json")
        self._check(process, 0)
        return {one["address"]: one["state"] for one in json.loads(process.output)["people"]}

    def _max_unknown(self) -> int:
        runs = sum(process.exit_code() != 0 for process in self._processes)
        return runs * (PUBLISHED_RECIPIENTS + self.requests * RECIPIENTS_PER_CALL)

    def _check(self, process: Process, *codes: int) -> None:
        code, output = process.exit_code(), process.output
        is_clean = "Traceback" not in output and "Exception in" not in output
        assert is_clean and code in codes, f"{self}\nexit code {code}\n{self._all_output()}"

    def _was_refused(self, process: Process) -> bool:
        return any(reason in process.output for reason in NOT_NOW)

    def _all_output(self) -> str:
        return "\n".join(f"--- process {n}\n{process.output}" for n, process in enumerate(self._processes))
