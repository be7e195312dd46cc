"""The ledger, written: plans, leases, tries, lanes, and what people decide.

Each method that writes is one durable transaction, of few statements whatever the length of the list. Nothing
here decides anything; `delivery` does.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, Update, delete, func, insert, select, update

from newsletter.errors import SendRefused, StoreError
from newsletter.sending.model import ChunkState, Claimed, Landed, Lane, LaneStanding, LaneState, Plan, Send
from newsletter.sending.outcomes import Outcome
from newsletter.store import chunks
from newsletter.store.database import Conflict, Database
from newsletter.store.journal import Journal, Run
from newsletter.store.ledger_queries import Standing
from newsletter.store.schema import attempt, chunk, lane, recipient, send

_NOTHING_LEFT = ("waiting", "skipped")


class Ledger(Standing):
    """The sends of a newsletter in its database, as one `run` goes on with them."""

    def __init__(
        self,
        database: Database,
        run: Run,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        page: int = 1000,
    ) -> None:
        super().__init__(database, clock, page)
        self._run = run
        self._journals: dict[tuple[int, int], Journal] = {}
        self._adrift: dict[int, str] = {}

    def plan(self, of: Plan) -> Send | None:
        """Claims an issue for a list and writes down who gets it, in chunks; None if somebody was quicker.

        Everybody who is active now is a recipient, each once, numbered from 1. What it takes the place of is
        kept as superseded, if nobody has it still.
        """
        values = {**vars(of), "recipients": 0, "started_at": self._clock()}
        size, before = values.pop("chunk_size"), values.pop("instead_of")
        try:
            with self._database.writing() as connection:
                if before and not chunks.supersede(connection, before):
                    return None
                taken = select(send.c.id).where(send.c.issue == of.issue, send.c.list == of.list)
                if connection.execute(taken).first():
                    return None
                number = connection.scalar(insert(send).values(values).returning(send.c.id)) or 0
                total = chunks.plan_recipients(connection, number)
                chunks.plan_chunks(connection, number, total, size, min(of.hold_after or 0, total))
        except Conflict:
            return None
        return self.find(of.issue, of.list)

    def withdraw(self, of: Send) -> bool:
        """Takes back a plan of which certainly nothing has left; False where something may have."""
        tried = select(chunk.c.first).where(chunk.c.send_id == of.id, chunk.c.state.not_in(_NOTHING_LEFT))
        with self._database.writing() as connection:
            # Locked first: whoever goes on with it meanwhile is waited for, or finds it gone.
            holder, _ = self._holder(connection, of)
            if holder or connection.execute(tried.limit(1)).first():
                return False
            for table in (attempt, recipient, chunk, lane):
                connection.execute(delete(table).where(table.c.send_id == of.id))
            connection.execute(delete(send).where(send.c.id == of.id))
            return True

    def take(self, of: Send, lease: timedelta) -> None:
        """Makes this run the one that goes on with a send; raises SendRefused while another one does.

        A run that has certainly ended holds nothing.
        """
        now = self._clock()
        with self._database.writing() as connection:
            holder, until = self._holder(connection, of)
            if holder and until:
                host, process, _ = holder.rsplit("_", 2)
                what = f"{of.issue} is being sent already, by process {process} on {host}"
                hint = f"wait for it, or stop it there; without a sign its claim ends at {until:%H:%M:%S} UTC"
                raise SendRefused(what, hint)
            connection.execute(_send_is(of).values(holder=self._run.name, held_until=now + lease))
            self._run.has_lease = True

    def renew(self, of: Send, lease: timedelta) -> str:
        """Says that this run goes on; the send's state. Raises StoreError where another has taken over."""
        with self._database.writing() as connection:
            return self._renew(connection, of, lease)

    def release(self, of: Send) -> None:
        """Lets others go on."""
        with self._database.writing() as connection:
            mine = _send_is(of).where(send.c.holder == self._run.name)
            connection.execute(mine.values(holder=None, held_until=None))
        self._run.has_lease = False

    def claim(
        self, of: Send, most: int, room: int, into: Lane | None, lease: timedelta, *, noted: bool
    ) -> list[Claimed]:
        """Takes at most so many chunks whose turn it is, and writes down that they are about to be tried.

        Together they have at most `room` recipients. One without `people` is done: all have left. `noted`:
        messages are going to be noted in journals. A send that is called back has none to claim. Raises
        StoreError where another run has taken over.
        """
        now = self._clock()
        with self._database.writing() as connection:
            if self._renew(connection, of, lease) != "open":
                return []
            rows = connection.execute(chunks.may_be_tried(of, now, most)).all()
            found = [chunks.take(connection, row, into) for row in _within(rows, room)]
            tried = [one for one in found if one.people]
            if noted:
                self._journals |= {_place(one): self._run.journal(_name(one)) for one in tried}
            attempts = chunks.intend(connection, tried, self._run.name, now)
        numbered = dict(zip((one.first for one in tried), attempts, strict=True))
        return [replace(one, attempt=numbered.get(one.first, 0)) for one in found]

    def journal(self, of: Claimed) -> Journal:
        """Where the messages of a claimed chunk are noted."""
        return self._journals[_place(of)]

    def settle(self, landed: Sequence[Landed]) -> None:
        """Writes down what came of tries, and discards their journals.

        What was called back in the meantime stays so.
        """
        now = self._clock()
        with self._database.writing() as connection:
            for one in landed:
                chunks.settle(connection, one, now)
            if any(fate.state == "waiting" for one in landed for fate in one.fates):
                chunks.wait_again(connection, landed[0].claimed.send_id)
        for claimed in (one.claimed for one in landed):
            if journal := self._journals.pop(_place(claimed), None):
                journal.discard()
            if died := self._adrift.pop(claimed.attempt, None):
                self._run.forget(died, _name(claimed))

    def adrift(self, of: Send) -> list[tuple[Claimed, dict[int, Outcome | None] | None]]:
        """What was under way when a run ended without writing down its outcome, and what it noted of that."""
        under_way = select(attempt).where(attempt.c.send_id == of.id, attempt.c.state == "intended")
        found = []
        with self._database.reading() as connection:
            for row in connection.execute(under_way.order_by(attempt.c.id)).all():
                people = chunks.people_of(connection, of.id, row.first, row.last)
                claimed = Claimed(of.id, row.first, row.last, row.id, 0, people)
                # A run that is only slow goes on with what it has begun, whatever its notes say by now.
                died = self._run.has_died(row.run or "")
                found.append((claimed, self._run.notes(row.run, _name(claimed)) if died else None))
                if died:
                    self._adrift[row.id] = row.run
        return found

    def finish(self, of: Send) -> None:
        """Writes down that nothing of a send is waiting any more."""
        waiting = select(chunk.c.first).where(chunk.c.send_id == of.id, chunk.c.state == "waiting")
        with self._database.writing() as connection:
            done = _send_is(of).where(send.c.finished_at.is_(None), ~waiting.exists())
            connection.execute(done.values(finished_at=self._clock()))

    def open_lane(self, of: Send, batch_id: str, send_at: datetime) -> Lane:
        """A new lane of a send."""
        with self._database.writing() as connection:
            highest = select(func.coalesce(func.max(lane.c.number), 0)).where(lane.c.send_id == of.id)
            number = (connection.scalar(highest) or 0) + 1
            made = Lane(of.id, number, batch_id, self._clock(), send_at, "open")
            connection.execute(insert(lane).values(vars(made)))
        return made

    def mark(self, of: Lane, state: LaneState) -> None:
        """Writes down how a lane stands, or what is about to be tried with it."""
        with self._database.writing() as connection:
            connection.execute(_lane_is(of).values(state=state))

    def recall(self, of: LaneStanding, to: ChunkState, reason: str, *, doubtful: bool = True) -> None:
        """Writes down that what a lane held was called back: its people are in the state `to` from now on.

        Without the `doubtful`, whose request may still arrive: they stay, and the lane is not done with.
        """
        states = ("accepted", "unknown") if doubtful else ("accepted",)
        here = (chunk.c.send_id == of.lane.send_id, chunk.c.lane == of.lane.number, chunk.c.state.in_(states))
        tried = (attempt.c.send_id == of.lane.send_id, attempt.c.lane == of.lane.number)
        values = {"state": to, "lane": None, "reason": reason, "retry_at": None}
        with self._database.writing() as connection:
            connection.execute(update(chunk).where(*here).values(values))
            settled = update(attempt).where(*tried, attempt.c.state.in_(states))
            connection.execute(settled.values(state="cancelled"))
            if doubtful:
                connection.execute(_lane_is(of.lane).values(state="cancelled"))
            chunks.wait_again(connection, of.lane.send_id)

    def doubt(self, of: Lane, reason: str) -> None:
        """Writes down that it is not known whether a lane was called back, nor whether its people get it."""
        here = (chunk.c.send_id == of.send_id, chunk.c.lane == of.number, chunk.c.state == "accepted")
        with self._database.writing() as connection:
            connection.execute(update(chunk).where(*here).values(state="unknown", reason=reason))
            connection.execute(_lane_is(of).values(state="kept"))

    def call_back(self, of: Send) -> None:
        """Nothing more of a send is begun from now on: whoever is waiting is called back."""
        with self._database.writing() as connection:
            connection.execute(_send_is(of).values(state="cancelled"))
            waiting = update(chunk).where(chunk.c.send_id == of.id, chunk.c.state == "waiting")
            connection.execute(waiting.values(state="cancelled", retry_at=None))

    def go_on(self, of: Send) -> None:
        """Lets a send go on that was called back, or waits for a go-ahead; who was put off may be tried."""
        with self._database.writing() as connection:
            connection.execute(_send_is(of).values(state="open", hold_after=None))
            back = update(chunk).where(chunk.c.send_id == of.id, chunk.c.state.in_(("cancelled", "waiting")))
            connection.execute(back.values(state="waiting", retry_at=None, tries=0))
            chunks.wait_again(connection, of.id)

    def decide(
        self, of: Send, found: ChunkState, to: ChunkState, reason: str, only: Collection[int] | None = None
    ) -> int:
        """Puts recipients of a send who are in the state `found` into another, all or `only` these numbers.

        For what a person has found out. Says how many they were.
        """
        query = select(chunk).where(chunk.c.send_id == of.id, chunk.c.state == found)
        count = 0
        with self._database.writing() as connection:
            for row in connection.execute(query.order_by(chunk.c.first)).all():
                people = chunks.people_of(connection, of.id, row.first, row.last)
                chosen = {one.number for one in people if only is None or one.number in only}
                if chosen:
                    fates = chunks.parted(row, people, chosen, to, reason)
                    chunks.replace(connection, row, people, fates)
                    count += len(chosen)
            if to == "waiting":
                chunks.wait_again(connection, of.id)
        return count

    def _holder(self, connection: Connection, of: Send) -> tuple[str | None, datetime | None]:
        """Another run that goes on with a send, and until when unless it gives a sign; locks the send."""
        query = select(send.c.holder, send.c.held_until).where(send.c.id == of.id).with_for_update()
        holder, until = connection.execute(query).first() or (None, None)
        if holder is None or until is None or holder == self._run.name or until <= self._clock():
            return None, None
        if self._run.has_died(holder):
            return None, None
        return holder, until

    def _renew(self, connection: Connection, of: Send, lease: timedelta) -> str:
        """The send's state, which stays as it is until this transaction ends."""
        mine = _send_is(of).where(send.c.holder == self._run.name)
        renewed = mine.values(held_until=self._clock() + lease).returning(send.c.state)
        if (state := connection.scalar(renewed)) is None:
            raise StoreError(
                f"another process goes on with {of.issue}", f"see: news status --issue {of.issue}"
            )
        return str(state)


def _place(of: Claimed) -> tuple[int, int]:
    return of.send_id, of.first


def _name(of: Claimed) -> str:
    """A chunk's journal: one run may have chunks of several sends."""
    return f"{of.send_id}-{of.first}"


def _within(rows: Sequence[chunks.ChunkRow], room: int) -> list[chunks.ChunkRow]:
    """The first of the chunks, as many as have at most `room` recipients together."""
    found = []
    for row in rows:
        room -= row.last - row.first + 1 - row.skipped
        if room < 0:
            break
        found.append(row)
    return found


def _send_is(of: Send) -> Update:
    return update(send).where(send.c.id == of.id)


def _lane_is(of: Lane) -> Update:
    return update(lane).where(lane.c.send_id == of.send_id, lane.c.number == of.number)
