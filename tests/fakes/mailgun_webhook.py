"""Mailgun's side of its webhooks: events as it writes them, and its signatures."""

import hashlib
import hmac
import json
from datetime import datetime
from itertools import count
from typing import Any

from tests.fakes.event_tags import tag

KEY = "only-for-tests-0123456789"
_numbers = count(1)


def event(name: str, at: datetime, news: object = None, **properties: Any) -> dict[str, Any]:
    """Return an event with the fields that Mailgun's examples have."""
    return {
        "event": name,
        "timestamp": at.timestamp(),
        "id": "CPgfbmQMTCKtHW6uIWtuVe",
        "recipient": "somebody-else@example.com",
        "message": {"headers": {"message-id": "20260504090000.1.AB@example.com"}},
        "user-variables": {"news": tag() if news is None else news},
        **properties,
    }


def failed(
    at: datetime, severity: str, reason: str = "bounce", code: str = "", **more: Any
) -> dict[str, Any]:
    """Return the event of a failed delivery."""
    status = {"code": 550, "message": "550 no a@example.com", **({"enhanced-code": code} if code else {})}
    return event("failed", at, severity=severity, reason=reason, **{"delivery-status": status, **more})


def signature(at: datetime, token: str = "", key: str = KEY) -> dict[str, str]:
    """Return the signature of a token, by default a new one."""
    timestamp, token = f"{at.timestamp():.0f}", token or f"{next(_numbers):050x}"
    signed = hmac.new(key.encode(), f"{timestamp}{token}".encode(), hashlib.sha256).hexdigest()
    return {"timestamp": timestamp, "token": token, "signature": signed}


def body(data: object, signed: object) -> bytes:
    return json.dumps({"signature": signed, "event-data": data}).encode()
