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

from newsletter.display import printable
from newsletter.errors import StoreError
from newsletter.sending.model import ChunkResult, ChunkState, ClaimedChunk, HeldBatch, Send, Transition
from newsletter.sending.outcomes import Accepted, Refused
from newsletter.store.schema import attempt_table, chunk_table, recipient_table, send_table, subscriber_table
from newsletter.subscribers.model import Subscriber

ChunkRow = Row[*tuple[Any, ...]]


def supersede(connection: Connection, send_id: int) -> bool:
    """Makes room for an issue's new send where the old one was called back, and nobody has it."""
    somebody = select(chunk_table.c.first).where(
        chunk_table.c.send_id == send_id, chunk_table.c.state.in_(("accepted", "unknown", "intended"))
    )
    called_back = update(send_table).where(
        send_table.c.id == send_id, send_table.c.state == "cancelled", ~somebody.exists()
    )
    gone = called_back.values(state="superseded", list=f"superseded-{send_id}")
    return connection.execute(gone).rowcount == 1


def plan_recipients(connection: Connection, send_id: int) -> int:
    """Numbers everybody who is active now, inside the database: nothing of a list passes through here."""
    ordered = func.row_number().over(order_by=subscriber_table.c.id)
    active = select(literal(send_id), ordered, subscriber_table.c.id, null()).where(
        subscriber_table.c.state == "active"
    )
    columns = ["send_id", "number", "subscriber_id", "outcome"]
    connection.execute(insert(recipient_table).from_select(columns, active))
    highest = select(func.coalesce(func.max(recipient_table.c.number), 0)).where(
        recipient_table.c.send_id == send_id
    )
    total = connection.scalar(highest) or 0
    connection.execute(update(send_table).where(send_table.c.id == send_id).values(recipients=total))
    return total


def plan_chunks(connection: Connection, send_id: int, total: int, size: int, canary_size: int) -> int:
    """Ranges of at most `size` recipients, one begins behind `canary_size`; returns how many they are."""
    firsts = [*range(1, canary_size + 1, size), *range(canary_size + 1, total + 1, size)]
    ends = [*(first - 1 for first in firsts[1:]), total]
    values = {"send_id": send_id, "skipped": 0, "state": "waiting", "tries": 0}
    rows = [{**values, "first": first, "last": last} for first, last in zip(firsts, ends, strict=False)]
    if rows:
        connection.execute(insert(chunk_table), rows)
    return len(rows)


def due_chunks(send: Send, now: datetime, most: int) -> Select[*tuple[Any, ...]]:
    """The waiting chunks whose turn it is; the least tried first, so that one bad address holds nobody up."""
    query = select(chunk_table).where(chunk_table.c.send_id == send.id, chunk_table.c.state == "waiting")
    query = query.where(or_(chunk_table.c.retry_at.is_(None), chunk_table.c.retry_at <= now))
    if send.canary_size is not None:
        query = query.where(chunk_table.c.first <= send.canary_size)
    return query.order_by(chunk_table.c.tries, chunk_table.c.first).limit(most)


def claim_chunk(connection: Connection, row: ChunkRow, into: HeldBatch | None) -> ClaimedChunk:
    """A chunk's people who are still on the list; who has left since the plan is written down as left."""
    recipients = recipients_of(connection, row.send_id, row.first, row.last, active=True)
    if len(recipients) + row.skipped < row.last - row.first + 1:
        _mark_left(connection, row, {one.number for one in recipients})
    if not recipients:
        connection.execute(_at(row.send_id, row.first).values(state="skipped"))
    return ClaimedChunk(row.send_id, row.first, row.last, 0, row.tries, recipients, into)


def recipients_of(
    connection: Connection, send_id: int, first: int, last: int, *, active: bool = False
) -> tuple[Subscriber, ...]:
    """The recipients first..last who have not left during this send; `active`: and are on the list now."""
    query = (
        select(
            subscriber_table.c.id,
            subscriber_table.c.address,
            subscriber_table.c.name,
            recipient_table.c.number,
        )
        .join(recipient_table, subscriber_table.c.id == recipient_table.c.subscriber_id)
        .where(recipient_table.c.send_id == send_id, recipient_table.c.number.between(first, last))
        # Who left during this send stays out of it, even if they have come back since.
        .where(recipient_table.c.outcome.is_(None))
        .order_by(recipient_table.c.number)
    )
    if active:
        query = query.where(subscriber_table.c.state == "active")
    # As the driver has them: SQLAlchemy's own rows take as long again, a million times.
    return tuple(map(Subscriber._make, connection.execute(query).cursor.fetchall()))


def record_attempts(
    connection: Connection, found: Sequence[ClaimedChunk], process: str, now: datetime
) -> list[int]:
    """Writes down that chunks are about to be tried; the attempts' ids, in the same order."""
    if not found:
        return []
    send_id, into = found[0].send_id, found[0].held_batch
    number = into.number if into else None
    here = update(chunk_table).where(
        chunk_table.c.send_id == send_id, chunk_table.c.first.in_([one.first for one in found])
    )
    claimed = here.where(chunk_table.c.state == "waiting").values(state="intended", held_batch=number)
    if connection.execute(claimed).rowcount != len(found):
        raise StoreError("another process has claimed the same recipients", "see: news status")
    values = {
        "send_id": send_id,
        "held_batch": number,
        "process": process,
        "state": "intended",
    }
    rows = [{**values, "first": one.first, "last": one.last, "intended_at": now} for one in found]
    made = insert(attempt_table).returning(attempt_table.c.id, sort_by_parameter_order=True)
    return list(connection.scalars(made, rows))


def settle(connection: Connection, result: ChunkResult, now: datetime) -> None:
    """Writes down what came of a try; what was called back in the meantime stays so."""
    outcome, claimed = result.outcome, result.claimed
    mixed = len({transition.state for transition in result.transitions}) > 1 and not isinstance(
        outcome, Refused
    )
    values = {
        "state": "mixed" if mixed else outcome.state,
        # A provider's words may hold what no database takes and no terminal should be shown.
        "message_id": printable(outcome.message_id, 200) if isinstance(outcome, Accepted) else None,
        "error": None if isinstance(outcome, Accepted) else printable(outcome.reason, 500),
        "settled_at": now,
    }
    open_ = update(attempt_table).where(
        attempt_table.c.id == claimed.attempt, attempt_table.c.state.in_(("intended", "unknown"))
    )
    if connection.execute(open_.values(values)).rowcount != 1:
        return
    in_doubt = select(chunk_table).where(
        chunk_table.c.send_id == claimed.send_id,
        chunk_table.c.first == claimed.first,
        chunk_table.c.last == claimed.last,
        chunk_table.c.state.in_(("intended", "unknown")),
    )
    if row := connection.execute(in_doubt).first():
        replace(connection, row, claimed.recipients, result.transitions)


def replace(
    connection: Connection, row: ChunkRow, recipients: Sequence[Subscriber], transitions: Sequence[Transition]
) -> None:
    """A chunk by the ranges into which its people's fates divide it."""
    rows = []
    for transition in transitions:
        here = sum(transition.first <= one.number <= transition.last for one in recipients)
        kept = transition.state in ("accepted", "unknown")
        put_off = transition.retry_at is not None or len(transitions) > 1
        rows.append(
            {
                "send_id": row.send_id,
                "first": transition.first,
                "last": transition.last,
                "skipped": transition.last - transition.first + 1 - here,
                "state": transition.state,
                "tries": row.tries + put_off,
                "retry_at": transition.retry_at,
                "held_batch": row.held_batch if kept else None,
                "reason": printable(transition.reason, 500) or None,
            }
        )
    if len(rows) == 1:
        connection.execute(_at(row.send_id, row.first).values(rows[0]))
        return
    connection.execute(
        delete(chunk_table).where(chunk_table.c.send_id == row.send_id, chunk_table.c.first == row.first)
    )
    connection.execute(insert(chunk_table), rows)


def split_chunk(
    row: ChunkRow, recipients: Sequence[Subscriber], chosen: Collection[int], to: ChunkState, reason: str
) -> list[Transition]:
    """A chunk's ranges where some of its people are put into another state, and the others stay."""
    found: list[Transition] = []
    for one in recipients:
        state, why = (to, reason) if one.number in chosen else (row.state, row.reason or "")
        if found and found[-1][2:4] == (state, why):
            found[-1] = found[-1]._replace(last=one.number)
        else:
            found.append(Transition(found[-1].last + 1 if found else row.first, one.number, state, why))
    return [*found[:-1], found[-1]._replace(last=row.last)]


def reopen(connection: Connection, send_id: int) -> None:
    """Somebody is waiting again; nobody is where the whole send is called back."""
    connection.execute(update(send_table).where(send_table.c.id == send_id).values(finished_at=None))
    called_back = select(send_table.c.id).where(send_table.c.id == send_id, send_table.c.state == "cancelled")
    waiting = update(chunk_table).where(chunk_table.c.send_id == send_id, chunk_table.c.state == "waiting")
    connection.execute(waiting.where(called_back.exists()).values(state="cancelled", retry_at=None))


def _mark_left(connection: Connection, row: ChunkRow, there: Collection[int]) -> None:
    here = (recipient_table.c.send_id == row.send_id, recipient_table.c.number.between(row.first, row.last))
    planned = select(recipient_table.c.number).where(*here, recipient_table.c.outcome.is_(None))
    gone = [number for number in connection.scalars(planned) if number not in there]
    left = update(recipient_table).where(*here, recipient_table.c.number.in_(gone))
    connection.execute(left.values(outcome="left"))
    connection.execute(_at(row.send_id, row.first).values(skipped=row.skipped + len(gone)))


def _at(send_id: int, first: int) -> Update:
    return update(chunk_table).where(chunk_table.c.send_id == send_id, chunk_table.c.first == first)
