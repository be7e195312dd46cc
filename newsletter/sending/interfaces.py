"""What the send protocol needs of others: a provider, a ledger, a clock. Small, and concrete nowhere here."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from newsletter.errors import Problem
from newsletter.findings import ProviderReport
from newsletter.mail.message import Batch, Recipient
from newsletter.sending.model import (
    ChunkResult,
    ChunkState,
    ClaimedChunk,
    Counts,
    HeldBatch,
    HeldBatchState,
    HeldBatchStatus,
    NewSend,
    Send,
)
from newsletter.sending.outcomes import CancelOutcome, Capabilities, NotSent, Outcome

if TYPE_CHECKING:
    from newsletter.config.model import Config


class SubmissionLog(Protocol):
    """What a provider says while a batch is under way, where it answers message by message."""

    def starting(self, recipient: Recipient) -> bool:
        """Before the first byte that the other side could deliver; False: neither this one nor any other."""

    def finished(self, recipient: Recipient, outcome: Outcome) -> None:
        """What came of it."""


class Recallable(Protocol):
    """The part of a provider that holds mail back, and calls it back."""

    def free_slots(self) -> int | NotSent:
        """How many more batches the account could call back."""

    def new_batch(self) -> str | NotSent:
        """A new batch id."""

    def recall(self, batch_id: str) -> CancelOutcome:
        """Calls a batch back, and confirms it; asking again is safe."""


class Provider(Protocol):
    """Takes mail."""

    name: str
    capabilities: Capabilities
    recallable: Recallable | None

    def check(self) -> list[Problem]:
        """What would keep it from taking mail, as far as can be seen without a connection."""

    def submit(self, batch: Batch, submissions: SubmissionLog) -> Outcome:
        """One try, never repeated; the outcome of everybody in the batch who has none of their own.

        An answer for whatever happens on the way, never an exception. Called from several threads at once.
        """

    def close(self) -> None:
        """Ends what was kept open."""


@runtime_checkable
class Examinable(Protocol):
    """A provider that can look at itself: credentials, account, what it wants in the DNS. Changes nothing."""

    def examine(self, config: "Config") -> ProviderReport:
        """What it found; a fault is a finding, never an exception."""


class Journal(Protocol):
    """Notes of messages under way, which survive the end of the process."""

    def starting(self, number: int) -> None: ...
    def finished(self, number: int, outcome: Outcome) -> None: ...


class LedgerReader(Protocol):
    """What is known of a send."""

    def find(self, issue: str, to: str) -> Send | None: ...
    def content(self, send: Send) -> bytes | None: ...
    def counts(self, send: Send) -> Counts: ...


class Ledger(LedgerReader, Protocol):
    """Remembers, durably, what was planned, tried and answered; as one run, which has a lease of the send."""

    def plan(self, new: NewSend) -> Send | None: ...
    def delete_unsent_plan(self, send: Send) -> bool: ...
    def acquire_lease(self, send: Send, lease: timedelta) -> None: ...
    def renew_lease(self, send: Send, lease: timedelta) -> str: ...
    def claim(
        self, send: Send, most: int, room: int, into: HeldBatch | None, lease: timedelta, *, noted: bool
    ) -> list[ClaimedChunk]: ...
    def journal(self, chunk: ClaimedChunk) -> Journal: ...
    def settle(self, results: Sequence[ChunkResult]) -> None: ...
    def abandoned_attempts(
        self, send: Send
    ) -> list[tuple[ClaimedChunk, dict[int, Outcome | None] | None]]: ...
    def finish(self, send: Send) -> None: ...
    def next_retry_at(self, send: Send) -> datetime | None: ...
    def attempts_since(self, moment: datetime) -> list[tuple[datetime, int]]: ...
    def held_batches(self, send: Send) -> list[HeldBatchStatus]: ...
    def held_batches_in_use(self, now: datetime) -> int: ...
    def open_held_batch(self, send: Send, batch_id: str, send_at: datetime) -> HeldBatch: ...
    def mark_held_batch(self, batch: HeldBatch, state: HeldBatchState) -> None: ...
    def record_recall(
        self, status: HeldBatchStatus, to: ChunkState, reason: str, *, with_unknown: bool = True
    ) -> None: ...
    def mark_batch_unknown(self, batch: HeldBatch, reason: str) -> None: ...
    def cancel(self, send: Send) -> None: ...
    def resume(self, send: Send) -> None: ...


class Clock(Protocol):
    """The time, and waiting for it."""

    def now(self) -> datetime: ...

    def wait(self, until: datetime, stopped: Callable[[], bool]) -> None:
        """Returns at that time, or soon after `stopped` says so."""
