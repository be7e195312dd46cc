"""Subscribers to see a mail as: looked for in the store, where there is one."""

from contextlib import closing
from pathlib import Path

from newsletter import config

MOST = 12


def found(folder: Path, words: str) -> list[dict[str, str]]:
    """Active subscribers whose address or name holds these words; raises NewsError."""
    newsletter = config.load(folder)
    if not (newsletter.secrets.database_url or (newsletter.state / "news.db").is_file()):
        return []
    from newsletter.store.database import Database
    from newsletter.store.subscribers import Subscribers

    with closing(Database.open(newsletter)) as database:
        return [{"address": one.address, "name": one.name} for one in Subscribers(database).like(words, MOST)]
