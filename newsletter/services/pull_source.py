"""The interface of the places outside that are read for people who leave, and what they deliver."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from newsletter.constants import DeliveryEventKind
from newsletter.subscribers.origins import StateOrigin


class TokenDeparture(NamedTuple):
    """A request to leave with the token of a link, which is not verified yet."""

    token: str
    at: datetime
    how: StateOrigin


class ListedDeparture(NamedTuple):
    """An address that a provider lists, with the reason as the kind of an event."""

    address_key: str
    at: datetime
    kind: DeliveryEventKind


@dataclass(frozen=True)
class Page:
    """A part of what a place has; the next visit begins after `position`.

    `read` is the number of entries or messages. A person has to read `needs_person` of them; `automatic` ones
    were written by programs and ask for nothing.
    """

    position: str
    read: int
    tokens: Sequence[TokenDeparture] = ()
    listed: Sequence[ListedDeparture] = ()
    needs_person: int = 0
    automatic: int = 0


class Source(Protocol):
    """A place outside."""

    @property
    def name(self) -> str:
        """Return the name by which the database knows the place."""

    def pages(self, position: str) -> Iterator[Page]:
        """Yield what came after a position, "" for the beginning.

        A page is committed before the next one is asked for: only then may the place forget its entries.
        Raise Unavailable if the place cannot be read.
        """
