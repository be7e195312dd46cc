"""Close a database whose content was copied to another one, so that nothing is sent from it any more.

The mark takes the place of the revision in Alembic's table: earlier versions of news refuse it too.
"""

import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from sqlalchemy import Connection, text

from newsletter.errors import StoreError
from newsletter.store.failures import describe
from newsletter.store.schema import REVISION

_MARK = re.compile(r"closed ([0-9a-z]{1,8}) (\d{12}) ([0-9a-f]{6})")
_TIME = "%Y%m%d%H%M"
FINISH = "run the same `news db copy` again"


@dataclass(frozen=True)
class ClosedMark:
    """The mark of a closed database: its revision, the time in UTC to the minute, and the id of the copy."""

    revision: str
    closed_at: datetime
    copy_id: str

    @classmethod
    def parse(cls, revision: str | None) -> Self | None:
        """Return the mark that a database has in the place of its revision; None if it is not closed."""
        found = _MARK.fullmatch(revision or "")
        try:
            closed_at = datetime.strptime(found[2], _TIME).replace(tzinfo=UTC) if found else None
        except ValueError:
            return None
        return cls(found[1], closed_at, found[3]) if found and closed_at else None

    @classmethod
    def new(cls) -> Self:
        """Return a mark for a copy that is made now."""
        return cls(REVISION, datetime.now(UTC).replace(second=0, microsecond=0), secrets.token_hex(3))

    def __str__(self) -> str:
        return f"closed {self.revision} {self.closed_at:{_TIME}} {self.copy_id}"  # 32 characters at most


class DatabaseClosed(StoreError):
    """The error for a database that was closed because its content was copied to another one."""

    def __init__(self, mark: ClosedMark, where: str) -> None:
        what = (
            f"is closed: its content was copied to another database on {mark.closed_at:%Y-%m-%d %H:%M} UTC, "
            "and a send from this one would reach people twice"
        )
        hint = (
            "use the other database: set NEWS_DATABASE_URL to it, or unset it for the file `news.db` of the "
            f"state; if that copy was interrupted, {FINISH}; if the other database is lost: news db reopen"
        )
        super().__init__(what, hint, where=where)
        self.mark = mark


def version(connection: Connection) -> str | None:
    """Return the revision of a database, or the text of its mark; None if its table of revisions is empty."""
    found = connection.scalar(text("select version_num from alembic_version"))
    return None if found is None else str(found)


def refuse_closed(connection: Connection) -> None:
    """Raise DatabaseClosed for a closed database."""
    if (found := version(connection)) != REVISION and (mark := ClosedMark.parse(found)):
        raise DatabaseClosed(mark, describe(connection.engine.url))


def close(connection: Connection, mark: ClosedMark) -> None:
    """Close a database."""
    _set_version(connection, str(mark))


def reopen(connection: Connection, mark: ClosedMark) -> None:
    """Open a database that has this mark."""
    _set_version(connection, mark.revision)


def _set_version(connection: Connection, value: str) -> None:
    connection.execute(text("update alembic_version set version_num = :value"), {"value": value})
