"""The content of a sealed state: the database, the secret key, and whose state it is.

The first line is JSON; the rest is the database, a SQLite file. A second, small content accompanies a state
on its ref: the number of the save, and the deadline of the process that made it.
"""

import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Self

from newsletter.display import printable
from newsletter.errors import StateError

_FORMAT = 1
_FIRST_YEAR, _LAST_YEAR = 2000, 9000


@dataclass(frozen=True)
class Archive:
    """A newsletter's state in one piece.

    `list_id` and `repository` name the list and the remote that the state belongs to; `repository` is "" in a
    file. `revision` is that of the tables of `database`. `secret_key` signs unsubscribe links.
    """

    list_id: str
    repository: str
    revision: str
    saved_at: datetime
    secret_key: str = field(repr=False)
    database: bytes = field(repr=False)

    def pack(self) -> bytes:
        """Return the state as bytes, which are to be sealed."""
        head = {**asdict(self), "saved_at": _text(self.saved_at), "format": _FORMAT}
        del head["database"]
        return json.dumps(head).encode() + b"\n" + self.database

    @classmethod
    def unpack(cls, content: bytes, where: str) -> Self:
        """Return the state in an unsealed content; raise StateError, which names `where`, if it has none."""
        head, _, database = content.partition(b"\n")
        values = _read(head, where)
        try:
            return cls(
                str(values["list_id"]),
                str(values["repository"]),
                str(values["revision"]),
                utc_time(values["saved_at"]),
                str(values["secret_key"]),
                database,
            )
        except (KeyError, TypeError, ValueError, OverflowError) as failure:
            raise _invalid(where) from failure


@dataclass(frozen=True)
class Lease:
    """The number of a save, and the time until which its process may send.

    `generation` grows by one with each save, so that an older state is noticed. `deadline` is None if nobody
    sends. `saved_by` names the process for people.
    """

    generation: int
    deadline: datetime | None
    saved_by: str

    def pack(self) -> bytes:
        """Return the lease as bytes, which are to be sealed."""
        deadline = _text(self.deadline) if self.deadline else None
        return json.dumps({**asdict(self), "deadline": deadline, "format": _FORMAT}).encode()

    @classmethod
    def unpack(cls, content: bytes, where: str) -> Self:
        """Return the lease in an unsealed content; raise StateError, which names `where`, if it has none."""
        values = _read(content, where)
        try:
            deadline = values["deadline"]
            return cls(
                int(values["generation"]), utc_time(deadline) if deadline else None, str(values["saved_by"])
            )
        except (KeyError, TypeError, ValueError, OverflowError) as failure:
            raise _invalid(where) from failure


def _read(content: bytes, where: str) -> dict[str, Any]:
    try:
        values: dict[str, Any] = json.loads(content)
        newer = values["format"] > _FORMAT
    except (ValueError, TypeError, KeyError, RecursionError) as failure:
        raise _invalid(where) from failure
    if newer:
        what = f"was saved by a newer version of news, in format {printable(str(values['format']))}"
        raise StateError.of(where, what, "install the newest version of news")
    return values


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()


def utc_time(text: Any) -> datetime:
    """Return a time in UTC; raise TypeError, ValueError or OverflowError for other text."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a time without its zone")
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        raise ValueError("a time to which nothing can be added")
    return moment.astimezone(UTC)


def _invalid(where: str) -> StateError:
    what = "was sealed with the right key, and holds no state that this version of news can read"
    return StateError.of(where, what, "save it again with the version of news that has it")
