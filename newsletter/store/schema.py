"""The tables. A change here needs a migration in `migrations/versions`; a test compares the two."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    TypeDecorator,
    UniqueConstraint,
)

from newsletter.names import SUBSCRIBER_STATES

# The newest migration; compared at each start, so that Alembic is imported only when there is work for it.
REVISION = "0001"


class Moment(TypeDecorator[datetime]):
    """A point in time, in UTC; SQLite would forget the zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        return value.astimezone(UTC) if value else None

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        return value.replace(tzinfo=UTC) if value and value.tzinfo is None else value


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# Ids are never used twice: an old unsubscribe link must not remove somebody who came later.
subscriber = Table(
    "subscriber",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("address", String, nullable=False),
    Column("address_key", String, nullable=False, unique=True),
    Column("name", String, nullable=False, default=""),
    Column("state", String, nullable=False),
    Column("consent_at", Moment, nullable=False),
    Column("consent_how", String, nullable=False),
    Column("consent_source", String, nullable=False, default=""),
    Column("changed_at", Moment, nullable=False),
    CheckConstraint(f"state in {SUBSCRIBER_STATES}", name="state"),
    sqlite_autoincrement=True,
)

# One row for an issue and a list, whoever tries: the claim that keeps an issue from being sent twice.
send = Table(
    "send",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("issue", String, nullable=False),
    Column("list", String, nullable=False),
    Column("content_sha256", String, nullable=False),
    Column("provider", String, nullable=False),
    Column("recipients", Integer, nullable=False),
    Column("started_at", Moment, nullable=False),
    Column("finished_at", Moment),
    UniqueConstraint("issue", "list"),
    sqlite_autoincrement=True,
)

# The recipients first..last of a send, which go to the provider in one call. `skipped` of them had left
# before that.
chunk = Table(
    "chunk",
    metadata,
    Column("send_id", Integer, ForeignKey("send.id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("first", Integer, nullable=False),
    Column("last", Integer, nullable=False),
    Column("skipped", Integer, nullable=False, default=0),
    Column("state", String, nullable=False),
    CheckConstraint(
        "state in ('waiting', 'intended', 'accepted', 'refused', 'unknown', 'skipped')", name="state"
    ),
    sqlite_with_rowid=False,
)

# One try of a chunk. `lane` (the provider's batch id) and `send_at` are for mail that is held back.
attempt = Table(
    "attempt",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("send_id", Integer, nullable=False),
    Column("chunk", Integer, nullable=False),
    Column("state", String, nullable=False),
    Column("lane", String),
    Column("send_at", Moment),
    Column("message_id", String),
    Column("error", String),
    Column("intended_at", Moment, nullable=False),
    Column("settled_at", Moment),
    ForeignKeyConstraint(["send_id", "chunk"], ["chunk.send_id", "chunk.number"]),
    CheckConstraint("state in ('intended', 'accepted', 'refused', 'not_sent', 'unknown')", name="state"),
    Index(None, "send_id", "chunk"),
)

# Numbered within their send, so that a chunk is a range and its outcome one row. `outcome` is set only
# where it differs from the chunk's.
recipient = Table(
    "recipient",
    metadata,
    Column("send_id", Integer, ForeignKey("send.id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("subscriber_id", Integer, ForeignKey("subscriber.id"), nullable=False),
    Column("outcome", String),
    CheckConstraint("outcome in ('left')", name="outcome"),
    sqlite_with_rowid=False,
)
