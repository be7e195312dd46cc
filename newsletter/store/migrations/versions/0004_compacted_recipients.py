"""Add the compacted form of the recipients of a settled send."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "recipient_block",
        sa.Column("send_id", sa.Integer, nullable=False),
        sa.Column("first", sa.Integer, nullable=False),
        sa.Column("last", sa.Integer, nullable=False),
        sa.Column("subscriber_ids", sa.LargeBinary, nullable=False),
        sa.ForeignKeyConstraint(["send_id"], ["send.id"], name=op.f("fk_recipient_block_send_id")),
        sa.PrimaryKeyConstraint("send_id", "first", name=op.f("pk_recipient_block")),
    )
