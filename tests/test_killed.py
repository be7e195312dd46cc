"""kill -9 of the real process at points that a seed chooses; then the same command again until it is done.

The mail that a server received (a SendGrid fake that records it, a real Postfix, a maildir) is compared with
the report of `news status --csv`: no recipient gets two mails, and every missing mail is reported. The moment
of a kill is counted in events that the server sees, so that a seed repeats nearly the same scenario each
time.

By default a fixed sample of the scenarios runs; `--every-case` runs all. NEWS_SEED=1000 runs as many others,
whose seeds begin there. `pytest -s tests/test_killed.py` prints the events of each scenario.
"""

import csv
import os
import random
import re
import shutil
import socket
import sqlite3
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, closing, suppress
from itertools import count
from pathlib import Path
from typing import Self, TypeVar

import pytest
from sqlalchemy import create_engine, text

from newsletter.providers.sendgrid.provider import MAX_RECIPIENTS_PER_CALL
from tests import samples
from tests.fakes import postfix, postgresql
from tests.fakes import sendgrid_rules as rules
from tests.fakes.sendgrid import Fault, SendGridFake, refused
from tests.forks import ForkServer
from tests.killed import RECIPIENTS_PER_CALL, TIMEOUT_SECONDS
from tests.required import need
from tests.watched import (
    BATCHES,
    HOLDS,
    MAIL,
    MOMENTS,
    RECALL_MOMENTS,
    Process,
    Trigger,
    WatchedSendGrid,
    contradictions,
)

T = TypeVar("T")
MakeFault = Callable[[], Fault]
# For each seed, what `run_scenario` returns.
Results = dict[int, Future[tuple[str, int]]]

ISSUE = "2026-04-27"
SEND, CANCEL, RESUME = ((command, "--issue", ISSUE, "--yes") for command in ("send", "cancel", "resume"))
ENVIRONMENT = {"CI": "", "NO_COLOR": "1", "NEWS_SECRET_KEY": samples.SECRET, "SENDGRID_API_KEY": "SG.fake"}
FIRST_SEED = int(os.environ.get("NEWS_SEED", "0"))
# Scenarios that run at the same time; most of a scenario is waiting.
PARALLEL_SCENARIOS = 3

# Recipients: of twelve requests, and of twelve with `tests.killed`; of messages for four connections; of
# files written by one thread.
PEOPLE, PEOPLE_IN_A_HURRY = 12 * MAX_RECIPIENTS_PER_CALL, 12 * RECIPIENTS_PER_CALL
MESSAGES, FILES = 330, 150
CONNECTIONS = 4
# Seconds for `tests.killed`: longer than a request can take; so long that no batch is recalled in time.
LATE, TOO_LATE = 2.0, 3600.0


class Wire:
    """A relay to a mail server that reports each message to a trigger: its end, its arrival and the reply.

    If an action runs when the end comes, the relay closes the connection, and the end does not arrive.
    """

    def __init__(self, trigger: Trigger, port: int) -> None:
        self._trigger, self._port = trigger, port
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._threads[0].join()
        self._server.close()

    def quiet(self) -> None:
        """Wait until the server has closed all connections, and so has processed all messages."""
        for thread in self._threads[1:]:
            thread.join(30)
            assert not thread.is_alive()

    def _start(self, target: Callable[..., None], *arguments: socket.socket) -> None:
        self._threads.append(threading.Thread(target=target, args=arguments, daemon=True))
        self._threads[-1].start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._server.accept()
                server = socket.create_connection(("127.0.0.1", self._port))
                for end in (client, server):
                    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._start(self._up, client, server)
                self._start(self._down, client, server)

    def _up(self, client: socket.socket, server: socket.socket) -> None:
        last = b""
        with suppress(OSError):
            while data := client.recv(65_536):
                ended = (last + data).count(b"\r\n.\r\n")
                last = data[-4:]
                if ended and self._trigger.seen("coming"):
                    break
                server.sendall(data)
                if ended:
                    self._trigger.seen("there")
        with suppress(OSError):
            server.shutdown(socket.SHUT_WR)

    def _down(self, client: socket.socket, server: socket.socket) -> None:
        with client, server:
            with suppress(OSError):
                while data := server.recv(65_536):
                    with suppress(OSError):  # the client may be dead
                        client.sendall(data)
                    if b"queued as" in data:
                        self._trigger.seen("answered")
            with suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)  # the other thread waits for it


class WatchedFolder:
    """Reports each new file in a folder to a trigger."""

    def __init__(self, trigger: Trigger, folder: Path) -> None:
        self._trigger, self._folder = trigger, folder
        self._ended = threading.Event()

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        known = 0
        while not self._ended.wait(0.0003):
            count = len(os.listdir(self._folder)) if self._folder.exists() else 0
            for _ in range(count - known):
                for moment in MOMENTS:
                    self._trigger.seen(moment)
            known = count


# Scenarios

# How a second sender is started, see `Scenario.kill`: together with the first; while a request of the first
# is held up; shortly before the first is killed.
SECOND_SENDERS = ("together", "held", "meanwhile")

# Messages of a command that did nothing: another process sends or has sent, or the provider does not respond.
BUSY = (f"is sending {ISSUE} now", "started just now", "was cancelled")
NO_RESPONSE = "does not say how many batches"


class Scenario:
    """A scenario: the processes that work on the send of one newsletter, as chosen by a seed."""

    def __init__(self, forks: ForkServer, seed: int, folder: Path, environment: Mapping[str, str]) -> None:
        self.seed, self.folder, self.trigger = seed, folder, Trigger()
        self._forks = forks
        self.random = random.Random(seed)
        self.addresses = [line.split(",")[0] for line in (folder / "list.csv").read_text().splitlines()[1:]]
        self.kills = 0
        self.events: list[str] = []
        self._command, self.hurried = ["newsletter"], False
        self._environment = {**ENVIRONMENT, **environment}
        self._processes: list[Process] = []
        self.second = self.second_sender(seed, self.random)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.kill()
            process.exit_code()

    @staticmethod
    def second_sender(seed: int, chance: random.Random) -> str:
        """Return how a second sender is started, once in every third scenario; nothing in the others."""
        return chance.choice(SECOND_SENDERS) if seed % 3 == 0 else ""

    def __str__(self) -> str:
        return f"seed {self.seed}: {', '.join(self.events)}"

    def hurry(self, late: float) -> None:
        """Start `news` with shorter waits from now on: see `tests.killed`."""
        self._command, self.hurried = ["tests.killed", str(late)], True

    def set_up(self, extra: str) -> None:
        samples.write(self.folder, extra=extra)

    def sign(self) -> str:
        """Set a unique sender address, which identifies the mail of this newsletter; return it."""
        sender, file = f"soup{self.seed}@example.com", self.folder / "newsletter.yml"
        file.write_text(file.read_text().replace("email: soup@example.com", f"email: {sender}"))
        return sender

    def start(self, *arguments: str) -> Process:
        process = Process(
            self._forks,
            [*self._command, "-C", str(self.folder), *arguments],
            {**os.environ, **self._environment},
            self.folder / f"output{len(self._processes)}",
        )
        self._processes.append(process)
        return process

    def run(self, *arguments: str, refused: bool = False) -> Process:
        """Run a command to its end, without a kill."""
        process = self.start(*arguments)
        self.events.append(f"{arguments[0]}: {process.exit_code()}")
        if not refused:
            self.check_end(process, 0, 3)
        return process

    def kill(self, within: int, *arguments: str, beyond: int = 0, moments: Sequence[str] = MOMENTS) -> None:
        """Run a command and kill it at a random request, after `beyond` and up to `within` of them.

        The first time, a second process may be started: together with the first; while a request of the first
        is held up, which the second must respect; or shortly before the kill, so that the second may take
        over.
        """
        how, self.second = self.second, ""
        killed = self.kills
        for _ in range(5):
            at, moment = self.random.randint(beyond + 1, within), self.random.choice(moments)
            if moment in RECALL_MOMENTS:
                at = self.random.randint(1, 2)
            if how == "held":
                at, moment = max(at, 4), "coming"
            codes = self.kill_at(at, moment, *arguments, how=how)
            if self.kills > killed or 1 not in codes:
                return
            how = ""

    def kill_at(self, at: int, moment: str, *arguments: str, how: str = "") -> list[int]:
        """Kill a command at a moment of the `at`-th request, or a little later; return the exit codes."""
        delay = self.random.random() / 1000
        doomed: list[Process] = []
        seconds: list[Process] = []

        def kill() -> None:
            if how == "held":
                seconds.append(self.start(*arguments))
                # With short waits the first process soon reaches its time-out, and ends.
                seconds[0].wait(2.5 if self.hurried else 100)
            time.sleep(delay)
            for process in doomed:
                process.kill()

        if how == "meanwhile":
            self.trigger.add(max(at - 2, 1), "coming", lambda: seconds.append(self.start(*arguments)))
        self.trigger.add(at, moment, kill)
        doomed += (self.start(*arguments) for _ in range(2 if how == "together" else 1))
        codes = [process.exit_code() for process in doomed]
        self.trigger.clear()
        self.kills += -9 in codes
        self.events.append(f"{arguments[0]} {how} killed at {at} {moment}: {codes}".replace("  ", " "))
        for process in doomed:
            self.check_end(process, -9, 0, 3, *([1] if how == "together" else []))
        for process in seconds:
            self.events.append(f"a second one: {process.exit_code()}")
            self.check_end(process, 1, *([] if how == "held" and not self.hurried else [0, 3]))
        return codes

    def tamper(self, statements: list[str]) -> None:
        """Change the ledger directly in the database."""
        with closing(sqlite3.connect(self.folder / ".news" / "news.db")) as database, database:
            for statement in statements:
                assert database.execute(statement).rowcount, statement

    def states(self) -> dict[str, str]:
        """Return each recipient's state by address, as `news status --csv` reports it."""
        report = self.folder / "report.csv"
        process = self.start("status", "--issue", ISSUE, "--csv", str(report))
        self.check_end(process, 0)
        with report.open() as file:
            rows = list(csv.DictReader(file))
        assert len(rows) == len({row["address"] for row in rows}), f"{self}\nan address is reported twice"
        return {row["address"]: row["state"] for row in rows}

    def finish(self, *arguments: str) -> int:
        """Run a command until no recipient is waiting; return its last exit code."""
        for _ in range(10):
            process = self.run(*arguments)
            done = process.exit_code() != 1 and "Stopped" not in process.output
            if done and not re.search(r"^Waiting +[\d,]+$", process.output, re.MULTILINE):
                return process.exit_code()
        raise AssertionError(f"{self}\nrecipients are still waiting\n{self._all_output()}")

    def verify(self, delivered: Mapping[str, int], code: int, max_unknown: int) -> Counter[str]:
        """Compare the states with the mail delivered, and check the exit code; return the counts by state."""
        states = self.states()
        counts = Counter(states.values())
        self.events.append(", ".join(f"{count} {state}" for state, count in sorted(counts.items())))
        problems = contradictions(states, delivered, self.addresses)
        if counts["waiting"]:
            problems.append("recipients are still waiting")
        if counts["unknown"] > max_unknown:
            problems.append(f"{counts['unknown']} are unknown, more than {max_unknown}")
        done = counts["accepted"] == len(states) or counts["cancelled"] == len(states)
        if code != (0 if done else 3):
            problems.append(f"the exit code is {code}")
        assert not problems, f"{self}\n{len(problems)} problems: {problems[:10]}\n{self._all_output()}"
        return counts

    def check_end(self, process: Process, *codes: int) -> None:
        """Check the exit code; 1 only if another process was sending, or the provider did not respond."""
        code, output = process.exit_code(), process.output
        assert "Traceback" not in output and "Exception in" not in output, f"{self}\n{self._all_output()}"
        reasons = (*BUSY, NO_RESPONSE) if 1 in codes else (NO_RESPONSE,)
        is_valid = code in codes if code != 1 else any(reason in output for reason in reasons)
        assert is_valid, f"{self}\nexit code {code}\n{self._all_output()}"

    def _all_output(self) -> str:
        return "\n".join(f"--- process {n}\n{process.output}" for n, process in enumerate(self._processes))


class World:
    """Servers and imported lists that the scenarios share; each is made on first use."""

    def __init__(self, folder: Path, forks: ForkServer) -> None:
        self._folder, self._forks = folder, forks
        self._lock = threading.RLock()
        self._open = ExitStack()
        self._servers: dict[object, object] = {}
        self._lists: dict[str, Path] = {}
        self._numbers = count()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def another_seed(self) -> int:
        """Return a seed that no scenario has."""
        return 1_000_000 + next(self._numbers)

    def postfix(self) -> postfix.Postfix:
        return self._server(postfix.running)

    def postgresql(self, database: str = "postgres") -> str:
        server: str = self._server(postgresql.running)
        return server.replace("@/postgres", f"@/{database}")

    def scenario(self, seed: int, people: int, *others: str, on_postgresql: bool = False) -> Scenario:
        """Create a newsletter with a number of subscribers, and with `others`; return its scenario."""
        folder, kind = self._folder / f"seed{seed}", f"list{people}_{len(others)}"
        addresses = [*(f"reader{n}@example.com" for n in range(people)), *others]
        if not on_postgresql:
            environment = {"NEWS_DATABASE_URL": ""}
            shutil.copytree(self._list(kind, addresses, environment), folder)
            return Scenario(self._forks, seed, folder, environment)
        with self._lock:
            if f"{kind}_postgresql" not in self._lists:
                self._administer(f"create database {kind}")
            environment = {"NEWS_DATABASE_URL": self.postgresql(kind)}
            shutil.copytree(self._list(f"{kind}_postgresql", addresses, environment), folder)
            self._administer(f"create database {folder.name} template {kind}")
        return Scenario(self._forks, seed, folder, {"NEWS_DATABASE_URL": self.postgresql(folder.name)})

    def _server(self, running: Callable[[Path], AbstractContextManager[T]]) -> T:
        with self._lock:
            if running not in self._servers:
                # The servers' users may not enter pytest's folders.
                folder = self._open.enter_context(tempfile.TemporaryDirectory())
                os.chmod(folder, 0o755)
                self._servers[running] = self._open.enter_context(running(Path(folder)))
            return self._servers[running]  # type: ignore[return-value]

    def _list(self, name: str, addresses: list[str], environment: dict[str, str]) -> Path:
        with self._lock:
            if name not in self._lists:
                folder = samples.write(self._folder / name)
                (folder / "list.csv").write_text("\n".join(["address", *addresses]))
                with Scenario(self._forks, 0, folder, environment) as scenario:
                    imported = scenario.run("subscribers", "import", str(folder / "list.csv"))
                assert f"Added        {len(addresses):,} " in imported.output, imported.output
                self._lists[name] = folder
            return self._lists[name]

    def _administer(self, statement: str) -> None:
        engine = create_engine(self.postgresql().replace("postgresql:", "postgresql+psycopg:"))
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(statement))
        engine.dispose()


# Faults


def spread(
    requests: int, count: int, faults: Sequence[MakeFault], chance: random.Random
) -> list[Fault | None]:
    """Return `count` random faults at random places among a number of requests; None for no fault."""
    places = set(chance.sample(range(requests), count))
    return [chance.choice(faults)() if n in places else None for n in range(requests)]


def _rejected_recipient() -> Fault:
    error = rules.error("Does not contain a valid address.", "personalizations.7.to.0.email")
    return Fault(refused(400, error))


def _late_arrival() -> Fault:
    return Fault.arrives(0.85 * LATE)


# The request is certainly not accepted.
NOT_ACCEPTED: list[MakeFault] = [
    lambda: Fault.rate_limited(0),
    lambda: Fault.rate_limited(1),
    lambda: Fault.status(401, "unauthorized"),
    lambda: Fault.status(400, "Bad Request"),  # without a field: the chunk is split
    _rejected_recipient,
]
# The outcome is unknown: the first five requests are not accepted, the others are, at once or later.
UNKNOWN: list[MakeFault] = [
    lambda: Fault.status(500),
    lambda: Fault.status(503),
    Fault.html,
    Fault.reset,
    Fault.reset_in_body,
    Fault.reply_lost,
    _late_arrival,
]
# No response before the time-out: the request takes effect at once, or late.
SILENT: list[MakeFault] = [
    lambda: Fault.late(LATE),
    lambda: Fault.arrives((TIMEOUT_SECONDS + LATE) / 2, silent=True),
]
ACCOUNT_FAULTS: list[MakeFault] = [
    lambda: Fault.rate_limited(0),
    lambda: Fault.status(500),
    lambda: Fault.status(503),
    Fault.html,
    Fault.reset,
    Fault.reply_lost,
]


def point_at(scenario: Scenario, fake: SendGridFake, requests: int) -> None:
    scenario.set_up(f"provider: sendgrid\nsendgrid: {{host: '{fake.url}', requests: {requests}}}\n")


def troubled(scenario: Scenario) -> WatchedSendGrid:
    """Return a SendGrid with random faults; for odd seeds one of the first requests arrives late."""
    chance, late = scenario.random, scenario.seed % 2
    fake = WatchedSendGrid(
        scenario.trigger, cancel_covers="arrived" if late else chance.choice(("arrived", "batch"))
    )
    if late:
        fake.next(*spread(3, 1, [_late_arrival], chance), path=MAIL)
    else:
        fake.next(*spread(8, chance.randint(0, 1), UNKNOWN + SILENT, chance), path=MAIL)
    fake.next(*spread(16, chance.randint(0, 2), NOT_ACCEPTED, chance), path=MAIL)
    fake.next(*spread(12, chance.randint(0, 3), ACCOUNT_FAULTS, chance), path=HOLDS)
    fake.next(*spread(6, chance.randint(0, 1), ACCOUNT_FAULTS, chance), path=BATCHES)
    return fake


def hurried(scenario: Scenario, fake: SendGridFake, late: float) -> int:
    """Set up a send through the fake with shorter waits; return its random number of requests at once."""
    scenario.hurry(late)
    requests = scenario.random.randint(1, 3)
    point_at(scenario, fake, requests)
    return requests


def max_unknown(scenario: Scenario, fake: WatchedSendGrid, requests: int) -> int:
    """Return how many recipients may stay unknown: none while the account has free slots for recalls.

    An account can cancel ten batches, and a send uses at most five of these slots.
    """
    scenario.events.append(f"{fake.recalled_batches} batches recalled")
    return 0 if fake.recalled_batches < 5 else (scenario.kills * requests + 1) * RECIPIENTS_PER_CALL


# The kinds of scenarios


def held_back(scenario: Scenario, world: World) -> None:
    """Send through SendGrid with the undo window: unknown chunks are recalled and sent again."""
    with troubled(scenario) as fake:
        requests = hurried(scenario, fake, LATE)
        scenario.kill(12, *SEND)
        for _ in range(scenario.random.choice((0, 0, 1, 2, 3))):
            scenario.kill(8, *SEND, moments=MOMENTS + RECALL_MOMENTS)
        code = scenario.finish(*SEND)
        scenario.verify(fake.delivered(), code, max_unknown(scenario, fake, requests))


def cancelled_after_kill(scenario: Scenario, world: World) -> None:
    """Run `news cancel` after the send was killed, or while it runs; the cancel may be killed too."""
    with troubled(scenario) as fake:
        requests = hurried(scenario, fake, LATE)
        meanwhile: list[Process] = []
        if scenario.random.random() < 0.4:
            at = scenario.random.randint(4, 10)
            scenario.trigger.add(at, "coming", lambda: meanwhile.append(scenario.start(*CANCEL)))
        scenario.kill(12, *SEND, beyond=1)  # after the first chunk is claimed
        for process in meanwhile:
            scenario.events.append(f"cancel meanwhile: {process.exit_code()}")
            scenario.check_end(process, 0, 3)
        if scenario.random.random() < 0.5:
            scenario.kill(5, *CANCEL, moments=MOMENTS + RECALL_MOMENTS)
        code = scenario.finish(*CANCEL)
        counts = scenario.verify(fake.delivered(), code, 0)
        assert not counts["accepted"], f"{scenario}\nnot all mail was recalled, although there was time"
        if scenario.random.random() < 0.5:
            assert "was cancelled" in scenario.run(*SEND, refused=True).output
        else:
            code = scenario.finish(*RESUME)
            scenario.verify(fake.delivered(), code, max_unknown(scenario, fake, requests))


def too_late(scenario: Scenario, world: World) -> None:
    """Send with waits so long that unknown chunks cannot be recalled: they stay unknown and are reported."""
    with troubled(scenario) as fake:
        requests = hurried(scenario, fake, TOO_LATE)
        scenario.kill(12, *SEND)
        scenario.kill(8, *SEND)
        code = scenario.finish(*SEND)
        scenario.verify(fake.delivered(), code, (scenario.kills * requests + 1) * RECIPIENTS_PER_CALL)


def at_once(scenario: Scenario, world: World) -> None:
    """Send through SendGrid with --now: at most one mail each, and unknown recipients are reported."""
    chance, unknown = scenario.random, scenario.random.randint(0, 2)
    with WatchedSendGrid(scenario.trigger) as fake:
        fake.next(*spread(8, unknown, UNKNOWN, chance), path=MAIL)
        fake.next(*spread(16, chance.randint(0, 2), NOT_ACCEPTED, chance), path=MAIL)
        requests = chance.randint(1, 6)
        point_at(scenario, fake, requests)
        for _ in range(chance.choice((1, 1, 2, 3))):
            scenario.kill(6, *SEND, "--now")
        code = scenario.finish(*SEND, "--now")
        scenario.verify(
            fake.delivered(), code, (scenario.kills * requests + unknown) * MAX_RECIPIENTS_PER_CALL
        )


def message_by_message(scenario: Scenario, world: World) -> None:
    """Send through a real Postfix: at most one message for each connection is unknown.

    PIPELINING does not make it two: only the next message's envelope is sent ahead, which alone is not a
    mail.
    """
    server = world.postfix()
    with Wire(scenario.trigger, server.port) as wire:
        scenario.set_up(f"provider: smtp\nsmtp: {{port: {wire.port}, security: none}}\n")
        sender = scenario.sign()
        scenario.kill(200, *SEND)
        for _ in range(scenario.random.choice((0, 0, 1, 2))):
            scenario.kill(60, *SEND)
        code = scenario.finish(*SEND)
        wire.quiet()
    scenario.verify(delivered(server, sender), code, CONNECTIONS * scenario.kills)


def into_files(scenario: Scenario, world: World) -> None:
    """Send into a maildir on this machine: at most one message is unknown for each kill."""
    scenario.second = scenario.second.replace("held", "together")
    new = scenario.folder / "outbox" / "new"
    with WatchedFolder(scenario.trigger, new):
        for _ in range(scenario.random.choice((1, 2))):
            scenario.kill(60, *SEND)
        code = scenario.finish(*SEND)
    scenario.verify(Counter(address(file) for file in new.iterdir()), code, scenario.kills)


def address(file: Path) -> str:
    """Return the recipient's address of a message."""
    match = re.search(r"^To: (.*)$", file.read_text(), re.MULTILINE)
    assert match
    return match[1]


def delivered(server: postfix.Postfix, sender: str) -> Counter[str]:
    """Count a sender's messages in the mailbox by recipient, after Postfix has emptied its queues."""
    spool, deadline = server.mailbox.parent.parent / "spool", time.monotonic() + 60
    # The order of delivery, so that a message which moves on meanwhile is still seen.
    queues = [spool / name for name in ("incoming", "active", "deferred")]

    def queued() -> set[str]:
        return {file.name for queue in queues for file in queue.rglob("*") if not file.is_dir()}

    before = queued()
    while before & queued():
        assert time.monotonic() < deadline, "Postfix does not deliver"
        time.sleep(0.02)
    heads = (file.read_text()[:300] for file in server.mailbox.glob("new/*"))
    envelopes = (re.match(r"Return-Path: <(.*)>\nX-Original-To: (.*)\n", head) for head in heads)
    return Counter(match[2] for match in envelopes if match and match[1] == sender)


# For each kind of scenario the number of seeds and of recipients.
KINDS: list[tuple[int, Callable[[Scenario, World], None], int]] = [
    (18, held_back, PEOPLE_IN_A_HURRY),
    (7, cancelled_after_kill, PEOPLE_IN_A_HURRY),
    (3, too_late, PEOPLE_IN_A_HURRY),
    (8, at_once, PEOPLE),
    (13, message_by_message, MESSAGES),
    (3, into_files, FILES),
]


def scenarios(first: int) -> dict[int, Callable[[Scenario, World], None]]:
    """Return the kind of scenario of each seed, from the first seed on."""
    return dict(enumerate([kind for count, kind, _ in KINDS for _ in range(count)], first))


SCENARIOS = scenarios(FIRST_SEED)
RECIPIENTS_OF = {kind: recipients for _, kind, recipients in KINDS}
# The seeds that run by default: every kind, both databases, every way of starting a second sender.
SAMPLE = (6, 9, 24, 25, 30, 36, 39, 43, 50, 51)


def on_postgresql(seed: int, kind: Callable[[Scenario, World], None]) -> bool:
    """Return True if a seed runs on PostgreSQL: a fifth of those whose kind writes most to the database."""
    return seed % 5 == 4 and kind in (held_back, message_by_message)


def run_scenario(seed: int, world: World) -> tuple[str, int]:
    """Run the scenario of a seed; return its events, and how many processes were killed.

    Raise AssertionError for a contradiction.
    """
    kind = SCENARIOS[seed]
    others = ["refuse@example.com"] if kind is message_by_message and seed % 2 else []
    postgresql = on_postgresql(seed, kind)
    with world.scenario(seed, RECIPIENTS_OF[kind], *others, on_postgresql=postgresql) as scenario:
        scenario.events += ["on PostgreSQL"] * postgresql
        kind(scenario, world)
    return str(scenario), scenario.kills


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, forks: ForkServer) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("killed"), forks) as world:
        yield world


NOBODY_TWICE = "test_nobody_twice_and_nobody_forgotten"


@pytest.fixture(scope="module")
def results(request: pytest.FixtureRequest, world: World) -> Iterator[Results]:
    """Run the selected scenarios, a few at a time; yield their results by seed."""
    items = [item for item in request.session.items if isinstance(item, pytest.Function)]
    params = [item.callspec.params for item in items if item.originalname == NOBODY_TWICE]
    selected = [seed for param in params if isinstance(seed := param["seed"], int)]
    with ThreadPoolExecutor(PARALLEL_SCENARIOS) as pool:
        yield {seed: pool.submit(run_scenario, seed, world) for seed in selected if not missing(seed)}
        pool.shutdown(cancel_futures=True)


def missing(seed: int) -> str | None:
    """Return the program that a scenario needs and this machine does not have; None if it has all."""
    if SCENARIOS[seed] is message_by_message and (reason := postfix.absent()):
        return reason
    return postgresql.absent() if on_postgresql(seed, SCENARIOS[seed]) else None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Create a test for each scenario to run."""
    if "seed" in metafunc.fixturenames:
        every_case = metafunc.config.getoption("--every-case") or FIRST_SEED
        seeds = SCENARIOS if every_case else SAMPLE
        metafunc.parametrize("seed", seeds, ids=[f"{SCENARIOS[seed].__name__}-{seed}" for seed in seeds])


def test_nobody_twice_and_nobody_forgotten(seed: int, results: Results) -> None:
    need(missing(seed))
    events, kills = results[seed].result()
    print(f"\n{events}", end=" ")
    if not kills:
        assert FIRST_SEED, "no process was killed"
        pytest.skip("no process was killed: the faults of this seed ended each of them first")


def test_the_sample_has_every_kind_and_both_databases() -> None:
    every = {(kind, on_postgresql(seed, kind)) for seed, kind in scenarios(0).items()}
    sampled = {(kind, on_postgresql(seed, kind)) for seed, kind in scenarios(0).items() if seed in SAMPLE}
    assert sampled == every
    ways = {Scenario.second_sender(seed, random.Random(seed)) for seed in SAMPLE}
    assert ways == {"", *SECOND_SENDERS}


# The checks find planted contradictions


SENT_AGAIN = ["update chunk set state = 'waiting', lane = null where state = 'intended'"]
SENT_AGAIN += ["update attempt set state = 'not_sent' where state = 'intended'"]
MARKED_ACCEPTED = ["update chunk set state = 'accepted' where state = 'waiting'"]


tampered = pytest.mark.parametrize(
    ("statements", "found"),
    [
        pytest.param(SENT_AGAIN, "got it 2 times", id="sent-again"),
        pytest.param(MARKED_ACCEPTED, "is accepted and did not get it", id="marked-accepted"),
    ],
)


@tampered
@pytest.mark.parametrize("arguments", [SEND, (*SEND, "--now")], ids=["held-back", "at-once"])
def test_a_ledger_that_is_tampered_with_is_found(
    arguments: tuple[str, ...], statements: list[str], found: str, world: World
) -> None:
    """After the kill, chunks in flight are marked as waiting, or waiting ones as accepted."""
    people = PEOPLE_IN_A_HURRY
    with world.scenario(world.another_seed(), people) as scenario, WatchedSendGrid(scenario.trigger) as fake:
        scenario.hurry(LATE)
        point_at(scenario, fake, 2)
        scenario.kill_at(5, "there", *arguments)
        scenario.tamper(statements)
        code = scenario.finish(*arguments)
        with pytest.raises(AssertionError, match=found):
            scenario.verify(fake.delivered(), code, people)


@tampered
def test_a_ledger_of_messages_that_is_tampered_with_is_found(
    statements: list[str], found: str, world: World
) -> None:
    need(postfix.absent())
    with (
        world.scenario(world.another_seed(), 2 * MESSAGES) as scenario,
        Wire(scenario.trigger, world.postfix().port) as wire,
    ):
        scenario.set_up(f"provider: smtp\nsmtp: {{port: {wire.port}, security: none}}\n")
        sender = scenario.sign()
        scenario.kill_at(100, "there", *SEND)
        scenario.tamper(statements)
        code = scenario.finish(*SEND)
        wire.quiet()
        with pytest.raises(AssertionError, match=found):
            scenario.verify(delivered(world.postfix(), sender), code, 2 * MESSAGES)


@pytest.mark.parametrize(
    ("states", "delivered", "expected"),
    [
        pytest.param({"a": "accepted"}, {"a": 2}, ["a got it 2 times"], id="twice"),
        pytest.param({"a": "unknown"}, {"a": 2}, ["a got it 2 times"], id="twice-unknown"),
        pytest.param({"a": "accepted"}, {}, ["a is accepted and did not get it"], id="missing"),
        pytest.param({}, {}, ["a is not reported"], id="not-named"),
        pytest.param({"a": "cancelled"}, {"a": 1}, ["a got it and is cancelled"], id="called-back"),
        pytest.param({"a": "waiting"}, {"a": 1}, ["a got it and is waiting"], id="waiting"),
        pytest.param({"a": "refused"}, {"b": 1}, ["b is not a recipient"], id="somebody-else"),
        pytest.param({"a": "accepted"}, {"a": 1}, [], id="well"),
        pytest.param({"a": "unknown"}, {}, [], id="unknown"),
    ],
)
def test_contradictions(states: dict[str, str], delivered: dict[str, int], expected: list[str]) -> None:
    assert contradictions(states, delivered, ["a"]) == expected
