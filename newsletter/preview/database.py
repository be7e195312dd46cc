"""Read the newsletter's database; the preview neither creates nor upgrades it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from newsletter.config.loader import Newsletter
from newsletter.errors import StateError
from newsletter.state.identity import find_problem

if TYPE_CHECKING:
    from newsletter.store.database import Database

# The time-out of the connection, and of each query.
_TIMEOUT_SECONDS = 5
# A database server is queried again after this time, a file only after a change.
_SERVER_INTERVAL_SECONDS = 10


@contextmanager
def records(newsletter: Newsletter) -> Iterator["Database | None"]:
    """Open the newsletter's database for reading; yield None if it is missing or of another version.

    Raise NewsError if it cannot be read.
    """
    if not _may_exist(newsletter):
        yield None
        return
    from newsletter.store.inspection import looked_at

    if problem := find_problem(newsletter.location, newsletter.list_id):
        raise StateError([problem])
    with looked_at(_url(newsletter), newsletter.state, _TIMEOUT_SECONDS) as database:
        yield database


def stamp(newsletter: Newsletter) -> object:
    """Return a value that changes when the database may have new content.

    Raise NewsError if its URL is invalid.
    """
    if not _may_exist(newsletter):
        return None
    from newsletter.store import inspection

    return (
        inspection.stamp(_url(newsletter), newsletter.state) or time.monotonic() // _SERVER_INTERVAL_SECONDS
    )


def _may_exist(newsletter: Newsletter) -> bool:
    """Return True if a database may exist; otherwise the import of its library (0.3 s) is not needed."""
    return bool(_url(newsletter)) or newsletter.state.is_dir()


def _url(newsletter: Newsletter) -> str | None:
    url = newsletter.secrets.database_url
    return url.get_secret_value() if url else None
