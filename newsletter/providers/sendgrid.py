"""SendGrid's v3 mail/send: one request for up to 1000 recipients, tracking explicitly off.

What counts here is documented at https://www.twilio.com/docs/sendgrid/api-reference/mail-send: 202 means
queued; there is no idempotency key, so a lost answer is unknown.
"""

import json
import logging
import socket
import ssl
import urllib.request
from html import escape
from http.client import HTTPException
from typing import Any
from urllib.error import URLError

import python_http_client
from pydantic import SecretStr
from python_http_client.exceptions import HTTPError
from sendgrid import SendGridAPIClient

from newsletter.config import SendGrid
from newsletter.errors import Problem
from newsletter.message import PLACEHOLDER, Batch, Mailing, Recipient, list_headers
from newsletter.models import Accepted, Capabilities, NotSent, Outcome, Refused, Unknown

TIMEOUT_SECONDS = 30
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
        if self._api_key:
            return []
        fix = "set it in the environment or in .env (never in newsletter.yml)"
        return [Problem("SENDGRID_API_KEY", "is not set", fix)]

    def submit(self, batch: Batch) -> Outcome:
        if not self._api_key:
            return NotSent("SENDGRID_API_KEY is not set")
        try:
            response = self._client(self._api_key).mail.send.post(request_body=body(batch))
        except HTTPError as answer:
            return _declined(int(answer.status_code), answer.headers, answer.body)
        except URLError as failure:
            return _not_connected(failure)
        except (OSError, HTTPException) as failure:
            return Unknown(f"no answer: {failure or type(failure).__name__}")
        if response.status_code == 202:
            return Accepted(response.headers.get("X-Message-Id") or "")
        return Unknown(f"an answer that does not belong here: {response.status_code}")

    def close(self) -> None:
        pass

    def _client(self, api_key: SecretStr) -> Any:
        api = SendGridAPIClient(api_key.get_secret_value(), host=self._settings.host)
        return _Client(host=api.host, request_headers=api._default_headers, version=3, timeout=self._timeout)


def body(batch: Batch) -> dict[str, Any]:
    """The request: placeholders become SendGrid's substitutions, which know one value for both parts.

    So the text part's placeholders get names of their own, and HTML values are escaped.
    """
    mailing = batch.mailing
    text, html = _for_group(mailing, mailing.rendered.text), _for_group(mailing, mailing.rendered.html)
    in_text, in_html = set(PLACEHOLDER.findall(text)), set(PLACEHOLDER.findall(html))
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
    mailing: Mailing, recipient: Recipient, in_text: set[str], in_html: set[str]
) -> dict[str, Any]:
    values = recipient.values
    substitutions = {f"[[text.{name}]]": values[name] for name in sorted(in_text & set(values))}
    substitutions |= {f"[[{name}]]": escape(values[name]) for name in sorted(in_html & set(values))}
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
    except (ValueError, KeyError, TypeError, AttributeError):
        return ""


def _not_connected(failure: URLError) -> Outcome:
    """urllib wraps what fails up to the request's end in URLError; only before it began is it certain."""
    reason = failure.reason
    if isinstance(reason, ConnectionRefusedError | socket.gaierror | ssl.SSLCertVerificationError):
        return NotSent(f"no connection: {reason}")
    return Unknown(f"no answer: {reason}")


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the API key to wherever it points."""

    def redirect_request(self, *_args: Any, **_kwargs: Any) -> None:
        return None


class _Client(python_http_client.Client):  # type: ignore[misc]  # the package has no types
    """The client with redirects off, in every part of a path that it is asked for."""

    def _build_client(self, name: str | None = None) -> "_Client":
        path = [*self._url_path, name] if name else self._url_path
        return _Client(
            host=self.host,
            version=self._version,
            request_headers=self.request_headers,
            url_path=path,
            append_slash=self.append_slash,
            timeout=self.timeout,
        )

    def _make_request(self, _opener: Any, request: Any, timeout: float | None = None) -> Any:
        opener = urllib.request.build_opener(_NoRedirect)
        return super()._make_request(opener, request, timeout=timeout)
