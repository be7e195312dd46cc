"""Who gets the newsletter."""

from typing import NamedTuple


class Subscriber(NamedTuple):
    """Somebody who asked for the newsletter.

    `id` is the store's, 0 for nobody in it; `number` their place in a send.
    """

    id: int
    address: str
    name: str = ""
    number: int = 0
