"""Requests as Resend posts them to a webhook, signed by Svix.

Source: https://docs.svix.com/receiving/verifying-payloads/how-manual
"""

import base64
import hashlib
import hmac
from datetime import datetime

SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef01234567").decode()


def signed(body: bytes, at: datetime, secret: str = SECRET, message: str = "msg_1") -> dict[str, str]:
    """Return the headers of a request with a body, signed at a time."""
    timestamp = str(int(at.timestamp()))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.digest(key, f"{message}.{timestamp}.".encode() + body, hashlib.sha256)
    signature = f"v1,{base64.b64encode(digest).decode()}"
    return {"svix-id": message, "svix-timestamp": timestamp, "svix-signature": signature}
