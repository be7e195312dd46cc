"""The queue of mail about subscriptions: written with the change that needs it, and sent at most once.

The states of a mail are those of `ServiceMailState`. A mail is `intended` before its call. If the process
ends during the call, `settle_abandoned` makes it `unknown`, and nobody sends it again.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Connection, Select, and_, bindparam, delete, func, insert, or_, select, update

from newsletter.constants import SERVICE_MAIL_KINDS, ServiceMailKind
from newsletter.store.batches import batches
from newsletter.store.schema import service_mail_table, sign_up_table, subscriber_table
from newsletter.subscribers.mail_limits import MailCount

RETENTION = timedelta(days=30)
"""The time for which mail that was sent stays in the database, and mail that was not sent waits."""

_columns = service_mail_table.c
_SETTLE = (
    update(service_mail_table)
    .where(
        _columns.id == bindparam("id_"),
        or_(
            _columns.state == "intended",
            and_(_columns.state == "unknown", bindparam("state") != "waiting"),
        ),
    )
    .values({name: bindparam(name) for name in ("state", "reason", "retry_at", "settled_at")})
)


@dataclass(frozen=True, slots=True)
class ServiceMail:
    """A mail to the address of a sign-up or of a subscriber; `tries` is the number of earlier calls."""

    id: int
    kind: ServiceMailKind
    sign_up_id: int | None
    subscriber_id: int | None
    address: str
    written_at: datetime
    tries: int


@dataclass(frozen=True, slots=True)
class ServiceMailResult:
    """The result of a call; `waiting` is a mail that was certainly not sent, and is tried at `retry_at`."""

    state: Literal["accepted", "refused", "unknown", "waiting"]
    reason: str = ""
    retry_at: datetime | None = None


def write(
    connection: Connection,
    kind: ServiceMailKind,
    now: datetime,
    *,
    sign_up_id: int | None = None,
    subscriber_id: int | None = None,
) -> None:
    """Write a mail to a sign-up or to a subscriber, which waits until it is sent."""
    values = {"kind": kind, "sign_up_id": sign_up_id, "subscriber_id": subscriber_id}
    connection.execute(insert(service_mail_table), values | {"written_at": now, "state": "waiting"})


def find_count(
    connection: Connection, kind: ServiceMailKind, subscriber_id: int, since: datetime
) -> MailCount | None:
    """Return the count of the mails of a kind to a subscriber since a time; None if there are none."""
    is_one = and_(_columns.kind == kind, _columns.subscriber_id == subscriber_id, _columns.written_at > since)
    times = (func.min(_columns.written_at), func.max(_columns.written_at))
    number, first, last = connection.execute(select(func.count(), *times).where(is_one)).one()
    return MailCount(number, first, last) if number else None


def waiting(
    connection: Connection,
    now: datetime,
    limit: int,
    kinds: Collection[str] = SERVICE_MAIL_KINDS,
) -> list[ServiceMail]:
    """Return up to `limit` mails of some kinds that can be sent now, oldest first.

    A mail whose sign-up has expired, or whose person is not in the database any more, is not one of them.
    """
    is_due = and_(
        _columns.state == "waiting",
        _columns.kind.in_(kinds),
        or_(_columns.retry_at.is_(None), _columns.retry_at <= now),
    )
    has_address = or_(
        sign_up_table.c.expires_at > now,
        and_(_columns.sign_up_id.is_(None), subscriber_table.c.id.is_not(None)),
    )
    query = _with_addresses().where(is_due, has_address).order_by(_columns.id).limit(limit)
    return [ServiceMail(*row) for row in connection.execute(query)]


def claim(connection: Connection, mails: Sequence[ServiceMail]) -> list[ServiceMail]:
    """Record that the calls for these mails begin; return those that still waited, which alone may be sent.

    Commit the transaction before the calls.
    """
    claimed: set[int] = set()
    for ids in batches([mail.id for mail in mails]):
        query = (
            update(service_mail_table)
            .where(_columns.id.in_(ids), _columns.state == "waiting")
            .values(state="intended", tries=_columns.tries + 1, retry_at=None)
            .returning(_columns.id)
        )
        claimed.update(connection.scalars(query))
    return [mail for mail in mails if mail.id in claimed]


def settle(connection: Connection, results: Mapping[int, ServiceMailResult], now: datetime) -> None:
    """Record the results of the calls for claimed mails, by the ids of the mails.

    A late result replaces `unknown`, but never makes such a mail wait again.
    """
    rows = [
        {
            "id_": number,
            "state": result.state,
            "reason": result.reason or None,
            "retry_at": result.retry_at if result.state == "waiting" else None,
            "settled_at": None if result.state == "waiting" else now,
        }
        for number, result in results.items()
    ]
    if rows:
        connection.execute(_SETTLE, rows)


def settle_abandoned(connection: Connection, now: datetime) -> int:
    """Record that mails whose calls have no result were perhaps sent; return their number.

    Call it only when no process sends mail of this queue: with the `mailer_lock`.
    """
    query = update(service_mail_table).where(_columns.state == "intended")
    return connection.execute(query.values(state="unknown", settled_at=now)).rowcount


def settled_since(connection: Connection, kind: ServiceMailKind, since: datetime) -> list[datetime]:
    """Return the times at which mails of a kind were settled since a time, oldest first."""
    is_recent = and_(_columns.kind == kind, _columns.settled_at > since)
    query = select(_columns.settled_at).where(is_recent).order_by(_columns.settled_at)
    return list(connection.scalars(query))


def delete_old(connection: Connection, now: datetime) -> int:
    """Delete the mails that were settled, or written and never sent, long ago; return their number."""
    is_old = or_(
        _columns.settled_at <= now - RETENTION,
        and_(_columns.state == "waiting", _columns.written_at <= now - RETENTION),
    )
    return connection.execute(delete(service_mail_table).where(is_old)).rowcount


def delete_waiting(
    connection: Connection,
    kind: ServiceMailKind,
    *,
    sign_up_id: int | None = None,
    subscriber_id: int | None = None,
) -> None:
    """Delete the mails of a kind to a sign-up or to a subscriber that wait, and have become untrue."""
    is_to = _columns.sign_up_id == sign_up_id if sign_up_id else _columns.subscriber_id == subscriber_id
    query = delete(service_mail_table).where(_columns.kind == kind, _columns.state == "waiting", is_to)
    connection.execute(query)


def _with_addresses() -> Select[Any]:
    """Return the query of the columns of `ServiceMail`."""
    address = func.coalesce(sign_up_table.c.address, subscriber_table.c.address)
    people = service_mail_table.outerjoin(sign_up_table, sign_up_table.c.id == _columns.sign_up_id)
    people = people.outerjoin(subscriber_table, subscriber_table.c.id == _columns.subscriber_id)
    return select(
        _columns.id,
        _columns.kind,
        _columns.sign_up_id,
        _columns.subscriber_id,
        address,
        _columns.written_at,
        _columns.tries,
    ).select_from(people)
