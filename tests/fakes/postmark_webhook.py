"""Postmark's side of its webhooks: events as its documentation shows them, and the password in a header."""

import base64
import json
from datetime import datetime
from typing import Any

from tests.fakes.event_tags import tag

PASSWORD = "only for tests, long"
_TIMES = {"Delivery": "DeliveredAt", "SubscriptionChange": "ChangedAt"}


def authorization(password: str = PASSWORD, name: str = "news", scheme: str = "Basic") -> str:
    """Return the header of a request to an address with a name and a password."""
    return f"{scheme} {base64.b64encode(f'{name}:{password}'.encode()).decode()}"


def event(record: str, at: datetime, news: object = None, **properties: Any) -> dict[str, Any]:
    """Return an event with the fields that Postmark's examples have."""
    return {
        "RecordType": record,
        "MessageStream": "broadcast",
        "MessageID": "883953f4-6105-42a2-a16a-77a8eac79483",
        "Email": "somebody-else@example.com",
        "Recipient": "somebody-else@example.com",
        "Tag": None,
        "Metadata": {"news": tag() if news is None else news},
        # Postmark writes seven digits of a second.
        _TIMES.get(record, "BouncedAt"): f"{at:%Y-%m-%dT%H:%M:%S}.0000000Z",
        **properties,
    }


def bounce(kind: str, at: datetime, **properties: Any) -> dict[str, Any]:
    return event("Bounce", at, Type=kind, TypeCode=1, Details="smtp; 550 no such user", **properties)


def change(at: datetime, reason: str | None, origin: str = "Recipient", **properties: Any) -> dict[str, Any]:
    """Return a change in a stream's list of suppressed addresses."""
    fields = {"Origin": origin, "SuppressSending": reason is not None, "SuppressionReason": reason}
    return event("SubscriptionChange", at, **{**fields, **properties})


def body(data: object) -> bytes:
    return json.dumps(data).encode()
