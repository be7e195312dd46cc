"""`news send --wait` on a second machine, while a real process of the first one is killed or suspended.

Two machines share a PostgreSQL database; each has its own folder, state and outbox. A lease of two minutes
ends here when the test says so.
"""

import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import NullPool, create_engine, text

from tests.forks import Fork, ForkServer
from tests.senders import ADDRESSES, ISSUE, SECONDS, Sender, is_suspended, locked_postgresql, until

STANDING_BY = "Standing by: process"


class Machines:
    """Two machines, and a process of the first one that suspends itself in the middle of its send."""

    def __init__(self, forks: ForkServer, folder: Path, url: str) -> None:
        self.url = url
        for name in ("first", "second"):
            (folder / name).mkdir()
        self.first = Sender(forks, folder / "first", url)
        self.second = Sender(forks, folder / "second", url, subscribes=False)
        self._processes: list[Fork] = []

    def suspended(self, moment: str) -> Fork:
        """Start the send on the first machine; return its process when it has suspended itself."""
        process = self._started(self.first.start(suspend=f"{moment}:120"))
        until(lambda: is_suspended(process))
        return process

    def standby(self, command: str = "send") -> Fork:
        """Start a standby on the second machine; return its process when it says that it stands by."""
        process = self._started(self.second.start("--wait", command=command))
        until(lambda: STANDING_BY in self.second.output(process))
        return process

    def at_once(self) -> list[Fork]:
        return [self._started(machine.start("--wait")) for machine in (self.first, self.second)]

    def end_lease(self) -> None:
        """Let the two minutes of the lease pass."""
        self._execute("update send set held_until = now() - interval '1 second'")

    @contextmanager
    def outage(self) -> Iterator[None]:
        """Close all connections to the database, and refuse new ones."""
        name = self.url.partition("?")[0].rpartition("/")[2]
        server = self.url.replace(f"/{name}?", "/postgres?")
        self._execute(f"alter database {name} allow_connections false", server)
        self._execute(
            f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'", server
        )
        yield
        self._execute(f"alter database {name} allow_connections true", server)

    def mails(self) -> Counter[str]:
        return self.first.mails() + self.second.mails()

    def kill(self) -> None:
        for process in self._processes:
            process.kill()
            process.wait(SECONDS)

    def _started(self, process: Fork) -> Fork:
        self._processes.append(process)
        return process

    def _execute(self, statement: str, url: str = "") -> None:
        engine = create_engine(
            (url or self.url).replace("postgresql:", "postgresql+psycopg:"),
            isolation_level="AUTOCOMMIT",
            poolclass=NullPool,
        )
        with engine.connect() as connection:
            connection.execute(text(statement))


@pytest.fixture
def machines(forks: ForkServer, tmp_path: Path, postgresql_url: str) -> Iterator[Machines]:
    machines = Machines(forks, tmp_path, postgresql_url)
    yield machines
    machines.kill()


def test_a_standby_finishes_the_send_of_a_killed_process_and_survives_an_outage(machines: Machines) -> None:
    first = machines.suspended("call:2")
    standby = machines.standby()
    first.kill()
    with machines.outage():
        until(lambda: "the database gives no reply (" in machines.second.output(standby))
    until(lambda: machines.second.output(standby).count(STANDING_BY) == 2)
    machines.end_lease()
    assert standby.wait(SECONDS) == 3, machines.second.output(standby)
    output = machines.second.output(standby)
    assert f"Taking over the send of {ISSUE} from process {first.pid} on host" in output
    assert ": 2 recipients are waiting, and 2 had no outcome yet." in output
    assert f"news status {ISSUE} --list unknown" in output
    assert machines.second.states() == {"recipients": 6, "accepted": 4, "unknown": 2}
    assert machines.mails() == Counter(ADDRESSES)


@pytest.mark.parametrize(
    ("moment", "states", "code"),
    [
        # Its call came to its end: it records the outcome that the standby had to call unknown.
        pytest.param("call:2", {"recipients": 6, "accepted": 6}, 3, id="in-a-call"),
        # The server ends its transaction, and nobody is unknown.
        pytest.param("claim:2", {"recipients": 6, "accepted": 6}, 0, id="in-a-transaction"),
    ],
)
def test_a_suspended_process_that_continues_after_a_standby_has_taken_over_sends_nothing_twice(
    machines: Machines, moment: str, states: dict[str, int], code: int
) -> None:
    first = machines.suspended(moment)
    standby = machines.standby("resume")
    with locked_postgresql(machines.url):  # waits until the server has ended the transaction
        pass
    machines.end_lease()
    assert standby.wait(SECONDS) == code, machines.second.output(standby)
    assert machines.mails() == Counter(ADDRESSES)
    first.send_signal(signal.SIGCONT)
    assert first.wait(SECONDS) == 3
    assert machines.first.states() == states
    assert machines.mails() == Counter(ADDRESSES)


def test_of_two_standbys_that_start_at_once_one_sends(machines: Machines) -> None:
    with locked_postgresql(machines.url, "send"):
        processes = machines.at_once()
        for machine, process in zip((machines.first, machines.second), processes, strict=True):
            until(lambda machine=machine, process=process: "has locked the send" in machine.output(process))
    assert [process.wait(SECONDS) for process in processes] == [0, 0]
    assert machines.mails() == Counter(ADDRESSES)
    assert machines.first.states() == {"recipients": 6, "accepted": 6}


def test_a_standby_says_that_the_send_has_ended_and_another_one_that_it_was_interrupted(
    machines: Machines,
) -> None:
    first = machines.suspended("call:2")
    standby, interrupted = machines.standby(), machines.standby("resume")
    interrupted.send_signal(signal.SIGINT)
    assert interrupted.wait(SECONDS) == 1
    message = f"renews it. error: the wait was ended; this process has sent nothing of {ISSUE}"
    assert message in machines.second.output(interrupted)
    first.send_signal(signal.SIGCONT)
    assert (first.wait(SECONDS), standby.wait(SECONDS)) == (0, 0)
    output = machines.second.output(standby)
    assert f"The send of {ISSUE} by process {first.pid} on host" in output
    assert "has ended: no recipient is waiting." in output
    assert machines.mails() == Counter(ADDRESSES) and not machines.second.mails()


@pytest.mark.parametrize(
    ("number", "code", "words"),
    [
        pytest.param(signal.SIGTERM, 0, "Taking over the send", id="machine-is-shut-down"),
        pytest.param(signal.SIGINT, 1, f"has stopped the send of {ISSUE}, and 2 recipients", id="ctrl-c"),
    ],
)
def test_a_process_that_is_terminated_hands_over_and_ctrl_c_stops_the_send(
    machines: Machines, number: int, code: int, words: str
) -> None:
    first = machines.suspended("call:2")
    standby = machines.standby()
    first.send_signal(number)
    first.send_signal(signal.SIGCONT)
    assert (first.wait(SECONDS), standby.wait(SECONDS)) == (3, code)
    assert words in machines.second.output(standby)
    assert machines.mails() == Counter(ADDRESSES if code == 0 else ADDRESSES[:4])
