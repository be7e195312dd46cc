"""The status of a send: its counts, its deadlines, and the process that delivers it."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from newsletter.config.loader import Newsletter
from newsletter.display import masked
from newsletter.sending.hold_policy import SendTimings, cancellable_until
from newsletter.sending.model import Counts, Send
from newsletter.store.journal import Holder, lease_holder
from newsletter.store.ledger_queries import LedgerQueries

# The reason of recipients of whom a person assumes that they do not have the mail (`SendService.resolve`).
ASSUMED_UNSENT = "assumed unsent"

# What `news resume` would do.
ResumeAction = Literal[
    "go-ahead",  # send to those who wait after the canary
    "settle",  # settle unknown recipients, and send to those who wait
    "all",  # send to all who wait, the canary and the others
    "waiting",  # send to those who wait
    "cancelled",  # send it after all
]


@dataclass(frozen=True)
class SendStatus:
    """The status of a send."""

    send: Send
    counts: Counts
    # The times at which the first and the last held batch leave; None if no mail is held back.
    held_until: tuple[datetime, datetime] | None
    # The next deadline of `news cancel`; None if no held batch can be recalled any more.
    cancellable_until: datetime | None
    # Number of active subscribers who subscribed after the send was planned.
    joined: int
    # The process that delivers the send, or that ended before it released the lease.
    holder: Holder | None
    # Number of recipients by state (refused, unknown) and reason; the addresses in a reason are masked.
    reasons: dict[str, Counter[str]]
    # Number of recipients by the kind of what was reported about them later (DELIVERY_EVENT_KINDS).
    reported: Mapping[str, int] = field(default_factory=dict)
    # Number of people who left just after the delivery, by the domain of their mail; empty if they are few.
    early_departures: Counter[str] = field(default_factory=Counter)
    # The provider can be asked again about unknown recipients: `news resume` does so.
    can_repeat: bool = False
    # Number of waiting recipients who were unknown until a person assumed that they do not have the mail.
    assumed_unsent: int = 0

    @property
    def waits_for_go_ahead(self) -> bool:
        """Return True if the canary was tried and the other recipients wait for a person."""
        counts, canary_size = self.counts, self.send.canary_size
        tried = counts.recipients - counts.waiting
        return canary_size is not None and counts.waiting > 0 and tried >= canary_size

    @property
    def in_progress(self) -> bool:
        """Return True if a process is delivering the send now."""
        return self.holder is not None and not self.holder.has_ended

    @property
    def is_cancelled(self) -> bool:
        """Return True if the send was cancelled, and for somebody that was not too late, or may not be."""
        counts = self.counts
        concerned = counts.cancelled or counts.waiting or counts.unknown
        return self.send.state == "cancelled" and bool(concerned or (counts.held and self.cancellable_until))

    @property
    def resume_action(self) -> ResumeAction | None:
        """Return what `news resume` would do; None if it would do nothing, or a process delivers the send."""
        counts = self.counts
        if self.in_progress or self.send.state == "superseded":
            return None
        if self.is_cancelled:
            return "cancelled"
        if self.waits_for_go_ahead:
            return "go-ahead"
        if counts.in_flight or (counts.unknown and self.cancellable_until) or self.can_repeat:
            return "settle"
        if counts.waiting:
            return "waiting" if self.send.canary_size is None else "all"
        return None


def send_status(
    newsletter: Newsletter,
    queries: LedgerQueries,
    send: Send,
    now: datetime,
    timings: SendTimings | None = None,
    repeat_window: timedelta | None = None,
) -> SendStatus:
    """Return the status of a send, read again from the ledger.

    `repeat_window` is that of the send's provider (`Capabilities`).
    """
    timings = timings or SendTimings()
    send = queries.find(send.issue, send.list) or send
    counts = queries.counts(send)
    batches = [
        status.batch
        for status in queries.held_batches(send)
        if status.batch.state != "cancelled" and (status.accepted or status.unknown or status.intended)
    ]
    leaving = sorted(batch.send_at for batch in batches if batch.send_at > now)
    deadlines = [cancellable_until(batch, timings) for batch in batches]
    reasons = {}
    for state in ("refused", "unknown"):
        reasons[state] = Counter[str]()
        if getattr(counts, state):
            for reason, recipients in queries.reasons(send, state):
                reasons[state][masked(reason)] += recipients
    waiting = dict(queries.reasons(send, "waiting")) if counts.waiting else {}
    return SendStatus(
        send=send,
        counts=counts,
        held_until=(leaving[0], leaving[-1]) if leaving else None,
        cancellable_until=min((deadline for deadline in deadlines if deadline > now), default=None),
        joined=queries.joined(send),
        holder=lease_holder(send, newsletter.runs, now),
        reasons=reasons,
        reported=queries.reported(send),
        early_departures=queries.early_departures(send),
        can_repeat=can_repeat(queries, send, now, repeat_window),
        assumed_unsent=waiting.get(ASSUMED_UNSENT, 0),
    )


def can_repeat(queries: LedgerQueries, send: Send, now: datetime, repeat_window: timedelta | None) -> bool:
    """Return True if a process that continues the send would repeat a call with an unknown outcome."""
    if repeat_window is None or send.nonce is None or send.state != "open":
        return False
    return bool(queries.repeatable_attempts(send, now - repeat_window))
