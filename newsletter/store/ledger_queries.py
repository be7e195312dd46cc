"""Read the ledger: the sends, and the states of their recipients and held batches."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, case, func, select

from newsletter.sending.model import REHEARSAL, ClaimedChunk, Counts, HeldBatch, HeldBatchStatus, Send
from newsletter.store import chunks
from newsletter.store.database import Database
from newsletter.store.delivery_events import count_reported
from newsletter.store.early_departures import early_departures
from newsletter.store.recipient_pages import read_page, reported_state
from newsletter.store.schema import (
    attempt_table,
    chunk_table,
    held_batch_table,
    send_table,
    subscriber_table,
)

_SEND = [send_table.c[name] for name in Send.__dataclass_fields__]
_recipients_in = chunk_table.c.last - chunk_table.c.first + 1 - chunk_table.c.skipped


class LedgerQueries:
    """Queries on the sends of a newsletter."""

    def __init__(
        self,
        database: Database,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        page_size: int = 1000,
    ) -> None:
        """Query a database; `recipients` reads `page_size` recipients at once."""
        self._database = database
        self._clock = clock
        self._page_size = page_size

    def find(self, issue: str, list_name: str) -> Send | None:
        """Return the send of an issue to a list; None if it was never started."""
        query = select(*_SEND).where(send_table.c.issue == issue, send_table.c.list == list_name)
        with self._database.reading() as connection:
            row = connection.execute(query).first()
        return Send(*row) if row else None

    def sends(self, issue: str | None = None) -> list[Send]:
        """Return all sends, or those of an issue, oldest first."""
        query = select(*_SEND).order_by(send_table.c.id)
        if issue:
            query = query.where(send_table.c.issue == issue)
        with self._database.reading() as connection:
            return [Send(*row) for row in connection.execute(query)]

    def newest(self, issue: str, list_name: str) -> Send | None:
        """Return an issue's send to a list, or else its newest rehearsal or superseded send.

        Return None if the issue has no send.
        """
        sends = self.sends(issue)
        return next((send for send in sends if send.list == list_name), sends[-1] if sends else None)

    def before(self, issue: str, list_name: str) -> Send | None:
        """Return the newest send of another issue to a list; None if there is none."""
        query = (
            select(*_SEND)
            .where(send_table.c.list == list_name, send_table.c.issue != issue)
            .order_by(send_table.c.id.desc())
        )
        with self._database.reading() as connection:
            row = connection.execute(query.limit(1)).first()
        return Send(*row) if row else None

    def content(self, send: Send) -> bytes | None:
        """Return the snapshot of a send's planned mailing; None if it was not stored."""
        with self._database.reading() as connection:
            return connection.scalar(select(send_table.c.content).where(send_table.c.id == send.id))

    def counts(self, send: Send) -> Counts:
        """Return the number of a send's recipients in each state."""
        query = select(reported_state, func.sum(_recipients_in), func.sum(chunk_table.c.skipped))
        query = query.where(chunk_table.c.send_id == send.id).group_by(reported_state)
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
            held = connection.scalar(_held_back(send, self._clock())) or 0
            in_flight = connection.scalar(_in_flight(send)) or 0
        by_state = {state: int(count) for state, count, _ in rows}
        by_state.pop("skipped", None)
        left = sum(int(skipped) for _, _, skipped in rows)
        return Counts(send.recipients, **by_state, left=left, held=int(held), in_flight=int(in_flight))

    def early_departures(self, send: Send) -> Counter[str]:
        """Return the number of people who left just after the delivery, by domain; empty if they are few."""
        with self._database.reading() as connection:
            return early_departures(connection, send)

    def reported(self, send: Send) -> dict[str, int]:
        """Return the number of a send's recipients by the kinds of delivery events about them."""
        with self._database.reading() as connection:
            return count_reported(connection, send.id)

    def joined(self, send: Send) -> int:
        """Return the number of active subscribers who joined after a send started: they get no mail of it."""
        query = select(func.count()).where(
            subscriber_table.c.state == "active", subscriber_table.c.consent_at > send.started_at
        )
        with self._database.reading() as connection:
            return connection.scalar(query) or 0

    def recipients(self, send: Send, state: str) -> Iterator[tuple[int, str, str]]:
        """Yield the recipients in one of RECIPIENT_STATES: number, address and reason; read page by page."""
        after: int | None = 0
        while after is not None:
            with self._database.reading() as connection:
                page, after = read_page(connection, send, state, after, self._page_size)
            yield from page

    def reasons(self, send: Send, state: str) -> Iterator[tuple[str, int]]:
        """Yield each reason for a state, with the number of a send's recipients that have this reason."""
        query = select(chunk_table.c.reason, func.sum(_recipients_in))
        query = query.where(chunk_table.c.send_id == send.id, reported_state == state)
        with self._database.reading() as connection:
            for reason, recipients in connection.execute(query.group_by(chunk_table.c.reason)):
                yield reason or "", int(recipients)

    def next_retry_at(self, send: Send) -> datetime | None:
        """Return the time at which the next recipients are due; None if no recipient may be tried.

        The time is in the past if recipients are due now.
        """
        earliest = func.min(
            func.coalesce(chunk_table.c.retry_at, send.started_at, type_=chunk_table.c.retry_at.type)
        )
        query = select(earliest).where(chunk_table.c.send_id == send.id, chunk_table.c.state == "waiting")
        if send.canary_size is not None:
            query = query.where(chunk_table.c.first <= send.canary_size)
        with self._database.reading() as connection:
            return connection.scalar(query)

    def repeatable_attempts(self, send: Send, since: datetime) -> list[ClaimedChunk]:
        """Return the attempts with an unknown outcome whose calls may be repeated, in order.

        None of the attempts for the same recipients began before `since`, all of them are in the ledger of
        the process that made them, and all of their recipients are still on the list.
        """
        with self._database.reading() as connection:
            rows = connection.execute(chunks.unknown_attempts(send.id, since, self._clock())).all()
            attempts = [
                ClaimedChunk(
                    send.id,
                    row.first,
                    row.last,
                    row.attempt,
                    0,
                    chunks.recipients_of(connection, send.id, row.first, row.last, active=True),
                )
                for row in rows
            ]
            tried = [chunks.recipients_of(connection, send.id, row.first, row.last) for row in rows]
        return [
            attempt
            for attempt, before in zip(attempts, tried, strict=True)
            if attempt.recipients and len(attempt.recipients) == len(before)
        ]

    def held_batches(self, send: Send) -> list[HeldBatchStatus]:
        """Return a send's held batches, oldest first, with their recipients counted by state."""
        with self._database.reading() as connection:
            rows = connection.execute(_held_batches(send)).all()
        return [_batch_status(row) for row in rows]

    def held_batches_in_use(self, now: datetime) -> int:
        """Return the number of held batches, of all sends, that need a recall slot of the account."""
        query = select(func.count()).select_from(held_batch_table)
        query = query.where(
            held_batch_table.c.state.in_(("open", "cancelling")), held_batch_table.c.send_at > now
        )
        with self._database.reading() as connection:
            return connection.scalar(query) or 0

    def attempts_since(self, moment: datetime) -> list[tuple[datetime, int]]:
        """Return the time and the number of recipients of each attempt after a moment, oldest first.

        Rehearsals are left out, because their mail stays on this machine.
        """
        size = attempt_table.c.last - attempt_table.c.first + 1
        query = select(attempt_table.c.intended_at, size).where(attempt_table.c.intended_at > moment)
        query = query.join(send_table, send_table.c.id == attempt_table.c.send_id).where(
            send_table.c.list.not_like(f"{REHEARSAL}%")
        )
        with self._database.reading() as connection:
            return [
                (at, count) for at, count in connection.execute(query.order_by(attempt_table.c.intended_at))
            ]


def _held_back(send: Send, now: datetime) -> Select[int]:
    same_batch = (held_batch_table.c.send_id == chunk_table.c.send_id) & (
        held_batch_table.c.number == chunk_table.c.held_batch
    )
    query = select(func.sum(_recipients_in)).join(held_batch_table, same_batch)
    return query.where(
        chunk_table.c.send_id == send.id, reported_state == "accepted", held_batch_table.c.send_at > now
    )


def _in_flight(send: Send) -> Select[int]:
    return select(func.sum(_recipients_in)).where(
        chunk_table.c.send_id == send.id, chunk_table.c.state == "intended"
    )


def _held_batches(send: Send) -> Select[*tuple[Any, ...]]:
    def count_in(*states: str) -> ColumnElement[Any]:
        return func.coalesce(func.sum(case((chunk_table.c.state.in_(states), _recipients_in), else_=0)), 0)

    unknown_since = (
        select(func.max(attempt_table.c.settled_at))
        .where(
            attempt_table.c.send_id == send.id,
            attempt_table.c.held_batch == held_batch_table.c.number,
            attempt_table.c.state == "unknown",
        )
        .scalar_subquery()
    )
    in_batch = (chunk_table.c.send_id == held_batch_table.c.send_id) & (
        chunk_table.c.held_batch == held_batch_table.c.number
    )
    columns: list[ColumnElement[Any]] = [held_batch_table.c[name] for name in HeldBatch.__dataclass_fields__]
    query = select(*columns, count_in("accepted"), count_in("unknown"), count_in("intended"), unknown_since)
    query = (
        query.select_from(held_batch_table)
        .outerjoin(chunk_table, in_batch)
        .where(held_batch_table.c.send_id == send.id)
    )
    return query.group_by(*columns).order_by(held_batch_table.c.number)


def _batch_status(row: Row[*tuple[Any, ...]]) -> HeldBatchStatus:
    batch_columns = len(HeldBatch.__dataclass_fields__)
    accepted, unknown, intended, unknown_since = row[batch_columns:]
    batch = HeldBatch(*row[:batch_columns])
    return HeldBatchStatus(batch, int(accepted), int(unknown), int(intended), unknown_since)
