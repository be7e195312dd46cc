"""Add the fingerprint of the key that signs a send's links, and the host that started the send."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("send", sa.Column("key_fingerprint", sa.String))
    op.add_column("send", sa.Column("started_on", sa.String))
