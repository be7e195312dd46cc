"""The compacted form of a send's recipients: blocks, each with the subscribers of thousands of recipients.

Recipients are numbered in the order of their subscribers' ids. A block stores the differences between these
ids, which are nearly all 1, as compressed JSON: about 700 bytes for 10,000 recipients.
"""

import json
import zlib
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from sqlalchemy import Connection, delete, insert, select

from newsletter.store.schema import recipient_block_table, recipient_table


@dataclass(frozen=True)
class RecipientBlock:
    """The recipients `first` to `last` of a send, with the ids of their subscribers in ascending order.

    The block includes recipients who still have rows; their rows have priority.
    """

    send_id: int
    first: int
    last: int
    subscriber_ids: Sequence[int]


def insert_blocks(connection: Connection, blocks: Sequence[RecipientBlock]) -> None:
    """Insert blocks, at least one."""
    rows = [{**vars(block), "subscriber_ids": encode(block.subscriber_ids)} for block in blocks]
    connection.execute(insert(recipient_block_table), rows)


def next_block(connection: Connection, send_id: int, after: int) -> RecipientBlock | None:
    """Return the first block of a send with recipients after number `after`; None if there is none."""
    query = select(recipient_block_table).where(
        recipient_block_table.c.send_id == send_id, recipient_block_table.c.last > after
    )
    row = connection.execute(query.order_by(recipient_block_table.c.first).limit(1)).first()
    return RecipientBlock(row.send_id, row.first, row.last, decode(row.subscriber_ids)) if row else None


def find_number(connection: Connection, send_id: int, subscriber_id: int) -> int | None:
    """Return the number of a subscriber among the compacted recipients of a send; None if there is none."""
    of_send = recipient_block_table.c.send_id == send_id
    query = select(recipient_block_table.c.first).where(of_send).order_by(recipient_block_table.c.first)
    firsts = list(connection.scalars(query))
    low, high = 0, len(firsts)
    while low < high:  # the ids ascend over all blocks of a send
        middle = (low + high) // 2
        block = select(recipient_block_table.c.subscriber_ids).where(
            of_send, recipient_block_table.c.first == firsts[middle]
        )
        ids = decode(connection.execute(block).scalar_one())
        if subscriber_id < ids[0]:
            high = middle
        elif subscriber_id > ids[-1]:
            low = middle + 1
        else:
            index = bisect_left(ids, subscriber_id)
            return firsts[middle] + index if ids[index] == subscriber_id else None
    return None


def numbers_with_rows(connection: Connection, send_id: int, first: int, last: int) -> set[int]:
    """Return the numbers of the recipients first..last who have rows."""
    query = select(recipient_table.c.number).where(
        recipient_table.c.send_id == send_id, recipient_table.c.number.between(first, last)
    )
    return set(connection.scalars(query))


def expand(connection: Connection, send_id: int) -> None:
    """Replace the blocks of a send by rows; the states of its recipients can change after that."""
    of_send = recipient_block_table.c.send_id == send_id
    # The lock makes another transaction, which expands the same send, wait.
    query = select(recipient_block_table).where(of_send).with_for_update()
    blocks = connection.execute(query).all()
    for block in blocks:
        kept = numbers_with_rows(connection, send_id, block.first, block.last)
        rows = [
            {"send_id": send_id, "number": number, "subscriber_id": subscriber_id}
            for number, subscriber_id in enumerate(decode(block.subscriber_ids), block.first)
            if number not in kept
        ]
        if rows:
            connection.execute(insert(recipient_table), rows)
    if blocks:
        connection.execute(delete(recipient_block_table).where(of_send))


def encode(ids: Sequence[int]) -> bytes:
    """Return ascending ids in compressed form."""
    gaps = [*ids[:1], *(later - earlier for earlier, later in pairwise(ids))]
    return zlib.compress(json.dumps(gaps, separators=(",", ":")).encode())


def decode(encoded: bytes) -> list[int]:
    """Return the ids of which `encode` returned the compressed form."""
    return list(accumulate(json.loads(zlib.decompress(encoded))))
