"""Add sign-ups, the history of consents, mail about subscriptions, events of providers, and pulls."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("suppressed", sa.Column("until", _TIME))
    op.create_table(
        "wording",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("text", sa.String, nullable=False),
        sa.Column("since", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wording")),
        sa.UniqueConstraint("text", name=op.f("uq_wording_text")),
    )
    _create_sign_up()
    _create_consent_event()
    _create_service_mail()
    _create_delivery_event()
    op.create_table(
        "pull",
        sa.Column("source", sa.String, nullable=False),
        sa.Column("position", sa.String, nullable=False, server_default=""),
        sa.Column("pulled_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("source", name=op.f("pk_pull")),
    )


def _create_sign_up() -> None:
    op.create_table(
        "sign_up",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("address", sa.String, nullable=False),
        sa.Column("address_key", sa.String, nullable=False),
        sa.Column("mailbox_key", sa.String, nullable=False),
        sa.Column("asked_at", _TIME, nullable=False),
        sa.Column("expires_at", _TIME, nullable=False),
        sa.Column("asked_how", sa.String, nullable=False),
        sa.Column("wording_id", sa.Integer, nullable=False),
        sa.Column("mails", sa.Integer, nullable=False),
        sa.Column("mails_since", _TIME, nullable=False),
        sa.Column("mailed_at", _TIME, nullable=False),
        sa.Column("subscriber_id", sa.Integer),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_up")),
        sa.UniqueConstraint("address_key", name=op.f("uq_sign_up_address_key")),
        sa.ForeignKeyConstraint(["wording_id"], ["wording.id"], name=op.f("fk_sign_up_wording_id")),
        sqlite_autoincrement=True,
    )
    for column in ("expires_at", "mailbox_key"):
        op.create_index(op.f(f"ix_sign_up_{column}"), "sign_up", [column])


def _create_consent_event() -> None:
    op.create_table(
        "consent_event",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("subscriber_id", sa.Integer, nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("change", sa.String, nullable=False),
        sa.Column("how", sa.String, nullable=False),
        sa.Column("wording_id", sa.Integer),
        sa.Column("state_before", sa.String),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent_event")),
        sa.ForeignKeyConstraint(["wording_id"], ["wording.id"], name=op.f("fk_consent_event_wording_id")),
        sa.CheckConstraint(
            "change in ('asked', 'confirmed', 'left', 'returned')", name=op.f("ck_consent_event_change")
        ),
    )
    op.create_index(op.f("ix_consent_event_subscriber_id"), "consent_event", ["subscriber_id"])
    op.create_index(op.f("ix_consent_event_at"), "consent_event", ["at"])


def _create_service_mail() -> None:
    op.create_table(
        "service_mail",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("sign_up_id", sa.Integer),
        sa.Column("subscriber_id", sa.Integer),
        sa.Column("written_at", _TIME, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("retry_at", _TIME),
        sa.Column("settled_at", _TIME),
        sa.Column("reason", sa.String),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_mail")),
        sa.CheckConstraint("kind in ('confirm', 'already', 'data')", name=op.f("ck_service_mail_kind")),
        sa.CheckConstraint(
            "state in ('waiting', 'intended', 'accepted', 'refused', 'unknown')",
            name=op.f("ck_service_mail_state"),
        ),
        sqlite_autoincrement=True,
    )
    for column in ("sign_up_id", "subscriber_id", "written_at"):
        op.create_index(op.f(f"ix_service_mail_{column}"), "service_mail", [column])
    is_waiting = sa.text("state = 'waiting'")
    op.create_index(
        "ix_service_mail_waiting",
        "service_mail",
        ["id"],
        sqlite_where=is_waiting,
        postgresql_where=is_waiting,
    )


def _create_delivery_event() -> None:
    op.create_table(
        "delivery_event",
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("source", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("subscriber_id", sa.Integer, nullable=False),
        sa.Column("send_id", sa.Integer),
        sa.Column("status", sa.String),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_delivery_event")),
        sa.CheckConstraint(
            "kind in ('delivered', 'soft', 'bounced', 'unsubscribed', 'complained')",
            name=op.f("ck_delivery_event_kind"),
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_delivery_event_subscriber_id", "delivery_event", ["subscriber_id", "at"])
    op.create_index("ix_delivery_event_send_id", "delivery_event", ["send_id", "kind", "subscriber_id"])
