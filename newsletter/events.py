"""What a send says of itself as it goes on; whoever runs it prints it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from newsletter.records import ChunkState, Fate, Lane


@dataclass(frozen=True)
class Delivered:
    """What came of one chunk; `recipients` is how many it was tried for."""

    first: int
    last: int
    recipients: int
    fates: Sequence[Fate]


@dataclass(frozen=True)
class Waiting:
    """Nothing can be done until then, and why."""

    until: datetime
    why: str


@dataclass(frozen=True)
class Recalled:
    """A lane was called back: so many recipients do not get what was in it, and are in the state `to`."""

    lane: Lane
    recipients: int
    to: ChunkState


@dataclass(frozen=True)
class NotRecalled:
    """A lane could not be called back for so many recipients, and why."""

    lane: Lane
    recipients: int
    why: str


@dataclass(frozen=True)
class Stopped:
    """The send ends before its end, by itself."""

    why: str


Event = Delivered | Waiting | Recalled | NotRecalled | Stopped
