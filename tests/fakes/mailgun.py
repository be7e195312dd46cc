"""A fake Mailgun that stores the mail it gets, refuses what Mailgun refuses, and has ordered faults.

The source of a rule stands beside it: [docs] is documentation.mailgun.com, [anymail] the backend for Mailgun
in github.com/anymail/django-anymail.
"""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parseaddr
from itertools import count
from typing import Any
from urllib.parse import unquote, urlsplit

from tests.fakes import web
from tests.fakes.web import ADDRESS, Reply, Request

# [docs] Batch Sending; Sending Messages: the options together; the whole request, measured by others.
MAX_RECIPIENTS, MAX_OPTION_BYTES, MAX_BODY = 1000, 16 * 1024, 52 * 1024**2
# [docs] User Manual, Mailing Lists and Tracking Unsubscribes: Mailgun's own words.
OWN_WORDS = (
    "recipient",
    "recipient_email",
    "recipient_name",
    "recipient_fname",
    "recipient_lname",
    "unsubscribe_url",
    "unsubscribe_email",
    "mailing_list_unsubscribe_url",
    "tag_unsubscribe_url",
)
_FIELD = re.compile(rb'Content-Disposition: form-data; name="([^"]+)"\r\n\r\n(.*)\r\n', re.DOTALL)


def message(status: int, words: str) -> Reply:
    return Reply(status, {"message": words})


class Fault(web.Fault):
    """The faults of any web API, and those with Mailgun's responses."""

    @classmethod
    def status(cls, status: int, words: str = "fault on order") -> "Fault":
        """Reply with a status and a message in JSON."""
        return cls(message(status, words))

    @classmethod
    def forbidden(cls) -> "Fault":
        """Reply with 401 in plain text, as for a wrong key."""
        return cls(Reply(401, b"Forbidden", {"Content-Type": "text/plain"}))


@dataclass(frozen=True)
class Delivery:
    """An accepted mail to one recipient, with the values of the variables in it."""

    address: str
    to: str  # the header: all addresses, where there are no variables
    sender: str
    subject: str
    text: str
    html: str
    headers: Mapping[str, str]
    variables: Mapping[str, str]  # of events: `user-variables`
    options: Mapping[str, str]
    message_id: str


class MailgunFake(web.WebFake):
    """One account with a domain: its requests, its accepted mail. `pages` are the answers to GET, by path.

    With `reads_values_again`, it replaces variables in the values of variables, too.
    """

    def __init__(self, key: str = "key-fake", domain: str = "example.com") -> None:
        super().__init__()
        self.key, self.domain, self.reads_values_again = key, domain, False
        self.pages: dict[str, object] = {}
        self._ids = count(1)

    def answer(self, request: Request) -> Reply:
        given = base64.b64encode(f"api:{self.key}".encode()).decode()
        if request.headers.get("Authorization") != f"Basic {given}":
            return Reply(401, b"Forbidden", {"Content-Type": "text/plain"})  # [anymail] plain text
        path = urlsplit(request.path).path
        if request.method == "GET":
            page = self.pages.get(path, message(404, "Domain not found"))
            return page if isinstance(page, Reply) else Reply(200, page)
        match [unquote(part) for part in path.split("/")]:
            case ["", "v3", domain, "messages"] if request.method == "POST":
                if domain != self.domain:
                    return message(404, f"Domain not found: {domain}")  # [anymail]
                with self.lock:
                    return self._send(request)
        # [anymail] an address that is none of the API's
        return Reply(200, b"Mailgun Magnificent API", {"Content-Type": "text/plain"})

    def _send(self, request: Request) -> Reply:
        if len(request.raw) > MAX_BODY:
            return message(413, "request too large")
        boundary = request.raw[2:].partition(b"\r\n")[0].decode()
        if request.headers["Content-Type"] != f'multipart/form-data; boundary="{boundary}"':
            return message(400, "the body is no form with the boundary of its header")
        fields = parse_form(request.raw)
        if refusal := check(fields):
            return refusal
        variables = json.loads(fields.get("recipient-variables", ["{}"])[0])
        # [docs] duplicates are dropped without a word
        people = {parseaddr(to)[1].casefold(): to for to in reversed(fields["to"])}
        message_id = f"<{next(self._ids)}@{self.domain}>"
        for to in reversed(people.values()):
            self._deliveries.append(self._delivery(to, fields, variables, message_id))
        return Reply(200, {"id": message_id, "message": "Queued. Thank you."})

    def _delivery(
        self, to: str, fields: Mapping[str, list[str]], variables: Any, message_id: str
    ) -> Delivery:
        address = parseaddr(to)[1]
        values = variables.get(address, {})  # [docs] the key is the plain address

        def filled(name: str) -> str:
            return self.fill(fields[name][0], values, address) if name in fields else ""

        def starting(prefix: str) -> dict[str, str]:
            return {name.removeprefix(prefix): filled(name) for name in fields if name.startswith(prefix)}

        return Delivery(
            address=address,
            # [docs] without variables, all recipients are in the header
            to=to if variables else ", ".join(fields["to"]),
            sender=filled("from"),
            subject=filled("subject"),
            text=filled("text"),
            html=filled("html"),
            headers=starting("h:"),
            variables=starting("v:"),
            options=starting("o:"),
            message_id=message_id,
        )

    def fill(self, content: str, values: Mapping[str, str], address: str) -> str:
        """Replace variables and Mailgun's own words; an unknown variable stays (django-anymail issue 171)."""
        known = {f"%recipient.{key}%": str(value) for key, value in values.items()}
        known |= {f"%{word}%": f"[{word} of {address}]" for word in OWN_WORDS}
        words = re.compile("|".join(map(re.escape, known)))
        filled = words.sub(lambda word: known[word[0]], content)
        return words.sub(lambda word: known[word[0]], filled) if self.reads_values_again else filled


def parse_form(raw: bytes) -> dict[str, list[str]]:
    """Return the fields of a body in multipart/form-data (RFC 7578); it begins with its boundary."""
    boundary = raw.partition(b"\r\n")[0]
    first, *parts, last = (b"\r\n" + raw).split(b"\r\n" + boundary)
    assert boundary.startswith(b"--") and first == b"" and last == b"--\r\n", "not a form"
    fields: dict[str, list[str]] = {}
    for part in parts:
        match = _FIELD.fullmatch(part.removeprefix(b"\r\n") + b"\r\n")
        assert match, part
        fields.setdefault(match[1].decode(), []).append(match[2].decode())
    return fields


def check(fields: Mapping[str, list[str]]) -> Reply | None:
    """Return the refusal of a request, None for a correct one."""
    for name in ("from", "to"):
        if name not in fields:
            return message(400, f"{name} parameter is missing")
        if not all(ADDRESS.fullmatch(parseaddr(value)[1]) for value in fields[name]):
            return message(400, f"{name} parameter is not a valid address. please check documentation")
    if not {"text", "html"} & fields.keys():
        return message(400, "Need at least one of 'text' or 'html' parameters specified")
    if len(fields["to"]) > MAX_RECIPIENTS:
        return message(400, "too many recipients, maximum is 1000")
    options = [(name, value) for name in fields if name[1:2] == ":" for value in fields[name]]
    if sum(len(name.encode()) + len(value.encode()) for name, value in options) > MAX_OPTION_BYTES:
        return message(400, "o:, h:, v: and t: parameters are larger than 16 KB")
    try:
        variables = json.loads(fields.get("recipient-variables", ["{}"])[0])
    except ValueError:
        variables = None
    if not isinstance(variables, dict):
        return message(400, "recipient-variables parameter is not a valid JSON")
    return None
