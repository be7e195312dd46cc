"""Search the store for a subscriber whose mail is to be shown."""

from pathlib import Path

from newsletter.config import loader
from newsletter.config.environment import DATABASE_URL, dotenv
from newsletter.display import display_path
from newsletter.errors import NewsError
from newsletter.preview.database import records

MAX_RESULTS = 12


def search(folder: Path, words: str) -> list[dict[str, str]]:
    """Return up to MAX_RESULTS active subscribers whose address or name contains a text.

    Raise NewsError if the configuration is invalid or the database cannot be read.
    """
    with records(loader.load(folder, review=True)) as database:
        if database is None:
            return []
        from newsletter.store.subscribers import Subscribers

        return [
            {"address": subscriber.address, "name": subscriber.name}
            for subscriber in Subscribers(database).search(words, MAX_RESULTS)
        ]


def note(folder: Path) -> str:
    """Return a sentence if `.env` names a database, which the preview does not use; otherwise ""."""
    try:
        newsletter = loader.load(folder, review=True)
        named = not newsletter.secrets.database_url and dotenv(folder / loader.DOTENV).get(DATABASE_URL)
        place = display_path(newsletter.location.env)
    except NewsError:
        return ""
    if not named:
        return ""
    return (
        f"The preview does not use {DATABASE_URL} of .env, which a branch may have written: set it in the "
        f"environment, or in {place}."
    )
