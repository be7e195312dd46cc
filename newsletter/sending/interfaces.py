"""What the send protocol needs of others: a provider, a ledger, a clock. Small, and concrete nowhere here."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from newsletter.errors import Problem
from newsletter.findings import Examined
from newsletter.mail.message import Batch, Recipient
from newsletter.sending.model import (
    ChunkState,
    Claimed,
    Counts,
    Landed,
    Lane,
    LaneStanding,
    LaneState,
    Plan,
    Send,
)
from newsletter.sending.outcomes import CancelOutcome, Capabilities, NotSent, Outcome

if TYPE_CHECKING:
    from newsletter.config.model import Config


class Flight(Protocol):
    """What a provider says while a batch is under way, where it answers message by message."""

    def begin(self, recipient: Recipient) -> bool:
        """Before the first byte that the other side could deliver; False: neither this one nor any other."""

    def end(self, recipient: Recipient, outcome: Outcome) -> None:
        """What came of it."""


class Holding(Protocol):
    """The part of a provider that holds mail back, and calls it back."""

    def free_slots(self) -> int | NotSent:
        """How many more batches the account could call back."""

    def open_lane(self) -> str | NotSent:
        """A new batch id."""

    def cancel(self, batch_id: str) -> CancelOutcome:
        """Calls a batch back, and confirms it; asking again is safe."""


class Provider(Protocol):
    """Takes mail."""

    name: str
    capabilities: Capabilities
    holding: Holding | None

    def check(self) -> list[Problem]:
        """What would keep it from taking mail, as far as can be seen without a connection."""

    def submit(self, batch: Batch, flight: Flight) -> Outcome:
        """One try, never repeated; the outcome of everybody in the batch who has none of their own.

        An answer for whatever happens on the way, never an exception. Called from several threads at once.
        """

    def close(self) -> None:
        """Ends what was kept open."""


@runtime_checkable
class Examinable(Protocol):
    """A provider that can look at itself: credentials, account, what it wants in the DNS. Changes nothing."""

    def examine(self, config: "Config") -> Examined:
        """What it found; a fault is a finding, never an exception."""


class Journal(Protocol):
    """Notes of messages under way, which survive the end of the process."""

    def begin(self, number: int) -> None: ...
    def end(self, number: int, outcome: Outcome) -> None: ...


class Records(Protocol):
    """What is known of a send."""

    def find(self, issue: str, to: str) -> Send | None: ...
    def content(self, of: Send) -> bytes | None: ...
    def counts(self, of: Send) -> Counts: ...


class Ledger(Records, Protocol):
    """Remembers, durably, what was planned, tried and answered; as one run, which has a lease of the send."""

    def plan(self, of: Plan) -> Send | None: ...
    def withdraw(self, of: Send) -> bool: ...
    def take(self, of: Send, lease: timedelta) -> None: ...
    def renew(self, of: Send, lease: timedelta) -> str: ...
    def claim(
        self, of: Send, most: int, room: int, into: Lane | None, lease: timedelta, *, noted: bool
    ) -> list[Claimed]: ...
    def journal(self, of: Claimed) -> Journal: ...
    def settle(self, landed: Sequence[Landed]) -> None: ...
    def adrift(self, of: Send) -> list[tuple[Claimed, dict[int, Outcome | None] | None]]: ...
    def finish(self, of: Send) -> None: ...
    def next_try(self, of: Send) -> datetime | None: ...
    def tried_since(self, moment: datetime) -> list[tuple[datetime, int]]: ...
    def lanes(self, of: Send) -> list[LaneStanding]: ...
    def lanes_in_use(self, now: datetime) -> int: ...
    def open_lane(self, of: Send, batch_id: str, send_at: datetime) -> Lane: ...
    def mark(self, of: Lane, state: LaneState) -> None: ...
    def recall(self, of: LaneStanding, to: ChunkState, reason: str, *, doubtful: bool = True) -> None: ...
    def doubt(self, of: Lane, reason: str) -> None: ...
    def call_back(self, of: Send) -> None: ...
    def go_on(self, of: Send) -> None: ...


class Clock(Protocol):
    """The time, and waiting for it."""

    def now(self) -> datetime: ...

    def wait(self, until: datetime, stopped: Callable[[], bool]) -> None:
        """Returns at that time, or soon after `stopped` says so."""
