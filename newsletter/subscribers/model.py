"""The model of a subscriber."""

from typing import NamedTuple


class Subscriber(NamedTuple):
    """A subscriber.

    `id` is the id in the store, 0 for a person who is not in it; `number` is the position in a send.
    """

    id: int
    address: str
    name: str = ""
    number: int = 0
