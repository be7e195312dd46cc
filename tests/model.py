"""A model of the send protocol's environment: a clock, a faulty provider, a ledger, processes that crash.

Everything is deterministic. `World.run` is one process; a `Crash` ends it at a chosen tick. At the end the
mail delivered is compared with the states in the ledger.
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
from tests.samples import NO_TRACKING

# Results of a call. The last three look the same to the sender.
FAULTS = (
    "ok",  # accepted
    "refused",  # rejected for good
    "put off",  # rejected for now
    "down",  # rejected, and the send stops
    "lost",  # the request did not arrive, and no response came
    "taken",  # the request arrived, and no response came
    "late",  # the request arrives after LATE, and no response came
)
# Results of a call that can be repeated; the last four look the same to the sender.
REPEATABLE_FAULTS = (
    *FAULTS,
    "conflict",  # the request arrived, and the response is that another one with its key is in work (409)
)
# Results of the recall of a held batch; again the last three look the same to the sender.
CANCEL_FAULTS = (
    "ok",  # recalled and confirmed
    "no slot",  # rejected
    "lost",  # the request did not arrive, and no response came
    "done",  # the request arrived, and no response came
    "late",  # the request arrives after LATE, and no response came
)
# The same mailing for all worlds: it never changes, and rendering one takes longer than sending it.
MAILING = samples.plain_mailing()
LATE = timedelta(minutes=4)
CANCEL_MARGIN = timedelta(minutes=10)
# The provider keeps the key of a call for this long; a sender relies on a little less.
KEPT, WINDOW = timedelta(hours=24), timedelta(hours=23)


class Crash(BaseException):
    """The end of the process: kill -9, or a power cut."""


@dataclass
class Mail:
    """A mail that arrived at the provider, and when; the provider sends it at `send_at`."""

    address: str
    arrived: datetime
    send_at: datetime
    batch_id: str | None
    key: str | None = None


@dataclass
class ModelProvider:
    """A provider as pessimistic as SendGrid's documentation allows.

    A cancellation covers only mail that has arrived before it, and only if it comes ten minutes before the
    mail leaves; a later one works only if `late_cancels_work`.

    With `repeatable`, of requests with the same key only the first to arrive counts, for KEPT; a request with
    a known key and other recipients gets a rejection (409).
    """

    now: Callable[[], datetime]
    tick: Callable[[str], None]
    faults: list[str] = field(default_factory=list)
    cancel_faults: list[str] = field(default_factory=list)
    size: int = 2
    holds: bool = True
    late_cancels_work: bool = False
    repeatable: timedelta | None = None
    # How far the clock of the process is ahead of the provider's.
    clock_ahead: timedelta = timedelta()
    name: str = "model"
    mail: list[Mail] = field(default_factory=list)
    cancels: list[tuple[str, datetime]] = field(default_factory=list)
    batches: int = 0

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(self.size, True, NO_TRACKING, repeat_window=self.repeatable)

    @property
    def recallable(self) -> Recallable | None:
        return self if self.holds else None

    def check(self) -> list[Problem]:
        return []

    def server_time(self) -> datetime:
        return self._server_now()

    def _server_now(self) -> datetime:
        """Return the time of the provider's clock; the world's clock is that of the processes."""
        return self.now() - self.clock_ahead

    def close(self) -> None:
        pass

    def submit(self, batch: Batch, submissions: SubmissionLog) -> Outcome:
        if self.size > 1:
            return self._call([recipient.address for recipient in batch.recipients], batch)
        for recipient in batch.recipients:
            if not submissions.starting(recipient):
                return NOT_BEGUN
            submissions.finished(recipient, self._call([recipient.address], batch))
        return Accepted()

    def _call(self, addresses: list[str], batch: Batch) -> Outcome:
        self.tick("call")
        fault = self.faults.pop(0) if self.faults else "ok"
        if self._is_other_payload(batch.key, addresses):
            return Unknown("409 invalid_idempotent_request")
        if fault in ("ok", "taken", "late", "conflict"):
            arrived = self._server_now() + (LATE if fault == "late" else timedelta())
            send_at = batch.scheduled.send_at if batch.scheduled else arrived
            batch_id = batch.scheduled.batch_id if batch.scheduled else None
            self.mail += (
                Mail(address, arrived, max(send_at, arrived), batch_id, batch.key) for address in addresses
            )
        self.tick("response")
        outcomes: dict[str, Outcome] = {
            "ok": Accepted("id"),
            "refused": Refused("no"),
            "put off": NotSent("later", stop=False),
            "down": NotSent("401"),
        }
        return outcomes.get(fault, Unknown("no response"))

    def _is_other_payload(self, key: str | None, addresses: list[str]) -> bool:
        """Return True if the key was used for other recipients, and is not forgotten yet."""
        known = {
            mail.address
            for mail in self.mail
            if key and mail.key == key and mail.arrived <= self._server_now() < mail.arrived + KEPT
        }
        return bool(known) and known != set(addresses)

    # Held batches

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
        return Cancelled() if fault == "ok" else Unknown("no response")

    def delivered(self) -> Counter[str]:
        """Count the mails of each address, after all held mail has left."""
        return Counter(mail.address for mail in self._accepted() if not self._is_recalled(mail))

    def _accepted(self) -> list[Mail]:
        """Return the mail without repeated requests, in the order of arrival."""
        accepted: list[Mail] = []
        first_arrivals: dict[tuple[str, str], datetime] = {}
        for mail in sorted(self.mail, key=lambda mail: mail.arrived):
            if mail.key and self.repeatable:
                first = first_arrivals.get((mail.key, mail.address))
                if first is not None and mail.arrived < first + KEPT:
                    continue
                first_arrivals[mail.key, mail.address] = mail.arrived
            accepted.append(mail)
        return accepted

    def _is_recalled(self, mail: Mail) -> bool:
        for batch_id, at in self.cancels:
            if batch_id == mail.batch_id and mail.arrived <= at:
                if at <= mail.send_at - CANCEL_MARGIN:
                    return True
                if at <= mail.send_at and self.late_cancels_work:
                    return True
        return False


class World:
    """One send of one issue to a few recipients."""

    def __init__(
        self,
        people: int = 4,
        *,
        size: int = 2,
        holds: bool = True,
        held_batches: int = 5,
        repeatable: bool = False,
    ) -> None:
        self.time = samples.NOW
        self.crash_at: int | None = None
        self.overtaken_at: int | None = None
        self.ticks = self.processes = self.in_flight = 0
        self.ledger = MemoryLedger(people, self.now, self.tick)
        self.provider = ModelProvider(
            self.now, self.tick, size=size, holds=holds, repeatable=WINDOW if repeatable else None
        )
        self.mailing = MAILING
        self.undo_window_seconds = 1800 if holds else 0
        self.timing = SendTimings(max_held_batches=held_batches, min_calls_per_batch=1)

    def now(self) -> datetime:
        return self.time

    def wait(self, until: datetime, stopped: Callable[[], bool]) -> None:
        self.time = max(self.time, until)

    def tick(self, step: str) -> None:
        self.ticks += 1
        if self.overtaken_at is not None and self.ticks >= self.overtaken_at and step != "call":
            self._overtake()
        if self.crash_at is not None and self.ticks > self.crash_at:
            raise Crash

    def run(self, crash_at: int | None = None) -> bool:
        """Run `news send`, which crashes at a tick; return True if it ended without a crash."""
        return self._process(crash_at, lambda send: self._delivery(send).run())

    def resume(self, crash_at: int | None = None) -> bool:
        """Run `news resume`; return True if it ended without a crash."""
        return self._process(crash_at, self._resume)

    def _resume(self, send: Send) -> Iterator[object]:
        self.ledger.resume(send)
        yield from self._delivery(self.ledger.sends[0]).run()

    def _overtake(self) -> None:
        """Suspend this process until its lease has ended and another process has finished the send."""
        suspended, ticks, self.overtaken_at = self.ledger.process, self.ticks, None
        self.time += self.timing.lease * 2
        self.run()
        self.ledger.process, self.ticks = suspended, ticks

    def cancel(self, crash_at: int | None = None) -> bool:
        """Run `news cancel`; return True if it ended without a crash."""
        return self._process(
            crash_at,
            lambda send: cancel(
                send,
                self.ledger,
                self.provider.recallable,
                self,
                self.timing,
                can_repeat=self.provider.repeatable is not None,
            ),
        )

    def _delivery(self, send: Send) -> Delivery:
        settings = DeliverySettings(timing=self.timing, stop_when_refused=None, max_calls=self.in_flight)
        return Delivery(send, self.mailing, self.ledger, self.provider, samples.SECRET, self, settings)

    def _process(self, crash_at: int | None, events: Callable[[Send], Iterator[object]]) -> bool:
        self.ticks, self.crash_at = 0, crash_at
        process = self._begin()
        try:
            send = start.claim_send(
                self.mailing, self.ledger, self.provider, StartSettings(self.undo_window_seconds)
            )
            self.ledger.acquire_lease(send, self.timing.lease)
            for _ in events(send):
                pass
            return True
        except Crash:
            self._died(process)
            return False
        except (StoreError, SendRefused):  # another process was faster, or holds the lease
            return True
        finally:
            self.crash_at = None

    def _begin(self) -> int:
        self.processes += 1
        self.ledger.process = self.processes
        return self.processes

    def _died(self, process: int) -> None:
        self.ledger.dead.add(process)

    def contradiction(self) -> str:
        """Return the first contradiction between the mail delivered and the ledger, or an empty string."""
        delivered, states = self.provider.delivered(), self.ledger.states()
        for recipient in self.ledger.recipients:
            address = recipient.address
            count, state = delivered[address], states.get(address, "waiting")
            if count > 1:
                return f"{address} got it {count} times"
            if count == 0 and state == "accepted":
                return f"{address} is accepted and did not get it"
            if count and state not in ("accepted", "unknown"):
                return f"{address} got it and is {state}"
        return ""
