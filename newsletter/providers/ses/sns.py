"""Verify the messages that Amazon SNS posts, and confirm a subscription.

Source: https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html and …/http-
notification-json.html, …/http-subscription-confirmation-json.html. SNS signs with an RSA key; the message
names the address of its certificate. Only TLS with an address of SNS itself proves that the certificate is
that of SNS, so no other address is ever asked.
"""

import logging
import re
import threading
import time
from base64 import b64decode
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from hmac import compare_digest
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from newsletter.errors import Unavailable
from newsletter.network import connections
from newsletter.providers.api import USER_AGENT
from newsletter.providers.http import NoResponse, NotConnected, Transport
from newsletter.providers.responses import as_text
from newsletter.providers.webhook_events import (
    NOTHING_TO_DO,
    WebhookRefused,
    iso_time,
    json_body,
    refuse_stale,
)

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

log = logging.getLogger(__name__)

TOPIC_HEADER = "x-amz-sns-topic-arn"
# SNS tries again for at most 3600 seconds, with the first timestamp:
# https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html
MAX_AGE, MAX_AHEAD = timedelta(minutes=70), timedelta(minutes=5)
_FIELDS = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": (
        "Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"
    ),
    "UnsubscribeConfirmation": (
        "Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"
    ),
}  # fmt: skip
_CERTIFICATE = re.compile(r"/SimpleNotificationService-[A-Za-z0-9]{1,64}\.pem", re.ASCII)
_MAX_CERTIFICATES, _MAX_CONTENT_BYTES, _TIMEOUT_SECONDS = 4, 65_536, 10.0
_MAX_FETCHES, _FETCH_PERIOD_SECONDS = 10, 60
_SIGNATURE_BYTES = (256, 384, 512)

Fetch = Callable[[str], bytes]


def fetch(url: str) -> bytes:
    """Return the content of an address of SNS; raise Unavailable if there is none. It is asked once."""
    parts = urlsplit(url)
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    transport = Transport(
        url, 0, _TIMEOUT_SECONDS, connect=connections.connect, max_content=_MAX_CONTENT_BYTES
    )
    try:
        response = transport.request("GET", path, {"User-Agent": USER_AGENT})
    except (NotConnected, NoResponse) as failure:
        raise Unavailable(f"{parts.hostname} cannot be asked: {failure}") from failure
    if response.status != 200:
        raise Unavailable(f"{parts.hostname} answers with {response.status}")
    return response.content


class SnsTopic:
    """A topic of SNS by its ARN; the certificates that were fetched are kept."""

    def __init__(self, arn: str, fetch: Fetch = fetch) -> None:
        self.arn, self._fetch = arn, fetch
        self._host = f"sns.{arn.split(':')[3]}.amazonaws.com"
        self._keys: dict[str, RSAPublicKey] = {}
        self._fetches: list[float] = []
        self._lock = threading.Lock()

    def refuse_other_topic(self, headers: Mapping[str, str]) -> None:
        """Raise WebhookRefused unless the headers name this topic."""
        self._refuse_other(headers.get(TOPIC_HEADER, ""), f"the header {TOPIC_HEADER}")

    def verify(self, body: bytes, now: datetime) -> dict[str, Any]:
        """Return a message that SNS has signed for this topic a short time ago.

        Raise WebhookRefused for another one, and Unavailable if the certificate cannot be fetched now.
        """
        message = json_body(body)
        if not isinstance(message, dict):
            fix = "switch raw message delivery off for this subscription: a raw message has no signature"
            raise WebhookRefused("it is no message of SNS", fix)
        self._refuse_other(as_text(message.get("TopicArn")), "TopicArn")
        _refuse_stale_message(as_text(message.get("Timestamp")), now)
        fields = _FIELDS.get(as_text(message.get("Type")))
        if fields is None:
            raise WebhookRefused("its Type is none of SNS")
        self._verify_signature(message, fields)
        return message

    def confirm(self, message: Mapping[str, Any]) -> None:
        """Confirm the subscription of a verified message by its SubscribeURL.

        Raise WebhookRefused for an address that confirms anything else, and Unavailable if SNS cannot be
        asked.
        """
        try:
            url = urlsplit(as_text(message.get("SubscribeURL")))
        except ValueError as failure:
            raise WebhookRefused("its SubscribeURL is no address") from failure
        query = parse_qs(url.query)
        is_ours = (query.get("Action"), query.get("TopicArn")) == (["ConfirmSubscription"], [self.arn])
        if (url.scheme, url.netloc, url.path) != ("https", self._host, "/") or not is_ours:
            raise WebhookRefused("its SubscribeURL does not confirm a subscription to `ses.topic`")
        self._fetch(url.geturl())
        log.warning("subscription to an SNS topic confirmed", extra={"topic": self.arn})

    def _refuse_other(self, arn: str, where: str) -> None:
        if not compare_digest(arn.encode(errors="replace"), self.arn.encode()):
            fix = f"set `ses.topic` to the ARN of the topic that posts here; {NOTHING_TO_DO}"
            raise WebhookRefused(f"{where} does not name `ses.topic`", fix)

    def _verify_signature(self, message: Mapping[str, Any], fields: tuple[str, ...]) -> None:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
        from cryptography.hazmat.primitives.hashes import SHA1, SHA256

        hashes: dict[str, Any] = {"1": SHA1, "2": SHA256}
        chosen = hashes.get(as_text(message.get("SignatureVersion")))
        if chosen is None:
            raise WebhookRefused("its SignatureVersion is neither 1 nor 2")
        signature = _signature(message)  # before a certificate is fetched for anybody
        key = self._key(as_text(message.get("SigningCertURL")))
        present = [name for name in fields if name in message]
        signed = "".join(f"{name}\n{as_text(message.get(name))}\n" for name in present)
        try:
            key.verify(signature, signed.encode(), PKCS1v15(), chosen())
        except (InvalidSignature, ValueError) as failure:
            raise WebhookRefused("the signature is not that of SNS") from failure

    def _key(self, url: str) -> "RSAPublicKey":
        """Return the key of the certificate at an address of SNS in the region of the topic."""
        before, path = url[: len(f"https://{self._host}")], url[len(f"https://{self._host}") :]
        if before != f"https://{self._host}" or not _CERTIFICATE.fullmatch(path):
            raise WebhookRefused(f"its SigningCertURL is no certificate at {self._host}")
        with self._lock:  # a burst of messages fetches a new certificate once
            if url not in self._keys:
                self._count_fetch()
                key = _parse_certificate(self._fetch(url))
                if len(self._keys) >= _MAX_CERTIFICATES:
                    del self._keys[next(iter(self._keys))]
                self._keys[url] = key
            return self._keys[url]

    def _count_fetch(self) -> None:
        """Raise Unavailable if too many certificates were fetched: unsigned messages can name any number."""
        now = time.monotonic()
        self._fetches = [at for at in self._fetches if now - at < _FETCH_PERIOD_SECONDS]
        if len(self._fetches) >= _MAX_FETCHES:
            raise Unavailable("too many certificates of SNS were asked for; messages are taken again soon")
        self._fetches.append(now)


def _signature(message: Mapping[str, Any]) -> bytes:
    """Return the signature of a message; raise WebhookRefused if it has not the length of one (RSA)."""
    try:
        signature = b64decode(as_text(message.get("Signature")), validate=True)
    except ValueError as failure:
        raise WebhookRefused("the signature is not base64") from failure
    if len(signature) not in _SIGNATURE_BYTES:
        raise WebhookRefused("the signature has not the length of one of SNS")
    return signature


def _refuse_stale_message(timestamp: str, now: datetime) -> None:
    at = iso_time(timestamp)
    if at is None:
        raise WebhookRefused("it has no Timestamp")
    refuse_stale(at.timestamp(), now, MAX_AGE, MAX_AHEAD)


def _parse_certificate(pem: bytes) -> "RSAPublicKey":
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    try:
        key = x509.load_pem_x509_certificate(pem).public_key()
    except ValueError as failure:
        raise Unavailable("the certificate of SNS cannot be read") from failure
    if not isinstance(key, RSAPublicKey):
        raise Unavailable("the certificate of SNS has another key than RSA")
    return key
