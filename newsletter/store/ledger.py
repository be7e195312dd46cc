"""The ledger, written: plans, leases, tries, lanes, and what people decide.

Each method that writes is one durable transaction, of few statements whatever the length of the list. Nothing
here decides anything; `delivery` does.
"""

import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, Update, delete, func, insert, select, update

from newsletter.errors import SendRefused, StoreError
from newsletter.sending import log_fields
from newsletter.sending.model import (
    ChunkResult,
    ChunkState,
    ClaimedChunk,
    HeldBatch,
    HeldBatchState,
    HeldBatchStatus,
    NewSend,
    Send,
)
from newsletter.sending.outcomes import Outcome
from newsletter.store import chunks
from newsletter.store.database import Conflict, Database
from newsletter.store.journal import Journal, SendProcess
from newsletter.store.ledger_queries import LedgerQueries
from newsletter.store.schema import attempt_table, chunk_table, held_batch_table, recipient_table, send_table

log = logging.getLogger(__name__)

_NOTHING_LEFT = ("waiting", "skipped")


class Ledger(LedgerQueries):
    """The sends of a newsletter in its database, as one `run` goes on with them."""

    def __init__(
        self,
        database: Database,
        process: SendProcess,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        page: int = 1000,
    ) -> None:
        super().__init__(database, clock, page)
        self._process = process
        self._journals: dict[tuple[int, int], Journal] = {}
        self._abandoned: dict[int, str] = {}

    def plan(self, new: NewSend) -> Send | None:
        """Claims an issue for a list and writes down who gets it, in chunks; None if somebody was quicker.

        Everybody who is active now is a recipient, each once, numbered from 1. What it takes the place of is
        kept as superseded, if nobody has it still.
        """
        values = {**vars(new), "recipients": 0, "started_at": self._clock()}
        size, before = values.pop("chunk_size"), values.pop("instead_of")
        try:
            with self._database.writing() as connection:
                if before and not chunks.supersede(connection, before):
                    return None
                taken = select(send_table.c.id).where(
                    send_table.c.issue == new.issue, send_table.c.list == new.list
                )
                if connection.execute(taken).first():
                    return None
                number = connection.scalar(insert(send_table).values(values).returning(send_table.c.id)) or 0
                total = chunks.plan_recipients(connection, number)
                planned = chunks.plan_chunks(
                    connection, number, total, size, min(new.canary_size or 0, total)
                )
        except Conflict:
            return None
        fields = {"send": number, "issue": new.issue, "list": new.list, "provider": new.provider}
        fields |= {"recipients": total, "chunks": planned, "send_at": new.send_at, "supersedes": before}
        fields |= {"undo_window": new.undo_window_seconds, "canary": new.canary_size}
        log.info("send planned", extra=fields)
        return self.find(new.issue, new.list)

    def delete_unsent_plan(self, send: Send) -> bool:
        """Takes back a plan of which certainly nothing has left; False where something may have."""
        tried = select(chunk_table.c.first).where(
            chunk_table.c.send_id == send.id, chunk_table.c.state.not_in(_NOTHING_LEFT)
        )
        with self._database.writing() as connection:
            # Locked first: whoever goes on with it meanwhile is waited for, or finds it gone.
            lease_holder, _ = self._lease_holder(connection, send)
            if lease_holder or connection.execute(tried.limit(1)).first():
                return False
            for table in (attempt_table, recipient_table, chunk_table, held_batch_table):
                connection.execute(delete(table).where(table.c.send_id == send.id))
            connection.execute(delete(send_table).where(send_table.c.id == send.id))
        log.info("plan withdrawn: nothing of it had left", extra=log_fields.of_send(send))
        return True

    def acquire_lease(self, send: Send, lease: timedelta) -> None:
        """Makes this run the one that goes on with a send; raises SendRefused while another one does.

        A run that has certainly ended holds nothing.
        """
        now = self._clock()
        with self._database.writing() as connection:
            lease_holder, until = self._lease_holder(connection, send)
            if lease_holder and until:
                host, process, _ = lease_holder.rsplit("_", 2)
                log.info(
                    "lease refused",
                    extra={**log_fields.of_send(send), "holder": lease_holder, "until": until},
                )
                what = f"{send.issue} is being sent already, by process {process} on {host}"
                hint = f"wait for it, or stop it there; without a sign its claim ends at {until:%H:%M:%S} UTC"
                raise SendRefused(what, hint)
            connection.execute(
                _send_is(send).values(lease_holder=self._process.name, lease_until=now + lease)
            )
            self._process.has_lease = True
        log.debug("lease taken", extra={**log_fields.of_send(send), "until": now + lease})

    def renew_lease(self, send: Send, lease: timedelta) -> str:
        """Says that this run goes on; the send's state. Raises StoreError where another has taken over."""
        with self._database.writing() as connection:
            state = self._renew_lease(connection, send, lease)
        log.debug("lease extended", extra={**log_fields.of_send(send), "state": state})
        return state

    def release_lease(self, send: Send) -> None:
        """Lets others go on."""
        with self._database.writing() as connection:
            mine = _send_is(send).where(send_table.c.lease_holder == self._process.name)
            connection.execute(mine.values(lease_holder=None, lease_until=None))
        self._process.has_lease = False
        log.debug("lease released", extra=log_fields.of_send(send))

    def claim(
        self, send: Send, most: int, room: int, into: HeldBatch | None, lease: timedelta, *, noted: bool
    ) -> list[ClaimedChunk]:
        """Takes at most so many chunks whose turn it is, and writes down that they are about to be tried.

        Together they have at most `room` recipients. One without `people` is done: all have left. `noted`:
        messages are going to be noted in journals. A send that is called back has none to claim. Raises
        StoreError where another run has taken over.
        """
        now = self._clock()
        with self._database.writing() as connection:
            if self._renew_lease(connection, send, lease) != "open":
                return []
            rows = connection.execute(chunks.due_chunks(send, now, most)).all()
            found = [chunks.claim_chunk(connection, row, into) for row in _within(rows, room)]
            tried = [one for one in found if one.recipients]
            if noted:
                self._journals |= {_place(one): self._process.journal(_name(one)) for one in tried}
            attempts = chunks.record_attempts(connection, tried, self._process.name, now)
        numbered = dict(zip((one.first for one in tried), attempts, strict=True))
        claimed = [replace(one, attempt=numbered.get(one.first, 0)) for one in found]
        for one in claimed:
            log.debug("chunk claimed", extra={**log_fields.of_chunk(one), "tries": one.tries})
        return claimed

    def journal(self, chunk: ClaimedChunk) -> Journal:
        """Where the messages of a claimed chunk are noted."""
        return self._journals[_place(chunk)]

    def settle(self, results: Sequence[ChunkResult]) -> None:
        """Writes down what came of tries, and discards their journals.

        What was called back in the meantime stays so.
        """
        now = self._clock()
        with self._database.writing() as connection:
            for one in results:
                chunks.settle(connection, one, now)
            if any(transition.state == "waiting" for one in results for transition in one.transitions):
                chunks.reopen(connection, results[0].claimed.send_id)
        for claimed in (one.claimed for one in results):
            if journal := self._journals.pop(_place(claimed), None):
                journal.discard()
            if died := self._abandoned.pop(claimed.attempt, None):
                self._process.delete_notes(died, _name(claimed))

    def abandoned_attempts(self, send: Send) -> list[tuple[ClaimedChunk, dict[int, Outcome | None] | None]]:
        """What was under way when a run ended without writing down its outcome, and what it noted of that."""
        under_way = select(attempt_table).where(
            attempt_table.c.send_id == send.id, attempt_table.c.state == "intended"
        )
        found = []
        with self._database.reading() as connection:
            for row in connection.execute(under_way.order_by(attempt_table.c.id)).all():
                recipients = chunks.recipients_of(connection, send.id, row.first, row.last)
                claimed = ClaimedChunk(send.id, row.first, row.last, row.id, 0, recipients)
                # A run that is only slow goes on with what it has begun, whatever its notes say by now.
                died = self._process.is_dead(row.process or "")
                found.append((claimed, self._process.notes(row.process, _name(claimed)) if died else None))
                if died:
                    self._abandoned[row.id] = row.process
        return found

    def finish(self, send: Send) -> None:
        """Writes down that nothing of a send is waiting any more."""
        waiting = select(chunk_table.c.first).where(
            chunk_table.c.send_id == send.id, chunk_table.c.state == "waiting"
        )
        with self._database.writing() as connection:
            done = _send_is(send).where(send_table.c.finished_at.is_(None), ~waiting.exists())
            connection.execute(done.values(finished_at=self._clock()))

    def open_held_batch(self, send: Send, batch_id: str, send_at: datetime) -> HeldBatch:
        """A new lane of a send."""
        with self._database.writing() as connection:
            highest = select(func.coalesce(func.max(held_batch_table.c.number), 0)).where(
                held_batch_table.c.send_id == send.id
            )
            number = (connection.scalar(highest) or 0) + 1
            made = HeldBatch(send.id, number, batch_id, self._clock(), send_at, "open")
            connection.execute(insert(held_batch_table).values(vars(made)))
        return made

    def mark_held_batch(self, batch: HeldBatch, state: HeldBatchState) -> None:
        """Writes down how a lane stands, or what is about to be tried with it."""
        with self._database.writing() as connection:
            connection.execute(_batch_is(batch).values(state=state))

    def record_recall(
        self, status: HeldBatchStatus, to: ChunkState, reason: str, *, with_unknown: bool = True
    ) -> None:
        """Writes down that what a lane held was called back: its people are in the state `to` from now on.

        Without the `doubtful`, whose request may still arrive: they stay, and the lane is not done with.
        """
        states = ("accepted", "unknown") if with_unknown else ("accepted",)
        here = (
            chunk_table.c.send_id == status.batch.send_id,
            chunk_table.c.held_batch == status.batch.number,
            chunk_table.c.state.in_(states),
        )
        tried = (
            attempt_table.c.send_id == status.batch.send_id,
            attempt_table.c.held_batch == status.batch.number,
        )
        values = {"state": to, "held_batch": None, "reason": reason, "retry_at": None}
        with self._database.writing() as connection:
            connection.execute(update(chunk_table).where(*here).values(values))
            settled = update(attempt_table).where(*tried, attempt_table.c.state.in_(states))
            connection.execute(settled.values(state="cancelled"))
            if with_unknown:
                connection.execute(_batch_is(status.batch).values(state="cancelled"))
            chunks.reopen(connection, status.batch.send_id)

    def mark_batch_unknown(self, batch: HeldBatch, reason: str) -> None:
        """Writes down that it is not known whether a lane was called back, nor whether its people get it."""
        here = (
            chunk_table.c.send_id == batch.send_id,
            chunk_table.c.held_batch == batch.number,
            chunk_table.c.state == "accepted",
        )
        with self._database.writing() as connection:
            connection.execute(update(chunk_table).where(*here).values(state="unknown", reason=reason))
            connection.execute(_batch_is(batch).values(state="kept"))

    def cancel(self, send: Send) -> None:
        """Nothing more of a send is begun from now on: whoever is waiting is called back."""
        with self._database.writing() as connection:
            connection.execute(_send_is(send).values(state="cancelled"))
            waiting = update(chunk_table).where(
                chunk_table.c.send_id == send.id, chunk_table.c.state == "waiting"
            )
            connection.execute(waiting.values(state="cancelled", retry_at=None))

    def resume(self, send: Send) -> None:
        """Lets a send go on that was called back, or waits for a go-ahead; who was put off may be tried."""
        with self._database.writing() as connection:
            connection.execute(_send_is(send).values(state="open", canary_size=None))
            back = update(chunk_table).where(
                chunk_table.c.send_id == send.id, chunk_table.c.state.in_(("cancelled", "waiting"))
            )
            connection.execute(back.values(state="waiting", retry_at=None, tries=0))
            chunks.reopen(connection, send.id)

    def override_state(
        self, send: Send, found: ChunkState, to: ChunkState, reason: str, only: Collection[int] | None = None
    ) -> int:
        """Puts recipients of a send who are in the state `found` into another, all or `only` these numbers.

        For what a person has found out. Says how many they were.
        """
        query = select(chunk_table).where(chunk_table.c.send_id == send.id, chunk_table.c.state == found)
        count = 0
        with self._database.writing() as connection:
            for row in connection.execute(query.order_by(chunk_table.c.first)).all():
                recipients = chunks.recipients_of(connection, send.id, row.first, row.last)
                chosen = {one.number for one in recipients if only is None or one.number in only}
                if chosen:
                    transitions = chunks.split_chunk(row, recipients, chosen, to, reason)
                    chunks.replace(connection, row, recipients, transitions)
                    count += len(chosen)
            if to == "waiting":
                chunks.reopen(connection, send.id)
        fields = {"from_state": found, "to_state": to, "recipients": count, "reason": reason}
        log.info("recipients decided by hand", extra=log_fields.of_send(send) | fields)
        return count

    def _lease_holder(self, connection: Connection, send: Send) -> tuple[str | None, datetime | None]:
        """Another run that goes on with a send, and until when unless it gives a sign; locks the send."""
        query = (
            select(send_table.c.lease_holder, send_table.c.lease_until)
            .where(send_table.c.id == send.id)
            .with_for_update()
        )
        lease_holder, until = connection.execute(query).first() or (None, None)
        if (
            lease_holder is None
            or until is None
            or lease_holder == self._process.name
            or until <= self._clock()
        ):
            return None, None
        if self._process.is_dead(lease_holder):
            return None, None
        return lease_holder, until

    def _renew_lease(self, connection: Connection, send: Send, lease: timedelta) -> str:
        """The send's state, which stays as it is until this transaction ends."""
        mine = _send_is(send).where(send_table.c.lease_holder == self._process.name)
        renewed = mine.values(lease_until=self._clock() + lease).returning(send_table.c.state)
        if (state := connection.scalar(renewed)) is None:
            log.warning("lease lost", extra=log_fields.of_send(send))
            raise StoreError(
                f"another process goes on with {send.issue}", f"see: news status --issue {send.issue}"
            )
        return str(state)


def _place(chunk: ClaimedChunk) -> tuple[int, int]:
    return chunk.send_id, chunk.first


def _name(chunk: ClaimedChunk) -> str:
    """A chunk's journal: one run may have chunks of several sends."""
    return f"{chunk.send_id}-{chunk.first}"


def _within(rows: Sequence[chunks.ChunkRow], room: int) -> list[chunks.ChunkRow]:
    """The first of the chunks, as many as have at most `room` recipients together."""
    found = []
    for row in rows:
        room -= row.last - row.first + 1 - row.skipped
        if room < 0:
            break
        found.append(row)
    return found


def _send_is(send: Send) -> Update:
    return update(send_table).where(send_table.c.id == send.id)


def _batch_is(batch: HeldBatch) -> Update:
    return update(held_batch_table).where(
        held_batch_table.c.send_id == batch.send_id, held_batch_table.c.number == batch.number
    )
