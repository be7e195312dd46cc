"""Delete what has expired: sign-ups that were not confirmed, mail that was sent, hashes with an end."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from newsletter.store import service_mails, sign_ups, suppression
from newsletter.store.database import Database

if TYPE_CHECKING:
    from sqlalchemy import Connection

log = logging.getLogger(__name__)

_PAUSE = timedelta(hours=1)
_ERASE_SECONDS = 1.0  # others may read meanwhile; what is not erased now is erased in an hour


def delete_expired(connection: "Connection", now: datetime) -> int:
    """Delete the rows that have expired; return their number."""
    return (
        sign_ups.delete_expired(connection, now)
        + service_mails.delete_old(connection, now)
        + suppression.delete_ended_pauses(connection, now)
    )


class Housekeeping:
    """Delete what has expired once an hour, and erase it from the database's file; `write` makes a change."""

    def __init__(
        self,
        database: Database,
        write: "Callable[[Callable[[Connection], int]], int]",
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database, self._write, self._now = database, write, now
        self._due_at = datetime.min.replace(tzinfo=UTC)
        self._is_erased = True

    def erase_later(self) -> None:
        """Erase deleted rows from the database's file in the next run, also if it deletes nothing itself."""
        self._is_erased = False

    def run_if_due(self) -> None:
        """Delete what has expired if the last time is an hour ago; raise StoreError if that fails."""
        now = self._now()
        if now < self._due_at:
            return
        deleted = self._write(lambda connection: delete_expired(connection, now))
        self._due_at = now + _PAUSE
        if deleted:
            log.info("expired rows deleted", extra={"rows": deleted})
        if deleted or not self._is_erased:
            self._is_erased = self._database.erase_deleted(_ERASE_SECONDS, rewrite=False)
