"""Add the nonce of a send, from which the idempotency keys of its calls are made."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("send", sa.Column("nonce", sa.String))
