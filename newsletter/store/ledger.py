"""Write the ledger: plans, leases, attempts, held batches, and states that a person overrides.

Each method that writes is one durable transaction; its number of statements does not depend on the length of
the list. `sending.delivery` makes the decisions.
"""

import logging
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, Update, delete, func, insert, select, update

from newsletter.errors import DatabaseBusy, SendBusy, StoreError
from newsletter.sending import log_fields
from newsletter.sending.guards import refuse_other_recipients
from newsletter.sending.model import (
    ChunkResult,
    ChunkState,
    ClaimedChunk,
    HeldBatch,
    HeldBatchState,
    HeldBatchStatus,
    NewSend,
    NextChunk,
    Send,
)
from newsletter.sending.outcomes import Outcome
from newsletter.store import chunks
from newsletter.store.database import Conflict, Database
from newsletter.store.journal import Journal, SendProcess
from newsletter.store.ledger_queries import LedgerQueries
from newsletter.store.recipient_blocks import expand
from newsletter.store.schema import (
    attempt_table,
    chunk_table,
    held_batch_table,
    recipient_block_table,
    recipient_table,
    send_table,
)

log = logging.getLogger(__name__)

# The wait for a lock where the caller tries again (`sending.lock_wait`), and meanwhile hears of an interrupt.
SEND_LOCK_SECONDS = 1.0
# The states of a chunk of which no mail was sent.
_UNSENT_STATES = ("waiting", "skipped")
_TABLES_OF_A_SEND = (attempt_table, recipient_table, recipient_block_table, chunk_table, held_batch_table)


class Ledger(LedgerQueries):
    """The sends of a newsletter in its database, as one process writes them."""

    def __init__(
        self,
        database: Database,
        process: SendProcess,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        page_size: int = 1000,
    ) -> None:
        super().__init__(database, clock, page_size)
        self._process = process
        self._journals: dict[tuple[int, int], Journal] = {}
        self._abandoned: dict[int, str] = {}

    @property
    def abandoned_until(self) -> datetime | None:
        """Return None: a process that may send uses this ledger, and has lost its lease."""
        return None

    def plan(self, new: NewSend) -> Send | None:
        """Claim an issue for a list, and plan its recipients in chunks; return the send.

        All subscribers that are active now become recipients, once each, numbered from 1. The cancelled send
        that is replaced (`instead_of`) becomes superseded. Return None if another process was faster, or if a
        recipient has or may have the mail of the cancelled send. Raise SendRefused if a person agreed to
        another number of recipients. In both cases nothing has changed.
        """
        values = {**vars(new), "recipients": 0, "started_at": self._clock(), "started_on": self._process.host}
        size, replaced = values.pop("chunk_size"), values.pop("instead_of")
        agreed: int | None = values.pop("agreed_recipients")
        try:
            with self._changing(new.issue, SEND_LOCK_SECONDS) as connection:
                if replaced and not chunks.supersede(connection, replaced):
                    return None
                existing = select(send_table.c.id).where(
                    send_table.c.issue == new.issue, send_table.c.list == new.list
                )
                if connection.execute(existing).first():
                    return None
                send_id = connection.scalar(insert(send_table).values(values).returning(send_table.c.id)) or 0
                total = chunks.plan_recipients(connection, send_id)
                if agreed is not None:
                    refuse_other_recipients(total, agreed)
                planned = chunks.plan_chunks(
                    connection, send_id, total, size, min(new.canary_size or 0, total)
                )
        except Conflict:
            return None
        fields = {"send": send_id, "issue": new.issue, "list": new.list, "provider": new.provider}
        fields |= {"recipients": total, "chunks": planned, "send_at": new.send_at, "supersedes": replaced}
        fields |= {"undo_window": new.undo_window_seconds, "canary": new.canary_size}
        log.info("send planned", extra=fields)
        return self.find(new.issue, new.list)

    def delete_unsent_plan(self, send: Send) -> bool:
        """Delete the plan of a send if none of its mail was sent; return True if it was deleted.

        Keep it if some mail may have been sent, or if another process holds the lease.
        """
        sent = select(chunk_table.c.first).where(
            chunk_table.c.send_id == send.id, chunk_table.c.state.not_in(_UNSENT_STATES)
        )
        with self._changing(send.issue, SEND_LOCK_SECONDS) as connection:
            # Lock the send first: a process that resumes it now either ends before, or finds it deleted.
            other, _ = self._other_lease_holder(connection, send)
            if other or connection.execute(sent.limit(1)).first():
                return False
            for table in _TABLES_OF_A_SEND:
                connection.execute(delete(table).where(table.c.send_id == send.id))
            connection.execute(delete(send_table).where(send_table.c.id == send.id))
        log.info("plan deleted: none of its mail was sent", extra=log_fields.of_send(send))
        return True

    def acquire_lease(self, send: Send, lease: timedelta) -> None:
        """Acquire the lease on a send for this process; raise SendBusy if another process holds it.

        A lease whose process is dead on this machine is ignored. Raise DatabaseBusy if another process has
        locked the send.
        """
        with self._changing(send.issue, SEND_LOCK_SECONDS) as connection:
            other, until = self._other_lease_holder(connection, send)
            now = self._clock()
            if other and until:
                host, process, _ = other.rsplit("_", 2)
                log.info(
                    "lease refused",
                    extra={**log_fields.of_send(send), "holder": other, "until": until},
                )
                what = f"process {process} on host {host} is sending {send.issue} now"
                hint = "wait until it ends, or stop it on that host; "
                hint += f"unless it renews its lease, the lease ends at {until:%H:%M:%S} UTC"
                raise SendBusy(what, hint)
            connection.execute(
                _update_send(send).values(lease_holder=self._process.name, lease_until=now + lease)
            )
            self._process.has_lease = True
        log.debug("lease acquired", extra={**log_fields.of_send(send), "until": now + lease})

    def renew_lease(self, send: Send, lease: timedelta) -> str:
        """Renew this process's lease on the send; return its state.

        Raise StoreError if another process holds the lease.
        """
        with self._changing(send.issue) as connection:
            state = self._renew_lease(connection, send, lease)
        log.debug("lease renewed", extra={**log_fields.of_send(send), "state": state})
        return state

    def release_lease(self, send: Send, *, hand_over: bool = False) -> None:
        """Release this process's lease, if it has one, so that another process can resume the send.

        `hand_over`: end the lease now and keep the name of its holder, as if this process were gone. By this
        a standby (`news send --wait`) knows that it is to continue the send.
        """
        if not self._process.has_lease:
            return  # not even a lock is waited for: perhaps the wait for this lock was interrupted
        with self._changing(send.issue) as connection:
            mine = _update_send(send).where(send_table.c.lease_holder == self._process.name)
            ended = (
                {"lease_until": self._clock()} if hand_over else {"lease_holder": None, "lease_until": None}
            )
            connection.execute(mine.values(ended))
        self._process.has_lease = False
        log.debug("lease released", extra={**log_fields.of_send(send), "hand_over": hand_over})

    def claim(
        self,
        send: Send,
        max_chunks: int,
        max_recipients: int,
        held_batch: HeldBatch | None,
        lease: timedelta,
        *,
        with_journal: bool,
        lookahead: int = 1,
    ) -> list[ClaimedChunk]:
        """Claim due chunks, renew the lease, and record an attempt for each chunk before its submission.

        Return at most `max_chunks` chunks, which have together at most `max_recipients` recipients; none if
        the send was cancelled. A chunk whose recipients have all left is recorded as skipped and gets no
        attempt. `held_batch` is the batch that the mail is added to, if any. `with_journal`: create a journal
        for each chunk. `lookahead` is only of use to a ledger that is published. Raise StoreError if another
        process holds the lease.
        """
        now, batch = self._clock(), held_batch.number if held_batch else None
        with self._changing(send.issue) as connection:
            if self._renew_lease(connection, send, lease) != "open":
                return []
            due = connection.execute(chunks.due_chunks(send, now, max_chunks)).all()
            may_begin = [
                row for row in due if self.is_published(NextChunk(send.id, row.first, row.last, batch))
            ]
            rows = _within(may_begin, max_recipients)
            unnumbered = [chunks.claim_chunk(connection, row, held_batch) for row in rows]
            submitted = [chunk for chunk in unnumbered if chunk.recipients]
            if with_journal:
                self._journals |= {_key(chunk): self._process.journal(_name(chunk)) for chunk in submitted}
            attempts = chunks.record_attempts(connection, submitted, self._process.name, now)
        attempt_by_first = dict(zip((chunk.first for chunk in submitted), attempts, strict=True))
        claimed = [replace(chunk, attempt=attempt_by_first.get(chunk.first, 0)) for chunk in unnumbered]
        for chunk in claimed:
            log.debug("chunk claimed", extra={**log_fields.of_chunk(chunk), "tries": chunk.tries})
        return claimed

    def claim_repetition(self, send: Send, claimed: ClaimedChunk, lease: timedelta) -> ClaimedChunk | None:
        """Renew the lease, and record the repetition of an unknown attempt before its call; return it.

        Return None if the send was cancelled, or if the outcome was recorded meanwhile. Raise StoreError if
        another process holds the lease.
        """
        with self._changing(send.issue) as connection:
            if self._renew_lease(connection, send, lease) != "open":
                return None
            attempt = chunks.record_repetition(connection, claimed, self._process.name, self._clock())
        return None if attempt is None else replace(claimed, attempt=attempt)

    def next_chunks(self, send: Send, max_chunks: int) -> list[NextChunk]:
        """Return the next chunks that are due now, in the order in which they are claimed."""
        with self._database.reading() as connection:
            rows = connection.execute(chunks.due_chunks(send, self._clock(), max_chunks)).all()
        return [NextChunk(send.id, row.first, row.last) for row in rows]

    def is_published(self, chunk: NextChunk) -> bool:
        """Return True if a chunk may be claimed: all processes that may send use this ledger itself."""
        return True

    def journal(self, chunk: ClaimedChunk) -> Journal:
        """Return the journal of a claimed chunk."""
        return self._journals[_key(chunk)]

    def settle(self, results: Sequence[ChunkResult]) -> None:
        """Record the results of attempts, and delete their journals.

        Recipients that were recalled in the meantime stay recalled.
        """
        now = self._clock()
        with self._database.writing() as connection:
            for result in results:
                chunks.settle(connection, result, result.at or now)
            if any(transition.state == "waiting" for result in results for transition in result.transitions):
                chunks.reopen(connection, results[0].claimed.send_id)
        for claimed in (result.claimed for result in results):
            if journal := self._journals.pop(_key(claimed), None):
                journal.discard()
            if process := self._abandoned.pop(claimed.attempt, None):
                self._process.delete_notes(process, _name(claimed))

    def abandoned_attempts(self, send: Send) -> list[tuple[ClaimedChunk, dict[int, Outcome | None] | None]]:
        """Return the attempts without a recorded outcome, each with its process's notes on the messages.

        The notes map the numbers of recipients to outcomes; the outcome of a message that was begun and not
        finished is None. There are no notes (None) if the process may still run, or if it left no valid ones.
        The attempts are remembered, so that `settle` deletes their notes.
        """
        unsettled = select(attempt_table).where(
            attempt_table.c.send_id == send.id, attempt_table.c.state == "intended"
        )
        abandoned = []
        with self._database.reading() as connection:
            for row in connection.execute(unsettled.order_by(attempt_table.c.id)).all():
                recipients = chunks.recipients_of(connection, send.id, row.first, row.last)
                claimed = ClaimedChunk(send.id, row.first, row.last, row.id, 0, recipients)
                # A slow process still finishes the messages that it has begun: its notes are not final.
                is_dead = self._process.is_dead(row.process or "")
                notes = self._process.notes(row.process, _name(claimed)) if is_dead else None
                abandoned.append((claimed, notes))
                if is_dead:
                    self._abandoned[row.id] = row.process
        return abandoned

    def finish(self, send: Send) -> None:
        """Record the time at which a send finished, unless a recipient is waiting."""
        waiting = select(chunk_table.c.first).where(
            chunk_table.c.send_id == send.id, chunk_table.c.state == "waiting"
        )
        with self._changing(send.issue) as connection:
            finished = _update_send(send).where(send_table.c.finished_at.is_(None), ~waiting.exists())
            connection.execute(finished.values(finished_at=self._clock()))

    def open_held_batch(self, send: Send, batch_id: str, send_at: datetime) -> HeldBatch:
        """Record a new held batch of a send and return it; `batch_id` is the provider's id of it."""
        with self._changing(send.issue) as connection:
            highest = select(func.coalesce(func.max(held_batch_table.c.number), 0)).where(
                held_batch_table.c.send_id == send.id
            )
            number = (connection.scalar(highest) or 0) + 1
            batch = HeldBatch(send.id, number, batch_id, self._clock(), send_at, "open")
            connection.execute(insert(held_batch_table).values(vars(batch)))
        return batch

    def mark_held_batch(self, batch: HeldBatch, state: HeldBatchState) -> None:
        """Record the state of a held batch; a recall records `cancelling` before it calls the provider."""
        with self._database.writing() as connection:
            connection.execute(_update_held_batch(batch).values(state=state))

    def record_recall(
        self, status: HeldBatchStatus, state: ChunkState, reason: str, *, with_unknown: bool = True
    ) -> None:
        """Record that a held batch was recalled: its recipients change to `state`.

        `with_unknown=False`: unknown recipients stay unknown, because their request may still arrive at the
        provider, and the state of the batch does not change.
        """
        states = ("accepted", "unknown") if with_unknown else ("accepted",)
        in_batch = (
            chunk_table.c.send_id == status.batch.send_id,
            chunk_table.c.held_batch == status.batch.number,
            chunk_table.c.state.in_(states),
        )
        attempts_in_batch = (
            attempt_table.c.send_id == status.batch.send_id,
            attempt_table.c.held_batch == status.batch.number,
        )
        values = {"state": state, "held_batch": None, "reason": reason, "retry_at": None}
        with self._database.writing() as connection:
            connection.execute(update(chunk_table).where(*in_batch).values(values))
            attempts = update(attempt_table).where(*attempts_in_batch, attempt_table.c.state.in_(states))
            connection.execute(attempts.values(state="cancelled"))
            if with_unknown:
                connection.execute(_update_held_batch(status.batch).values(state="cancelled"))
            chunks.reopen(connection, status.batch.send_id)

    def mark_batch_unknown(self, batch: HeldBatch, reason: str) -> None:
        """Record that the outcome of a batch's recall is unknown: its accepted recipients become unknown."""
        in_batch = (
            chunk_table.c.send_id == batch.send_id,
            chunk_table.c.held_batch == batch.number,
            chunk_table.c.state == "accepted",
        )
        with self._database.writing() as connection:
            connection.execute(update(chunk_table).where(*in_batch).values(state="unknown", reason=reason))
            connection.execute(_update_held_batch(batch).values(state="kept"))

    def cancel(self, send: Send) -> None:
        """Cancel a send: no further attempt is begun, and its waiting recipients become cancelled."""
        with self._changing(send.issue, SEND_LOCK_SECONDS) as connection:
            connection.execute(_update_send(send).values(state="cancelled"))
            waiting = update(chunk_table).where(
                chunk_table.c.send_id == send.id, chunk_table.c.state == "waiting"
            )
            connection.execute(waiting.values(state="cancelled", retry_at=None))

    def resume(self, send: Send) -> None:
        """Resume a send that was cancelled, or that waits for a go-ahead.

        Its cancelled and waiting recipients can be tried at once, as if for the first time.
        """
        with self._changing(send.issue) as connection:
            connection.execute(_update_send(send).values(state="open", canary_size=None))
            unsent = update(chunk_table).where(
                chunk_table.c.send_id == send.id, chunk_table.c.state.in_(("cancelled", "waiting"))
            )
            connection.execute(unsent.values(state="waiting", retry_at=None, tries=0))
            chunks.reopen(connection, send.id)

    def override_state(
        self,
        send: Send,
        old_state: ChunkState,
        new_state: ChunkState,
        reason: str,
        numbers: Collection[int] | None = None,
    ) -> int:
        """Change the state of a send's recipients by a person's decision; return the number of changed ones.

        `numbers`: change only these recipients; None: change all in the old state.
        """
        query = select(chunk_table).where(chunk_table.c.send_id == send.id, chunk_table.c.state == old_state)
        count = 0
        with self._changing(send.issue) as connection:
            if rows := connection.execute(query.order_by(chunk_table.c.first)).all():
                expand(connection, send.id)
            for row in rows:
                recipients = chunks.recipients_of(connection, send.id, row.first, row.last)
                in_chunk = {recipient.number for recipient in recipients}
                chosen = in_chunk if numbers is None else in_chunk.intersection(numbers)
                if chosen:
                    transitions = chunks.split_chunk(row, recipients, chosen, new_state, reason)
                    chunks.apply_transitions(connection, row, recipients, transitions)
                    count += len(chosen)
            if new_state == "waiting":
                chunks.reopen(connection, send.id)
        fields = {"from_state": old_state, "to_state": new_state, "recipients": count, "reason": reason}
        log.info("state of recipients overridden", extra=log_fields.of_send(send) | fields)
        return count

    @contextmanager
    def _changing(self, issue: str, lock_seconds: float | None = None) -> Iterator[Connection]:
        """Open a transaction that changes the send of an issue; name it in the error if it is locked."""
        try:
            with self._database.writing(lock_seconds=lock_seconds) as connection:
                yield connection
        except DatabaseBusy as busy:
            what = f"another process has locked the send of {issue} in the database"
            hint = f"wait until it has ended (see: news status {issue}); if it was suspended, continue or "
            hint += "end it; then run the same command again"
            raise DatabaseBusy(what, hint, where=busy.where) from busy

    def _other_lease_holder(self, connection: Connection, send: Send) -> tuple[str | None, datetime | None]:
        """Lock the send; return another process that holds its lease, and the time at which the lease ends.

        Return (None, None) if this process may acquire the lease.
        """
        query = (
            select(send_table.c.lease_holder, send_table.c.lease_until)
            .where(send_table.c.id == send.id)
            .with_for_update()
        )
        holder, until = connection.execute(query).first() or (None, None)
        if holder is None or until is None or holder == self._process.name or until <= self._clock():
            return None, None
        if self._process.is_dead(holder):
            return None, None
        return holder, until

    def _renew_lease(self, connection: Connection, send: Send, lease: timedelta) -> str:
        """Renew the lease; return the send's state, which cannot change until this transaction ends.

        Raise StoreError if another process holds the lease.
        """
        mine = _update_send(send).where(send_table.c.lease_holder == self._process.name)
        renewed = mine.values(lease_until=self._clock() + lease).returning(send_table.c.state)
        if (state := connection.scalar(renewed)) is None:
            log.warning("lease lost", extra=log_fields.of_send(send))
            raise StoreError(
                f"another process has taken over the send of {send.issue}",
                f"run: news status {send.issue}",
            )
        return str(state)


def _key(chunk: ClaimedChunk) -> tuple[int, int]:
    return chunk.send_id, chunk.first


def _name(chunk: ClaimedChunk) -> str:
    """Return the name of a chunk's journal; it is unique, as one process may have chunks of several sends."""
    return f"{chunk.send_id}-{chunk.first}"


def _within(rows: Sequence[chunks.ChunkRow], max_recipients: int) -> list[chunks.ChunkRow]:
    """Return the first chunks, as long as their total is at most `max_recipients` recipients."""
    within: list[chunks.ChunkRow] = []
    for row in rows:
        max_recipients -= row.last - row.first + 1 - row.skipped
        if max_recipients < 0:
            break
        within.append(row)
    return within


def _update_send(send: Send) -> Update:
    return update(send_table).where(send_table.c.id == send.id)


def _update_held_batch(batch: HeldBatch) -> Update:
    return update(held_batch_table).where(
        held_batch_table.c.send_id == batch.send_id, held_batch_table.c.number == batch.number
    )
