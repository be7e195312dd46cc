"""Create the tables of subscribers and of the ledger."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "subscriber",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("address", sa.String, nullable=False),
        sa.Column("address_key", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("consent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("consent_how", sa.String, nullable=False),
        sa.Column("consent_source", sa.String, nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "state in ('pending', 'active', 'unsubscribed', 'bounced', 'complained')",
            name=op.f("ck_subscriber_state"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscriber")),
        sa.UniqueConstraint("address_key", name=op.f("uq_subscriber_address_key")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "send",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("issue", sa.String, nullable=False),
        sa.Column("list", sa.String, nullable=False),
        sa.Column("content_sha256", sa.String, nullable=False),
        sa.Column("provider", sa.String, nullable=False),
        sa.Column("recipients", sa.Integer, nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_send")),
        sa.UniqueConstraint("issue", "list", name=op.f("uq_send_issue_list")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "chunk",
        sa.Column("send_id", sa.Integer, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("first", sa.Integer, nullable=False),
        sa.Column("last", sa.Integer, nullable=False),
        sa.Column("skipped", sa.Integer, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.CheckConstraint(
            "state in ('waiting', 'intended', 'accepted', 'refused', 'unknown', 'skipped')",
            name=op.f("ck_chunk_state"),
        ),
        sa.ForeignKeyConstraint(["send_id"], ["send.id"], name=op.f("fk_chunk_send_id")),
        sa.PrimaryKeyConstraint("send_id", "number", name=op.f("pk_chunk")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "attempt",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("send_id", sa.Integer, nullable=False),
        sa.Column("chunk", sa.Integer, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("lane", sa.String),
        sa.Column("send_at", sa.DateTime(timezone=True)),
        sa.Column("message_id", sa.String),
        sa.Column("error", sa.String),
        sa.Column("intended_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint(
            "state in ('intended', 'accepted', 'refused', 'not_sent', 'unknown')",
            name=op.f("ck_attempt_state"),
        ),
        sa.ForeignKeyConstraint(
            ["send_id", "chunk"], ["chunk.send_id", "chunk.number"], name=op.f("fk_attempt_send_id_chunk")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempt")),
    )
    op.create_index(op.f("ix_attempt_send_id_chunk"), "attempt", ["send_id", "chunk"])
    op.create_table(
        "recipient",
        sa.Column("send_id", sa.Integer, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("subscriber_id", sa.Integer, nullable=False),
        sa.Column("outcome", sa.String),
        sa.CheckConstraint("outcome in ('left')", name=op.f("ck_recipient_outcome")),
        sa.ForeignKeyConstraint(["send_id"], ["send.id"], name=op.f("fk_recipient_send_id")),
        sa.ForeignKeyConstraint(
            ["subscriber_id"], ["subscriber.id"], name=op.f("fk_recipient_subscriber_id")
        ),
        sa.PrimaryKeyConstraint("send_id", "number", name=op.f("pk_recipient")),
        sqlite_with_rowid=False,
    )
