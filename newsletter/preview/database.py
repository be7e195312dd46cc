"""The newsletter's own records, to look at: the preview makes none, and brings none up to date."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from newsletter.config.loader import Newsletter

if TYPE_CHECKING:
    from newsletter.store.database import Database

# For connecting, and for each question.
_SECONDS = 5
# A server is asked again after so long; of a file it is seen whether anybody has written to it.
_SERVER_SECONDS = 10


@contextmanager
def records(newsletter: Newsletter) -> Iterator["Database | None"]:
    """Their database, to read; None where there is none, or one of another version. Raises NewsError."""
    if not _any(newsletter):
        yield None
        return
    from newsletter.store.inspection import looked_at

    with looked_at(_given(newsletter), newsletter.state, _SECONDS) as database:
        yield database


def stamp(newsletter: Newsletter) -> object:
    """What differs when there is something new to be read. Raises NewsError."""
    if not _any(newsletter):
        return None
    from newsletter.store import inspection

    return inspection.stamp(_given(newsletter), newsletter.state) or time.monotonic() // _SERVER_SECONDS


def _any(newsletter: Newsletter) -> bool:
    """Whether it is worth the third of a second that the database's library takes to be there."""
    return bool(_given(newsletter)) or newsletter.state.is_dir()


def _given(newsletter: Newsletter) -> str | None:
    url = newsletter.secrets.database_url
    return url.get_secret_value() if url else None
