"""The positions up to which places outside were read, and the departures that were found there."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, insert, select, update

from newsletter.store import unsubscription
from newsletter.store.batches import batches
from newsletter.store.consent_history import present_consents
from newsletter.store.schema import pull_table, subscriber_table
from newsletter.subscribers.origins import StateOrigin

NEVER = datetime(1970, 1, 1, tzinfo=UTC)
"""The time of a place that was never read to its end."""


@dataclass(frozen=True, slots=True)
class PullState:
    """The position up to which a place was read, and the time at which it was read to its end."""

    position: str = ""
    pulled_at: datetime = NEVER


def find_state(connection: Connection, source: str) -> PullState:
    """Return the state of a place; an empty one if it was never read."""
    query = select(pull_table.c.position, pull_table.c.pulled_at).where(pull_table.c.source == source)
    row = connection.execute(query).first()
    return PullState(row.position, row.pulled_at) if row else PullState()


def record_state(connection: Connection, source: str, state: PullState) -> None:
    """Record how far a place was read; call it in the transaction of the changes from there."""
    values = {"position": state.position, "pulled_at": state.pulled_at}
    query = update(pull_table).where(pull_table.c.source == source).values(values)
    if not connection.execute(query).rowcount:
        connection.execute(insert(pull_table), values | {"source": source})


def subscribers_by_key(connection: Connection, address_keys: Iterable[str]) -> dict[str, int]:
    """Return the ids of the subscribers with these addresses, by the key of the address."""
    columns = subscriber_table.c
    found: dict[str, int] = {}
    for keys in batches(sorted(set(address_keys))):
        query = select(columns.address_key, columns.id).where(columns.address_key.in_(keys))
        found.update((row.address_key, row.id) for row in connection.execute(query))
    return found


def leave(connection: Connection, subscriber_id: int, how: StateOrigin, at: datetime) -> bool:
    """Unsubscribe a subscriber who asked for it at a time; return False if nothing changed.

    A request that is older than the present consent does not count: the person has come back since.
    """
    query = select(subscriber_table.c.consent_at).where(subscriber_table.c.id == subscriber_id)
    if (consent_at := connection.scalar(query)) is None:
        return False
    if at < present_consents(connection, {subscriber_id: consent_at})[subscriber_id]:
        return False
    return unsubscription.leave(connection, subscriber_id, how, at)
