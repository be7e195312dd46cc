"""What a send says of itself as it goes on; whoever runs it prints it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from newsletter.sending.model import ChunkState, Transition


@dataclass(frozen=True)
class Delivered:
    """What came of one chunk; `recipients` is how many it was tried for, `sizes` how many in each fate."""

    first: int
    last: int
    recipients: int
    transitions: Sequence[Transition]
    sizes: Sequence[int] = ()


@dataclass(frozen=True)
class Waiting:
    """Nothing can be done until then, and why."""

    until: datetime
    why: str


@dataclass(frozen=True)
class Recalled:
    """A lane was called back: so many recipients do not get what was in it, and are in the state `to`."""

    recipients: int
    to: ChunkState


@dataclass(frozen=True)
class NotRecalled:
    """A lane with so many recipients could not be called back, and why: they have it, or may get it."""

    recipients: int
    why: str


@dataclass(frozen=True)
class Stopped:
    """The send ends before its end, by itself."""

    why: str


Event = Delivered | Waiting | Recalled | NotRecalled | Stopped
