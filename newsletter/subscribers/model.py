"""The model of a subscriber."""

from typing import NamedTuple


class Subscriber(NamedTuple):
    """A subscriber, or another recipient of an issue.

    `id` is the id in the store, 0 for a person who is not in the store; `number` is the position in a send.
    """

    id: int
    address: str
    name: str = ""
    number: int = 0
