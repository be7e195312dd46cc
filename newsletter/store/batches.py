"""Divide the keys of a query into batches: a database permits a limited number of parameters."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

_Key = TypeVar("_Key")

# SQLite before 3.32 permits 999 parameters in a statement, PostgreSQL 65,535.
KEYS_PER_QUERY = 500


def batches(keys: Sequence[_Key]) -> Iterator[Sequence[_Key]]:
    """Yield the keys in batches of KEYS_PER_QUERY at most."""
    for start in range(0, len(keys), KEYS_PER_QUERY):
        yield keys[start : start + KEYS_PER_QUERY]
