"""A fake Resend that keeps the mail it gets, the keys of calls, and has ordered faults.

The source of a rule stands beside it: [docs] is resend.com/docs, [openapi] github.com/resend/resend-openapi,
[emulate] the npm package emulate 0.11.2, which others wrote (`test_resend_emulate.py` asks both), [anymail]
django-anymail's `backends/resend.py`, whose author tried the API.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.fakes import web
from tests.fakes.web import Reply, Request

# [docs] Send Batch Emails; Idempotency Keys
MAX_BATCH, MAX_KEY, KEPT_SECONDS = 100, 256, 24 * 3600
# [docs] a tag has letters, digits, underscores and dashes, at most 256
_TAG = re.compile(r"[A-Za-z0-9_-]{1,256}")
_ADDRESS = r"[^\s@<>,;:()\"]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}"
# [anymail] a name in quotation marks is refused, and so is punctuation that would need them
_MAILBOX = re.compile(rf'[^<>@,;:()\[\]"\\]+ <{_ADDRESS}>|{_ADDRESS}')
# [docs] List Domains, Pagination
_PAGE_SIZE, _MAX_PAGE_SIZE = 20, 100
# [openapi] SendEmailRequest; a batch has no attachments and no scheduled_at [docs]
_FIELDS = {"from", "to", "subject", "text", "html", "reply_to", "headers", "tags", "cc", "bcc"}


def error(status: int, name: str, words: str = "on order") -> Reply:
    """Return an error as Resend writes it."""
    return Reply(status, {"statusCode": status, "name": name, "message": words})


class Fault(web.Fault):
    """The faults of any web API, and those with Resend's responses."""

    @classmethod
    def error(cls, status: int, name: str, words: str = "on order", **headers: str) -> "Fault":
        return cls(error(status, name, words)._replace(headers=headers))


@dataclass(frozen=True)
class Delivery:
    """An accepted mail."""

    to: str
    sender: str
    subject: str
    text: str
    html: str
    headers: Mapping[str, str]
    tags: Mapping[str, str]
    reply_to: str | None


class ResendFake(web.WebFake):
    """A team with a domain: its requests and its accepted mail. `pages` are the answers to GET, by path.

    `is_restricted`: the key may only send. `refused` are the recipients whose mail is invalid. `hour` is the
    time, by which keys are forgotten. `limit` is the number of requests in a second that its headers name; it
    is not enforced.
    """

    def __init__(self, key: str = "re_fake") -> None:
        super().__init__()
        self.key, self.is_restricted, self.hour = key, False, 0.0
        self.limit: int | None = None
        self.refused: set[str] = set()
        self.pages: dict[str, object] = {}
        self._kept: dict[str, tuple[str, Reply, float]] = {}
        self._ids = count(1)

    def answer(self, request: Request) -> Reply:
        reply = self._answer(request)
        # [docs] Rate limits: the headers of every response
        return reply._replace(headers={"ratelimit-limit": str(self.limit)}) if self.limit else reply

    def _answer(self, request: Request) -> Reply:
        if not request.headers.get("User-Agent"):
            return error(403, "forbidden", "a User-Agent is required")  # [docs] Errors
        if request.headers.get("Authorization") != f"Bearer {self.key}":
            is_send = request.method == "POST"  # [docs] the sending endpoints answer with 401
            return error(401 if is_send else 400, "validation_error", "API key is invalid")
        path = urlsplit(request.path).path
        if request.method == "POST" and path == "/emails/batch":
            with self.lock:
                return self._batch(request)
        if self.is_restricted:
            return error(401, "restricted_api_key", "This API key is restricted to only send emails")
        page = self.pages.get(path)
        if path == "/domains" and isinstance(page, dict):
            page = listed(page["data"], request.path)
        return Reply(200, page) if page is not None else error(404, "not_found")

    def _batch(self, request: Request) -> Reply:
        key = request.headers.get("Idempotency-Key")
        if key is None:
            return self._send(request.body)
        if not 1 <= len(key) <= MAX_KEY:
            return error(400, "invalid_idempotency_key", "Idempotency keys must have 1-256 characters")
        digest = hashlib.sha256(request.raw).hexdigest()
        if known := self._kept.get(key):
            earlier, reply, hour = known
            if self.hour - hour < KEPT_SECONDS / 3600:
                return reply if earlier == digest else error(409, "invalid_idempotent_request")
        reply = self._send(request.body)
        if reply.status == 200:
            self._kept[key] = digest, reply, self.hour
        return reply

    def _send(self, mails: Any) -> Reply:
        if not isinstance(mails, list) or not 1 <= len(mails) <= MAX_BATCH:
            return error(422, "validation_error", "a batch has 1 to 100 mails")
        if any("=?" in str(mail.get("from")) for mail in mails if isinstance(mail, dict)):
            return error(451, "security_error", "The email payload contain invalid characters")  # [anymail]
        if words := next(filter(None, map(problem, mails)), "") or self._refusal(mails):
            return error(422, "validation_error", words)  # strict: none of the batch is sent
        self._deliveries += map(delivery, mails)
        return Reply(200, {"data": [{"id": f"id-{next(self._ids)}"} for _ in mails]})

    def _refusal(self, mails: list[dict[str, Any]]) -> str:
        recipients = {to.rpartition("<")[2].rstrip(">") for mail in mails for to in mail["to"]}
        return "Invalid `to` field." if recipients & self.refused else ""


def problem(mail: Any) -> str:
    """Return what is wrong with a mail; "" if nothing is."""
    if not isinstance(mail, dict) or not all(mail.get(name) for name in ("from", "to", "subject")):
        return "Missing required field"  # [emulate] an empty one too
    if unknown := mail.keys() - _FIELDS:
        return f"Unknown field {sorted(unknown)[0]}"
    if not (mail.get("text") or mail.get("html")):
        return "Missing `html` or `text` field."
    for name, values in (("from", [mail["from"]]), ("to", mail["to"])):
        if not all(isinstance(value, str) and _MAILBOX.fullmatch(value) for value in values):
            return f"Invalid `{name}` field. The email address needs to follow the `Name <email@example.com>`"
    if len(mail["to"]) > 50:
        return "Too many recipients"
    for tag in mail.get("tags", []):
        if not (_TAG.fullmatch(tag["name"]) and _TAG.fullmatch(tag["value"])):
            return "Tags should only contain ASCII letters, numbers, underscores, or dashes."
    return ""


def listed(domains: list[dict[str, object]], path: str) -> dict[str, object]:
    """Return a page of the domains: `limit` of them, those that follow the id in `after`."""
    asked = parse_qs(urlsplit(path).query)
    size = int(asked.get("limit", [str(_PAGE_SIZE)])[0])
    assert 1 <= size <= _MAX_PAGE_SIZE
    ids = [item["id"] for item in domains]
    first = ids.index(asked["after"][0]) + 1 if "after" in asked else 0
    return {"object": "list", "data": domains[first:][:size], "has_more": len(domains) > first + size}


def delivery(mail: dict[str, Any]) -> Delivery:
    (to,) = mail["to"]
    tags = {tag["name"]: tag["value"] for tag in mail.get("tags", [])}
    parts = (mail["from"], mail["subject"], mail["text"], mail["html"])
    return Delivery(to, *parts, mail.get("headers", {}), tags, mail.get("reply_to"))


def domain(name: str = "example.com", **changes: object) -> dict[str, object]:
    """Return a domain as Resend describes it."""
    zone = name.partition(".")[0] if name.count(".") > 1 else ""
    records = [
        ("DKIM", "TXT", f"resend._domainkey{'.' + zone if zone else ''}", "p=MIGf"),
        ("SPF", "MX", f"send{'.' + zone if zone else ''}", "feedback-smtp.us-east-1.amazonses.com"),
        ("SPF", "TXT", f"send{'.' + zone if zone else ''}", "v=spf1 include:amazonses.com ~all"),
    ]
    return {
        "id": f"id of {name}",
        "name": name,
        "status": "verified",
        "open_tracking": False,
        "click_tracking": False,
        "records": [
            {"record": record, "type": kind, "name": host, "value": value, "status": "verified"}
            for record, kind, host, value in records
        ],
        **changes,
    }


def pages(*domains: dict[str, object]) -> dict[str, object]:
    """Return the answers to GET for domains."""
    listed = {"data": [{name: item[name] for name in ("id", "name", "status")} for item in domains]}
    return {"/domains": listed} | {
        f"/domains/{str(item['id']).replace(' ', '%20')}": item for item in domains
    }


def event(kind: str, tag: str, **data: object) -> bytes:
    """Return the body of an event."""
    details = {"email_id": "56761188-7520", "to": ["ada@example.com"], "tags": {"news": tag}, **data}
    return json.dumps({"type": kind, "created_at": "2026-05-04T09:00:00.126Z", "data": details}).encode()
