"""Keyed hashes of addresses: those of forgotten people, whom no import brings back, and those of a pause.

During a pause an address gets no mail that confirms a sign-up, because one bounced.

A hash without a key could be reversed by trying addresses. The key is in the database, and with it in each
backup and in a sealed state: who has both can test whether an address was forgotten.
"""

import hashlib
import secrets
from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, delete, func, insert, select, update

from newsletter.store.batches import batches
from newsletter.store.schema import suppressed_table, suppression_key_table

_KEY_BYTES = 32
_HASH_BYTES = 32
_LOCK = 0x6E657775  # arbitrary, the same for all processes

_is_forgotten = suppressed_table.c.until.is_(None)


def lock_to_add_people(connection: Connection) -> None:
    """Keep others from forgetting people until the transaction ends; call it before `forgotten`.

    Otherwise PostgreSQL permits that a person is forgotten after the look at the hashes, and then added.
    SQLite has one writer at a time.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock_shared(_LOCK)))


def lock_to_forget_people(connection: Connection) -> None:
    """Keep others from adding and forgetting people until the transaction ends."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))


def forget(connection: Connection, address_keys: Iterable[str], since: datetime) -> None:
    """Keep the hashes of these addresses for good; those of forgotten people stay as they are."""
    _keep(connection, address_keys, {"since": since, "until": None}, replaced=~_is_forgotten)


def pause(connection: Connection, address_keys: Iterable[str], since: datetime, until: datetime) -> None:
    """Keep the hashes of these addresses until a time; longer pauses and forgotten people stay so."""
    is_shorter = suppressed_table.c.until < until
    _keep(connection, address_keys, {"since": since, "until": until}, replaced=is_shorter)


def release(connection: Connection, address_key: str) -> bool:
    """Delete the hash of an address, whose owner asked to subscribe again; return False if there is none."""
    if not (key := _key(connection)):
        return False
    query = delete(suppressed_table).where(suppressed_table.c.address_hash == _hash(key, address_key))
    return bool(connection.execute(query).rowcount)


def forgotten(connection: Connection, address_keys: Iterable[str]) -> set[str]:
    """Return those of the addresses whose people were forgotten."""
    if not (key := _key(connection)):
        return set()
    by_hash = {_hash(key, address_key): address_key for address_key in address_keys}
    return {by_hash[kept] for kept in _kept(connection, by_hash, _is_forgotten)}


def forgotten_at(connection: Connection, address_key: str) -> datetime | None:
    """Return the time at which the person with an address was forgotten; None if that never happened."""
    if not (key := _key(connection)):
        return None
    is_one = (suppressed_table.c.address_hash == _hash(key, address_key)) & _is_forgotten
    return connection.scalar(select(suppressed_table.c.since).where(is_one))


def paused_until(connection: Connection, address_key: str) -> datetime | None:
    """Return the time until which an address gets no confirmation mail, because one bounced; None if it may.

    The time may be over.
    """
    if not (key := _key(connection)):
        return None
    is_one = suppressed_table.c.address_hash == _hash(key, address_key)
    return connection.scalar(select(suppressed_table.c.until).where(is_one))


def delete_ended_pauses(connection: Connection, now: datetime) -> int:
    """Delete the hashes of the pauses that have ended; return their number."""
    return connection.execute(delete(suppressed_table).where(suppressed_table.c.until <= now)).rowcount


def _keep(
    connection: Connection,
    address_keys: Iterable[str],
    values: Mapping[str, datetime | None],
    *,
    replaced: ColumnElement[bool],
) -> None:
    """Insert the hashes of addresses with values, and set these in those hashes that are to be replaced."""
    lock_to_forget_people(connection)
    key = _key(connection) or _make_key(connection)
    hashes = {_hash(key, address_key) for address_key in address_keys}
    for batch in batches(list(hashes)):
        is_one = suppressed_table.c.address_hash.in_(batch)
        connection.execute(update(suppressed_table).where(is_one, replaced).values(values))
    if new := hashes - _kept(connection, hashes):
        connection.execute(insert(suppressed_table), [{"address_hash": each, **values} for each in new])


def _kept(connection: Connection, hashes: Iterable[bytes], *conditions: ColumnElement[bool]) -> set[bytes]:
    column = suppressed_table.c.address_hash
    queries = (select(column).where(column.in_(batch), *conditions) for batch in batches(list(hashes)))
    return {kept for query in queries for kept in connection.scalars(query)}


def _hash(key: bytes, address_key: str) -> bytes:
    return hashlib.blake2b(address_key.encode(), key=key, digest_size=_HASH_BYTES).digest()


def _key(connection: Connection) -> bytes | None:
    return connection.scalar(select(suppression_key_table.c.key))


def _make_key(connection: Connection) -> bytes:
    key = secrets.token_bytes(_KEY_BYTES)
    connection.execute(insert(suppression_key_table), {"id": 1, "key": key})
    return key
