"""The people who were forgotten: keyed hashes of their addresses, which no import and no sign-up brings back.

A hash without a key could be reversed by trying addresses. The key is in the database, and with it in each
backup and in a sealed state: who has both can test whether an address was forgotten.
"""

import hashlib
import secrets
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, delete, func, insert, select, update

from newsletter.store.batches import batches
from newsletter.store.schema import suppressed_table, suppression_key_table

_KEY_BYTES = 32
_HASH_BYTES = 32
_LOCK = 0x6E657775  # arbitrary, the same for all processes

# The other hashes are those of addresses whose confirmation mail bounced.
_is_forgotten = suppressed_table.c.until.is_(None)


def lock_to_add_people(connection: Connection) -> None:
    """Keep others from forgetting people until the transaction ends; call it before `suppressed`.

    Otherwise PostgreSQL permits that a person is forgotten after the look at the hashes, and then added.
    SQLite has one writer at a time.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock_shared(_LOCK)))


def lock_to_forget_people(connection: Connection) -> None:
    """Keep others from adding and forgetting people until the transaction ends."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))


def suppress(connection: Connection, address_keys: Iterable[str], since: datetime) -> None:
    """Keep the hashes of these addresses; those that are kept already stay as they are."""
    lock_to_forget_people(connection)
    key = _key(connection) or _make_key(connection)
    hashes = {_hash(key, address_key) for address_key in address_keys}
    for some in batches(list(hashes)):
        limited = suppressed_table.c.address_hash.in_(some) & suppressed_table.c.until.is_not(None)
        connection.execute(update(suppressed_table).where(limited).values(since=since, until=None))
    new = hashes - _kept(connection, hashes)
    if new:
        connection.execute(insert(suppressed_table), [{"address_hash": h, "since": since} for h in new])


def suppress_until(
    connection: Connection, address_keys: Iterable[str], since: datetime, until: datetime
) -> None:
    """Keep the hashes of these addresses until a time; those that are kept longer, or for good, stay so."""
    lock_to_forget_people(connection)
    key = _key(connection) or _make_key(connection)
    hashes = {_hash(key, address_key) for address_key in address_keys}
    column = suppressed_table.c.address_hash
    kept = set[bytes]()
    for some in batches(list(hashes)):
        kept.update(connection.scalars(select(column).where(column.in_(some))))
        is_shorter = column.in_(some) & (suppressed_table.c.until < until)
        connection.execute(update(suppressed_table).where(is_shorter).values(until=until))
    if new := hashes - kept:
        rows = [{"address_hash": h, "since": since, "until": until} for h in new]
        connection.execute(insert(suppressed_table), rows)


def release(connection: Connection, address_key: str) -> bool:
    """Delete the hash of an address, whose owner asked to subscribe again; return False if there is none."""
    if not (key := _key(connection)):
        return False
    query = delete(suppressed_table).where(suppressed_table.c.address_hash == _hash(key, address_key))
    return bool(connection.execute(query).rowcount)


def suppressed(connection: Connection, address_keys: Iterable[str]) -> set[str]:
    """Return those of the addresses whose hashes are kept."""
    if not (key := _key(connection)):
        return set()
    by_hash = {_hash(key, address_key): address_key for address_key in address_keys}
    return {by_hash[kept] for kept in _kept(connection, by_hash)}


def suppressed_since(connection: Connection, address_key: str) -> datetime | None:
    """Return the time at which the hash of an address was kept first; None if it is not kept."""
    if not (key := _key(connection)):
        return None
    is_kept = (suppressed_table.c.address_hash == _hash(key, address_key)) & _is_forgotten
    return connection.scalar(select(suppressed_table.c.since).where(is_kept))


def paused_until(connection: Connection, address_key: str) -> datetime | None:
    """Return the time until which an address gets no confirmation mail, because one bounced; None if it may.

    The time may be over.
    """
    if not (key := _key(connection)):
        return None
    is_one = suppressed_table.c.address_hash == _hash(key, address_key)
    return connection.scalar(select(suppressed_table.c.until).where(is_one))


def delete_ended(connection: Connection, now: datetime) -> int:
    """Delete the hashes that were kept for some time only; return their number."""
    return connection.execute(delete(suppressed_table).where(suppressed_table.c.until <= now)).rowcount


def _kept(connection: Connection, hashes: Iterable[bytes]) -> set[bytes]:
    column = suppressed_table.c.address_hash
    queries = (select(column).where(column.in_(some), _is_forgotten) for some in batches(list(hashes)))
    return {kept for query in queries for kept in connection.scalars(query)}


def _hash(key: bytes, address_key: str) -> bytes:
    return hashlib.blake2b(address_key.encode(), key=key, digest_size=_HASH_BYTES).digest()


def _key(connection: Connection) -> bytes | None:
    return connection.scalar(select(suppression_key_table.c.key))


def _make_key(connection: Connection) -> bytes:
    key = secrets.token_bytes(_KEY_BYTES)
    connection.execute(insert(suppression_key_table), {"id": 1, "key": key})
    return key
