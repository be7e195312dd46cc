"""What the ledger keeps, as it passes between the steps of a send."""

import datetime as dt
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

from newsletter.sending.outcomes import Outcome
from newsletter.subscribers.model import Subscriber

# Mail that stays on this machine is a rehearsal and does not count as the issue's send.
SUBSCRIBERS = "subscribers"
REHEARSAL = "rehearsal"

ChunkState = Literal["waiting", "intended", "accepted", "refused", "unknown", "cancelled", "skipped"]
HeldBatchState = Literal["open", "cancelling", "cancelled", "kept"]
CHUNK_STATES: tuple[str, ...] = get_args(ChunkState)


@dataclass(frozen=True)
class Send:
    """An issue's send to a list.

    `window` is for how many seconds its mail is held back, 0 where it leaves at once; `send_at` the moment
    that it was scheduled for, if it was. Up to recipient `canary_size` it goes on without asking.
    """

    id: int
    issue: str
    list: str
    content_sha256: str
    provider: str
    recipients: int
    state: Literal["open", "cancelled", "superseded"]
    undo_window_seconds: int
    started_at: dt.datetime
    send_at: dt.datetime | None = None
    canary_size: int | None = None
    finished_at: dt.datetime | None = None
    lease_holder: str | None = None
    lease_until: dt.datetime | None = None


@dataclass(frozen=True)
class HeldBatch:
    """Mail of a send that is held back together: one batch of the provider's, which is called back as one."""

    send_id: int
    number: int
    batch_id: str
    opened_at: dt.datetime
    send_at: dt.datetime
    state: HeldBatchState


@dataclass(frozen=True)
class HeldBatchStatus:
    """A lane with its recipients by what became of them; `unknown_since` is when the last doubt arose."""

    batch: HeldBatch
    accepted: int
    unknown: int
    intended: int
    unknown_since: dt.datetime | None


@dataclass(frozen=True)
class ClaimedChunk:
    """The recipients `first` to `last` of a send, about to be tried: `people` are those still on the list."""

    send_id: int
    first: int
    last: int
    attempt: int
    tries: int
    recipients: tuple[Subscriber, ...]
    held_batch: HeldBatch | None = None


class Transition(NamedTuple):
    """What becomes of the recipients `first` to `last`; who is waiting may be tried from `retry_at` on."""

    first: int
    last: int
    state: ChunkState
    reason: str = ""
    retry_at: dt.datetime | None = None


@dataclass(frozen=True)
class Counts:
    """Recipients of a send by what became of them.

    `left` had unsubscribed before their turn; `cancelled` were called back. `held` of the accepted have not
    left the provider yet; `under_way` of the unknown have no outcome yet.
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
        """Everybody who is still there has been accepted."""
        return self.accepted + self.left == self.recipients

    @property
    def nobody_has_it(self) -> bool:
        """It has certainly reached nobody, and will reach nobody as it stands."""
        return not (self.accepted or self.unknown)


@dataclass(frozen=True)
class NewSend:
    """What a send is started with; `content` is the mailing, for naming a difference later.

    `instead_of` is the id of a send that was wholly called back, whose place it takes.
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
    """What came of one try: of the call, and of the recipients."""

    claimed: ClaimedChunk
    outcome: Outcome
    transitions: tuple[Transition, ...]
