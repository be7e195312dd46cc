"""A provider in memory whose mail leaves the machine, and its clock."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from newsletter.errors import Problem
from newsletter.mail.message import Batch, Recipient
from newsletter.sending.interfaces import SubmissionLog
from newsletter.sending.outcomes import (
    Accepted,
    Cancelled,
    CancelOutcome,
    Capabilities,
    Outcome,
    Refused,
    Unknown,
)
from tests.samples import NO_TRACKING, NOW


@dataclass
class FakeClock:
    """A clock that stands still until somebody waits or moves it."""

    time: datetime = NOW

    def now(self) -> datetime:
        return self.time

    def wait(self, until: datetime, stopped: Callable[[], bool]) -> None:
        self.time = max(self.time, until)


@dataclass
class FakeProvider:
    """A provider whose mail leaves the machine; `holds` mail back, `refuses` some addresses for good.

    No reply comes to the mail of the addresses that it `loses`. Each call takes `minutes_per_call` of the
    clock.
    """

    clock: FakeClock
    holds: bool = True
    refuses: frozenset[str] = frozenset()
    loses: frozenset[str] = frozenset()
    minutes_per_call: int = 0
    name: str = "fake"
    accepted: list[str] = field(default_factory=list)
    recipients: list[Recipient] = field(default_factory=list)
    batches: int = 0

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(recipients_per_call=1, leaves_machine=True, tracking=NO_TRACKING)

    @property
    def recallable(self) -> "FakeProvider | None":
        return self if self.holds else None

    def check(self) -> list[Problem]:
        return []

    def submit(self, batch: Batch, submissions: SubmissionLog) -> Outcome:
        for recipient in batch.recipients:
            assert submissions.starting(recipient)
            self.recipients.append(recipient)
            outcome: Outcome = Accepted("id")
            if recipient.address in self.refuses:
                outcome = Refused("550 no such user")
            elif recipient.address in self.loses:
                outcome = Unknown("no reply")
            else:
                self.accepted.append(recipient.address)
            submissions.finished(recipient, outcome)
        self.clock.time += timedelta(minutes=self.minutes_per_call)
        return Accepted("id")

    def free_slots(self) -> int:
        return 10

    def new_batch(self) -> str:
        self.batches += 1
        return f"batch{self.batches}"

    def recall(self, batch_id: str) -> CancelOutcome:
        return Cancelled()

    def close(self) -> None:
        pass
