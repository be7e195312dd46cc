"""Count the subscribers: by state, by month, by how they joined, and by the domain of their mail."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, String, and_, func, not_, select, type_coerce

from newsletter.constants import DEPARTED_STATES, SUBSCRIBER_STATES
from newsletter.sending.model import SUBSCRIBERS
from newsletter.store.schema import send_table, sign_up_table, subscriber_table, suppressed_table
from newsletter.subscribers.origins import IMPORTED

MONTHS = 12
MAX_DOMAINS = 5

_state, _joined, _changed = (subscriber_table.c[name] for name in ("state", "consent_at", "changed_at"))
_is_active = _state == "active"
# An import also adds people who had left elsewhere, to keep them out: they neither joined nor left here.
_left_elsewhere = and_(subscriber_table.c.consent_how == IMPORTED, subscriber_table.c.changed_how == IMPORTED)
_has_joined = and_(_state != "pending", not_(_left_elsewhere))
_has_left = and_(_state.in_(DEPARTED_STATES), not_(_left_elsewhere))


@dataclass(frozen=True)
class Movement:
    """The people who joined and who left in some time; `since` is its beginning.

    A person who joined and then left counts as both. A person who left and joined again, or was forgotten,
    does not count as left; a person whom an import brought, and took off the list, counts as neither.
    """

    since: datetime
    joined: int
    left: int


@dataclass(frozen=True)
class ListStatistics:
    """Numbers of subscribers.

    Sign-ups that wait for their confirmation are in the state `pending`. `months` are the last MONTHS months,
    the oldest first. `last_issue` is the name of the issue that was sent last, and `since_last` the movement
    after its send began; None if none was sent. `origins` and `domains` are those of active subscribers, the
    most frequent first.
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
    by_state["pending"] = by_state.get("pending", 0) + _waiting_sign_ups(connection, now)
    last = connection.execute(
        select(send_table.c.issue, send_table.c.started_at)
        .where(send_table.c.list == SUBSCRIBERS)
        .order_by(send_table.c.id.desc())
        .limit(1)
    ).first()
    frequent, domains = _domains(connection)
    forgotten = select(func.count()).where(suppressed_table.c.until.is_(None))
    origins = select(subscriber_table.c.consent_how, func.count()).where(_is_active)
    return ListStatistics(
        states={state: by_state.get(state, 0) for state in SUBSCRIBER_STATES},
        forgotten=connection.scalar(forgotten) or 0,
        months=_by_month(connection, month_starts(now, MONTHS)),
        origins=_most_frequent(_pairs(connection, origins.group_by(subscriber_table.c.consent_how))),
        domains=frequent,
        other_domains=domains - len(frequent),
        last_issue=last.issue if last else None,
        since_last=_since(connection, last.started_at) if last else None,
    )


def month_starts(now: datetime, count: int) -> list[datetime]:
    """Return the beginnings of `count` months, the last of which is that of `now`."""
    last = now.year * 12 + now.month - 1  # the number of this month, where January of year 0 is 0
    return [datetime(n // 12, n % 12 + 1, 1, tzinfo=UTC) for n in range(last - count + 1, last + 1)]


def _by_month(connection: Connection, starts: Sequence[datetime]) -> list[Movement]:
    """Return the movement of each month that begins at one of `starts`."""
    joined = _counted_by_month(connection, _joined, and_(_has_joined, _joined >= starts[0]))
    left = _counted_by_month(connection, _changed, and_(_has_left, _changed >= starts[0]))
    months = [(start, f"{start:%Y-%m}") for start in starts]
    return [Movement(start, joined.get(month, 0), left.get(month, 0)) for start, month in months]


def _counted_by_month(
    connection: Connection, moment: ColumnElement[datetime], condition: ColumnElement[bool]
) -> dict[str, int]:
    """Return the number of subscribers by the month of a time, such as `2026-04`, in UTC."""
    if connection.dialect.name == "postgresql":
        month: ColumnElement[str] = func.to_char(func.timezone("UTC", moment), "YYYY-MM")
    else:  # SQLite has the time as text
        month = func.substr(type_coerce(moment, String), 1, len("2026-04"))
    named = select(month.label("month")).where(condition).subquery()
    return dict(_pairs(connection, select(named.c.month, func.count()).group_by(named.c.month)))


def _waiting_sign_ups(connection: Connection, now: datetime) -> int:
    waits = and_(sign_up_table.c.subscriber_id.is_(None), sign_up_table.c.expires_at > now)
    return connection.scalar(select(func.count()).where(waits)) or 0


def _since(connection: Connection, moment: datetime) -> Movement:
    """Return the movement since a moment."""
    joined = select(func.count()).where(_has_joined, _joined >= moment)
    left = select(func.count()).where(_has_left, _changed >= moment)
    return Movement(moment, connection.scalar(joined) or 0, connection.scalar(left) or 0)


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
