"""Processes of `news` that can be killed, a SendGrid fake that says when, and a check of its books."""

import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from tests.fakes.sendgrid import Fault, Reply, Request, SendGridFake
from tests.forks import ROOT, ForkServer

MAIL, BATCHES, HOLDS = "/v3/mail/send", "/v3/mail/batch", "/v3/user/scheduled_sends"
# Moments of a request or message: it begins to arrive, it has arrived, its response was sent.
MOMENTS = ("coming", "there", "answered")
# Moments of a recall: before it takes effect, after it takes effect and before its response.
RECALL_MOMENTS = ("recalling", "recalled")


def contradictions(
    states: Mapping[str, str], delivered: Mapping[str, int], addresses: Iterable[str]
) -> list[str]:
    """Return the contradictions between the reported states and the mail delivered, by address."""
    recipients = dict.fromkeys(addresses)
    found = [
        f"{address} is not a recipient" for address in (*states, *delivered) if address not in recipients
    ]
    for address in recipients:
        state, count = states.get(address), delivered.get(address, 0)
        if count > 1:
            found.append(f"{address} got it {count} times")
        elif state is None:
            found.append(f"{address} is not reported")
        elif state == "accepted" and not count:
            found.append(f"{address} is accepted and did not get it")
        elif state not in ("accepted", "unknown") and count:
            found.append(f"{address} got it and is {state}")
    return found


class Process:
    """A started `news`; its output goes into a file, so that the process never waits for a reader."""

    def __init__(
        self, forks: ForkServer, command: list[str], environment: dict[str, str], output_file: Path
    ) -> None:
        self._output_file = output_file
        with output_file.open("wb") as file:
            output = file.fileno()
            self._process = forks.start(
                *command, folder=ROOT, output=output, errors=output, environment=environment
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def kill(self) -> None:
        self._process.kill()

    def send_signal(self, number: int) -> None:
        self._process.send_signal(number)

    def wait(self, seconds: float) -> None:
        """Wait for the end of the process, at most `seconds`."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)

    def exit_code(self) -> int:
        """Wait for the end of the process; return its exit code, -9 if it was killed."""
        return self._process.wait(120)

    @property
    def output(self) -> str:
        return self._output_file.read_text(errors="replace")


class Trigger:
    """Counts the requests or messages that a server sees, and runs actions at chosen counts."""

    def __init__(self) -> None:
        self._lock, self._acting = threading.Lock(), threading.Lock()
        self._count = 0
        self._actions: list[tuple[int, str, Callable[[], None]]] = []

    def add(self, at: int, moment: str, action: Callable[[], None]) -> None:
        """Run an action at a moment of the `at`-th request from now, or of the next one with this moment."""
        with self._lock:
            self._actions.append((self._count + at, moment, action))

    def seen(self, moment: str) -> bool:
        """Count a moment, and run the actions that are due; return True if there were any."""
        with self._lock:
            self._count += moment == MOMENTS[0]
            due = [entry for entry in self._actions if entry[0] <= self._count and entry[1] == moment]
            self._actions = [entry for entry in self._actions if entry not in due]
        for _, _, action in due:
            with self._acting:
                action()
        return bool(due)

    def clear(self) -> None:
        """Remove all actions, after the end of one that runs: it may be starting a process."""
        with self._acting, self._lock:
            self._actions.clear()


class WatchedSendGrid(SendGridFake):
    """A SendGrid fake that reports each request to a trigger: its head, its effect and its response."""

    allows_unused_faults = True  # its stories kill the client at random

    def __init__(self, trigger: Trigger, **options: object) -> None:
        super().__init__(**options)  # type: ignore[arg-type]
        self._trigger = trigger

    def take(self, path: str) -> Fault:
        self._trigger.seen("coming")
        return super().take(path)  # type: ignore[return-value]

    def answer(self, request: Request) -> Reply:
        is_recall = request.method in ("POST", "PATCH") and request.path.startswith(HOLDS)
        if is_recall:
            self._trigger.seen("recalling")
        reply = super().answer(request)
        if is_recall:
            self._trigger.seen("recalled")
        self._trigger.seen("there")
        # Another thread reports the response, so that it is sent at the same time.
        threading.Thread(target=self._trigger.seen, args=("answered",), daemon=True).start()
        return reply

    @property
    def recalled_batches(self) -> int:
        """Return the number of batches that it was asked to recall."""
        recalls = [
            request
            for request in self.requests
            if (request.method, request.path) == ("POST", HOLDS) and request.body
        ]
        return len({request.body["batch_id"] for request in recalls})

    def delivered(self) -> Counter[str]:
        """Count the mails of each address that leave if no further request arrives."""
        return Counter(delivery.address for delivery in self.delivered_by(self.clock() + 9 * 24 * 3600))
