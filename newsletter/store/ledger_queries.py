"""The ledger, read: which sends there are, how they stand, and who is in which state."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, case, func, select

from newsletter.sending.model import REHEARSAL, Counts, Lane, LaneStanding, Send
from newsletter.store.database import Database
from newsletter.store.schema import attempt, chunk, lane, recipient, send, subscriber

# A chunk that is intended and has no outcome was in flight when somebody stopped: perhaps taken. While its
# lane is being called back, and until that is confirmed, what was accepted is perhaps not any more.
_being_called_back = (
    select(lane.c.number)
    .where(lane.c.send_id == chunk.c.send_id, lane.c.number == chunk.c.lane, lane.c.state == "cancelling")
    .correlate(chunk)
    .exists()
)
_shown_as = case(
    (chunk.c.state == "intended", "unknown"),
    ((chunk.c.state == "accepted") & _being_called_back, "unknown"),
    else_=chunk.c.state,
)
_SEND = [send.c[name] for name in Send.__dataclass_fields__]
_people_in = chunk.c.last - chunk.c.first + 1 - chunk.c.skipped


class Standing:
    """How the sends of a newsletter stand."""

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
        query = select(*_SEND).where(send.c.issue == issue, send.c.list == to)
        with self._database.reading() as connection:
            row = connection.execute(query).first()
        return Send(*row) if row else None

    def sends(self, issue: str | None = None) -> list[Send]:
        """Every send, or those of an issue, oldest first."""
        query = select(*_SEND).order_by(send.c.id)
        if issue:
            query = query.where(send.c.issue == issue)
        with self._database.reading() as connection:
            return [Send(*row) for row in connection.execute(query)]

    def newest(self, issue: str, to: str) -> Send | None:
        """An issue's send to a list, or else its newest other one: a rehearsal, or one that is superseded."""
        sends = self.sends(issue)
        return next((one for one in sends if one.list == to), sends[-1] if sends else None)

    def before(self, issue: str, to: str) -> Send | None:
        """The newest send of another issue to a list."""
        query = select(*_SEND).where(send.c.list == to, send.c.issue != issue).order_by(send.c.id.desc())
        with self._database.reading() as connection:
            row = connection.execute(query.limit(1)).first()
        return Send(*row) if row else None

    def content(self, of: Send) -> bytes | None:
        """What a send's mailing was, as it was handed to the plan."""
        with self._database.reading() as connection:
            return connection.scalar(select(send.c.content).where(send.c.id == of.id))

    def counts(self, of: Send) -> Counts:
        """How many recipients are in which state."""
        query = select(_shown_as, func.sum(_people_in), func.sum(chunk.c.skipped))
        query = query.where(chunk.c.send_id == of.id).group_by(_shown_as)
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
            held = connection.scalar(_held_back(of, self._clock())) or 0
            under_way = connection.scalar(_under_way(of)) or 0
        found = {state: int(count) for state, count, _ in rows}
        found.pop("skipped", None)
        left = sum(int(skipped) for _, _, skipped in rows)
        return Counts(of.recipients, **found, left=left, held=int(held), under_way=int(under_way))

    def joined(self, of: Send) -> int:
        """How many are on the list who came after a send's plan: it is not for them."""
        query = select(func.count()).where(
            subscriber.c.state == "active", subscriber.c.consent_at > of.started_at
        )
        with self._database.reading() as connection:
            return connection.scalar(query) or 0

    def people(self, of: Send, state: str) -> Iterator[tuple[int, str, str]]:
        """A send's recipients in one of RECIPIENT_STATES: number, address and reason; streamed."""
        after = 0
        while True:
            with self._database.reading() as connection:
                rows = connection.execute(_people(of, state, after).limit(self._page)).all()
            yield from ((row.number, row.address, row.reason or "") for row in rows)
            if not rows:
                return
            after = rows[-1].number

    def next_try(self, of: Send) -> datetime | None:
        """When somebody waiting may be tried; the past for at once, None where nobody is waiting."""
        at = func.min(func.coalesce(chunk.c.retry_at, of.started_at, type_=chunk.c.retry_at.type))
        query = select(at).where(chunk.c.send_id == of.id, chunk.c.state == "waiting")
        if of.hold_after is not None:
            query = query.where(chunk.c.first <= of.hold_after)
        with self._database.reading() as connection:
            return connection.scalar(query)

    def leaves(self, of: Send) -> tuple[datetime, datetime] | None:
        """When the first and the last of a send's mail leaves that is held back now; None where none is."""
        query = select(func.min(lane.c.send_at), func.max(lane.c.send_at))
        query = query.where(
            lane.c.send_id == of.id, lane.c.state != "cancelled", lane.c.send_at > self._clock()
        )
        with self._database.reading() as connection:
            first, last = connection.execute(query).one()
        return (first, last) if first else None

    def lanes(self, of: Send) -> list[LaneStanding]:
        """A send's lanes, oldest first, with what is in them."""
        with self._database.reading() as connection:
            rows = connection.execute(_lanes(of)).all()
        return [_standing(row) for row in rows]

    def lanes_in_use(self, now: datetime) -> int:
        """How many lanes of all sends could still be called back: the provider counts them by account."""
        query = select(func.count()).select_from(lane)
        query = query.where(lane.c.state.in_(("open", "cancelling")), lane.c.send_at > now)
        with self._database.reading() as connection:
            return connection.scalar(query) or 0

    def tried_since(self, moment: datetime) -> list[tuple[datetime, int]]:
        """When how many recipients were tried, of all sends that leave this machine, oldest first."""
        size = attempt.c.last - attempt.c.first + 1
        query = select(attempt.c.intended_at, size).where(attempt.c.intended_at > moment)
        query = query.join(send, send.c.id == attempt.c.send_id).where(send.c.list.not_like(f"{REHEARSAL}%"))
        with self._database.reading() as connection:
            return [(at, count) for at, count in connection.execute(query.order_by(attempt.c.intended_at))]


def _held_back(of: Send, now: datetime) -> Select[int]:
    lane_of = (lane.c.send_id == chunk.c.send_id) & (lane.c.number == chunk.c.lane)
    query = select(func.sum(_people_in)).join(lane, lane_of)
    return query.where(chunk.c.send_id == of.id, _shown_as == "accepted", lane.c.send_at > now)


def _under_way(of: Send) -> Select[int]:
    return select(func.sum(_people_in)).where(chunk.c.send_id == of.id, chunk.c.state == "intended")


def _lanes(of: Send) -> Select[*tuple[Any, ...]]:
    def people_in(*states: str) -> ColumnElement[Any]:
        return func.coalesce(func.sum(case((chunk.c.state.in_(states), _people_in), else_=0)), 0)

    since = (
        select(func.max(attempt.c.settled_at))
        .where(attempt.c.send_id == of.id, attempt.c.lane == lane.c.number, attempt.c.state == "unknown")
        .scalar_subquery()
    )
    in_lane = (chunk.c.send_id == lane.c.send_id) & (chunk.c.lane == lane.c.number)
    columns: list[ColumnElement[Any]] = [lane.c[name] for name in Lane.__dataclass_fields__]
    query = select(*columns, people_in("accepted"), people_in("unknown"), people_in("intended"), since)
    query = query.select_from(lane).outerjoin(chunk, in_lane).where(lane.c.send_id == of.id)
    return query.group_by(*columns).order_by(lane.c.number)


def _standing(row: Row[*tuple[Any, ...]]) -> LaneStanding:
    of_lane = len(Lane.__dataclass_fields__)
    accepted, unknown, intended, since = row[of_lane:]
    return LaneStanding(Lane(*row[:of_lane]), int(accepted), int(unknown), int(intended), since)


def _people(of: Send, state: str, after: int) -> Select[int, str, str | None]:
    inside = recipient.c.number.between(chunk.c.first, chunk.c.last)
    query = (
        select(recipient.c.number, subscriber.c.address, chunk.c.reason)
        .select_from(chunk)
        .join(recipient, (recipient.c.send_id == chunk.c.send_id) & inside)
        .join(subscriber, subscriber.c.id == recipient.c.subscriber_id)
        .where(chunk.c.send_id == of.id, recipient.c.number > after)
        .order_by(recipient.c.number)
    )
    if state == "left":
        return query.where(recipient.c.outcome == "left")
    return query.where(_shown_as == state, recipient.c.outcome.is_(None))
