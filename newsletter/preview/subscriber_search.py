"""Search the store for subscribers to preview a mail as."""

from pathlib import Path

from newsletter.config import loader
from newsletter.preview.database import records

MAX_RESULTS = 12


def search(folder: Path, words: str) -> list[dict[str, str]]:
    """Return active subscribers with these words in their address or name. Raise NewsError."""
    with records(loader.load(folder)) as database:
        if database is None:
            return []
        from newsletter.store.subscribers import Subscribers

        return [
            {"address": subscriber.address, "name": subscriber.name}
            for subscriber in Subscribers(database).search(words, MAX_RESULTS)
        ]
