"""Recipients and chunks as statements: each function is a part of somebody's transaction."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Connection,
    Row,
    Select,
    Update,
    delete,
    func,
    insert,
    literal,
    null,
    or_,
    select,
    update,
)

from newsletter.display import visible
from newsletter.errors import StoreError
from newsletter.sending.model import ChunkState, Claimed, Fate, Landed, Lane, Send
from newsletter.sending.outcomes import Accepted, Refused
from newsletter.store.schema import attempt, chunk, recipient, send, subscriber
from newsletter.subscribers.model import Subscriber

ChunkRow = Row[*tuple[Any, ...]]


def supersede(connection: Connection, send_id: int) -> bool:
    """Makes room for an issue's new send where the old one was called back, and nobody has it."""
    somebody = select(chunk.c.first).where(
        chunk.c.send_id == send_id, chunk.c.state.in_(("accepted", "unknown", "intended"))
    )
    called_back = update(send).where(send.c.id == send_id, send.c.state == "cancelled", ~somebody.exists())
    gone = called_back.values(state="superseded", list=f"superseded-{send_id}")
    return connection.execute(gone).rowcount == 1


def plan_recipients(connection: Connection, send_id: int) -> int:
    """Numbers everybody who is active now, inside the database: nothing of a list passes through here."""
    ordered = func.row_number().over(order_by=subscriber.c.id)
    active = select(literal(send_id), ordered, subscriber.c.id, null()).where(subscriber.c.state == "active")
    columns = ["send_id", "number", "subscriber_id", "outcome"]
    connection.execute(insert(recipient).from_select(columns, active))
    highest = select(func.coalesce(func.max(recipient.c.number), 0)).where(recipient.c.send_id == send_id)
    total = connection.scalar(highest) or 0
    connection.execute(update(send).where(send.c.id == send_id).values(recipients=total))
    return total


def plan_chunks(connection: Connection, send_id: int, total: int, size: int, hold_after: int) -> None:
    """Ranges of at most `size` recipients; one begins behind `hold_after`."""
    firsts = [*range(1, hold_after + 1, size), *range(hold_after + 1, total + 1, size)]
    ends = [*(first - 1 for first in firsts[1:]), total]
    values = {"send_id": send_id, "skipped": 0, "state": "waiting", "tries": 0}
    rows = [{**values, "first": first, "last": last} for first, last in zip(firsts, ends, strict=False)]
    if rows:
        connection.execute(insert(chunk), rows)


def may_be_tried(of: Send, now: datetime, most: int) -> Select[*tuple[Any, ...]]:
    """The waiting chunks whose turn it is; the least tried first, so that one bad address holds nobody up."""
    query = select(chunk).where(chunk.c.send_id == of.id, chunk.c.state == "waiting")
    query = query.where(or_(chunk.c.retry_at.is_(None), chunk.c.retry_at <= now))
    if of.hold_after is not None:
        query = query.where(chunk.c.first <= of.hold_after)
    return query.order_by(chunk.c.tries, chunk.c.first).limit(most)


def take(connection: Connection, row: ChunkRow, into: Lane | None) -> Claimed:
    """A chunk's people who are still on the list; who has left since the plan is written down as left."""
    people = people_of(connection, row.send_id, row.first, row.last, active=True)
    if len(people) + row.skipped < row.last - row.first + 1:
        _leave(connection, row, {one.number for one in people})
    if not people:
        connection.execute(_at(row.send_id, row.first).values(state="skipped"))
    return Claimed(row.send_id, row.first, row.last, 0, row.tries, people, into)


def people_of(
    connection: Connection, send_id: int, first: int, last: int, *, active: bool = False
) -> tuple[Subscriber, ...]:
    """The recipients first..last who have not left during this send; `active`: and are on the list now."""
    query = (
        select(subscriber.c.id, subscriber.c.address, subscriber.c.name, recipient.c.number)
        .join(recipient, subscriber.c.id == recipient.c.subscriber_id)
        .where(recipient.c.send_id == send_id, recipient.c.number.between(first, last))
        # Who left during this send stays out of it, even if they have come back since.
        .where(recipient.c.outcome.is_(None))
        .order_by(recipient.c.number)
    )
    if active:
        query = query.where(subscriber.c.state == "active")
    # As the driver has them: SQLAlchemy's own rows take as long again, a million times.
    return tuple(map(Subscriber._make, connection.execute(query).cursor.fetchall()))


def intend(connection: Connection, found: Sequence[Claimed], run: str, now: datetime) -> list[int]:
    """Writes down that chunks are about to be tried; the attempts' ids, in the same order."""
    if not found:
        return []
    send_id, into = found[0].send_id, found[0].lane
    number = into.number if into else None
    here = update(chunk).where(chunk.c.send_id == send_id, chunk.c.first.in_([one.first for one in found]))
    claimed = here.where(chunk.c.state == "waiting").values(state="intended", lane=number)
    if connection.execute(claimed).rowcount != len(found):
        raise StoreError("another process has claimed the same recipients", "see: news status")
    values = {"send_id": send_id, "lane": number, "run": run, "state": "intended", "intended_at": now}
    rows = [{**values, "first": one.first, "last": one.last} for one in found]
    made = insert(attempt).returning(attempt.c.id, sort_by_parameter_order=True)
    return list(connection.scalars(made, rows))


def settle(connection: Connection, landed: Landed, now: datetime) -> None:
    """Writes down what came of a try; what was called back in the meantime stays so."""
    outcome, claimed = landed.outcome, landed.claimed
    mixed = len({fate.state for fate in landed.fates}) > 1 and not isinstance(outcome, Refused)
    values = {
        "state": "mixed" if mixed else outcome.state,
        # A provider's words may hold what no database takes and no terminal should be shown.
        "message_id": visible(outcome.message_id, 200) if isinstance(outcome, Accepted) else None,
        "error": None if isinstance(outcome, Accepted) else visible(outcome.reason, 500),
        "settled_at": now,
    }
    open_ = update(attempt).where(
        attempt.c.id == claimed.attempt, attempt.c.state.in_(("intended", "unknown"))
    )
    if connection.execute(open_.values(values)).rowcount != 1:
        return
    in_doubt = select(chunk).where(
        chunk.c.send_id == claimed.send_id,
        chunk.c.first == claimed.first,
        chunk.c.last == claimed.last,
        chunk.c.state.in_(("intended", "unknown")),
    )
    if row := connection.execute(in_doubt).first():
        replace(connection, row, claimed.people, landed.fates)


def replace(
    connection: Connection, row: ChunkRow, people: Sequence[Subscriber], fates: Sequence[Fate]
) -> None:
    """A chunk by the ranges into which its people's fates divide it."""
    rows = []
    for fate in fates:
        here = sum(fate.first <= one.number <= fate.last for one in people)
        kept = fate.state in ("accepted", "unknown")
        put_off = fate.retry_at is not None or len(fates) > 1
        rows.append(
            {
                "send_id": row.send_id,
                "first": fate.first,
                "last": fate.last,
                "skipped": fate.last - fate.first + 1 - here,
                "state": fate.state,
                "tries": row.tries + put_off,
                "retry_at": fate.retry_at,
                "lane": row.lane if kept else None,
                "reason": visible(fate.reason, 500) or None,
            }
        )
    if len(rows) == 1:
        connection.execute(_at(row.send_id, row.first).values(rows[0]))
        return
    connection.execute(delete(chunk).where(chunk.c.send_id == row.send_id, chunk.c.first == row.first))
    connection.execute(insert(chunk), rows)


def parted(
    row: ChunkRow, people: Sequence[Subscriber], chosen: Collection[int], to: ChunkState, reason: str
) -> list[Fate]:
    """A chunk's ranges where some of its people are put into another state, and the others stay."""
    found: list[Fate] = []
    for one in people:
        state, why = (to, reason) if one.number in chosen else (row.state, row.reason or "")
        if found and found[-1][2:4] == (state, why):
            found[-1] = found[-1]._replace(last=one.number)
        else:
            found.append(Fate(found[-1].last + 1 if found else row.first, one.number, state, why))
    return [*found[:-1], found[-1]._replace(last=row.last)]


def wait_again(connection: Connection, send_id: int) -> None:
    """Somebody is waiting again; nobody is where the whole send is called back."""
    connection.execute(update(send).where(send.c.id == send_id).values(finished_at=None))
    called_back = select(send.c.id).where(send.c.id == send_id, send.c.state == "cancelled")
    waiting = update(chunk).where(chunk.c.send_id == send_id, chunk.c.state == "waiting")
    connection.execute(waiting.where(called_back.exists()).values(state="cancelled", retry_at=None))


def _leave(connection: Connection, row: ChunkRow, there: Collection[int]) -> None:
    here = (recipient.c.send_id == row.send_id, recipient.c.number.between(row.first, row.last))
    planned = select(recipient.c.number).where(*here, recipient.c.outcome.is_(None))
    gone = [number for number in connection.scalars(planned) if number not in there]
    left = update(recipient).where(*here, recipient.c.number.in_(gone))
    connection.execute(left.values(outcome="left"))
    connection.execute(_at(row.send_id, row.first).values(skipped=row.skipped + len(gone)))


def _at(send_id: int, first: int) -> Update:
    return update(chunk).where(chunk.c.send_id == send_id, chunk.c.first == first)
