"""A small world to try the send protocol in: a clock, a provider at its worst, a ledger, mortal processes.

Everything is deterministic. `World.run` is one process; a `Crash` ends it at the tick that was chosen. What
has been delivered in the end is held against what the ledger says.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from newsletter.errors import Problem, SendRefused, StoreError
from newsletter.mail.message import Batch
from newsletter.sending import start
from newsletter.sending.cancel import cancel
from newsletter.sending.delivery import Delivery, DeliverySettings
from newsletter.sending.hold_policy import SendTimings
from newsletter.sending.interfaces import Recallable, SubmissionLog
from newsletter.sending.model import Send, StartSettings
from newsletter.sending.outcomes import (
    NOT_BEGUN,
    Accepted,
    Cancelled,
    CancelOutcome,
    Capabilities,
    NotCancelled,
    NotSent,
    Outcome,
    Refused,
    Unknown,
)
from tests import samples
from tests.fakes.ledger import MemoryLedger

# What may come of a call. The last three all look the same to the sender.
FAULTS = ("ok", "refused", "put off", "down", "lost", "taken", "late")
# What may come of calling a lane back; again the last three look the same.
CANCEL_FAULTS = ("ok", "no slot", "lost", "done", "late")
# What is sent in every world: a mailing is never changed, and making one takes longer than sending it.
MAILING = samples.plain_mailing()
LATE = timedelta(minutes=4)
NO_LATER = timedelta(minutes=10)


class Crash(BaseException):
    """The process ends here: kill -9, a power cut."""


@dataclass
class Mail:
    """What has arrived at the provider for somebody, and when; `send_at` is when it goes out."""

    address: str
    arrived: datetime
    send_at: datetime
    batch_id: str | None


@dataclass
class ModelProvider:
    """Takes mail, or not; holds it back, and calls it back, as pessimistically as the documentation allows.

    A cancel covers only what has arrived by then, and only if it comes ten minutes before the mail leaves;
    later it may still work: `late_cancels_work`.
    """

    now: Callable[[], datetime]
    tick: Callable[[str], None]
    faults: list[str] = field(default_factory=list)
    cancel_faults: list[str] = field(default_factory=list)
    size: int = 2
    holds: bool = True
    late_cancels_work: bool = False
    name: str = "model"
    mail: list[Mail] = field(default_factory=list)
    cancels: list[tuple[str, datetime]] = field(default_factory=list)
    batches: int = 0

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(self.size, True, "none")

    @property
    def recallable(self) -> Recallable | None:
        return self if self.holds else None

    def check(self) -> list[Problem]:
        return []

    def close(self) -> None:
        pass

    def submit(self, batch: Batch, submissions: SubmissionLog) -> Outcome:
        if self.size > 1:
            return self._call([one.address for one in batch.recipients], batch)
        for recipient in batch.recipients:
            if not submissions.starting(recipient):
                return NOT_BEGUN
            submissions.finished(recipient, self._call([recipient.address], batch))
        return Accepted()

    def _call(self, addresses: list[str], batch: Batch) -> Outcome:
        self.tick("call")
        fault = self.faults.pop(0) if self.faults else "ok"
        if fault in ("ok", "taken", "late"):
            arrived = self.now() + (LATE if fault == "late" else timedelta())
            send_at = batch.scheduled.send_at if batch.scheduled else arrived
            batch_id = batch.scheduled.batch_id if batch.scheduled else None
            self.mail += (Mail(one, arrived, max(send_at, arrived), batch_id) for one in addresses)
        self.tick("answer")
        answers: dict[str, Outcome] = {
            "ok": Accepted("id"),
            "refused": Refused("no"),
            "put off": NotSent("later", stop=False),
            "down": NotSent("401"),
        }
        return answers.get(fault, Unknown("no answer"))

    # Holding

    def free_slots(self) -> int | NotSent:
        return 10 - len({batch for batch, _ in self.cancels})

    def new_batch(self) -> str | NotSent:
        self.tick("batch")
        self.batches += 1
        return f"batch{self.batches}"

    def recall(self, batch_id: str) -> CancelOutcome:
        self.tick("cancel")
        fault = self.cancel_faults.pop(0) if self.cancel_faults else "ok"
        if fault == "no slot":
            return NotCancelled("no slot")
        if fault in ("ok", "done", "late"):
            self.cancels.append((batch_id, self.now() + (LATE if fault == "late" else timedelta())))
        self.tick("cancelled")
        return Cancelled() if fault == "ok" else Unknown("no answer")

    def delivered(self) -> Counter[str]:
        """Who has got how many, once all that is held back has left."""
        return Counter(one.address for one in self.mail if not self._called_back(one))

    def _called_back(self, mail: Mail) -> bool:
        for batch_id, at in self.cancels:
            if batch_id == mail.batch_id and mail.arrived <= at:
                if at <= mail.send_at - NO_LATER:
                    return True
                if at <= mail.send_at and self.late_cancels_work:
                    return True
        return False


class World:
    """One send of one issue to a few people."""

    def __init__(self, people: int = 4, *, size: int = 2, holds: bool = True, held_batches: int = 5) -> None:
        self.time = samples.NOW
        self.crash_at: int | None = None
        self.overtaken_at: int | None = None
        self.ticks = self.runs = self.in_flight = 0
        self.ledger = MemoryLedger(people, self.now, self.tick)
        self.provider = ModelProvider(self.now, self.tick, size=size, holds=holds)
        self.mailing = MAILING
        self.undo_window_seconds = 1800 if holds else 0
        self.timing = SendTimings(max_held_batches=held_batches, min_calls_per_batch=1)

    def now(self) -> datetime:
        return self.time

    def wait(self, until: datetime, stopped: Callable[[], bool]) -> None:
        self.time = max(self.time, until)

    def tick(self, what: str) -> None:
        self.ticks += 1
        if self.overtaken_at is not None and self.ticks >= self.overtaken_at and what != "call":
            self._overtaken()
        if self.crash_at is not None and self.ticks > self.crash_at:
            raise Crash

    def run(self, crash_at: int | None = None) -> bool:
        """One `news send`, which dies at a tick, or does not; says whether it came to its end."""
        return self._process(crash_at, lambda send: self._delivery(send).run())

    def resume(self, crash_at: int | None = None) -> bool:
        """One `news resume`: what was called back goes out after all."""
        return self._process(crash_at, self._resumed)

    def _resumed(self, send: Send) -> Iterator[object]:
        self.ledger.resume(send)
        yield from self._delivery(self.ledger.sends[0]).run()

    def _overtaken(self) -> None:
        """This process stands still for so long that another one takes over and goes to the end."""
        slow, ticks, self.overtaken_at = self.ledger.run, self.ticks, None
        self.time += self.timing.lease * 2
        self.run()
        self.ledger.run, self.ticks = slow, ticks

    def cancel(self, crash_at: int | None = None) -> bool:
        """One `news cancel`."""
        return self._process(
            crash_at,
            lambda send: cancel(send, self.ledger, self.provider.recallable, self, self.timing),
        )

    def _delivery(self, send: Send) -> Delivery:
        manner = DeliverySettings(timing=self.timing, stop_when_refused=None, in_flight=self.in_flight)
        return Delivery(send, self.mailing, self.ledger, self.provider, samples.SECRET, self, manner)

    def _process(self, crash_at: int | None, events: Callable[[Send], Iterator[object]]) -> bool:
        self.ticks, self.crash_at = 0, crash_at
        run = self._begun()
        try:
            send = start.claim_send(
                self.mailing, self.ledger, self.provider, StartSettings(self.undo_window_seconds)
            )
            self.ledger.acquire_lease(send, self.timing.lease)
            for _ in events(send):
                pass
            return True
        except Crash:
            self._died(run)
            return False
        except (StoreError, SendRefused):  # another one was quicker, or has taken over
            return True
        finally:
            self.crash_at = None

    def _begun(self) -> int:
        self.runs += 1
        self.ledger.run = self.runs
        return self.runs

    def _died(self, run: int) -> None:
        self.ledger.dead.add(run)

    def wrong(self) -> str:
        """What must never be; empty where all is well."""
        delivered, told = self.provider.delivered(), self.ledger.states()
        for person in self.ledger.recipients:
            got, says = delivered[person.address], told.get(person.address, "waiting")
            if got > 1:
                return f"{person.address} got it {got} times"
            if got == 0 and says == "accepted":
                return f"{person.address} is missing, and told as accepted"
            if got and says not in ("accepted", "unknown"):
                return f"{person.address} got it, and is told as {says}"
        return ""
