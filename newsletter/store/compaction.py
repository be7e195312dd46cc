"""Compact the recipients of settled sends, which are most of a database that has sent many issues."""

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import Connection, Select, delete, or_, select

from newsletter.store.database import Database
from newsletter.store.recipient_blocks import RecipientBlock, insert_blocks
from newsletter.store.schema import (
    chunk_table,
    held_batch_table,
    recipient_block_table,
    recipient_table,
    send_table,
)

log = logging.getLogger(__name__)

# A process that sends never meets a compaction of its own send.
SETTLED_AFTER = timedelta(days=1)
# Recipients of a block: few enough that a page of `LedgerQueries.recipients` needs little memory.
BLOCK_SIZE = 10_000


def compact_settled(database: Database, now: datetime, block_size: int = BLOCK_SIZE) -> int:
    """Replace the rows of accepted recipients of settled sends by blocks; return the number of these rows.

    A send is settled one day after it finished and its mail left, if none of its recipients is waiting,
    intended or unknown. Recipients who were refused, cancelled or skipped, or who left, keep their rows. One
    transaction changes all sends.
    """
    with database.writing() as connection:
        settled = connection.execute(_settled(now - SETTLED_AFTER)).all()
        compacted = sum(_compact(connection, send.id, send.recipients, block_size) for send in settled)
    if compacted:
        log.info("recipients compacted", extra={"recipients": compacted})
    return compacted


def _settled(before: datetime) -> Select[int, int]:
    """Return the query for the sends that are settled since `before` and have no blocks yet."""
    unsettled = select(chunk_table.c.first).where(
        chunk_table.c.send_id == send_table.c.id, chunk_table.c.state.in_(("waiting", "intended", "unknown"))
    )
    recallable = select(held_batch_table.c.number).where(
        held_batch_table.c.send_id == send_table.c.id,
        or_(held_batch_table.c.state == "cancelling", held_batch_table.c.send_at > before),
    )
    compacted = select(recipient_block_table.c.first).where(
        recipient_block_table.c.send_id == send_table.c.id
    )
    query = select(send_table.c.id, send_table.c.recipients).where(
        send_table.c.finished_at <= before, ~unsettled.exists(), ~recallable.exists(), ~compacted.exists()
    )
    # `chunks.reopen` locks the same row. A send that another transaction changes now is not settled.
    return query.order_by(send_table.c.id).with_for_update(of=send_table, skip_locked=True)


def _compact(connection: Connection, send_id: int, total: int, block_size: int) -> int:
    """Compact the recipients of a send, if it has accepted ones; return the number of deleted rows."""
    accepted = list(_accepted_ranges(connection, send_id))
    if not accepted:
        return 0
    blocks = []
    for first in range(1, total + 1, block_size):
        block = _block(connection, send_id, first, min(first + block_size - 1, total))
        if block is None:
            log.warning("recipients not compacted: not in the order of ids", extra={"send": send_id})
            return 0
        blocks.append(block)
    insert_blocks(connection, blocks)
    return sum(
        connection.execute(
            delete(recipient_table).where(
                recipient_table.c.send_id == send_id,
                recipient_table.c.number.between(first, last),
                recipient_table.c.outcome.is_(None),
            )
        ).rowcount
        for first, last in accepted
    )


def _accepted_ranges(connection: Connection, send_id: int) -> Iterator[tuple[int, int]]:
    """Yield the first and last number of each range of accepted chunks without a gap."""
    query = select(chunk_table.c.first, chunk_table.c.last).where(
        chunk_table.c.send_id == send_id, chunk_table.c.state == "accepted"
    )
    start = end = 0
    for first, last in connection.execute(query.order_by(chunk_table.c.first)):
        if first != end + 1 and start:
            yield start, end
        if first != end + 1 or not start:
            start = first
        end = last
    if start:
        yield start, end


def _block(connection: Connection, send_id: int, first: int, last: int) -> RecipientBlock | None:
    """Return the block of the recipients first..last.

    Return None if one of them has no row, or if their numbers are not in the order of their subscribers' ids.
    """
    query = select(recipient_table.c.number, recipient_table.c.subscriber_id).where(
        recipient_table.c.send_id == send_id, recipient_table.c.number.between(first, last)
    )
    # The driver's rows are read: SQLAlchemy's own rows would take as long as the rest.
    rows = connection.execute(query.order_by(recipient_table.c.number)).cursor.fetchall()
    ids = [subscriber_id for _, subscriber_id in rows]
    if [number for number, _ in rows] != list(range(first, last + 1)) or ids != sorted(ids):
        return None
    return RecipientBlock(send_id, first, last, ids)
