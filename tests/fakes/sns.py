"""Amazon SNS and the events of SES: a certificate, the messages as SNS writes them, and signed bodies."""

import datetime as dt
import json
from base64 import b64encode
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from newsletter.errors import Unavailable

TOPIC = "arn:aws:sns:eu-central-1:123456789012:news"
HOST = "sns.eu-central-1.amazonaws.com"
CERTIFICATE_URL = f"https://{HOST}/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem"
# https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html: the signed fields, in order.
_SIGNED = ("Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")


def utc(at: datetime) -> str:
    return at.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def event(name: str, at: datetime, tag: str = "", **details: Any) -> dict[str, Any]:
    """Return an event as SES publishes it through a configuration set; `tag` is ours."""
    # https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-examples.html
    return {
        "eventType": name,
        name.lower(): {"timestamp": utc(at), **details},
        "mail": {
            "timestamp": utc(at),
            "source": "The Soup Letter <soup@example.com>",
            "messageId": "EXAMPLE7c191be45-e9aedb9a-02f9-4d12-a87d-dd0099a07f8a-000000",
            "destination": ["somebody-else@example.com"],
            "tags": {"ses:configuration-set": ["news"], **({"news": [tag]} if tag else {})},
        },
    }


def bounce(at: datetime, tag: str, kind: str, sub_type: str = "General", status: str = "") -> dict[str, Any]:
    recipient = {"emailAddress": "somebody-else@example.com", **({"status": status} if status else {})}
    return event("Bounce", at, tag, bounceType=kind, bounceSubType=sub_type, bouncedRecipients=[recipient])


@dataclass
class SnsFake:
    """A topic and its owner; `fetch` is what a server of SNS answers, and `asked` the addresses."""

    key: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))
    asked: list[str] = field(default_factory=list)
    is_down: bool = False

    def __post_init__(self) -> None:
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
        now = dt.datetime.now(dt.UTC)
        self.pem = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(hours=1))
            .not_valid_after(now + dt.timedelta(days=1))
            .sign(self.key, SHA256())
            .public_bytes(Encoding.PEM)
        )

    def fetch(self, url: str) -> bytes:
        self.asked.append(url)
        if self.is_down:
            raise Unavailable("no connection")
        return self.pem if url == CERTIFICATE_URL else b"<ConfirmSubscriptionResponse/>"

    def notification(self, event: object, at: datetime, **changed: Any) -> dict[str, Any]:
        """Return the message about an event, signed; `changed` replaces fields before the signature."""
        content = event if isinstance(event, str) else json.dumps(event)
        return self.signed({"Type": "Notification", "Message": content, "Timestamp": utc(at), **changed})

    def confirmation(self, at: datetime, **changed: Any) -> dict[str, Any]:
        url = f"https://{HOST}/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=2336412f37"
        message = {
            "Type": "SubscriptionConfirmation",
            "Message": f"You have chosen to subscribe to the topic {TOPIC}.",
            "Token": "2336412f37",
            "SubscribeURL": url,
            "Timestamp": utc(at),
        }
        return self.signed({**message, **changed})

    def signed(self, message: dict[str, Any]) -> dict[str, Any]:
        """Return a message with what SNS adds to it, and its signature."""
        whole = {
            "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
            "TopicArn": TOPIC,
            "SignatureVersion": "1",
            "SigningCertURL": CERTIFICATE_URL,
            **message,
        }
        text = "".join(f"{name}\n{whole[name]}\n" for name in _SIGNED if name in whole)
        digest = SHA256() if whole["SignatureVersion"] == "2" else SHA1()
        signature = self.key.sign(text.encode(), padding.PKCS1v15(), digest)
        return {**whole, "Signature": b64encode(signature).decode()}


def body(message: dict[str, Any]) -> bytes:
    """Return a message as SNS posts it."""
    return json.dumps(message, indent=2).encode()
