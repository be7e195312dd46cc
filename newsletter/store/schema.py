"""The tables of the database. A change needs a migration in `migrations/versions`; a test compares the two.

A column with a `key` has this name in the code; in the database it keeps an older name.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    TypeDecorator,
    UniqueConstraint,
    text,
)

from newsletter.constants import (
    CONSENT_CHANGES,
    DELIVERY_EVENT_KINDS,
    SERVICE_MAIL_KINDS,
    SERVICE_MAIL_STATES,
    SUBSCRIBER_STATES,
)
from newsletter.sending.model import CHUNK_STATES

# Revision of the newest migration. Each start compares it with the revision of the database, and imports
# Alembic only to migrate.
REVISION = "0007"


class UtcDateTime(TypeDecorator[datetime]):
    """A point in time in UTC; SQLite does not store the time zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        return value.astimezone(UTC) if value else None

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        return value.replace(tzinfo=UTC) if value and value.tzinfo is None else value

    def result_processor(self, dialect: Any, coltype: object) -> Any:
        """Return the function that makes a time of a stored value; for SQLite, in one step."""
        return _utc_time if dialect.name == "sqlite" else super().result_processor(dialect, coltype)


def _utc_time(text: str | None) -> datetime | None:
    if text is None:
        return None
    if len(text) == _WITHOUT_ZONE:  # nearly all
        return datetime.fromisoformat(f"{text}+00:00")
    time = datetime.fromisoformat(text)  # written by hand, perhaps with a zone
    return time if time.tzinfo else time.replace(tzinfo=UTC)


_WITHOUT_ZONE = len("2026-04-27 09:00:00.000000")


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# Ids are never reused: an old unsubscribe link must not remove a later subscriber. `changed_how` tells the
# origin of the state since `changed_at`; it is "" for a subscriber that never left.
subscriber_table = Table(
    "subscriber",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("address", String, nullable=False),
    Column("address_key", String, nullable=False, unique=True),
    Column("name", String, nullable=False, default=""),
    Column("state", String, nullable=False),
    Column("consent_at", UtcDateTime, nullable=False),
    Column("consent_how", String, nullable=False),
    Column("consent_source", String, nullable=False, default=""),
    Column("changed_at", UtcDateTime, nullable=False),
    Column("changed_how", String, nullable=False, server_default=""),
    CheckConstraint(f"state in {SUBSCRIBER_STATES}", name="state"),
    sqlite_autoincrement=True,
)

# The people who were forgotten: a keyed hash of the address keeps imports and sign-ups from adding them.
# `until` is set for an address whose confirmation mail bounced: it gets no other one until then.
suppressed_table = Table(
    "suppressed",
    metadata,
    Column("address_hash", LargeBinary, primary_key=True),
    Column("since", UtcDateTime, nullable=False),
    Column("until", UtcDateTime),
)

# The key of these hashes: one row, made on first use. It is not NEWS_SECRET_KEY, which may be replaced.
suppression_key_table = Table(
    "suppression_key",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("key", LargeBinary, nullable=False),
)

# The words with which people were asked for their consent, each once.
wording_table = Table(
    "wording",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("text", String, nullable=False, unique=True),
    Column("since", UtcDateTime, nullable=False),
)

# The sign-ups that wait for their confirmation, apart from the subscribers; each is deleted after
# `expires_at`. Ids are never reused, because the links in mail have them. A sign-up that was confirmed has
# the number of its subscriber: its link continues to work until it expires. `mails` were written since
# `mails_since`. Addresses that differ after a plus sign have one `mailbox_key`.
sign_up_table = Table(
    "sign_up",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("address", String, nullable=False),
    Column("address_key", String, nullable=False, unique=True),
    Column("mailbox_key", String, nullable=False, index=True),
    Column("asked_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
    Column("asked_how", String, nullable=False),
    Column("wording_id", Integer, ForeignKey("wording.id"), nullable=False),
    Column("mails", Integer, nullable=False),
    Column("mails_since", UtcDateTime, nullable=False),
    Column("mailed_at", UtcDateTime, nullable=False),
    Column("subscriber_id", Integer),
    sqlite_autoincrement=True,
)

# The history of consents and departures, to which rows are only added; it is deleted with the subscriber.
# `state_before` is the state of the subscriber before a departure.
consent_event_table = Table(
    "consent_event",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("subscriber_id", Integer, nullable=False, index=True),
    Column("at", UtcDateTime, nullable=False, index=True),
    Column("change", String, nullable=False),
    Column("how", String, nullable=False),
    Column("wording_id", Integer, ForeignKey("wording.id")),
    Column("state_before", String),
    CheckConstraint(f"change in {CONSENT_CHANGES}", name="change"),
)

# Mail about a subscription to one person: written in the transaction of the request for it, and sent once by
# the server. It is to the address of a sign-up or of a subscriber.
service_mail_table = Table(
    "service_mail",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", String, nullable=False),
    Column("sign_up_id", Integer, index=True),
    Column("subscriber_id", Integer, index=True),
    Column("written_at", UtcDateTime, nullable=False, index=True),
    Column("state", String, nullable=False),
    Column("tries", Integer, nullable=False, default=0),
    Column("retry_at", UtcDateTime),
    Column("settled_at", UtcDateTime),
    Column("reason", String),
    CheckConstraint(f"kind in {SERVICE_MAIL_KINDS}", name="kind"),
    CheckConstraint(f"state in {SERVICE_MAIL_STATES}", name="state"),
    Index(
        "ix_service_mail_waiting",
        "id",
        sqlite_where=text("state = 'waiting'"),
        postgresql_where=text("state = 'waiting'"),
    ),
    sqlite_autoincrement=True,
)

# What providers and mail servers reported about mail that was sent, each report once: `digest` is a hash of
# all that identifies it. It has no address and no text of a server, which may quote one; `status` is the
# status code (RFC 3463). `send_id` is NULL for a send that the database does not know.
delivery_event_table = Table(
    "delivery_event",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("source", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("subscriber_id", Integer, nullable=False),
    Column("send_id", Integer),
    Column("status", String),
    CheckConstraint(f"kind in {DELIVERY_EVENT_KINDS}", name="kind"),
    Index("ix_delivery_event_subscriber_id", "subscriber_id", "at"),
    Index("ix_delivery_event_send_id", "send_id", "kind", "subscriber_id"),
    sqlite_with_rowid=False,
)

# How far each place outside was read from which people leave or sign up; `position` is its own mark.
pull_table = Table(
    "pull",
    metadata,
    Column("source", String, primary_key=True),
    Column("position", String, nullable=False, server_default=""),
    Column("pulled_at", UtcDateTime, nullable=False),
)

# One row per issue and list, for all processes: it keeps an issue from being sent twice. `content` is the
# compressed mailing, with which a later start compares its own. `lease_holder` is the process that sends now;
# its lease ends at `lease_until`. The provider holds mail back for `undo_window_seconds`. Recipients after
# number `canary_size` wait until a person resumes the send; NULL: the send has no canary. `key_fingerprint`
# is that of the key that signs its links, `started_on` the host that started it, `nonce` a random text in the
# idempotency keys of its calls; NULL: an older version of news started it.
send_table = Table(
    "send",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("issue", String, nullable=False),
    Column("list", String, nullable=False),
    Column("content_sha256", String, nullable=False),
    Column("content", LargeBinary),
    Column("provider", String, nullable=False),
    Column("recipients", Integer, nullable=False),
    Column("state", String, nullable=False, server_default="open"),
    Column("window", Integer, key="undo_window_seconds", nullable=False, server_default="0"),
    Column("send_at", UtcDateTime),
    Column("hold_after", Integer, key="canary_size"),
    Column("holder", String, key="lease_holder"),
    Column("held_until", UtcDateTime, key="lease_until"),
    Column("started_at", UtcDateTime, nullable=False),
    Column("finished_at", UtcDateTime),
    Column("key_fingerprint", String),
    Column("started_on", String),
    Column("nonce", String),
    UniqueConstraint("issue", "list"),
    CheckConstraint("state in ('open', 'cancelled', 'superseded')", name="state"),
    sqlite_autoincrement=True,
)

# Held batches: mail that the provider holds back until `send_at`, and that is recalled as a whole.
held_batch_table = Table(
    "lane",
    metadata,
    Column("send_id", Integer, ForeignKey("send.id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("batch_id", String, nullable=False),
    Column("opened_at", UtcDateTime, nullable=False),
    Column("send_at", UtcDateTime, nullable=False),
    Column("state", String, nullable=False),
    CheckConstraint("state in ('open', 'cancelling', 'cancelled', 'kept')", name="state"),
)

# The recipients first..last of a send, which are all in the same state; `skipped` of them left the list
# before they were tried. A chunk is split when the states of its recipients differ, so that each recipient is
# in exactly one chunk.
chunk_table = Table(
    "chunk",
    metadata,
    Column("send_id", Integer, ForeignKey("send.id"), primary_key=True),
    Column("first", Integer, primary_key=True, autoincrement=False),
    Column("last", Integer, nullable=False),
    Column("skipped", Integer, nullable=False, default=0),
    Column("state", String, nullable=False),
    Column("tries", Integer, nullable=False, default=0),
    Column("retry_at", UtcDateTime),
    Column("lane", Integer, key="held_batch"),
    Column("reason", String),
    CheckConstraint(f"state in {CHUNK_STATES}", name="state"),
    Index(
        "ix_chunk_waiting",
        "send_id",
        "tries",
        "first",
        sqlite_where=text("state = 'waiting'"),
        postgresql_where=text("state = 'waiting'"),
    ),
    sqlite_with_rowid=False,
)

# One attempt to submit the recipients first..last, by `process`. After it is settled, only a recall changes
# it, or the late outcome of an unknown attempt.
attempt_table = Table(
    "attempt",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("send_id", Integer, ForeignKey("send.id"), nullable=False),
    Column("first", Integer, nullable=False),
    Column("last", Integer, nullable=False),
    Column("lane", Integer, key="held_batch"),
    Column("run", String, key="process"),
    Column("state", String, nullable=False),
    Column("message_id", String),
    Column("error", String),
    Column("intended_at", UtcDateTime, nullable=False),
    Column("settled_at", UtcDateTime),
    CheckConstraint(
        "state in ('intended', 'accepted', 'refused', 'not_sent', 'unknown', 'mixed', 'cancelled')",
        name="state",
    ),
    Index("ix_attempt_send_id", "send_id", "state"),
)

# Recipients have numbers within their send, so that a chunk is a range and its state one row. `outcome` is
# set only if it differs from the chunk's state. The table has no foreign keys: one statement inserts all rows
# of a send, and the check of a million rows takes seconds.
recipient_table = Table(
    "recipient",
    metadata,
    Column("send_id", Integer, primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("subscriber_id", Integer, nullable=False),
    Column("outcome", String),
    CheckConstraint("outcome in ('left')", name="outcome"),
    sqlite_with_rowid=False,
)

# The recipients first..last of a settled send in compacted form (`store.recipient_blocks`). The rows of
# recipients who have some in `recipient` as well have priority.
recipient_block_table = Table(
    "recipient_block",
    metadata,
    Column("send_id", Integer, ForeignKey("send.id"), primary_key=True),
    Column("first", Integer, primary_key=True, autoincrement=False),
    Column("last", Integer, nullable=False),
    Column("subscriber_ids", LargeBinary, nullable=False),
)
