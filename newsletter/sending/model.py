"""The data of a send, as it passes between its steps and the ledger."""

import datetime as dt
import secrets
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, get_args

from newsletter.config.units import Rate
from newsletter.sending.outcomes import Outcome
from newsletter.subscribers.model import Subscriber

# The list of a send whose mail leaves this machine.
SUBSCRIBERS = "subscribers"
# Beginning of the list of a rehearsal: its mail stays on this machine, and it does not count as a send.
REHEARSAL = "rehearsal"

# Two sends never have the same nonce, also if they are in two databases and use one account.
_NONCE_BYTES = 16

ChunkState = Literal[
    "waiting",  # certainly unsent; may be tried
    "intended",  # recorded before its call, which has no outcome yet
    "accepted",  # the provider accepted it for delivery
    "refused",  # the provider refused it permanently
    "unknown",  # perhaps sent; only a call that the provider accepts once is repeated
    "cancelled",  # recalled, or cancelled before it was tried
    "skipped",  # all of its recipients left the list before they were tried
]
CHUNK_STATES: tuple[str, ...] = get_args(ChunkState)

HeldBatchState = Literal[
    "open",  # the provider holds it back; more mail may be added
    "cancelling",  # a recall was requested and is not confirmed yet
    "cancelled",  # the recall is confirmed: no recipient gets the mail
    "kept",  # no recall is tried any more: the mail leaves, unless an unconfirmed recall worked
]

SendState = Literal[
    "open",  # its due recipients may be tried
    "cancelled",  # no attempt begins until a person resumes the send
    "superseded",  # was cancelled completely; a new send of the corrected issue replaced it
]


@dataclass(frozen=True)
class SendOptions:
    """The options that a person gives for a send; they apply only when it starts."""

    # Send without an undo window.
    now: bool = False
    # Hold the mail back until this time.
    send_at: dt.datetime | None = None
    # Wait for a go-ahead after this many recipients.
    canary_size: int | None = None
    # Accept a list that grew or shrank a lot since the previous issue.
    list_changed: bool = False

    @property
    def conflict(self) -> str:
        """Return why these options exclude each other; "" if they do not."""
        if self.send_at and self.now:
            return "--now and --at exclude each other"
        if self.send_at and self.canary_size:
            return "--canary and --at exclude each other: a canary leaves at once"
        return ""


@dataclass(frozen=True)
class StartSettings:
    """The settings with which a send starts, from its options and the configuration."""

    # 0 if the mail is not held back.
    undo_window_seconds: int = 0
    send_at: dt.datetime | None = None
    canary_size: int | None = None
    # A chunk has at most as many recipients as each rate allows in its period.
    rates: Sequence[Rate] = ()
    # The number of recipients that a person agreed to; None if nobody was asked.
    agreed_recipients: int | None = None
    # Fingerprint of the key that signs the links of the mail; None if there is no such key yet.
    key_fingerprint: str | None = None


@dataclass(frozen=True)
class Send:
    """The send of an issue to a list, as the ledger has it."""

    id: int
    issue: str
    list: str
    content_sha256: str
    provider: str
    recipients: int
    state: SendState
    # The provider holds the mail back for this long; 0 if it leaves at once.
    undo_window_seconds: int
    started_at: dt.datetime
    # Time that the send was scheduled for.
    send_at: dt.datetime | None = None
    # The send waits for a go-ahead after this many recipients.
    canary_size: int | None = None
    finished_at: dt.datetime | None = None
    # Name of the process that delivers the send; another process may take over after `lease_until`.
    lease_holder: str | None = None
    lease_until: dt.datetime | None = None
    # Fingerprint of the key that signs its links, and the host that started it; None in an older ledger.
    key_fingerprint: str | None = None
    started_on: str | None = None
    # A random text, from which the idempotency keys of its calls are made; None in an older ledger.
    nonce: str | None = None

    @property
    def token_version(self) -> int:
        """Return the version of its unsubscribe tokens; a send of an older ledger began with version 1.

        All mail of a send has the same version, so that a Message-ID does not change when it is resumed.
        """
        return 1 if self.key_fingerprint is None else 2

    @property
    def is_rehearsal(self) -> bool:
        """Return True if the mail stayed on this machine."""
        return self.list.startswith(REHEARSAL)


@dataclass(frozen=True)
class HeldBatch:
    """A batch of a send's mail that the provider holds back until `send_at` and can recall as a whole."""

    send_id: int
    number: int
    batch_id: str
    opened_at: dt.datetime
    send_at: dt.datetime
    state: HeldBatchState


@dataclass(frozen=True)
class HeldBatchStatus:
    """A held batch, with the number of its recipients in each state."""

    batch: HeldBatch
    accepted: int
    unknown: int
    intended: int
    # Time at which the newest unknown outcome was recorded.
    unknown_since: dt.datetime | None


@dataclass(frozen=True)
class ClaimedChunk:
    """The recipients `first` to `last` of a send, claimed for one attempt."""

    send_id: int
    first: int
    last: int
    # Id of the attempt; 0 if the chunk has no recipients.
    attempt: int
    # Number of earlier attempts that were put off or after which the chunk was split.
    tries: int
    # The recipients who are still on the list.
    recipients: tuple[Subscriber, ...]
    held_batch: HeldBatch | None = None


@dataclass(frozen=True)
class NextChunk:
    """Waiting recipients `first` to `last` of a send, who may be claimed next."""

    send_id: int
    first: int
    last: int
    # Number of the held batch that their mail is added to; None if it is not held back.
    held_batch: int | None = None

    @property
    def recipients(self) -> int:
        """Return the number of recipients, which includes those who left the list."""
        return self.last - self.first + 1


class Transition(NamedTuple):
    """The new state of the recipients `first` to `last`; waiting ones are due at `retry_at`, None for now."""

    first: int
    last: int
    state: ChunkState
    reason: str = ""
    retry_at: dt.datetime | None = None


@dataclass(frozen=True)
class Counts:
    """The number of recipients of a send in each state."""

    recipients: int
    accepted: int = 0
    refused: int = 0
    unknown: int = 0
    waiting: int = 0
    cancelled: int = 0
    # Recipients who left the list before they were tried.
    left: int = 0
    # Accepted recipients whose mail the provider still holds back.
    held: int = 0
    # Unknown recipients whose call is in flight, or was when its process ended.
    in_flight: int = 0

    @property
    def complete(self) -> bool:
        """Return True if every recipient who is still on the list has been accepted."""
        return self.accepted + self.left == self.recipients

    @property
    def nobody_has_it(self) -> bool:
        """Return True if certainly no recipient has the mail or will get it from an earlier attempt."""
        return not (self.accepted or self.unknown)


@dataclass(frozen=True)
class NewSend:
    """A send before it is in the ledger."""

    issue: str
    list: str
    content_sha256: str
    # Snapshot of the mailing (`content_diff`), with which a later mailing is compared.
    content: bytes
    provider: str
    # Most recipients of a chunk.
    chunk_size: int
    undo_window_seconds: int = 0
    send_at: dt.datetime | None = None
    canary_size: int | None = None
    # Id of the cancelled send that this send replaces.
    instead_of: int | None = None
    # The number of recipients that a person agreed to; None if nobody was asked.
    agreed_recipients: int | None = None
    # Fingerprint of the key that signs the links of the mail; None if there is no such key yet.
    key_fingerprint: str | None = None
    # A random text, from which the idempotency keys of its calls are made.
    nonce: str = field(default_factory=lambda: secrets.token_hex(_NONCE_BYTES))


@dataclass(frozen=True)
class ChunkResult:
    """The result of one attempt: the outcome of the call, and the transitions of its recipients."""

    claimed: ClaimedChunk
    outcome: Outcome
    transitions: tuple[Transition, ...]
    # Time from which the outcome counts; None for the time at which it is recorded.
    at: dt.datetime | None = None

    @property
    def sizes(self) -> tuple[int, ...]:
        """Return the number of recipients in each transition, without those who left the list."""
        return sizes(self.claimed.recipients, self.transitions)

    def by_state(self) -> Counter[str]:
        """Return the number of recipients in each new state."""
        counts: Counter[str] = Counter()
        for transition, size in zip(self.transitions, self.sizes, strict=True):
            counts[transition.state] += size
        return counts


def sizes(recipients: Sequence[Subscriber], transitions: Iterable[Transition]) -> tuple[int, ...]:
    """Return the number of a chunk's recipients in each transition, without those who left the list."""
    numbers = [recipient.number for recipient in recipients]
    return tuple(bisect_right(numbers, part.last) - bisect_left(numbers, part.first) for part in transitions)
