"""Divide keys and rows into batches: a database permits a limited number of parameters in a statement."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

_Item = TypeVar("_Item")

# SQLite before 3.32 permits 999 parameters in a statement, PostgreSQL 65,535.
MAX_PARAMETERS = 999
KEYS_PER_QUERY = 500


def batches(items: Sequence[_Item], size: int = KEYS_PER_QUERY) -> Iterator[Sequence[_Item]]:
    """Yield the items in batches of `size` at most."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
