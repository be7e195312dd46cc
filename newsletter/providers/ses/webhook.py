"""Read the events that Amazon SES publishes to a topic of Amazon SNS, which posts them to `news serve`.

Sources: https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html and …-sns-
examples.html. Feedback notifications of an identity (`notificationType`) have the same form, but no tags:
they name nobody that we know, unless a configuration set publishes them.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from newsletter.mail.event_tag import NAME, TaggedMail, parse_event_tag
from newsletter.providers.responses import as_object, as_text
from newsletter.providers.ses.sns import Fetch, SnsTopic, fetch
from newsletter.providers.ses_bounces import ses_bounce_kind
from newsletter.providers.webhook_events import (
    EventKind,
    Skipped,
    WebhookEvents,
    count_skipped,
    iso_time,
    json_body,
    status_code,
    tagged_event,
)
from newsletter.subscribers.delivery_event import DeliveryEvent

SOURCE = "ses"
# SES still tries to deliver a delayed message. Reject (a virus) and Rendering Failure are about the content,
# and a newsletter that counts opens and clicks sees them in its account.
_IGNORED = {
    "Send", "Open", "Click", "DeliveryDelay", "Reject", "Rendering Failure", "Subscription",
    "AmazonSnsSubscriptionSucceeded",
}  # fmt: skip


class SesWebhook:
    """The webhook of a topic of SNS, by its ARN; `fetch` returns the content of an address of SNS."""

    def __init__(self, topic: str, fetch: Fetch = fetch) -> None:
        self._topic = SnsTopic(topic, fetch)

    def refuse_early(self, headers: Mapping[str, str], now: datetime) -> None:
        self._topic.refuse_other_topic(headers)

    def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
        """Raise WebhookRefused unless SNS has sent this body; confirm a subscription that it asks about.

        Raise Unavailable if SNS must be asked and cannot be: it posts the message again.
        """
        self._topic.refuse_other_topic(headers)
        message = self._topic.verify(body, now)
        if message["Type"] == "SubscriptionConfirmation":
            self._topic.confirm(message)

    def parse(self, body: bytes, list_id: str) -> WebhookEvents:
        """Return the event of a message about the mail of a list; skip any other, and never raise."""
        message = json_body(body)
        if not isinstance(message, dict):
            return count_skipped(["malformed"])
        if message.get("Type") != "Notification":
            return count_skipped(["ignored"])
        content = message.get("Message")
        event = json_body(content.encode(errors="replace")) if isinstance(content, str) else None
        return count_skipped([_event(event, list_id)])


def _event(raw: object, list_id: str) -> DeliveryEvent | Skipped:
    """Return the event, or why it is skipped; the recipient comes from our tag, never from the address."""
    if not isinstance(raw, dict):
        return "malformed"
    name, mail = raw.get("eventType") or raw.get("notificationType"), as_object(raw.get("mail"))
    if not isinstance(name, str):
        return "malformed"
    if name in _IGNORED:
        return "ignored"
    tagged = _tagged(mail, list_id)
    if tagged is None:
        return "foreign"
    details = as_object(raw.get(name.lower()))
    status = _status(details) if name == "Bounce" else None
    at = iso_time(details.get("timestamp"))
    return tagged_event(SOURCE, tagged, _kind(name, details, status), at, mail.get("messageId"), status)


def _tagged(mail: dict[str, Any], list_id: str) -> TaggedMail | None:
    values = as_object(mail.get("tags")).get(NAME)
    return parse_event_tag(values[0], list_id) if isinstance(values, list) and values else None


def _kind(name: str, details: dict[str, Any], status: str | None) -> EventKind | None:
    """Return the kind of an event; None for an unknown one."""
    if name == "Delivery":
        return "delivered"
    if name == "Complaint":
        # A report that a message is no spam is one of the types (https://www.iana.org/assignments/marf-parameters).
        return "ignored" if details.get("complaintFeedbackType") == "not-spam" else "complained"
    if name == "Bounce":
        return ses_bounce_kind(details.get("bounceType"), as_text(details.get("bounceSubType")), status)
    return None


def _status(details: dict[str, Any]) -> str | None:
    """Return the status code of the recipient that bounced: each message of ours has one recipient."""
    recipients = details.get("bouncedRecipients")
    first = recipients[0] if isinstance(recipients, list) and recipients else None
    return status_code(first.get("status")) if isinstance(first, dict) else None
