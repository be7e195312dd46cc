"""SendGrid's v3 mail/send: one request for up to 1000 recipients, tracking explicitly off.

What counts here is documented at https://www.twilio.com/docs/sendgrid/api-reference/mail-send: 202 means
queued; there is no idempotency key, so a lost answer is unknown.
"""

import json
import logging
import time
import urllib.error
import urllib.request
from html import escape
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any

import python_http_client
from pydantic import SecretStr
from python_http_client.exceptions import HTTPError, handle_error
from sendgrid import SendGridAPIClient

from newsletter.config import SendGrid
from newsletter.errors import Problem
from newsletter.message import Batch, Mailing, Recipient, list_headers
from newsletter.models import Accepted, Capabilities, NotSent, Outcome, Refused, Unknown
from newsletter.names import PLACEHOLDER

TIMEOUT_SECONDS = 30
ANSWER_BYTES = 65_536
GROUP_LINK = "<%asm_group_unsubscribe_raw_url%>"

# What may be wrong with this batch alone; any other 4xx is about the account or the address of the API, and
# the next batch would fare no better.
_BATCH = (400, 413)
_NOTES = {401: "the API key is not valid, or credits are used up", 403: "the API key may not send"}

# At DEBUG the client logs the API key and every address.
logging.getLogger("python_http_client.client").disabled = True


class SendGridProvider:
    """Sends through SendGrid."""

    name = "sendgrid"
    capabilities = Capabilities(recipients_per_call=1000, leaves_machine=True, tracking="message")

    def __init__(
        self, settings: SendGrid, api_key: SecretStr | None, *, timeout: float = TIMEOUT_SECONDS
    ) -> None:
        self._settings = settings
        self._api_key = api_key
        self._timeout = timeout

    def check(self) -> list[Problem]:
        fix = "set it in the environment or in .env (never in newsletter.yml)"
        if not self._api_key:
            return [Problem("SENDGRID_API_KEY", "is not set", fix)]
        if not self._api_key.get_secret_value().isascii():
            return [Problem("SENDGRID_API_KEY", "holds letters that no key has", fix)]
        return []

    def submit(self, batch: Batch) -> Outcome:
        if problems := self.check():
            return NotSent(str(problems[0]))
        reached = _Reached()
        try:
            response = self._client(reached).mail.send.post(request_body=body(batch))
        except HTTPError as answer:
            return _declined(int(answer.status_code), answer.headers, answer.body)
        except (OSError, HTTPException, ValueError) as failure:
            # ValueError: a host that is none. Until the connection stands, TLS and proxy included, nothing of
            # the request has been said.
            said = str(getattr(failure, "reason", "") or failure or type(failure).__name__)
            return Unknown(f"no answer: {said}") if reached.server else NotSent(f"no connection: {said}")
        if response.status_code == 202:
            return Accepted(response.headers.get("X-Message-Id") or "")
        return Unknown(f"an answer that does not belong here: {response.status_code}")

    def close(self) -> None:
        pass

    def _client(self, reached: "_Reached") -> Any:
        key = self._api_key.get_secret_value() if self._api_key else ""
        api = SendGridAPIClient(key, host=self._settings.host)
        client = _Client(
            host=api.host, request_headers=api._default_headers, version=3, timeout=self._timeout
        )
        client.reached = reached
        return client


def body(batch: Batch) -> dict[str, Any]:
    """The request: placeholders become SendGrid's substitutions, which know one value for both parts.

    So the text part's placeholders get names of their own, and HTML values are escaped.
    """
    mailing = batch.mailing
    text, html = _for_group(mailing, mailing.rendered.text), _for_group(mailing, mailing.rendered.html)
    in_text, in_html = sorted(set(PLACEHOLDER.findall(text))), sorted(set(PLACEHOLDER.findall(html)))
    request: dict[str, Any] = {
        "from": {"email": mailing.sender[1], "name": mailing.sender[0]},
        "subject": mailing.rendered.subject,
        "personalizations": [_personalization(mailing, r, in_text, in_html) for r in batch.recipients],
        "content": [
            {"type": "text/plain", "value": PLACEHOLDER.sub(r"[[text.\1]]", text)},
            {"type": "text/html", "value": html},
        ],
        "headers": {"List-Id": f"<{mailing.list_id[1]}>"} | ({"X-News-Test": "yes"} if mailing.test else {}),
        "tracking_settings": tracking_settings(mailing),
    }
    if mailing.reply_to:
        request["reply_to"] = {"email": mailing.reply_to}
    if mailing.sendgrid_group:
        request["asm"] = {"group_id": mailing.sendgrid_group}
    return request


def tracking_settings(mailing: Mailing) -> dict[str, Any]:
    """All four switches, always: what is absent may fall back to the account's settings."""
    return {
        "click_tracking": {"enable": mailing.track_clicks, "enable_text": mailing.track_clicks},
        "open_tracking": {"enable": mailing.track_opens},
        "subscription_tracking": {"enable": False},
        "ganalytics": {"enable": False},
    }


def _personalization(
    mailing: Mailing, recipient: Recipient, in_text: list[str], in_html: list[str]
) -> dict[str, Any]:
    values = recipient.values
    substitutions = {f"[[text.{name}]]": values[name] for name in in_text}
    substitutions |= {f"[[{name}]]": escape(values[name]) for name in in_html}
    to = {"email": recipient.address} | ({"name": recipient.name} if recipient.name else {})
    headers = {"Message-ID": recipient.message_id, **list_headers(mailing, recipient)}
    return {"to": [to], "headers": headers, "substitutions": substitutions}


def _for_group(mailing: Mailing, content: str) -> str:
    return content.replace("[[unsubscribe_url]]", GROUP_LINK) if mailing.sendgrid_group else content


def _declined(status: int, headers: Any, content: bytes) -> Outcome:
    said = f"{status} {_errors(content)}".strip()
    if status in _BATCH:
        return Refused(said)
    if status == 429:
        reset = headers.get("Retry-After") or headers.get("X-RateLimit-Reset") if headers else None
        return NotSent(f"{said}: too many requests (reset: {reset})")
    if 400 <= status < 500 and status != 408:
        return NotSent(f"{said}: {_NOTES[status]}" if status in _NOTES else said)
    return Unknown(said)


def _errors(content: bytes) -> str:
    """SendGrid's own words, where the answer is its JSON."""
    try:
        found = json.loads(content)["errors"]
        return "; ".join(": ".join(filter(None, (e.get("field"), e["message"]))) for e in found)[:300]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return ""


class _Reached:
    """Whether a request got as far as a server."""

    server = False


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the API key to wherever it points."""

    def redirect_request(self, *_args: Any, **_kwargs: Any) -> None:
        return None


class _Client(python_http_client.Client):  # type: ignore[misc]  # the package has no types
    """The client with redirects off, answers cut short, and a note of whether a server was reached."""

    reached = _Reached()

    def _build_client(self, name: str | None = None) -> "_Client":
        client = _Client(
            host=self.host,
            version=self._version,
            request_headers=self.request_headers,
            url_path=[*self._url_path, name] if name else self._url_path,
            append_slash=self.append_slash,
            timeout=self.timeout,
        )
        client.reached = self.reached
        return client

    def _make_request(self, _opener: Any, request: Any, timeout: float | None = None) -> Any:
        seconds = timeout or self.timeout
        try:
            answer = _opener_that_notes(self.reached).open(request, timeout=seconds)
        except urllib.error.HTTPError as refusal:
            raise handle_error(_Brief(refusal, seconds)) from None
        return _Brief(answer, seconds)


def _opener_that_notes(reached: _Reached) -> urllib.request.OpenerDirector:
    """An opener that follows no redirect, and notes when a connection stands (TLS and proxy included)."""

    class Plain(HTTPConnection):
        def connect(self) -> None:
            super().connect()
            reached.server = True

    class Secure(HTTPSConnection):
        def connect(self) -> None:
            super().connect()
            reached.server = True

    class Http(urllib.request.HTTPHandler):
        def http_open(self, req: urllib.request.Request) -> Any:
            return self.do_open(Plain, req)

    class Https(urllib.request.HTTPSHandler):
        def https_open(self, req: urllib.request.Request) -> Any:
            return self.do_open(Secure, req)

    return urllib.request.build_opener(_NoRedirect, Http, Https)


class _Brief:
    """An answer of which no more is read than says what it is, and not for longer than a time-out."""

    def __init__(self, answer: Any, seconds: float) -> None:
        self._answer, self._until = answer, time.monotonic() + seconds

    def read(self) -> bytes:
        pieces: list[bytes] = []
        while sum(map(len, pieces)) < ANSWER_BYTES and time.monotonic() < self._until:
            piece = self._answer.read1(4096)
            if not piece:
                break
            pieces.append(piece)
        self._answer.close()
        return b"".join(pieces)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._answer, name)
