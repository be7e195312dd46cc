"""Find subscribers by the digits that identify them in a Message-ID: a keyed hash of their number."""

from collections.abc import Callable, Collection

from sqlalchemy import select

from newsletter.store.database import Database
from newsletter.store.schema import subscriber_table

MAX_SEARCHED = 2_000_000
_PAGE_ROWS = 10_000


def find_by_digits(
    database: Database, digits: Collection[str], digits_of: Callable[[int], Collection[str]]
) -> dict[str, int]:
    """Return the ids of subscribers by their digits, for those of `digits` that are found.

    `digits_of` returns the digits of a subscriber, one for each key. There is no way back from the digits, so
    all subscribers are tried in one search, the newest first, MAX_SEARCHED at most: a million take four
    seconds of a processor, and up to twenty on a busy machine.
    """
    wanted, found = set(digits), dict[str, int]()
    query = select(subscriber_table.c.id).order_by(subscriber_table.c.id.desc()).limit(_PAGE_ROWS)
    before, searched = None, 0
    while wanted and searched < MAX_SEARCHED:
        with database.reading() as connection:
            page = query if before is None else query.where(subscriber_table.c.id < before)
            ids = list(connection.scalars(page))
        for subscriber_id in ids:
            for candidate in wanted.intersection(digits_of(subscriber_id)):
                found[candidate] = subscriber_id
                wanted.discard(candidate)
        if len(ids) < _PAGE_ROWS:
            break
        before, searched = ids[-1], searched + len(ids)
    return found
