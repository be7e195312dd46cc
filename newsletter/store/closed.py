"""Close a database whose content was copied to another one, so that nothing is sent from it any more.

The mark takes the place of the revision in Alembic's table: earlier versions of news refuse it too.
"""

import re
import secrets
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Self

from sqlalchemy import Connection, text

from newsletter.errors import StoreError
from newsletter.store.failures import describe
from newsletter.store.schema import REVISION

_TIME = "%Y%m%d%H%M"
FINISH = "run the same `news db copy` again"
_SET = "set NEWS_DATABASE_URL to it, or unset it for the file `news.db` of the state"


class Role(StrEnum):
    """The part that a closed database has in a copy.

    SOURCE: it was copied, and its copy was not opened yet. MOVED: it was copied, and its copy was opened, or
    was about to be. COPY: it is a complete copy that was not opened yet; the database that was copied may
    still be in use.
    """

    SOURCE = "closed"
    MOVED = "moved"
    COPY = "copy"


_MARK = re.compile(rf"({'|'.join(Role)}) ([0-9a-z]{{1,5}}) (\d{{12}}) ([0-9a-f]{{6}})")


@dataclass(frozen=True)
class ClosedMark:
    """The mark of a closed database: its role, its revision, the time of the copy, and the id of the copy.

    The time is in UTC, to the minute.
    """

    role: Role
    revision: str
    closed_at: datetime
    copy_id: str

    @classmethod
    def parse(cls, revision: str | None) -> Self | None:
        """Return the mark that a database has in the place of its revision; None if it is not closed."""
        found = _MARK.fullmatch(revision or "")
        try:
            closed_at = datetime.strptime(found[3], _TIME).replace(tzinfo=UTC) if found else None
        except ValueError:
            return None
        return cls(Role(found[1]), found[2], closed_at, found[4]) if found and closed_at else None

    @classmethod
    def new(cls) -> Self:
        """Return the mark of the source of a copy that is made now."""
        now = datetime.now(UTC).replace(second=0, microsecond=0)
        return cls(Role.SOURCE, REVISION, now, secrets.token_hex(3))

    def to(self, role: Role) -> Self:
        """Return the mark of the same copy for another role."""
        return replace(self, role=role)

    def __str__(self) -> str:
        return f"{self.role} {self.revision} {self.closed_at:{_TIME}} {self.copy_id}"  # 32 characters at most


class DatabaseClosed(StoreError):
    """The error for a database that is closed because of a copy."""

    def __init__(self, mark: ClosedMark, where: str) -> None:
        time = f"{mark.closed_at:%Y-%m-%d %H:%M} UTC"
        what = (
            f"is closed: its content was copied to another database on {time}, and a send from this one "
            "would reach people twice"
        )
        match mark.role:
            case Role.COPY:
                what = (
                    f"is closed: it is an unfinished copy, made on {time}, and the database that was copied "
                    "may still be in use"
                )
                hint = f"use the database that was copied: {_SET}; then {FINISH}"
            case Role.SOURCE:
                hint = (
                    f"use the other database: {_SET}; if that copy was interrupted, {FINISH}; if the other "
                    "database is lost: news db reopen"
                )
            case Role.MOVED:
                hint = (
                    f"use the other database: {_SET}; if that one is lost, or is an unfinished copy: news db "
                    "reopen"
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
    """Close an open database."""
    _replace_version(connection, REVISION, str(mark))


def record_opening(connection: Connection, mark: ClosedMark) -> None:
    """Record in the source with this mark that its copy is opened, so that no second one is opened."""
    _replace_version(connection, str(mark), str(mark.to(Role.MOVED)))


def reopen(connection: Connection, mark: ClosedMark) -> None:
    """Open a database that has this mark."""
    _replace_version(connection, str(mark), mark.revision)


def _replace_version(connection: Connection, before: str, after: str) -> None:
    """Replace the revision, or the mark; raise StoreError if another process has changed it meanwhile."""
    statement = text("update alembic_version set version_num = :after where version_num = :before")
    if connection.execute(statement, {"before": before, "after": after}).rowcount != 1:
        what = "was closed or opened by another process meanwhile"
        raise StoreError(what, "run the same command again", where=describe(connection.engine.url))
