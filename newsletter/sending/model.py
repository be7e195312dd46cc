"""The data of a send, as it passes between its steps and the ledger."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

from newsletter.config.units import Rate
from newsletter.sending.outcomes import Outcome
from newsletter.subscribers.model import Subscriber

# The list of a real send. Mail that stays on this machine is a rehearsal: it is not the issue's send.
SUBSCRIBERS = "subscribers"
REHEARSAL = "rehearsal"

ChunkState = Literal[
    "waiting",  # certainly unsent; may be tried
    "intended",  # written down before the call; no outcome yet
    "accepted",  # the provider has taken it over
    "refused",  # the provider said no for good
    "unknown",  # perhaps sent; never tried again by itself
    "cancelled",  # recalled, or cancelled before it was tried
    "skipped",  # all of its recipients unsubscribed before their turn
]
CHUNK_STATES: tuple[str, ...] = get_args(ChunkState)

HeldBatchState = Literal[
    "open",  # the provider holds it back; more may be added
    "cancelling",  # a recall was requested and is not confirmed yet
    "cancelled",  # the recall is confirmed: nobody gets it
    "kept",  # cannot be recalled any more: it leaves, or has left
]

SendState = Literal[
    "open",  # continues by itself
    "cancelled",  # nothing more begins until a person resumes it
    "superseded",  # was cancelled completely, and a corrected issue took its place
]


@dataclass(frozen=True)
class SendOptions:
    """The options that a person gives for a send; all but `list_changed` apply only when it starts.

    `now` is for no undo window, `send_at` for a scheduled time, `canary_size` for a go-ahead after this many
    recipients, `list_changed` confirms that the list did grow or shrink so much.
    """

    now: bool = False
    send_at: dt.datetime | None = None
    canary_size: int | None = None
    list_changed: bool = False


@dataclass(frozen=True)
class StartSettings:
    """The settings with which a send starts, from its options and the configuration.

    `undo_window_seconds` is 0 where the mail is not held back. `rates` limit the size of a chunk.
    """

    undo_window_seconds: int = 0
    send_at: dt.datetime | None = None
    canary_size: int | None = None
    rates: Sequence[Rate] = ()


@dataclass(frozen=True)
class Send:
    """The send of an issue to a list.

    The mail is held back for `undo_window_seconds`, 0 where it leaves at once; `send_at` is the time that the
    send was scheduled for. After `canary_size` recipients it waits for a go-ahead. The process `lease_holder`
    delivers it, until `lease_until` unless it extends the lease.
    """

    id: int
    issue: str
    list: str
    content_sha256: str
    provider: str
    recipients: int
    state: SendState
    undo_window_seconds: int
    started_at: dt.datetime
    send_at: dt.datetime | None = None
    canary_size: int | None = None
    finished_at: dt.datetime | None = None
    lease_holder: str | None = None
    lease_until: dt.datetime | None = None

    @property
    def is_rehearsal(self) -> bool:
        """Return True if the mail stayed on this machine."""
        return self.list != SUBSCRIBERS


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
    """A held batch with its recipients by state; `unknown_since` is the time of the newest unknown."""

    batch: HeldBatch
    accepted: int
    unknown: int
    intended: int
    unknown_since: dt.datetime | None


@dataclass(frozen=True)
class ClaimedChunk:
    """The recipients `first` to `last` of a send, claimed for one attempt.

    `recipients` are those who are still on the list; `tries` counts the earlier attempts that were put off.
    """

    send_id: int
    first: int
    last: int
    attempt: int
    tries: int
    recipients: tuple[Subscriber, ...]
    held_batch: HeldBatch | None = None


class Transition(NamedTuple):
    """The new state of the recipients `first` to `last`; waiting ones may be tried from `retry_at` on."""

    first: int
    last: int
    state: ChunkState
    reason: str = ""
    retry_at: dt.datetime | None = None


@dataclass(frozen=True)
class Counts:
    """Recipients of a send by state.

    `left` unsubscribed before their turn; `held` of the accepted have not left the provider yet; `under_way`
    of the unknown have no outcome yet.
    """

    recipients: int
    accepted: int = 0
    refused: int = 0
    unknown: int = 0
    waiting: int = 0
    cancelled: int = 0
    left: int = 0
    held: int = 0
    under_way: int = 0

    @property
    def complete(self) -> bool:
        """Return True if every recipient who is still on the list has been accepted."""
        return self.accepted + self.left == self.recipients

    @property
    def nobody_has_it(self) -> bool:
        """Return True if the mail has certainly reached nobody, and will not unless somebody resumes it."""
        return not (self.accepted or self.unknown)


@dataclass(frozen=True)
class NewSend:
    """A send before it is in the ledger; `content` is the mailing, kept to name differences later.

    `instead_of` is the id of the cancelled send that this one replaces.
    """

    issue: str
    list: str
    content_sha256: str
    content: bytes
    provider: str
    chunk_size: int
    undo_window_seconds: int = 0
    send_at: dt.datetime | None = None
    canary_size: int | None = None
    instead_of: int | None = None


@dataclass(frozen=True)
class ChunkResult:
    """The result of one attempt: the outcome of the call, and the transitions of its recipients."""

    claimed: ClaimedChunk
    outcome: Outcome
    transitions: tuple[Transition, ...]
