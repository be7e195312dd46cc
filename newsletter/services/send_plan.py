"""The plan of a send, and the send that is started with it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from newsletter.mail.message import Mailing
from newsletter.sending.model import Counts, Send, StartSettings
from newsletter.services.prepare import Prepared


@dataclass(frozen=True)
class ListChange:
    """The numbers of subscribers who joined and left since the previous issue was sent."""

    # Name of the previous issue.
    since: str
    joined: int
    left: int


@dataclass(frozen=True)
class SendPlan:
    """The plan of a send that has passed every guard; `SendService.start` accepts only a plan."""

    action: Literal[
        "start",  # start a send, or continue a started one that is not halted
        "resume",  # continue a started send, even one that is halted
        "retry",  # try refused recipients again
    ]
    prepared: Prepared
    settings: StartSettings
    # The started send that the plan continues; None if a new send begins.
    send: Send | None
    counts: Counts
    # Number of recipients that the mail will be sent to.
    recipients: int
    planned_at: datetime
    # The time at which mail leaves that the provider would hold back from `planned_at` on; None if it leaves
    # at once.
    leaves_at: datetime | None = None
    # The deadline of `news cancel` for this mail; None if it leaves at once, or too soon.
    cancellable_until: datetime | None = None
    # None if the send continues, or no previous issue was sent.
    list_change: ListChange | None = None
    # Refused recipients of a retry; empty for all of them.
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True)
class StartedSend:
    """A send that is in the ledger, with the mailing that it delivers."""

    send: Send
    mailing: Mailing
    # False if the provider's key cannot read whether the account tracks readers.
    tracking_is_known: bool = True
