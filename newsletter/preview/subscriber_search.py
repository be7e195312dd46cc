"""Search the store for a subscriber whose mail is to be shown."""

from pathlib import Path

from newsletter.config import loader
from newsletter.preview.database import records

MAX_RESULTS = 12


def search(folder: Path, words: str) -> list[dict[str, str]]:
    """Return up to MAX_RESULTS active subscribers whose address or name contains a text.

    Raise NewsError if the configuration is invalid or the database cannot be read.
    """
    with records(loader.load(folder)) as database:
        if database is None:
            return []
        from newsletter.store.subscribers import Subscribers

        return [
            {"address": subscriber.address, "name": subscriber.name}
            for subscriber in Subscribers(database).search(words, MAX_RESULTS)
        ]
