"""SendGrid's side of its event webhook: a key, the events as it writes them, and signed requests."""

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

LIST = "soup.example.com"


def event(name: str, at: datetime, subscriber: int | str = 1, **properties: Any) -> dict[str, Any]:
    """Return an event about an issue, with our custom_args at the top level, where SendGrid puts them."""
    return {
        "email": "somebody-else@example.com",
        "timestamp": int(at.timestamp()),
        "event": name,
        "sg_event_id": "bm90IHVzZWQ",
        "sg_message_id": "14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0",
        "news_list": LIST,
        "news_issue": "2026-04-27",
        "news_subscriber": str(subscriber),
        **properties,
    }


def body(events: Sequence[Mapping[str, Any]]) -> bytes:
    """Return events as SendGrid writes them: one a line, with CRLF between them and at the end."""
    return b"[" + b",\r\n".join(json.dumps(event).encode() for event in events) + b"]\r\n"


@dataclass
class WebhookSigner:
    """The owner of the private key."""

    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    @property
    def public_key(self) -> str:
        """Return the verification key as SendGrid shows it."""
        der = self.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return b64encode(der).decode()

    def sign(self, body: bytes, at: datetime) -> tuple[str, str]:
        """Return the signature and the timestamp of a request, as its two headers have them."""
        timestamp = f"{at.timestamp():.0f}"
        signature = self.key.sign(timestamp.encode() + body, ec.ECDSA(SHA256()))
        return b64encode(signature).decode(), timestamp
