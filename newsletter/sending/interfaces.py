"""The interfaces that the send protocol needs: a provider, a ledger, a journal, a clock."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from newsletter.constants import TrackingKind
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
    NextChunk,
    Send,
)
from newsletter.sending.outcomes import CancelOutcome, Capabilities, NotSent, Outcome

if TYPE_CHECKING:
    from newsletter.config.model import Config


class SubmissionLog(Protocol):
    """Callbacks that a provider makes during a call.

    A provider whose messages are calls of their own begins and finishes each. A provider of batches begins
    none; it finishes the recipients that the answer to its call names one by one.
    """

    def starting(self, recipient: Recipient) -> bool:
        """Record that a message is about to be sent; return False if it and later ones must not be sent.

        Called before the first byte that the server could deliver.
        """

    def finished(self, recipient: Recipient, outcome: Outcome) -> None:
        """Record the message's outcome."""


class Recallable(Protocol):
    """The part of a provider that holds mail back in batches and can recall them."""

    def free_slots(self) -> int | NotSent:
        """Return the number of batches that the account can still recall, or NotSent with the reason."""

    def new_batch(self) -> str | NotSent:
        """Create a batch; return its id, or NotSent with the reason."""

    def recall(self, batch_id: str) -> CancelOutcome:
        """Recall a batch and confirm the recall; return the outcome. A repeated call is safe."""


class Provider(Protocol):
    """A service that accepts mail for delivery."""

    name: str
    capabilities: Capabilities
    recallable: Recallable | None

    def check(self) -> list[Problem]:
        """Return the problems that can be found without a connection."""

    def submit(self, batch: Batch, submissions: SubmissionLog) -> Outcome:
        """Submit a batch once, without a retry; return its outcome.

        The outcome is that of each recipient whose own outcome was not given to `submissions`. A failure is
        returned as an outcome, not raised as an exception. Several threads may call this at once.
        """

    def close(self) -> None:
        """Close the connections that were kept open."""


@runtime_checkable
class Examinable(Protocol):
    """A provider that can report on its credentials, its account and the DNS records that it needs."""

    def examine(self, config: "Config") -> ProviderReport:
        """Return a report and change nothing; every failure is a finding, never an exception."""


@runtime_checkable
class TracksByAccount(Protocol):
    """A provider whose account can switch tracking on for a message that asks for none."""

    def account_tracking(self, config: "Config") -> tuple[TrackingKind, ...] | NotSent | None:
        """Return the kinds of tracking that the account has switched on.

        Return None if the key may send and may not read that, and NotSent if there is no usable answer.
        """


@runtime_checkable
class TellsTime(Protocol):
    """A provider whose calls can be repeated for a time that its own clock measures."""

    def server_time(self) -> datetime | None:
        """Return the time of the provider's clock, in UTC; None if it does not tell it now."""


class Journal(Protocol):
    """The notes on the messages of a chunk; they survive the end of the process."""

    def starting(self, number: int) -> None: ...
    def finished(self, number: int, outcome: Outcome) -> None: ...


class LedgerReader(Protocol):
    """The ledger, as it is read by steps that do not write it."""

    def find(self, issue: str, list_name: str) -> Send | None: ...
    def content(self, send: Send) -> bytes | None: ...
    def counts(self, send: Send) -> Counts: ...


class Ledger(LedgerReader, Protocol):
    """The durable record of plans, attempts and outcomes, written by one process with a lease on the send."""

    @property
    def abandoned_until(self) -> datetime | None:
        """Return the time until which abandoned attempts may have begun calls; None if they are over."""

    def plan(self, new: NewSend) -> Send | None: ...
    def delete_unsent_plan(self, send: Send) -> bool: ...
    def acquire_lease(self, send: Send, lease: timedelta) -> None: ...
    def renew_lease(self, send: Send, lease: timedelta) -> str: ...
    def claim(
        self,
        send: Send,
        max_chunks: int,
        max_recipients: int,
        held_batch: HeldBatch | None,
        lease: timedelta,
        *,
        with_journal: bool,
        # Number of chunks, these included, that are claimed for the same held batch; or of calls at once.
        lookahead: int = 1,
    ) -> list[ClaimedChunk]: ...
    def journal(self, chunk: ClaimedChunk) -> Journal: ...
    def settle(self, results: Sequence[ChunkResult]) -> None: ...
    def abandoned_attempts(
        self, send: Send
    ) -> list[tuple[ClaimedChunk, dict[int, Outcome | None] | None]]: ...
    def repeatable_attempts(self, send: Send, since: datetime) -> list[ClaimedChunk]: ...
    def claim_repetition(
        self, send: Send, claimed: ClaimedChunk, lease: timedelta
    ) -> ClaimedChunk | None: ...
    def finish(self, send: Send) -> None: ...
    def next_retry_at(self, send: Send) -> datetime | None: ...
    def attempts_since(self, moment: datetime) -> list[tuple[datetime, int]]: ...
    def held_batches(self, send: Send) -> list[HeldBatchStatus]: ...
    def held_batches_in_use(self, now: datetime) -> int: ...
    def open_held_batch(self, send: Send, batch_id: str, send_at: datetime) -> HeldBatch: ...
    def mark_held_batch(self, batch: HeldBatch, state: HeldBatchState) -> None: ...
    def record_recall(
        self, status: HeldBatchStatus, state: ChunkState, reason: str, *, with_unknown: bool = True
    ) -> None: ...
    def mark_batch_unknown(self, batch: HeldBatch, reason: str) -> None: ...
    def cancel(self, send: Send) -> None: ...
    def resume(self, send: Send) -> None: ...


class LedgerSync(Protocol):
    """Publishes copies of a ledger, from which another machine can continue."""

    @property
    def deadline(self) -> datetime | None:
        """Return the deadline of the copy from which this ledger came; None if nobody was sending then.

        Until then its process may begin calls: attempts without an outcome are unknown from then on.
        """

    def save(self, next_chunks: Sequence[NextChunk], deadline: datetime | None) -> None:
        """Publish the ledger as it is now; in the copy, `next_chunks` are intended already.

        `deadline` is the time until which calls may begin; None if nobody sends. Raise SaveLost if another
        process published first, and another StoreError if it is not certain that the copy was published.
        """


class Clock(Protocol):
    """The clock of a send, which also waits."""

    def now(self) -> datetime: ...

    def wait(self, until: datetime, stopped: Callable[[], bool]) -> None:
        """Wait until a time, or until soon after `stopped` returns True."""
