"""Add held batches (`lane`), leases (`holder`, `held_until`), and chunks that can be split."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_UTC_DATE_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    for table in ("chunk", "attempt", "recipient"):
        op.execute(f"create table old_{table} as select * from {table}")
    for table in ("attempt", "recipient", "chunk"):
        op.drop_table(table)
    _extend_send()
    _create_lane()
    _create_chunk()
    _create_attempt()
    _create_recipient()
    op.execute(
        "insert into chunk (send_id, first, last, skipped, state, tries)"
        " select send_id, first, last, skipped, state, 0 from old_chunk"
    )
    op.execute(
        "insert into attempt (send_id, first, last, state, message_id, error, intended_at, settled_at)"
        " select a.send_id, c.first, c.last, a.state, a.message_id, a.error, a.intended_at, a.settled_at"
        " from old_attempt a join old_chunk c on c.send_id = a.send_id and c.number = a.chunk order by a.id"
    )
    op.execute(
        "insert into recipient (send_id, number, subscriber_id, outcome)"
        " select send_id, number, subscriber_id, outcome from old_recipient"
    )
    # The reason of the last attempt, for chunks that were not accepted.
    op.execute(
        "update chunk set reason = (select a.error from attempt a where a.send_id = chunk.send_id"
        " and a.first = chunk.first order by a.id desc limit 1) where state <> 'accepted'"
    )
    for table in ("chunk", "attempt", "recipient"):
        op.drop_table(f"old_{table}")


def _extend_send() -> None:
    # One statement for both databases: SQLite accepts a check only together with its new column.
    op.execute(
        "alter table send add column state varchar default 'open' not null"
        " constraint ck_send_state check (state in ('open', 'cancelled', 'superseded'))"
    )
    op.add_column("send", sa.Column("window", sa.Integer, nullable=False, server_default="0"))
    op.add_column("send", sa.Column("content", sa.LargeBinary))
    op.add_column("send", sa.Column("send_at", _UTC_DATE_TIME))
    op.add_column("send", sa.Column("hold_after", sa.Integer))
    op.add_column("send", sa.Column("holder", sa.String))
    op.add_column("send", sa.Column("held_until", _UTC_DATE_TIME))


def _create_lane() -> None:
    op.create_table(
        "lane",
        sa.Column("send_id", sa.Integer, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("batch_id", sa.String, nullable=False),
        sa.Column("opened_at", _UTC_DATE_TIME, nullable=False),
        sa.Column("send_at", _UTC_DATE_TIME, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.CheckConstraint(
            "state in ('open', 'cancelling', 'cancelled', 'kept')", name=op.f("ck_lane_state")
        ),
        sa.ForeignKeyConstraint(["send_id"], ["send.id"], name=op.f("fk_lane_send_id")),
        sa.PrimaryKeyConstraint("send_id", "number", name=op.f("pk_lane")),
    )


def _create_chunk() -> None:
    op.create_table(
        "chunk",
        sa.Column("send_id", sa.Integer, nullable=False),
        sa.Column("first", sa.Integer, nullable=False),
        sa.Column("last", sa.Integer, nullable=False),
        sa.Column("skipped", sa.Integer, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("retry_at", _UTC_DATE_TIME),
        sa.Column("lane", sa.Integer),
        sa.Column("reason", sa.String),
        sa.CheckConstraint(
            "state in ('waiting', 'intended', 'accepted', 'refused', 'unknown', 'cancelled', 'skipped')",
            name=op.f("ck_chunk_state"),
        ),
        sa.ForeignKeyConstraint(["send_id"], ["send.id"], name=op.f("fk_chunk_send_id")),
        sa.PrimaryKeyConstraint("send_id", "first", name=op.f("pk_chunk")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_chunk_waiting",
        "chunk",
        ["send_id", "tries", "first"],
        sqlite_where=sa.text("state = 'waiting'"),
        postgresql_where=sa.text("state = 'waiting'"),
    )


def _create_attempt() -> None:
    op.create_table(
        "attempt",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("send_id", sa.Integer, nullable=False),
        sa.Column("first", sa.Integer, nullable=False),
        sa.Column("last", sa.Integer, nullable=False),
        sa.Column("lane", sa.Integer),
        sa.Column("run", sa.String),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("message_id", sa.String),
        sa.Column("error", sa.String),
        sa.Column("intended_at", _UTC_DATE_TIME, nullable=False),
        sa.Column("settled_at", _UTC_DATE_TIME),
        sa.CheckConstraint(
            "state in ('intended', 'accepted', 'refused', 'not_sent', 'unknown', 'mixed', 'cancelled')",
            name=op.f("ck_attempt_state"),
        ),
        sa.ForeignKeyConstraint(["send_id"], ["send.id"], name=op.f("fk_attempt_send_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempt")),
    )
    op.create_index(op.f("ix_attempt_send_id"), "attempt", ["send_id", "state"])


def _create_recipient() -> None:
    """Create the table without foreign keys: checking them for a million rows takes seconds."""
    op.create_table(
        "recipient",
        sa.Column("send_id", sa.Integer, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("subscriber_id", sa.Integer, nullable=False),
        sa.Column("outcome", sa.String),
        sa.CheckConstraint("outcome in ('left')", name=op.f("ck_recipient_outcome")),
        sa.PrimaryKeyConstraint("send_id", "number", name=op.f("pk_recipient")),
        sqlite_with_rowid=False,
    )
