"""A fake Amazon SES (API version 2) that stores the mail it gets and refuses what SES refuses.

It verifies each signature with a signer of its own, and keeps the quota, the identities and the configuration
sets of one account. In tests: `with SesFake() as fake:`, and `ses: {region: eu-central-1, host: fake.url}`.
"""

import base64
import email
import hashlib
import hmac
import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import default
from itertools import count
from typing import Any, Self, cast
from urllib.parse import quote, unquote

from tests.fakes import ses_rules as rules
from tests.fakes import web
from tests.fakes.web import Reply, Request

REGION = "eu-central-1"
SEND = "/v2/email/outbound-emails"
# https://docs.aws.amazon.com/IAM/latest/UserGuide/signing-elements.html: a request is valid for 5 minutes.
MAX_SKEW_SECONDS = 300
_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request, "
    r"SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})"
)


def refused(status: int, kind: str, message: str) -> Reply:
    """Return an error as SES writes it: its name in a header, its message in the body."""
    return Reply(status, {"message": message}, {"x-amzn-ErrorType": kind})


def unpacked(request: Request) -> bytes:
    """Return a request with its message readable: a line of JSON without the message, then the message."""
    body = {**request.body, "Content": None}
    return json.dumps(body).encode() + b"\n" + base64.b64decode(request.body["Content"]["Raw"]["Data"])


class Fault(web.Fault):
    """The faults of any web API, and those with the responses of SES."""

    @classmethod
    def error(cls, status: int, kind: str, message: str = "fault on order") -> Self:
        return cls(refused(status, kind, message))

    @classmethod
    def too_fast(cls) -> Self:
        """https://docs.aws.amazon.com/ses/latest/dg/manage-sending-quotas-errors.html."""
        return cls.error(429, "TooManyRequestsException", "Maximum sending rate exceeded.")

    @classmethod
    def day_is_used_up(cls) -> Self:
        return cls.error(429, "TooManyRequestsException", "Daily message quota exceeded.")


@dataclass(frozen=True)
class Delivery:
    """An accepted message: its one recipient, its bytes, and the parameters of the request."""

    address: str
    raw: bytes = field(repr=False)
    message_id: str
    request: Mapping[str, Any] = field(repr=False)

    @property
    def message(self) -> EmailMessage:
        return cast(EmailMessage, email.message_from_bytes(self.raw, policy=default))

    @property
    def tags(self) -> dict[str, str]:
        return {tag["Name"]: tag["Value"] for tag in self.request.get("EmailTags", [])}


class SesFake(web.WebFake):
    """One account in one region. `sandbox` sends to the addresses in `verified` only.

    `pages` are the responses of GET by path: JSON, or a Reply. The quota counts recipients.
    """

    def __init__(self) -> None:
        super().__init__()
        self.key_id, self.secret, self.token = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", ""
        self.verified = {"example.com"}
        self.configuration_sets = {"news"}
        self.sandbox = self.suspended = False
        self.quota: int | None = None
        self.pages: dict[str, object] = {}
        self._ids = count(1)

    def answer(self, request: Request) -> Reply:
        with self.lock:
            if wrong := self._wrong_signature(request):
                return wrong
            if (request.method, request.path) == ("POST", SEND):
                return self._send(request)
            page = self.pages.get(request.path)
            if request.method != "GET" or page is None:
                return refused(404, "NotFoundException", f"{request.path} does not exist.")
            return page if isinstance(page, Reply) else Reply(200, page)

    def _send(self, request: Request) -> Reply:
        if self.suspended:
            return refused(400, "AccountSuspendedException", "Sending is permanently restricted.")
        body = request.body
        if wrong := rules.wrong_request(body):
            return refused(400, "BadRequestException", wrong)
        name = body.get("ConfigurationSetName")
        if name is not None and name not in self.configuration_sets:
            return refused(404, "NotFoundException", f"Configuration set <{name}> does not exist.")
        raw = base64.b64decode(body["Content"]["Raw"]["Data"])
        if wrong := rules.wrong_message(raw):
            return refused(400, "MessageRejected", wrong)
        sender, address = body["FromEmailAddress"], body["Destination"]["ToAddresses"][0]
        asked = (sender, address) if self.sandbox else (sender,)
        unverified = [each for each in asked if not self._is_verified(each)]
        if unverified:
            # https://docs.aws.amazon.com/ses/latest/dg/troubleshoot-error-messages.html
            failed = f"The following identities failed the check in region {REGION.upper()}"
            what = f"{failed}: {', '.join(unverified)}"
            return refused(400, "MessageRejected", f"Email address is not verified. {what}")
        if self.quota is not None and len(self._deliveries) >= self.quota:
            return Fault.day_is_used_up().reply or Reply(429)
        message_id = f"0107019-{next(self._ids):08d}-000000"
        self._deliveries.append(Delivery(address, raw, message_id, body))
        return Reply(200, {"MessageId": message_id})

    def _is_verified(self, address: str) -> bool:
        return bool({address, address.rpartition("@")[2]} & self.verified)

    def _wrong_signature(self, request: Request) -> Reply | None:
        """Return the refusal of a request that this account's key has not signed now; None if it has."""
        match = _AUTHORIZATION.fullmatch(request.headers.get("Authorization", ""))
        if match is None:
            return refused(403, "MissingAuthenticationTokenException", "Missing Authentication Token")
        key_id, date, region, service, names, signature = match.groups()
        if key_id != self.key_id or request.headers.get("X-Amz-Security-Token", "") != self.token:
            what = "The security token included in the request is invalid."
            return refused(403, "UnrecognizedClientException", what)
        at = request.headers.get("X-Amz-Date", "")
        now = time.time() + self.offset
        sent = datetime.strptime(at, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
        if abs(now - sent) > MAX_SKEW_SECONDS:
            what = f"Signature expired: {at} is now earlier than the present minus 5 min."
            return refused(403, "InvalidSignatureException", what)
        canonical = self._canonical(request, names.split(";"))
        expected = self._signature(canonical, at, date, region, service)
        is_right = (region, service, date) == (REGION, "ses", at[:8]) and hmac.compare_digest(
            expected, signature
        )
        if is_right and {"host", "x-amz-date"} <= set(names.split(";")):
            return None
        # The real one repeats the canonical request in its message, with the session token.
        what = f"The request signature we calculated does not match. The Canonical String was '{canonical}'"
        return refused(403, "SignatureDoesNotMatch", what)

    def _canonical(self, request: Request, names: list[str]) -> str:
        lines = "".join(f"{name}:{request.headers.get(name, '').strip()}\n" for name in names)
        path = quote(quote(unquote(request.path), safe="/~"), safe="/~")
        digest = hashlib.sha256(request.raw).hexdigest()
        return "\n".join((request.method, path, "", lines, ";".join(names), digest))

    def _signature(self, canonical: str, at: str, date: str, region: str, service: str) -> str:
        key = b"AWS4" + self.secret.encode()
        for part in (date, region, service, "aws4_request"):
            key = hmac.digest(key, part.encode(), "sha256")
        scope = f"{date}/{region}/{service}/aws4_request"
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        return hmac.digest(key, f"AWS4-HMAC-SHA256\n{at}\n{scope}\n{digest}".encode(), "sha256").hex()
