"""The rows of an import: what the readers of files return, and what the store takes."""

from datetime import datetime
from typing import Literal, NamedTuple

from newsletter.constants import SubscriberState
from newsletter.subscribers.address import Address

KeptOutReason = Literal[
    "not_confirmed",  # the person never confirmed the subscription there
    "unknown_state",  # the word of the person's state is not known
    "no_state",  # the file has a column of states, and the person's is empty
    "temporary",  # the file tells of a delivery that failed for a time
    "deleted",  # the row stands for an account that was deleted there
    "forgotten",  # the person was forgotten here
    "has_left",  # the person has left here
]


class ImportRow(NamedTuple):
    """A valid row of an import file; `where` is its `file:line`.

    `state` is None if the file has a column of states and the row's is empty. `left_at` is the time of the
    departure, if the file tells it; both times are in UTC.
    """

    where: str
    address: Address
    name: str = ""
    state: SubscriberState | None = "active"
    consent_at: datetime | None = None
    left_at: datetime | None = None


class KeptOut(NamedTuple):
    """A valid row that is not imported, and why; `value` is the word of the file that decides, if any."""

    where: str
    address: str
    reason: KeptOutReason
    value: str = ""
