"""The statements on recipients and chunks; each function runs inside a transaction of its caller."""

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
from newsletter.sending.model import (
    ChunkResult,
    ChunkState,
    ClaimedChunk,
    HeldBatch,
    Send,
    Transition,
    sizes,
)
from newsletter.sending.outcomes import Accepted, Refused
from newsletter.sending.transitions import covering
from newsletter.store.recipient_blocks import expand
from newsletter.store.recipient_pages import address_or_forgotten
from newsletter.store.schema import attempt_table, chunk_table, recipient_table, send_table, subscriber_table
from newsletter.subscribers.model import Subscriber

ChunkRow = Row[*tuple[Any, ...]]


def supersede(connection: Connection, send_id: int) -> bool:
    """Mark an issue's cancelled send as superseded, so that a new one can be planned.

    Return False, and change nothing, if it is not cancelled or if a recipient has or may have its mail.
    """
    reached = select(chunk_table.c.first).where(
        chunk_table.c.send_id == send_id, chunk_table.c.state.in_(("accepted", "unknown", "intended"))
    )
    cancelled = update(send_table).where(
        send_table.c.id == send_id, send_table.c.state == "cancelled", ~reached.exists()
    )
    superseded = cancelled.values(state="superseded", list=f"superseded-{send_id}")
    return connection.execute(superseded).rowcount == 1


def plan_recipients(connection: Connection, send_id: int) -> int:
    """Make all active subscribers recipients of a send, numbered from 1; return their number.

    One statement inserts them inside the database: they are not read.
    """
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
    """Insert chunks of at most `size` recipients; return the number of chunks.

    One chunk begins after recipient `canary_size`, so that the canary shares no chunk with other recipients.
    """
    firsts = [*range(1, canary_size + 1, size), *range(canary_size + 1, total + 1, size)]
    ends = [*(first - 1 for first in firsts[1:]), total]
    values = {"send_id": send_id, "skipped": 0, "state": "waiting", "tries": 0}
    rows = [{**values, "first": first, "last": last} for first, last in zip(firsts, ends, strict=False)]
    if rows:
        connection.execute(insert(chunk_table), rows)
    return len(rows)


def due_chunks(send: Send, now: datetime, limit: int) -> Select[*tuple[Any, ...]]:
    """Return the query for up to `limit` waiting chunks that are due at `now`.

    Chunks with the fewest tries come first, so that one rejected address does not delay the other chunks. If
    the send has a canary, chunks after the canary are not due.
    """
    query = select(chunk_table).where(chunk_table.c.send_id == send.id, chunk_table.c.state == "waiting")
    query = query.where(or_(chunk_table.c.retry_at.is_(None), chunk_table.c.retry_at <= now))
    if send.canary_size is not None:
        query = query.where(chunk_table.c.first <= send.canary_size)
    return query.order_by(chunk_table.c.tries, chunk_table.c.first).limit(limit)


def claim_chunk(connection: Connection, row: ChunkRow, held_batch: HeldBatch | None) -> ClaimedChunk:
    """Return a chunk with its recipients who are still on the list; record the others as left.

    A chunk without recipients is recorded as skipped.
    """
    recipients = recipients_of(connection, row.send_id, row.first, row.last, active=True)
    if len(recipients) + row.skipped < row.last - row.first + 1:
        _mark_left(connection, row, {recipient.number for recipient in recipients})
    if not recipients:
        connection.execute(_update_chunk(row.send_id, row.first).values(state="skipped"))
    return ClaimedChunk(row.send_id, row.first, row.last, 0, row.tries, recipients, held_batch)


def recipients_of(
    connection: Connection, send_id: int, first: int, last: int, *, active: bool = False
) -> tuple[Subscriber, ...]:
    """Return the recipients first..last, without those who left during this send.

    `active`: return only recipients who are subscribed now. Recipients who were forgotten are among the
    others: their outcomes count like those of anybody.
    """
    query = (
        select(
            recipient_table.c.subscriber_id,
            address_or_forgotten,
            func.coalesce(subscriber_table.c.name, ""),
            recipient_table.c.number,
        )
        .join_from(
            recipient_table,
            subscriber_table,
            subscriber_table.c.id == recipient_table.c.subscriber_id,
            isouter=not active,
        )
        .where(recipient_table.c.send_id == send_id, recipient_table.c.number.between(first, last))
        # A recipient that left during this send gets no mail of it, even after subscribing again.
        .where(recipient_table.c.outcome.is_(None))
        .order_by(recipient_table.c.number)
    )
    if active:
        query = query.where(subscriber_table.c.state == "active")
    # The driver's rows are read: for a million recipients, SQLAlchemy's own rows would double the time.
    return tuple(map(Subscriber._make, connection.execute(query).cursor.fetchall()))


def record_attempts(
    connection: Connection, chunks: Sequence[ClaimedChunk], process: str, now: datetime
) -> list[int]:
    """Record an attempt for each chunk before its submission; return the attempts' ids, in the same order.

    Raise StoreError if another process has claimed one of the chunks.
    """
    if not chunks:
        return []
    send_id, held_batch = chunks[0].send_id, chunks[0].held_batch
    number = held_batch.number if held_batch else None
    waiting = update(chunk_table).where(
        chunk_table.c.send_id == send_id,
        chunk_table.c.first.in_([chunk.first for chunk in chunks]),
        chunk_table.c.state == "waiting",
    )
    if connection.execute(waiting.values(state="intended", held_batch=number)).rowcount != len(chunks):
        raise StoreError("another process has claimed the same recipients", "run: news status")
    return _insert_attempts(connection, chunks, process, now)


def _insert_attempts(
    connection: Connection, chunks: Sequence[ClaimedChunk], process: str, now: datetime
) -> list[int]:
    held_batch = chunks[0].held_batch
    values = {
        "send_id": chunks[0].send_id,
        "held_batch": held_batch.number if held_batch else None,
        "process": process,
        "state": "intended",
    }
    rows = [{**values, "first": chunk.first, "last": chunk.last, "intended_at": now} for chunk in chunks]
    inserted = insert(attempt_table).returning(attempt_table.c.id, sort_by_parameter_order=True)
    return list(connection.scalars(inserted, rows))


def unknown_attempts(send_id: int, since: datetime, now: datetime) -> Select[*tuple[Any, ...]]:
    """Return the query for chunks with an unknown outcome, each with the id of its newest attempt.

    A chunk is left out if one of its attempts began before `since`, or after `now` by a clock that was wrong,
    or if a held batch has its mail. So is one with an attempt that a published copy recorded in advance: the
    machine that made it may have been refused, and have sent to parts of the chunk since.
    """
    same_chunk = (
        (attempt_table.c.send_id == chunk_table.c.send_id)
        & (attempt_table.c.first == chunk_table.c.first)
        & (attempt_table.c.last == chunk_table.c.last)
    )
    return (
        select(chunk_table.c.first, chunk_table.c.last, func.max(attempt_table.c.id).label("attempt"))
        .join_from(chunk_table, attempt_table, same_chunk)
        .where(
            chunk_table.c.send_id == send_id,
            chunk_table.c.state == "unknown",
            chunk_table.c.held_batch.is_(None),
        )
        .group_by(chunk_table.c.first, chunk_table.c.last)
        .having(func.min(attempt_table.c.intended_at) >= since)
        .having(func.max(attempt_table.c.intended_at) <= now)
        .having(func.count(attempt_table.c.process) == func.count(attempt_table.c.id))
        .order_by(chunk_table.c.first)
    )


def record_repetition(
    connection: Connection, claimed: ClaimedChunk, process: str, now: datetime
) -> int | None:
    """Record the repetition of an attempt as an attempt of its own; return its id.

    A late answer to the first attempt changes nothing from then on. Return None if one has come already.
    """
    unknown = update(attempt_table).where(
        attempt_table.c.id == claimed.attempt, attempt_table.c.state == "unknown"
    )
    # The check constraint of the table has no state for it: `cancelled` stands for "repeated" here.
    if connection.execute(unknown.values(state="cancelled")).rowcount != 1:
        return None
    (attempt,) = _insert_attempts(connection, [claimed], process, now)
    return attempt


def settle(connection: Connection, result: ChunkResult, now: datetime) -> None:
    """Record the outcome of an attempt, and the transitions of its recipients.

    A settled attempt changes only if it is unknown. Recipients recalled in the meantime do not change.
    """
    outcome, claimed = result.outcome, result.claimed
    mixed = len({transition.state for transition in result.transitions}) > 1 and not isinstance(
        outcome, Refused
    )
    values = {
        "state": "mixed" if mixed else outcome.state,
        # A provider's text may contain characters that a database rejects or a terminal must not print.
        "message_id": printable(outcome.message_id, 200) if isinstance(outcome, Accepted) else None,
        "error": None if isinstance(outcome, Accepted) else printable(outcome.reason, 500),
        "settled_at": now,
    }
    unsettled = update(attempt_table).where(
        attempt_table.c.id == claimed.attempt, attempt_table.c.state.in_(("intended", "unknown"))
    )
    if connection.execute(unsettled.values(values)).rowcount != 1:
        return
    unsettled_chunk = select(chunk_table).where(
        chunk_table.c.send_id == claimed.send_id,
        chunk_table.c.first == claimed.first,
        chunk_table.c.last == claimed.last,
        chunk_table.c.state.in_(("intended", "unknown")),
    )
    if row := connection.execute(unsettled_chunk).first():
        apply_transitions(connection, row, claimed.recipients, result.transitions)


def apply_transitions(
    connection: Connection, row: ChunkRow, recipients: Sequence[Subscriber], transitions: Sequence[Transition]
) -> None:
    """Replace a chunk by one chunk for each transition of its recipients.

    The transitions cover the chunk without a gap, in order.
    """
    rows = []
    for transition, count in zip(transitions, sizes(recipients, transitions), strict=True):
        stays_in_batch = transition.state in ("accepted", "unknown")
        counts_as_try = transition.retry_at is not None or len(transitions) > 1
        rows.append(
            {
                "send_id": row.send_id,
                "first": transition.first,
                "last": transition.last,
                "skipped": transition.last - transition.first + 1 - count,
                "state": transition.state,
                "tries": row.tries + counts_as_try,
                "retry_at": transition.retry_at,
                "held_batch": row.held_batch if stays_in_batch else None,
                "reason": printable(transition.reason, 500) or None,
            }
        )
    if len(rows) == 1:
        connection.execute(_update_chunk(row.send_id, row.first).values(rows[0]))
        return
    connection.execute(
        delete(chunk_table).where(chunk_table.c.send_id == row.send_id, chunk_table.c.first == row.first)
    )
    connection.execute(insert(chunk_table), rows)


def split_chunk(
    row: ChunkRow, recipients: Sequence[Subscriber], chosen: Collection[int], state: ChunkState, reason: str
) -> list[Transition]:
    """Return the transitions of a chunk whose `chosen` recipients change to `state`; the others stay.

    `chosen` are numbers of recipients, at least one of them in the chunk.
    """
    changed, unchanged = (state, reason), (row.state, row.reason or "")
    numbers = [recipient.number for recipient in recipients]
    single = (Transition(one, one, *(changed if one in chosen else unchanged)) for one in numbers)
    return covering(row.first, row.last, single)


def reopen(connection: Connection, send_id: int) -> None:
    """Mark a send with waiting recipients as not finished, and expand its compacted recipients.

    If the send was cancelled meanwhile, its waiting recipients become cancelled too.
    """
    connection.execute(update(send_table).where(send_table.c.id == send_id).values(finished_at=None))
    expand(connection, send_id)
    cancelled = select(send_table.c.id).where(send_table.c.id == send_id, send_table.c.state == "cancelled")
    waiting = update(chunk_table).where(chunk_table.c.send_id == send_id, chunk_table.c.state == "waiting")
    connection.execute(waiting.where(cancelled.exists()).values(state="cancelled", retry_at=None))


def _mark_left(connection: Connection, row: ChunkRow, subscribed: Collection[int]) -> None:
    """Record as left all recipients of a chunk, except those whose numbers are in `subscribed`."""
    in_chunk = (
        recipient_table.c.send_id == row.send_id,
        recipient_table.c.number.between(row.first, row.last),
    )
    planned = select(recipient_table.c.number).where(*in_chunk, recipient_table.c.outcome.is_(None))
    left = [number for number in connection.scalars(planned) if number not in subscribed]
    recipients = update(recipient_table).where(*in_chunk, recipient_table.c.number.in_(left))
    connection.execute(recipients.values(outcome="left"))
    connection.execute(_update_chunk(row.send_id, row.first).values(skipped=row.skipped + len(left)))


def _update_chunk(send_id: int, first: int) -> Update:
    return update(chunk_table).where(chunk_table.c.send_id == send_id, chunk_table.c.first == first)
