"""The capabilities of a provider, and the outcomes of its calls; the ledger names an outcome by `state`."""

from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from newsletter.config.provider_facts import Tracking


@dataclass(frozen=True)
class Accepted:
    """The provider accepted the mail for delivery; `message_id` is its id of the mail, if it gave one."""

    message_id: str = ""
    state: ClassVar = "accepted"


@dataclass(frozen=True)
class Refused:
    """The provider refused the mail permanently; no recipient of the batch gets it."""

    reason: str
    # Indexes in the batch, from 0, of the recipients that caused the refusal; empty if the provider does not
    # name them. The other recipients may be tried again without them.
    rejected_indexes: tuple[int, ...] = ()
    state: ClassVar = "refused"


_LONGEST_PAUSE = timedelta(days=30)


@dataclass(frozen=True)
class NotSent:
    """The provider has certainly not accepted the mail; it may be tried again."""

    reason: str
    # The next batch would fail in the same way: the send stops until a person has corrected the cause.
    stop: bool = True
    # The provider's Retry-After in seconds; 0 for a retry at once, None for our own back-off.
    wait: float | None = None
    state: ClassVar = "not_sent"

    @property
    def pause(self) -> timedelta:
        """Return the wait as a duration, at most 30 days: a server may name any date."""
        return timedelta(seconds=min(self.wait or 0, _LONGEST_PAUSE.total_seconds()))


# The message was not submitted, because the delivery paused, stopped or ended before it.
NOT_BEGUN = NotSent("not begun", stop=False, wait=0)


@dataclass(frozen=True)
class Unknown:
    """The provider may have accepted the mail: time-out, lost connection, HTTP 5xx. See `repeats`."""

    reason: str
    state: ClassVar = "unknown"


Outcome = Accepted | Refused | NotSent | Unknown


@dataclass(frozen=True)
class Cancelled:
    """The recall of held mail is confirmed: no recipient gets it."""


@dataclass(frozen=True)
class NotCancelled:
    """The mail was certainly not recalled, and another call would not help: too late, or no free slot."""

    reason: str


CancelOutcome = Cancelled | NotCancelled | Unknown


@dataclass(frozen=True)
class Capabilities:
    """The capabilities of a provider, which determine the sending of an issue."""

    # Most recipients of a call; 1 if each message is a call of its own, which a journal notes.
    recipients_per_call: int
    # False for a provider that keeps the mail on this machine: its sends are rehearsals.
    leaves_machine: bool
    tracking: Tracking
    # Number of calls that the provider accepts at once.
    max_calls: int = 1
    # Most bytes of a call that contains the whole mail of each recipient; None if it has the content once.
    bytes_per_call: int | None = None
    # The time within which a call may be repeated with the same key and the same bytes: the provider accepts
    # it once. None if it may never be repeated.
    repeat_window: timedelta | None = None
