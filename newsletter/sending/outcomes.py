"""The capabilities of a provider, and the outcomes of its calls with their names in the ledger (`state`)."""

from dataclasses import dataclass
from typing import ClassVar, Literal


@dataclass(frozen=True)
class Accepted:
    """The provider has taken the mail over, as `message_id`."""

    message_id: str = ""
    state: ClassVar = "accepted"


@dataclass(frozen=True)
class Refused:
    """The provider said no for good; no recipient of the batch gets the mail.

    `rejected_indexes` are the indexes in the batch, from 0, of the recipients that caused it, where the
    provider names them: the others may be tried again without them.
    """

    reason: str
    rejected_indexes: tuple[int, ...] = ()
    state: ClassVar = "refused"


@dataclass(frozen=True)
class NotSent:
    """The provider has certainly not taken the mail; it may be tried again.

    `stop` means that the next batch would fail in the same way, so a person has to look first. `wait` is the
    provider's Retry-After in seconds, 0 for a retry at once, None for our own back-off.
    """

    reason: str
    stop: bool = True
    wait: float | None = None
    state: ClassVar = "not_sent"


# The message was not started, for a reason of our own.
NOT_BEGUN = NotSent("not begun", stop=False, wait=0)


@dataclass(frozen=True)
class Unknown:
    """The mail was perhaps taken: time-out, lost connection, HTTP 5xx. Never tried again by itself."""

    reason: str
    state: ClassVar = "unknown"


Outcome = Accepted | Refused | NotSent | Unknown


@dataclass(frozen=True)
class Cancelled:
    """The recall of held mail is confirmed: nobody gets it."""


@dataclass(frozen=True)
class NotCancelled:
    """The mail was certainly not recalled, and another try would not help: too late, or no free slot."""

    reason: str


CancelOutcome = Cancelled | NotCancelled | Unknown


@dataclass(frozen=True)
class Capabilities:
    """The capabilities of a provider, which decide how an issue is sent.

    `recipients_per_call` is 1 where the provider answers each message by itself; `in_flight` is the number of
    batches that it takes at once.
    """

    recipients_per_call: int
    leaves_machine: bool
    tracking: Literal["message", "account", "none"]
    in_flight: int = 1
