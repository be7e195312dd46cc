"""What providers can do, and what they answer; `state` is what the ledger calls an outcome."""

from dataclasses import dataclass
from typing import ClassVar, Literal


@dataclass(frozen=True)
class Accepted:
    """The provider took it, under `message_id`; it is the provider's from here."""

    message_id: str = ""
    state: ClassVar = "accepted"


@dataclass(frozen=True)
class Refused:
    """The provider said no for good; nobody in the batch gets the mail.

    `culprits` are the places in the batch, from 0, of those whose fault it is, where the provider says so:
    the others may be tried again without them.
    """

    reason: str
    rejected_indexes: tuple[int, ...] = ()
    state: ClassVar = "refused"


@dataclass(frozen=True)
class NotSent:
    """Certainly not taken, and may be tried again later.

    `stop`: the next batch would fare no better, so that somebody has to look first. `wait`: for so many
    seconds the provider wants to hear nothing at all, 0: it may be tried again at once; None where it does
    not say, and a back-off follows.
    """

    reason: str
    stop: bool = True
    wait: float | None = None
    state: ClassVar = "not_sent"


# It was never begun, for a reason that is not the provider's.
NOT_BEGUN = NotSent("not begun", stop=False, wait=0)


@dataclass(frozen=True)
class Unknown:
    """Perhaps taken, perhaps not: a time-out, a lost connection, a 5xx. Never tried again by itself."""

    reason: str
    state: ClassVar = "unknown"


Outcome = Accepted | Refused | NotSent | Unknown


@dataclass(frozen=True)
class Cancelled:
    """Mail that was held back is called back: confirmed, and nobody will get it."""


@dataclass(frozen=True)
class NotCancelled:
    """Certainly not called back, and asking again would not help: too late, or no slot is free."""

    reason: str


CancelOutcome = Cancelled | NotCancelled | Unknown


@dataclass(frozen=True)
class Capabilities:
    """What a provider can do; the way an issue is sent follows from it.

    `recipients_per_call` is 1 where each message is answered by itself. `in_flight` is how many batches it
    takes at once.
    """

    recipients_per_call: int
    leaves_machine: bool
    tracking: Literal["message", "account", "none"]
    in_flight: int = 1
