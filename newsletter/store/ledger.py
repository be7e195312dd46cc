"""The ledger: who is to get an issue, what was tried, and what came of it.

Each method that writes is one durable transaction. Nothing here decides anything; `delivery` does.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from sqlalchemy import Connection, Select, Update, case, delete, func, insert, literal, null, select, update

from newsletter.errors import StoreError
from newsletter.models import Accepted, Chunk, Counts, NotSent, Outcome, Refused, Send, Subscriber, Unknown
from newsletter.shown import visible
from newsletter.store.database import Conflict, Database
from newsletter.store.schema import attempt, chunk, recipient, send, subscriber

# A chunk that is intended and has no outcome was in flight when somebody stopped: perhaps taken.
_shown_as = case((chunk.c.state == "intended", "unknown"), else_=chunk.c.state)
_SETTLED: dict[type, tuple[str, str]] = {
    Accepted: ("accepted", "accepted"),
    Refused: ("refused", "refused"),
    NotSent: ("not_sent", "waiting"),
    Unknown: ("unknown", "unknown"),
}


class Ledger:
    """The sends of a newsletter in its database."""

    def __init__(
        self,
        database: Database,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        page: int = 1000,
    ) -> None:
        """`page` is how many recipients are read at once where all of them are named."""
        self._database = database
        self._clock = clock
        self._page = page

    def find(self, issue: str, to: str) -> Send | None:
        """The send of an issue to a list, if it was ever started."""
        query = select(send).where(send.c.issue == issue, send.c.list == to)
        with self._database.reading() as connection:
            row = connection.execute(query).first()
        return _send(row) if row else None

    def sends(self, issue: str | None = None) -> list[Send]:
        """Every send, or those of an issue, oldest first."""
        query = select(send).order_by(send.c.id)
        if issue:
            query = query.where(send.c.issue == issue)
        with self._database.reading() as connection:
            return [_send(row) for row in connection.execute(query)]

    def plan(self, issue: str, to: str, content_sha256: str, provider: str, chunk_size: int) -> Send | None:
        """Claims an issue for a list and writes down who gets it, in chunks; None if somebody was quicker.

        Everybody who is active now is a recipient, each once, numbered from 1.
        """
        values = {
            "issue": issue,
            "list": to,
            "content_sha256": content_sha256,
            "provider": provider,
            "recipients": 0,
            "started_at": self._clock(),
        }
        try:
            with self._database.writing() as connection:
                taken = select(send.c.id).where(send.c.issue == issue, send.c.list == to)
                if connection.execute(taken).first():
                    return None
                number = connection.scalar(insert(send).values(values).returning(send.c.id))
                _plan(connection, number or 0, chunk_size)
        except Conflict:
            return None
        return self.find(issue, to)

    def withdraw(self, of: Send) -> bool:
        """Takes back a plan of which certainly nothing has left; False where something may have."""
        tried = select(chunk.c.number).where(
            chunk.c.send_id == of.id, chunk.c.state.not_in(("waiting", "skipped"))
        )
        with self._database.writing() as connection:
            if connection.execute(tried.limit(1)).first():
                return False
            for table in (attempt, recipient, chunk):
                connection.execute(delete(table).where(table.c.send_id == of.id))
            connection.execute(delete(send).where(send.c.id == of.id))
            return True

    def waiting(self, of: Send) -> Iterator[Chunk]:
        """The chunks that are certainly unsent, each once, in order; read one by one."""
        after = -1
        query = select(chunk.c.number, chunk.c.first, chunk.c.last).order_by(chunk.c.number).limit(1)
        query = query.where(chunk.c.send_id == of.id, chunk.c.state == "waiting")
        while True:
            with self._database.reading() as connection:
                row = connection.execute(query.where(chunk.c.number > after)).first()
            if row is None:
                return
            after = row.number
            yield Chunk(of.id, row.number, row.first, row.last)

    def intend(self, of: Chunk) -> list[tuple[int, Subscriber]] | None:
        """Claims a chunk and writes down that it is about to be tried; the recipients who are still there.

        None if another process has claimed it. Nobody left in it: an empty list, and the chunk is done.
        """
        with self._database.writing() as connection:
            claim = _chunk_is(of).where(chunk.c.state == "waiting")
            if connection.execute(claim.values(state="intended")).rowcount != 1:
                return None
            there, gone = _recipients(connection, of)
            if gone:
                connection.execute(_chunk_is(of).values(skipped=len(gone)))
                left = update(recipient).where(recipient.c.send_id == of.send_id)
                connection.execute(left.where(recipient.c.number.in_(gone)).values(outcome="left"))
            if not there:
                connection.execute(_chunk_is(of).values(state="skipped"))
                return []
            values = {"send_id": of.send_id, "chunk": of.number, "state": "intended"}
            connection.execute(insert(attempt).values(**values, intended_at=self._clock()))
            return there

    def settle(self, of: Chunk, outcome: Outcome) -> None:
        """Writes down what came of the try."""
        attempt_state, chunk_state = _SETTLED[type(outcome)]
        values = {
            "state": attempt_state,
            # A provider's words may hold what no database takes and no terminal should be shown.
            "message_id": visible(outcome.message_id, 200) if isinstance(outcome, Accepted) else None,
            "error": None if isinstance(outcome, Accepted) else visible(outcome.reason, 500),
            "settled_at": self._clock(),
        }
        with self._database.writing() as connection:
            here = (attempt.c.send_id == of.send_id, attempt.c.chunk == of.number)
            settled = update(attempt).where(*here, attempt.c.state == "intended").values(values)
            if connection.execute(settled).rowcount != 1:
                hint = "another process has settled it; see: news status"
                raise StoreError(f"chunk {of.number} has no try that waits for an outcome", hint)
            connection.execute(_chunk_is(of).values(state=chunk_state))
            if chunk_state == "waiting":
                connection.execute(update(send).where(send.c.id == of.send_id).values(finished_at=None))

    def finish(self, of: Send) -> None:
        """Writes down that nothing of a send is waiting any more."""
        waiting = select(chunk.c.number).where(chunk.c.send_id == of.id, chunk.c.state == "waiting")
        with self._database.writing() as connection:
            done = update(send).where(send.c.id == of.id, send.c.finished_at.is_(None), ~waiting.exists())
            connection.execute(done.values(finished_at=self._clock()))

    def counts(self, of: Send) -> Counts:
        """How many recipients are in which state."""
        people = func.sum(chunk.c.last - chunk.c.first + 1 - chunk.c.skipped)
        query = select(_shown_as, people, func.sum(chunk.c.skipped)).where(chunk.c.send_id == of.id)
        with self._database.reading() as connection:
            rows = connection.execute(query.group_by(_shown_as)).all()
        found = {state: int(count) for state, count, _ in rows}
        return Counts(
            recipients=of.recipients,
            accepted=found.get("accepted", 0),
            refused=found.get("refused", 0),
            unknown=found.get("unknown", 0),
            waiting=found.get("waiting", 0),
            left=sum(int(skipped) for _, _, skipped in rows),
        )

    def people(self, of: Send, state: str) -> Iterator[tuple[str, str]]:
        """Addresses of a send's recipients in one of RECIPIENT_STATES, each with the reason; streamed."""
        after = 0
        while True:
            with self._database.reading() as connection:
                rows = connection.execute(_people(of, state, after).limit(self._page)).all()
            yield from ((row.address, row.reason or "") for row in rows)
            if not rows:
                return
            after = rows[-1].number


def _send(row: object) -> Send:
    names = ("id", "issue", "list", "content_sha256", "provider", "recipients", "started_at", "finished_at")
    return Send(*(getattr(row, name) for name in names))


def _chunk_is(of: Chunk) -> Update:
    return update(chunk).where(chunk.c.send_id == of.send_id, chunk.c.number == of.number)


def _plan(connection: Connection, number: int, chunk_size: int) -> None:
    """Recipients and chunks by two statements inside the database: nothing of a list passes through here."""
    ordered = func.row_number().over(order_by=subscriber.c.id)
    everybody = select(literal(number), ordered, subscriber.c.id, null()).where(
        subscriber.c.state == "active"
    )
    columns = ["send_id", "number", "subscriber_id", "outcome"]
    connection.execute(insert(recipient).from_select(columns, everybody))
    index = ((recipient.c.number - 1) // chunk_size).label("index")
    first, last = func.min(recipient.c.number), func.max(recipient.c.number)
    ranges = select(literal(number), index, first, last, literal(0), literal("waiting"))
    ranges = ranges.where(recipient.c.send_id == number).group_by(index).order_by(index)
    columns = ["send_id", "number", "first", "last", "skipped", "state"]
    connection.execute(insert(chunk).from_select(columns, ranges))
    total = select(func.count()).where(recipient.c.send_id == number).scalar_subquery()
    connection.execute(update(send).where(send.c.id == number).values(recipients=total))


def _recipients(connection: Connection, of: Chunk) -> tuple[list[tuple[int, Subscriber]], list[int]]:
    """Those of a chunk who are still on the list, and the numbers of those who have left since the plan."""
    query = (
        select(recipient.c.number, subscriber.c.id, subscriber.c.address, subscriber.c.name)
        .add_columns(subscriber.c.state, recipient.c.outcome)
        .join(subscriber, subscriber.c.id == recipient.c.subscriber_id)
        .where(recipient.c.send_id == of.send_id, recipient.c.number.between(of.first, of.last))
        .order_by(recipient.c.number)
    )
    rows = connection.execute(query).all()
    there: list[tuple[int, Subscriber]] = []
    gone: list[int] = []
    for row in rows:
        # Who left during this send stays out of it, even if they have come back since.
        if row.state == "active" and row.outcome is None:
            there.append((row.number, Subscriber(row.id, row.address, row.name)))
        else:
            gone.append(row.number)
    return there, gone


def _people(of: Send, state: str, after: int) -> Select[int, str, str | None]:
    newest = (
        select(attempt.c.error)
        .where(attempt.c.send_id == of.id, attempt.c.chunk == chunk.c.number)
        .order_by(attempt.c.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    inside = recipient.c.number.between(chunk.c.first, chunk.c.last)
    query = (
        select(recipient.c.number, subscriber.c.address, newest.label("reason"))
        .select_from(chunk)
        .join(recipient, (recipient.c.send_id == chunk.c.send_id) & inside)
        .join(subscriber, subscriber.c.id == recipient.c.subscriber_id)
        .where(chunk.c.send_id == of.id, recipient.c.number > after)
        .order_by(recipient.c.number)
    )
    if state == "left":
        return query.where(recipient.c.outcome == "left")
    return query.where(_shown_as == state, recipient.c.outcome.is_(None))
