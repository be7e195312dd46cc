"""kill -9 of the real process, at points that a seed chooses; then the same command again until it is done.

What counterparts have got (a SendGrid that keeps its own ledger, a real Postfix, a maildir) is held against
what `news status --csv` says of everybody: nobody twice, nobody missing who is not named. The moment of a
kill is counted in what the counterpart has seen, so that a seed tells much the same story each time.

By default a sample of the stories is told, always the same; `--every-case` tells all of them. NEWS_SEED=1000
tells as many others, whose seeds begin there. `pytest -s tests/test_killed.py` shows what happened with each.
"""

import csv
import os
import random
import re
import shutil
import socket
import sqlite3
import subprocess
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, closing, suppress
from itertools import count
from pathlib import Path
from typing import Self, TypeVar

import pytest
from sqlalchemy import create_engine, text

from tests import samples
from tests.fakes import postfix, postgresql
from tests.fakes import sendgrid_rules as rules
from tests.fakes.sendgrid import Fault, Reply, Request, SendGridFake, refused
from tests.forks import Forks
from tests.killed import TIMEOUT
from tests.required import need

T = TypeVar("T")
MakeFault = Callable[[], Fault]

ISSUE = "2026-04-27"
SEND, CANCEL, RESUME = ((command, "--issue", ISSUE, "--yes") for command in ("send", "cancel", "resume"))
ENVIRONMENT = {"CI": "", "NO_COLOR": "1", "NEWS_SECRET_KEY": samples.SECRET, "SENDGRID_API_KEY": "SG.fake"}
ROOT = Path(__file__).parent.parent
FIRST_SEED = int(os.environ.get("NEWS_SEED", "0"))
# Most of a story is waiting: so many are told at once.
AT_ONCE = 3

# Twelve requests of a thousand; messages for four connections; enough for a middle in one thread.
PEOPLE, MESSAGES, FILES = 12_000, 330, 150
CHUNK, CONNECTIONS = 1000, 4
# For `tests.killed`: longer than a request may be under way; and so long that nothing is called back in time.
LATE, TOO_LATE = 2.0, 3600.0

MAIL, BATCHES, HOLDS = "/v3/mail/send", "/v3/mail/batch", "/v3/user/scheduled_sends"
# Of what the counterpart is sent: it is on its way, it has all arrived, its answer has gone out.
MOMENTS = ("coming", "there", "answered")
# Of an order to call a batch back: it does not count yet, it does and nobody has been told.
CALLING_BACK = ("calling back", "called back")


def wrong(told: Mapping[str, str], got: Mapping[str, int], everybody: Iterable[str]) -> list[str]:
    """What must never be: whom the report and the counterpart do not agree about."""
    people = dict.fromkeys(everybody)
    found = [f"{one} is nobody's address" for one in (*told, *got) if one not in people]
    for one in people:
        says, count = told.get(one, "nothing"), got.get(one, 0)
        if count > 1:
            found.append(f"{one} got it {count} times")
        elif says == "nothing":
            found.append(f"{one} is not named at all")
        elif says == "accepted" and not count:
            found.append(f"{one} is missing, and told as accepted")
        elif says not in ("accepted", "unknown") and count:
            found.append(f"{one} got it, and is told as {says}")
    return found


# Processes, and what ends them


class Process:
    """A `news` that was started; what it says goes into a file, which nobody has to read for it to go on."""

    def __init__(self, forks: Forks, command: list[str], environment: dict[str, str], said: Path) -> None:
        self._said = said
        with said.open("wb") as file:
            output = file.fileno()
            self._process = forks.start(
                *command, folder=ROOT, output=output, errors=output, environment=environment
            )

    def kill(self) -> None:
        self._process.kill()

    def wait(self, seconds: float) -> None:
        """Waits for its end, but no longer."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)

    def ended(self) -> int:
        """Its exit code, -9 where it was killed."""
        return self._process.wait(120)

    @property
    def said(self) -> str:
        return self._said.read_text(errors="replace")


class Doom:
    """Counts what a counterpart sees, and lets things happen when it has seen so much."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0
        self._orders: list[tuple[int, str, Callable[[], None]]] = []

    def order(self, at: int, moment: str, what: Callable[[], None]) -> None:
        """At a moment of the `at`-th thing from now on, or of the next one that has such a moment."""
        with self._lock:
            self._orders.append((self._count + at, moment, what))

    def seen(self, moment: str) -> bool:
        """Says whether something happened."""
        with self._lock:
            self._count += moment == MOMENTS[0]
            due = [one for one in self._orders if one[0] <= self._count and one[1] == moment]
            self._orders = [one for one in self._orders if one not in due]
        for _, _, what in due:
            what()
        return bool(due)

    def delete_notes(self) -> None:
        with self._lock:
            self._orders.clear()


class WatchedSendGrid(SendGridFake):
    """Tells of each request when its head is there, when it counts, and when it has been answered."""

    def __init__(self, doom: Doom, **options: object) -> None:
        super().__init__(**options)  # type: ignore[arg-type]
        self._doom = doom

    def take(self, path: str) -> Fault:
        self._doom.seen("coming")
        return super().take(path)  # type: ignore[return-value]

    def answer(self, request: Request) -> Reply:
        calls_back = request.method in ("POST", "PATCH") and request.path.startswith(HOLDS)
        if calls_back:
            self._doom.seen("calling back")
        reply = super().answer(request)
        if calls_back:
            self._doom.seen("called back")
        self._doom.seen("there")
        # The answer goes out while somebody else says that it has.
        threading.Thread(target=self._doom.seen, args=("answered",), daemon=True).start()
        return reply

    @property
    def called_back(self) -> int:
        """How many batches it was asked to call back."""
        asked = [one for one in self.requests if (one.method, one.path) == ("POST", HOLDS) and one.body]
        return len({one.body["batch_id"] for one in asked})

    def delivered(self) -> Counter[str]:
        """How many leave, by address, if nothing more happens."""
        return Counter(one.address for one in self.delivered_by(self.clock() + 9 * 24 * 3600))


class Wire:
    """A wire to a mail server which tells of each message when its end comes, has passed, and is answered.

    Where something happens as it comes, its end does not arrive: the connection is cut.
    """

    def __init__(self, doom: Doom, port: int) -> None:
        self._doom, self._to = doom, port
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
        """Waits until the server has closed every connection, and so has dealt with all that came."""
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
                server = socket.create_connection(("127.0.0.1", self._to))
                for end in (client, server):
                    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._start(self._up, client, server)
                self._start(self._down, client, server)

    def _up(self, client: socket.socket, server: socket.socket) -> None:
        last = b""
        with suppress(OSError):
            while said := client.recv(65_536):
                ended = (last + said).count(b"\r\n.\r\n")
                last = said[-4:]
                if ended and self._doom.seen("coming"):
                    break
                server.sendall(said)
                if ended:
                    self._doom.seen("there")
        with suppress(OSError):
            server.shutdown(socket.SHUT_WR)

    def _down(self, client: socket.socket, server: socket.socket) -> None:
        with client, server:
            with suppress(OSError):
                while said := server.recv(65_536):
                    with suppress(OSError):  # whoever asked may be dead
                        client.sendall(said)
                    if b"queued as" in said:
                        self._doom.seen("answered")
            with suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)  # the other thread waits for it


class WatchedFolder:
    """Tells of each file that appears in a folder."""

    def __init__(self, doom: Doom, folder: Path) -> None:
        self._doom, self._folder = doom, folder
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
            there = len(os.listdir(self._folder)) if self._folder.exists() else 0
            for _ in range(there - known):
                for moment in MOMENTS:
                    self._doom.seen(moment)
            known = there


# A newsletter, and its story

# See `Story.kill`.
SECOND_SENDERS = ("together", "held", "meanwhile")

# Why nothing was done, as it says: somebody else is at it or was, or the account's slots cannot be counted.
BUSY = ("is being sent already, by process", "started just now", "was called back")
NO_ANSWER = "before anything was sent"


class Story:
    """What happens to one newsletter's send, as its seed has it."""

    def __init__(self, forks: Forks, seed: int, folder: Path, environment: Mapping[str, str]) -> None:
        self.seed, self.folder, self.doom = seed, folder, Doom()
        self._forks = forks
        self.random = random.Random(seed)
        self.everybody = [line.split(",")[0] for line in (folder / "list.csv").read_text().splitlines()[1:]]
        self.kills = 0
        self.happened: list[str] = []
        self._command, self.hurried = ["newsletter"], False
        self._environment = {**ENVIRONMENT, **environment}
        self._processes: list[Process] = []
        self.second = self.second_sender(seed, self.random)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.kill()
            process.ended()

    @staticmethod
    def second_sender(seed: int, chance: random.Random) -> str:
        """Return how a second sender is started, once in every third story; nothing in the others."""
        return chance.choice(SECOND_SENDERS) if seed % 3 == 0 else ""

    def __str__(self) -> str:
        return f"seed {self.seed}: {', '.join(self.happened)}"

    def hurry(self, late: float) -> None:
        """From now on `news` waits for shorter: see `tests.killed`."""
        self._command, self.hurried = ["tests.killed", str(late)], True

    def set_up(self, extra: str) -> None:
        samples.write(self.folder, extra=extra)

    def sign(self) -> str:
        """Gives the newsletter a sender of its own, by which its mail is known."""
        sender, file = f"soup{self.seed}@example.com", self.folder / "newsletter.yml"
        file.write_text(file.read_text().replace("email: soup@example.com", f"email: {sender}"))
        return sender

    def start(self, *arguments: str) -> Process:
        process = Process(
            self._forks,
            [*self._command, "-C", str(self.folder), *arguments],
            {**os.environ, **self._environment},
            self.folder / f"said{len(self._processes)}",
        )
        self._processes.append(process)
        return process

    def run(self, *arguments: str, refused: bool = False) -> Process:
        """A process that nobody kills."""
        process = self.start(*arguments)
        self.happened.append(f"{arguments[0]}: {process.ended()}")
        if not refused:
            self.sound(process, 0, 3)
        return process

    def kill(self, within: int, *arguments: str, beyond: int = 0, moments: Sequence[str] = MOMENTS) -> None:
        """Kills a process at a random one of the first things that its counterpart sees, `within` so many.

        Once in a story a second one is started: together with it; while it is held up in the middle, which
        the second must respect; or shortly before its end, so that the second may take its place.
        """
        how, self.second = self.second, ""
        killed = self.kills
        for _ in range(5):
            at, moment = self.random.randint(beyond + 1, within), self.random.choice(moments)
            if moment in CALLING_BACK:
                at = self.random.randint(1, 2)
            if how == "held":
                at, moment = max(at, 4), "coming"
            codes = self.kill_at(at, moment, *arguments, how=how)
            if self.kills > killed or 1 not in codes:
                return
            how = ""

    def kill_at(self, at: int, moment: str, *arguments: str, how: str = "") -> list[int]:
        """Kills a process at a moment of the `at`-th thing, or a little later; the exit codes."""
        delay = self.random.random() / 1000
        doomed: list[Process] = []
        seconds: list[Process] = []

        def kill() -> None:
            if how == "held":
                seconds.append(self.start(*arguments))
                # Who is in a hurry does not wait much longer for the answer, and ends.
                seconds[0].wait(2.5 if self.hurried else 100)
            time.sleep(delay)
            for process in doomed:
                process.kill()

        if how == "meanwhile":
            self.doom.order(max(at - 2, 1), "coming", lambda: seconds.append(self.start(*arguments)))
        self.doom.order(at, moment, kill)
        doomed += (self.start(*arguments) for _ in range(2 if how == "together" else 1))
        codes = [process.ended() for process in doomed]
        self.doom.delete_notes()
        self.kills += -9 in codes
        self.happened.append(f"{arguments[0]} {how} killed at {at} {moment}: {codes}".replace("  ", " "))
        for process in doomed:
            self.sound(process, -9, 0, 3, *([1] if how == "together" else []))
        for process in seconds:
            self.happened.append(f"a second one: {process.ended()}")
            self.sound(process, 1, *([] if how == "held" and not self.hurried else [0, 3]))
        return codes

    def tamper(self, statements: list[str]) -> None:
        """Changes the ledger behind its back."""
        with closing(sqlite3.connect(self.folder / ".news" / "news.db")) as database, database:
            for statement in statements:
                assert database.execute(statement).rowcount, statement

    def states(self) -> dict[str, str]:
        """Who is in which state, as the report has it."""
        report = self.folder / "report.csv"
        process = self.start("status", "--issue", ISSUE, "--csv", str(report))
        self.sound(process, 0)
        with report.open() as file:
            rows = list(csv.DictReader(file))
        assert len(rows) == len({row["address"] for row in rows}), f"{self}\nsomebody is named twice"
        return {row["address"]: row["state"] for row in rows}

    def finish(self, *arguments: str) -> int:
        """Runs a command until it has done what it can, and nobody waits any more; its last exit code."""
        for _ in range(10):
            process = self.run(*arguments)
            done = process.ended() != 1 and "Stopped" not in process.said
            if done and not re.search(r"^Waiting +[\d,]+$", process.said, re.MULTILINE):
                return process.ended()
        raise AssertionError(f"{self}\nsomebody is still waiting\n{self._all_said()}")

    def prove(self, got: Mapping[str, int], code: int, unknown_at_most: int) -> Counter[str]:
        """That nobody got it twice, and nobody is missing who is not named; how many are in which state."""
        told = self.states()
        counts = Counter(told.values())
        self.happened.append(", ".join(f"{count} {state}" for state, count in sorted(counts.items())))
        found = wrong(told, got, self.everybody)
        if not self.kills:
            found.append("nobody was killed")
        if counts["waiting"]:
            found.append("somebody is still waiting")
        if counts["unknown"] > unknown_at_most:
            found.append(f"{counts['unknown']} are unknown, more than {unknown_at_most}")
        done = counts["accepted"] == len(told) or counts["cancelled"] == len(told)
        if code != (0 if done else 3):
            found.append(f"the exit code is {code}")
        assert not found, f"{self}\n{len(found)} wrong: {found[:10]}\n{self._all_said()}"
        return counts

    def sound(self, process: Process, *codes: int) -> None:
        """It ended as it may; with 1 only where another one was at it, or the account did not answer."""
        code, said = process.ended(), process.said
        assert "Traceback" not in said and "Exception in" not in said, f"{self}\n{self._all_said()}"
        excuses = (*BUSY, NO_ANSWER) if 1 in codes else (NO_ANSWER,)
        sound = code in codes if code != 1 else any(excuse in said for excuse in excuses)
        assert sound, f"{self}\nexit code {code}\n{self._all_said()}"

    def _all_said(self) -> str:
        return "\n".join(f"--- process {n}\n{one.said}" for n, one in enumerate(self._processes))


class World:
    """The servers that stories share, and lists that were imported once; made when they are asked for."""

    def __init__(self, folder: Path, forks: Forks) -> None:
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
        """One that no story has."""
        return 1_000_000 + next(self._numbers)

    def postfix(self) -> postfix.Postfix:
        return self._server(postfix.running)

    def postgresql(self, database: str = "postgres") -> str:
        server: str = self._server(postgresql.running)
        return server.replace("@/postgres", f"@/{database}")

    def story(self, seed: int, people: int, *others: str, on_postgresql: bool = False) -> Story:
        """A newsletter with so many subscribers, and with those others."""
        folder, kind = self._folder / f"seed{seed}", f"list{people}_{len(others)}"
        addresses = [*(f"reader{n}@example.com" for n in range(people)), *others]
        if not on_postgresql:
            environment = {"NEWS_DATABASE_URL": ""}
            shutil.copytree(self._list(kind, addresses, environment), folder)
            return Story(self._forks, seed, folder, environment)
        with self._lock:
            if f"{kind}_postgresql" not in self._lists:
                self._administer(f"create database {kind}")
            environment = {"NEWS_DATABASE_URL": self.postgresql(kind)}
            shutil.copytree(self._list(f"{kind}_postgresql", addresses, environment), folder)
            self._administer(f"create database {folder.name} template {kind}")
        return Story(self._forks, seed, folder, {"NEWS_DATABASE_URL": self.postgresql(folder.name)})

    def _server(self, running: Callable[[Path], AbstractContextManager[T]]) -> T:
        with self._lock:
            if running not in self._servers:
                # Pytest's folders are closed to the servers' own users.
                folder = self._open.enter_context(tempfile.TemporaryDirectory())
                os.chmod(folder, 0o755)
                self._servers[running] = self._open.enter_context(running(Path(folder)))
            return self._servers[running]  # type: ignore[return-value]

    def _list(self, name: str, addresses: list[str], environment: dict[str, str]) -> Path:
        with self._lock:
            if name not in self._lists:
                folder = samples.write(self._folder / name)
                (folder / "list.csv").write_text("\n".join(["address", *addresses]))
                with Story(self._forks, 0, folder, environment) as story:
                    imported = story.run("subscribers", "import", str(folder / "list.csv"))
                assert imported.said == f"{len(addresses):,} added\n"
                self._lists[name] = folder
            return self._lists[name]

    def _administer(self, statement: str) -> None:
        engine = create_engine(self.postgresql().replace("postgresql:", "postgresql+psycopg:"))
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(statement))
        engine.dispose()


# Faults, made when they are ordered


def some(among: int, many: int, faults: Sequence[MakeFault], chance: random.Random) -> list[Fault | None]:
    """As many faults, at random places among so many requests."""
    places = set(chance.sample(range(among), many))
    return [chance.choice(faults)() if n in places else None for n in range(among)]


def _culprit() -> Fault:
    error = rules.error("Does not contain a valid address.", "personalizations.7.to.0.email")
    return Fault(refused(400, error))


def _late_arrival() -> Fault:
    return Fault.arrives(0.85 * LATE)


# Certainly not taken.
NOT_TAKEN: list[MakeFault] = [
    lambda: Fault.rate_limited(0),
    lambda: Fault.rate_limited(1),
    lambda: Fault.status(401, "unauthorized"),
    lambda: Fault.status(400, "Bad Request"),  # of everybody: it is narrowed down
    _culprit,
]
# Perhaps taken: the first ones are not, the others are, at once or later.
UNKNOWN: list[MakeFault] = [
    lambda: Fault.status(500),
    lambda: Fault.status(503),
    Fault.html,
    Fault.reset,
    Fault.reset_in_body,
    Fault.reply_lost,
    _late_arrival,
]
# No answer, while somebody waits for it: it counts at once, or late.
SILENT: list[MakeFault] = [
    lambda: Fault.late(LATE),
    lambda: Fault.arrives((TIMEOUT + LATE) / 2, silent=True),
]
OF_THE_ACCOUNT: list[MakeFault] = [
    lambda: Fault.rate_limited(0),
    lambda: Fault.status(500),
    lambda: Fault.status(503),
    Fault.html,
    Fault.reset,
    Fault.reply_lost,
]


def point_at(story: Story, fake: SendGridFake, requests: int) -> None:
    story.set_up(f"provider: sendgrid\nsendgrid: {{host: '{fake.url}', requests: {requests}}}\n")


def troubled(story: Story) -> WatchedSendGrid:
    """A SendGrid that fails now and then; with every other seed one of the first requests arrives late."""
    chance, late = story.random, story.seed % 2
    fake = WatchedSendGrid(
        story.doom, cancel_covers="arrived" if late else chance.choice(("arrived", "batch"))
    )
    if late:
        fake.next(*some(3, 1, [_late_arrival], chance), path=MAIL)
    else:
        fake.next(*some(8, chance.randint(0, 1), UNKNOWN + SILENT, chance), path=MAIL)
    fake.next(*some(16, chance.randint(0, 2), NOT_TAKEN, chance), path=MAIL)
    fake.next(*some(12, chance.randint(0, 3), OF_THE_ACCOUNT, chance), path=HOLDS)
    fake.next(*some(6, chance.randint(0, 1), OF_THE_ACCOUNT, chance), path=BATCHES)
    return fake


def unknown_at_most(story: Story, fake: WatchedSendGrid, requests: int) -> int:
    """Nobody: there is time enough. But only ten batches can be called back, and five are kept for lanes."""
    story.happened.append(f"{fake.called_back} batches called back")
    return 0 if fake.called_back < 5 else (story.kills * requests + 1) * CHUNK


# The stories


def held_back(story: Story, world: World) -> None:
    """With SendGrid and the undo window: what is unknown is called back and sent again."""
    with troubled(story) as fake:
        story.hurry(LATE)
        requests = story.random.randint(1, 3)
        point_at(story, fake, requests)
        story.kill(12, *SEND)
        for _ in range(story.random.choice((0, 0, 1, 2, 3))):
            story.kill(8, *SEND, moments=MOMENTS + CALLING_BACK)
        code = story.finish(*SEND)
        story.prove(fake.delivered(), code, unknown_at_most(story, fake, requests))


def called_back(story: Story, world: World) -> None:
    """`news cancel` after a kill, or while the send runs that is killed; it may be killed itself."""
    with troubled(story) as fake:
        story.hurry(LATE)
        requests = story.random.randint(1, 3)
        point_at(story, fake, requests)
        meanwhile: list[Process] = []
        if story.random.random() < 0.4:
            at = story.random.randint(4, 10)
            story.doom.order(at, "coming", lambda: meanwhile.append(story.start(*CANCEL)))
        story.kill(12, *SEND, beyond=1)  # it is claimed by then
        for process in meanwhile:
            story.happened.append(f"cancel meanwhile: {process.ended()}")
            story.sound(process, 0, 3)
        if story.random.random() < 0.5:
            story.kill(5, *CANCEL, moments=MOMENTS + CALLING_BACK)
        code = story.finish(*CANCEL)
        counts = story.prove(fake.delivered(), code, 0)
        assert not counts["accepted"], f"{story}\nnot all was called back, in good time"
        if story.random.random() < 0.5:
            assert "was called back" in story.run(*SEND, refused=True).said
        else:
            code = story.finish(*RESUME)
            story.prove(fake.delivered(), code, unknown_at_most(story, fake, requests))


def too_late(story: Story, world: World) -> None:
    """What could not be called back in time stays unknown, and is named."""
    with troubled(story) as fake:
        story.hurry(TOO_LATE)
        requests = story.random.randint(1, 3)
        point_at(story, fake, requests)
        story.kill(12, *SEND)
        story.kill(8, *SEND)
        code = story.finish(*SEND)
        story.prove(fake.delivered(), code, (story.kills * requests + 1) * CHUNK)


def at_once(story: Story, world: World) -> None:
    """With SendGrid, and --now: at most once, and what is unknown is named."""
    chance, unknown = story.random, story.random.randint(0, 2)
    with WatchedSendGrid(story.doom) as fake:
        fake.next(*some(8, unknown, UNKNOWN, chance), path=MAIL)
        fake.next(*some(16, chance.randint(0, 2), NOT_TAKEN, chance), path=MAIL)
        requests = chance.randint(1, 6)
        point_at(story, fake, requests)
        for _ in range(chance.choice((1, 1, 2, 3))):
            story.kill(6, *SEND, "--now")
        code = story.finish(*SEND, "--now")
        story.prove(fake.delivered(), code, (story.kills * requests + unknown) * CHUNK)


def message_by_message(story: Story, world: World) -> None:
    """Through a real Postfix: in doubt is one message for each connection, and no more.

    PIPELINING does not make it two: what is said ahead is the next one's envelope, which alone is no mail.
    """
    server = world.postfix()
    with Wire(story.doom, server.port) as wire:
        story.set_up(f"provider: smtp\nsmtp: {{port: {wire.port}, security: none}}\n")
        sender = story.sign()
        story.kill(200, *SEND)
        for _ in range(story.random.choice((0, 0, 1, 2))):
            story.kill(60, *SEND)
        code = story.finish(*SEND)
        wire.quiet()
    story.prove(delivered(server, sender), code, CONNECTIONS * story.kills)


def into_files(story: Story, world: World) -> None:
    """Into a maildir of this machine: one at a time."""
    story.second = story.second.replace("held", "together")
    new = story.folder / "outbox" / "new"
    with WatchedFolder(story.doom, new):
        for _ in range(story.random.choice((1, 2))):
            story.kill(60, *SEND)
        code = story.finish(*SEND)
    got = Counter(address(file) for file in new.iterdir())
    story.prove(got, code, story.kills)


def address(file: Path) -> str:
    """To whom a message is."""
    found = re.search(r"^To: (.*)$", file.read_text(), re.MULTILINE)
    assert found
    return found[1]


def delivered(server: postfix.Postfix, sender: str) -> Counter[str]:
    """How many of a sender's messages are in the mailbox, by address, once the queue has let go of them."""
    spool, deadline = server.mailbox.parent.parent / "spool", time.monotonic() + 60
    # In this order a message that moves on while they are looked at is seen.
    queues = [spool / name for name in ("incoming", "active", "deferred")]

    def queued() -> set[str]:
        return {file.name for queue in queues for file in queue.rglob("*") if not file.is_dir()}

    before = queued()
    while before & queued():
        assert time.monotonic() < deadline, "Postfix does not deliver"
        time.sleep(0.02)
    heads = (file.read_text()[:300] for file in server.mailbox.glob("new/*"))
    envelopes = (re.match(r"Return-Path: <(.*)>\nX-Original-To: (.*)\n", head) for head in heads)
    return Counter(one[2] for one in envelopes if one and one[1] == sender)


# How many seeds, and with how many people.
KINDS: list[tuple[int, Callable[[Story, World], None], int]] = [
    (18, held_back, PEOPLE),
    (7, called_back, PEOPLE),
    (3, too_late, PEOPLE),
    (8, at_once, PEOPLE),
    (13, message_by_message, MESSAGES),
    (3, into_files, FILES),
]


def stories(first: int) -> dict[int, Callable[[Story, World], None]]:
    """Return which story each seed tells, from the first seed on."""
    return dict(enumerate([told for many, told, _ in KINDS for _ in range(many)], first))


STORIES = stories(FIRST_SEED)
PEOPLE_OF = {told: people for _, told, people in KINDS}
# The seeds that are told by default: every kind, both databases, every way of starting a second sender.
SAMPLE = (3, 4, 6, 9, 19, 24, 25, 29, 30, 36, 39, 43, 50, 51)


def on_postgresql(seed: int, told: Callable[[Story, World], None]) -> bool:
    """A few of those that wait for a database."""
    return seed % 5 == 4 and told in (held_back, message_by_message)


def tell(seed: int, world: World) -> str:
    """What happened with a seed; raises AssertionError where that must never be."""
    told = STORIES[seed]
    others = ["refuse@example.com"] if told is message_by_message and seed % 2 else []
    postgresql = on_postgresql(seed, told)
    with world.story(seed, PEOPLE_OF[told], *others, on_postgresql=postgresql) as story:
        story.happened += ["on PostgreSQL"] * postgresql
        told(story, world)
    return str(story)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, forks: Forks) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("killed"), forks) as world:
        yield world


NOBODY_TWICE = "test_nobody_twice_and_nobody_forgotten"


@pytest.fixture(scope="module")
def told(request: pytest.FixtureRequest, world: World) -> Iterator[dict[int, Future[str]]]:
    """The stories that were asked for, a few at a time."""
    items = [item for item in request.session.items if isinstance(item, pytest.Function)]
    params = [item.callspec.params for item in items if item.originalname == NOBODY_TWICE]
    wanted = [seed for one in params if isinstance(seed := one["seed"], int)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {seed: pool.submit(tell, seed, world) for seed in wanted if not lacking(seed)}
        pool.shutdown(cancel_futures=True)


def lacking(seed: int) -> str | None:
    """What a story needs and this machine has not."""
    if STORIES[seed] is message_by_message and (reason := postfix.absent()):
        return reason
    return postgresql.absent() if on_postgresql(seed, STORIES[seed]) else None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give each story that is to be told a test of its own."""
    if "seed" in metafunc.fixturenames:
        every_case = metafunc.config.getoption("--every-case") or FIRST_SEED
        seeds = STORIES if every_case else SAMPLE
        metafunc.parametrize("seed", seeds, ids=[f"{STORIES[seed].__name__}-{seed}" for seed in seeds])


def test_nobody_twice_and_nobody_forgotten(seed: int, told: dict[int, Future[str]]) -> None:
    need(lacking(seed))
    print(f"\n{told[seed].result()}", end=" ")


def test_the_sample_has_every_kind_and_both_databases() -> None:
    every = {(told, on_postgresql(seed, told)) for seed, told in stories(0).items()}
    assert {(told, on_postgresql(seed, told)) for seed, told in stories(0).items() if seed in SAMPLE} == every
    ways = {Story.second_sender(seed, random.Random(seed)) for seed in SAMPLE}
    assert ways == {"", *SECOND_SENDERS}


# What would be found


SENT_AGAIN = ["update chunk set state = 'waiting', lane = null where state = 'intended'"]
SENT_AGAIN += ["update attempt set state = 'not_sent' where state = 'intended'"]
TAKEN_FOR_SENT = ["update chunk set state = 'accepted' where state = 'waiting'"]


tampered = pytest.mark.parametrize(
    ("statements", "found"),
    [
        pytest.param(SENT_AGAIN, "got it 2 times", id="sent-again"),
        pytest.param(TAKEN_FOR_SENT, "is missing, and told as accepted", id="taken-for-sent"),
    ],
)


@tampered
@pytest.mark.parametrize("arguments", [SEND, (*SEND, "--now")], ids=["held-back", "at-once"])
def test_a_ledger_that_is_tampered_with_is_found(
    arguments: tuple[str, ...], statements: list[str], found: str, world: World
) -> None:
    """Between the kill and the next run: what was in flight is said to wait, or what waits to be sent."""
    with world.story(world.another_seed(), PEOPLE) as story, WatchedSendGrid(story.doom) as fake:
        story.hurry(LATE)
        point_at(story, fake, 2)
        story.kill_at(5, "there", *arguments)
        story.tamper(statements)
        code = story.finish(*arguments)
        with pytest.raises(AssertionError, match=found):
            story.prove(fake.delivered(), code, PEOPLE)


@tampered
def test_a_ledger_of_messages_that_is_tampered_with_is_found(
    statements: list[str], found: str, world: World
) -> None:
    need(postfix.absent())
    with (
        world.story(world.another_seed(), 2 * MESSAGES) as story,
        Wire(story.doom, world.postfix().port) as wire,
    ):
        story.set_up(f"provider: smtp\nsmtp: {{port: {wire.port}, security: none}}\n")
        sender = story.sign()
        story.kill_at(100, "there", *SEND)
        story.tamper(statements)
        code = story.finish(*SEND)
        wire.quiet()
        with pytest.raises(AssertionError, match=found):
            story.prove(delivered(world.postfix(), sender), code, 2 * MESSAGES)


@pytest.mark.parametrize(
    ("told", "got", "found"),
    [
        pytest.param({"a": "accepted"}, {"a": 2}, ["a got it 2 times"], id="twice"),
        pytest.param({"a": "unknown"}, {"a": 2}, ["a got it 2 times"], id="twice-unknown"),
        pytest.param({"a": "accepted"}, {}, ["a is missing, and told as accepted"], id="missing"),
        pytest.param({}, {}, ["a is not named at all"], id="not-named"),
        pytest.param({"a": "cancelled"}, {"a": 1}, ["a got it, and is told as cancelled"], id="called-back"),
        pytest.param({"a": "waiting"}, {"a": 1}, ["a got it, and is told as waiting"], id="waiting"),
        pytest.param({"a": "refused"}, {"b": 1}, ["b is nobody's address"], id="somebody-else"),
        pytest.param({"a": "accepted"}, {"a": 1}, [], id="well"),
        pytest.param({"a": "unknown"}, {}, [], id="unknown"),
    ],
)
def test_what_must_never_be(told: dict[str, str], got: dict[str, int], found: list[str]) -> None:
    assert wrong(told, got, ["a"]) == found
