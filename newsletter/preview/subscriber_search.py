"""Subscribers to see a mail as: looked for in the store, where there is one."""

from pathlib import Path

from newsletter.config import loader
from newsletter.preview.database import records

MOST = 12


def found(folder: Path, words: str) -> list[dict[str, str]]:
    """Active subscribers whose address or name holds these words; raises NewsError."""
    with records(loader.load(folder)) as database:
        if database is None:
            return []
        from newsletter.store.subscribers import Subscribers

        return [
            {"address": one.address, "name": one.name} for one in Subscribers(database).search(words, MOST)
        ]
