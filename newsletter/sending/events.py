"""The events of a send, for its caller to show."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from newsletter.sending.model import ChunkState, Transition


@dataclass(frozen=True)
class Delivered:
    """The attempt of a chunk ended, or all of its recipients had left the list."""

    first: int
    last: int
    # Number of recipients of the attempt; 0 if all had left.
    recipients: int
    transitions: Sequence[Transition]
    # Number of recipients in each transition.
    sizes: Sequence[int] = ()


@dataclass(frozen=True)
class Waiting:
    """The send waits until a time, for a reason."""

    until: datetime
    reason: str


@dataclass(frozen=True)
class StandingBy:
    """This process waits while another one delivers the send; the lease ends at `until`, unless renewed."""

    issue: str
    process: str
    host: str
    until: datetime


@dataclass(frozen=True)
class Recalled:
    """A held batch was recalled, and its recipients changed to the state `to`."""

    recipients: int
    to: ChunkState


@dataclass(frozen=True)
class NotRecalled:
    """A held batch was not recalled, for a reason; its recipients have the mail or may get it."""

    recipients: int
    reason: str


@dataclass(frozen=True)
class Confirmed:
    """A repeated call was accepted: recipients whose outcome was unknown have the mail, once."""

    recipients: int


@dataclass(frozen=True)
class TrackingNotKnown:
    """The account at a provider decides on tracking, and the key may only send: nobody has looked."""

    provider: str


@dataclass(frozen=True)
class Stopped:
    """The send stopped before it was complete, for a reason."""

    reason: str


Event = Delivered | Waiting | StandingBy | Recalled | NotRecalled | Confirmed | TrackingNotKnown | Stopped
