"""Count the subscribers: by state, by month, by how they joined, and by the domain of their mail."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, case, func, select

from newsletter.constants import SUBSCRIBER_STATES
from newsletter.sending.model import SUBSCRIBERS
from newsletter.store.schema import send_table, subscriber_table, suppressed_table

MONTHS = 12
MAX_DOMAINS = 5

_state, _joined, _changed = (subscriber_table.c[name] for name in ("state", "consent_at", "changed_at"))
_is_active = _state == "active"
_has_left = _state.in_(("unsubscribed", "bounced", "complained"))


@dataclass(frozen=True)
class Movement:
    """The people who joined and who left in some time; `since` is its beginning.

    Who left and joined again, or was forgotten, does not count as left.
    """

    since: datetime
    joined: int
    left: int


@dataclass(frozen=True)
class ListStatistics:
    """Numbers of subscribers.

    `months` are the last MONTHS months, the oldest first. `last_issue` is the name of the issue that was sent
    last, and `since_last` the movement after its send began; None if none was sent. `origins` and `domains`
    are those of active subscribers, the most frequent first.
    """

    states: dict[str, int]
    forgotten: int
    months: list[Movement]
    origins: list[tuple[str, int]]
    domains: list[tuple[str, int]]
    other_domains: int
    last_issue: str | None
    since_last: Movement | None


def read_statistics(connection: Connection, now: datetime) -> ListStatistics:
    """Count the subscribers at a time, which is in UTC."""
    by_state = dict(_pairs(connection, select(_state, func.count()).group_by(_state)))
    last = connection.execute(
        select(send_table.c.issue, send_table.c.started_at)
        .where(send_table.c.list == SUBSCRIBERS)
        .order_by(send_table.c.id.desc())
        .limit(1)
    ).first()
    starts = month_starts(now, MONTHS + 1)
    movements = _movements(connection, [*pairwise(starts)], last and last.started_at)
    frequent, domains = _domains(connection)
    origins = select(subscriber_table.c.consent_how, func.count()).where(_is_active)
    return ListStatistics(
        states={state: by_state.get(state, 0) for state in SUBSCRIBER_STATES},
        forgotten=connection.scalar(select(func.count()).select_from(suppressed_table)) or 0,
        months=movements[:MONTHS],
        origins=_most_frequent(_pairs(connection, origins.group_by(subscriber_table.c.consent_how))),
        domains=frequent,
        other_domains=domains - len(frequent),
        last_issue=last.issue if last else None,
        since_last=movements[MONTHS] if last else None,
    )


def month_starts(now: datetime, count: int) -> list[datetime]:
    """Return the beginnings of `count` months, the last of which is the month after `now`."""
    last = now.year * 12 + now.month  # the number of the next month, where January of year 0 is 0
    return [datetime(n // 12, n % 12 + 1, 1, tzinfo=UTC) for n in range(last - count + 1, last + 1)]


def _movements(
    connection: Connection, periods: Sequence[tuple[datetime, datetime]], last: datetime | None
) -> list[Movement]:
    """Return the movement of each period, and then that since `last`, if it is given: one pass over all."""
    conditions: list[ColumnElement[bool]] = []
    for start, end in periods:
        conditions.append(and_(_joined >= start, _joined < end))
        conditions.append(and_(_has_left, _changed >= start, _changed < end))
    if last:
        conditions.append(and_(_is_active, _joined > last))
        conditions.append(and_(_has_left, _changed > last, _joined <= last))
    row = connection.execute(select(*(func.sum(case((one, 1), else_=0)) for one in conditions))).one()
    numbers = [int(number or 0) for number in row]
    since = [start for start, _ in periods] + ([last] if last else [])
    return [
        Movement(start, joined, left)
        for start, joined, left in zip(since, numbers[::2], numbers[1::2], strict=True)
    ]


def _domains(connection: Connection) -> tuple[list[tuple[str, int]], int]:
    """Return the most frequent domains of active subscribers, and the number of all domains."""
    key = subscriber_table.c.address_key
    at = func.strpos(key, "@") if connection.dialect.name == "postgresql" else func.instr(key, "@")
    domain = func.substr(key, at + 1).label("domain")
    by_domain = select(domain, func.count().label("people")).where(_is_active).group_by(domain).subquery()
    frequent = select(by_domain.c.domain, by_domain.c.people).order_by(
        by_domain.c.people.desc(), by_domain.c.domain
    )
    total = connection.scalar(select(func.count()).select_from(by_domain)) or 0
    return _pairs(connection, frequent.limit(MAX_DOMAINS)), total


def _pairs(connection: Connection, query: Select[Any, Any]) -> list[tuple[str, int]]:
    return [(name, int(number)) for name, number in connection.execute(query)]


def _most_frequent(pairs: Sequence[tuple[str, int]]) -> list[tuple[str, int]]:
    return sorted(pairs, key=lambda pair: (-pair[1], pair[0]))
