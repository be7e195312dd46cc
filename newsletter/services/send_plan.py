"""The plan of a send, and the send that it starts."""

from dataclasses import dataclass
from typing import Literal

from newsletter.mail.message import Mailing
from newsletter.sending.model import Counts, Send, StartSettings
from newsletter.services.prepare import Prepared


@dataclass(frozen=True)
class ListChange:
    """The subscribers who joined and left since the previous issue was sent."""

    since: str
    joined: int
    left: int


@dataclass(frozen=True)
class SendPlan:
    """A send that has passed every guard; `SendService` makes it, and only a plan can be started.

    `send` is the started send that it continues, None where one begins. `recipients` are those whom the mail
    will be sent to. A retry is for the refused `addresses`, or for all who were refused.
    """

    action: Literal["start", "resume", "retry"]
    prepared: Prepared
    settings: StartSettings
    send: Send | None
    counts: Counts
    recipients: int
    list_change: ListChange | None = None
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True)
class StartedSend:
    """A send that is in the ledger, with the mailing that it delivers."""

    send: Send
    mailing: Mailing
