"""Read the recipients of a send in a state page by page, from their rows and from compacted blocks."""

from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, case, func, select

from newsletter.sending.model import Send
from newsletter.store.recipient_blocks import RecipientBlock, next_block, numbers_with_rows
from newsletter.store.schema import chunk_table, held_batch_table, recipient_table, subscriber_table

# The address of a recipient who was forgotten: the ledger keeps the number, and nothing else of the person.
FORGOTTEN = "(forgotten)"
address_or_forgotten = func.coalesce(subscriber_table.c.address, FORGOTTEN)

# An intended chunk without an outcome was in flight when its process stopped: the provider may have accepted
# it. While the recall of a held batch is not confirmed, its accepted recipients may get the mail or not. Both
# are reported as unknown.
_is_being_recalled = (
    select(held_batch_table.c.number)
    .where(
        held_batch_table.c.send_id == chunk_table.c.send_id,
        held_batch_table.c.number == chunk_table.c.held_batch,
        held_batch_table.c.state == "cancelling",
    )
    .correlate(chunk_table)
    .exists()
)
reported_state = case(
    (chunk_table.c.state == "intended", "unknown"),
    ((chunk_table.c.state == "accepted") & _is_being_recalled, "unknown"),
    else_=chunk_table.c.state,
)


class Recipient(NamedTuple):
    """A recipient of a send: number, address or FORGOTTEN, and the reason of its state."""

    number: int
    address: str
    reason: str


class Page(NamedTuple):
    """Recipients in the order of their numbers, and the number after which the next page begins."""

    recipients: list[Recipient]
    # None: this is the last page.
    next_after: int | None


def read_page(connection: Connection, send: Send, state: str, after: int, size: int) -> Page:
    """Return the recipients of a send in a state after number `after`: `size` of them, or those of a block.

    A page can be empty without being the last one.
    """
    query = _with_rows(send, state, after)
    # A recipient who left has a row.
    block = next_block(connection, send.id, after) if state != "left" else None
    if block is None:
        page = [_recipient(row) for row in connection.execute(query.limit(size))]
        return Page(page, page[-1].number if len(page) == size else None)
    page = [
        _recipient(row) for row in connection.execute(query.where(recipient_table.c.number <= block.last))
    ]
    return Page(sorted(page + _in_block(connection, block, state, after)), block.last)


def _recipient(row: Any) -> Recipient:
    return Recipient(row.number, row.address, row.reason or "")


def _with_rows(send: Send, state: str, after: int) -> Select[int, str, str | None]:
    in_chunk = recipient_table.c.number.between(chunk_table.c.first, chunk_table.c.last)
    query = (
        select(recipient_table.c.number, address_or_forgotten.label("address"), chunk_table.c.reason)
        .select_from(chunk_table)
        .join(recipient_table, (recipient_table.c.send_id == chunk_table.c.send_id) & in_chunk)
        .outerjoin(subscriber_table, subscriber_table.c.id == recipient_table.c.subscriber_id)
        .where(chunk_table.c.send_id == send.id, recipient_table.c.number > after)
        .order_by(recipient_table.c.number)
    )
    if state == "left":
        return query.where(recipient_table.c.outcome == "left")
    return query.where(reported_state == state, recipient_table.c.outcome.is_(None))


def _in_block(connection: Connection, block: RecipientBlock, state: str, after: int) -> list[Recipient]:
    """Return the recipients of a block in a state after number `after` who have no rows."""
    first = max(block.first, after + 1)
    chunks = select(chunk_table.c.first, chunk_table.c.last, chunk_table.c.reason).where(
        chunk_table.c.send_id == block.send_id,
        chunk_table.c.first <= block.last,
        chunk_table.c.last >= first,
        reported_state == state,
    )
    subscribers = select(subscriber_table.c.id, subscriber_table.c.address).where(
        subscriber_table.c.id.between(block.subscriber_ids[0], block.subscriber_ids[-1])
    )
    addresses = {row.id: row.address for row in connection.execute(subscribers)}
    with_rows = numbers_with_rows(connection, block.send_id, first, block.last)
    return [
        Recipient(
            number, addresses.get(block.subscriber_ids[number - block.first], FORGOTTEN), chunk.reason or ""
        )
        for chunk in connection.execute(chunks)
        for number in range(max(chunk.first, first), min(chunk.last, block.last) + 1)
        if number not in with_rows
    ]
