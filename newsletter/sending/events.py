"""The events of a send, for its caller to show."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from newsletter.sending.model import ChunkState, Transition


@dataclass(frozen=True)
class Delivered:
    """A chunk's attempt has ended, for `recipients` recipients; `sizes` are those of each transition."""

    first: int
    last: int
    recipients: int
    transitions: Sequence[Transition]
    sizes: Sequence[int] = ()


@dataclass(frozen=True)
class Waiting:
    """The send waits until that time, for that reason."""

    until: datetime
    why: str


@dataclass(frozen=True)
class Recalled:
    """A held batch was recalled; its recipients changed to the state `to`."""

    recipients: int
    to: ChunkState


@dataclass(frozen=True)
class NotRecalled:
    """A held batch was not recalled, for that reason; its recipients have the mail, or may get it."""

    recipients: int
    why: str


@dataclass(frozen=True)
class Stopped:
    """The send stopped by itself before it was complete."""

    why: str


Event = Delivered | Waiting | Recalled | NotRecalled | Stopped
