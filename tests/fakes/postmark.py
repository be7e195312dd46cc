"""A fake Postmark that stores the mail it gets, refuses what Postmark refuses, and has ordered faults.

The source of a rule stands beside it: [docs] is postmarkapp.com/developer, [support] postmarkapp.com/support,
[anymail] the backend for Postmark in github.com/anymail/django-anymail.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import getaddresses
from itertools import count
from typing import Any
from urllib.parse import unquote, urlsplit

from tests.fakes import web
from tests.fakes.web import ADDRESS, Reply, Request

TOKEN = "5ec7e700-0000-4000-8000-70ce00000001"
# [docs] Send batch emails
MAX_MESSAGES, MAX_BODY = 500, 50 * 1024**2
# [docs] Send a single email: TextBody and HtmlBody
MAX_PART = 5 * 1024**2
# [support] Custom metadata FAQ
MAX_METADATA_NAME, MAX_METADATA_VALUE = 20, 80
PIXEL = '<img src="https://pixel.postmark.invalid/o">'
FIELDS = {
    "From",
    "To",
    "Subject",
    "ReplyTo",
    "TextBody",
    "HtmlBody",
    "Headers",
    "Metadata",
    "MessageStream",
    "TrackOpens",
    "TrackLinks",
}


def error(status: int, code: int, words: str = "fault on order") -> Reply:
    return Reply(status, {"ErrorCode": code, "Message": words})


def entry(code: int, words: str = "fault on order") -> dict[str, object]:
    """Return the entry of a message that was not accepted: it has no `To` [docs]."""
    return {"ErrorCode": code, "Message": words}


class Fault(web.Fault):
    """The faults of any web API, and those with Postmark's responses."""

    @classmethod
    def error(cls, status: int, code: int, words: str = "fault on order") -> "Fault":
        """Reply with a status, a code and a message."""
        return cls(error(status, code, words))

    @classmethod
    def entries(cls, *entries: object) -> "Fault":
        """Reply with 200 and these entries."""
        return cls(Reply(200, list(entries)))


@dataclass(frozen=True)
class Delivery:
    """An accepted mail, as its recipient gets it."""

    address: str
    name: str
    sender: str
    reply_to: str
    subject: str
    text: str
    html: str
    headers: Mapping[str, str]
    metadata: Mapping[str, str]
    stream: str
    tracked: tuple[object, object]
    message_id: str


def stream(kind: str = "Broadcasts", handling: str | None = "Custom", **properties: Any) -> dict[str, Any]:
    """Return a message stream as [docs] Get a message stream shows one."""
    configuration = {"SubscriptionManagementConfiguration": {"UnsubscribeHandlingType": handling}}
    return {"ID": "broadcast", "MessageStreamType": kind, "ArchivedAt": None, **configuration, **properties}


class PostmarkFake(web.WebFake):
    """One server at Postmark: its settings, streams and suppressed addresses, its accepted mail."""

    def __init__(self, token: str = TOKEN) -> None:
        super().__init__()
        self.token = token
        self.server: dict[str, Any] = {
            "ID": 1,
            "Name": "Soup",
            "ApiTokens": [token],
            "DeliveryType": "Live",
            "TrackOpens": False,
            "TrackLinks": "None",
        }
        self.streams: dict[str, Any] = {
            "broadcast": stream(),
            "outbound": stream("Transactional", "None", ID="outbound"),
        }
        self.suppressed: set[str] = set()
        # An error code for each message to an address.
        self.codes: dict[str, int] = {}
        self._ids = count(1)

    def answer(self, request: Request) -> Reply:
        if request.headers.get("X-Postmark-Server-Token") != self.token:
            # [docs] HTTP response codes: 401 for a missing or wrong token; API error code 10
            return error(401, 10, "Request does not contain a valid Server token.")
        match request.method, [unquote(part) for part in urlsplit(request.path).path.split("/")]:
            case "GET", ["", "server"]:
                return Reply(200, self.server)
            case "GET", ["", "message-streams", name]:
                found = self.streams.get(name)
                # [docs] API error code 1226
                missing = "The message stream for the provided 'ID' was not found."
                return Reply(200, found) if found else error(422, 1226, missing)
            case "POST", ["", "email", "batch"]:
                with self.lock:
                    return self._send(request)
        return Reply(404)

    def _send(self, request: Request) -> Reply:
        if request.headers.get("Content-Type") != "application/json":
            return error(422, 409, "The request does not have an 'application/json' Content-Type header.")
        if len(request.raw) > MAX_BODY:
            return Reply(413)
        if not isinstance(request.body, list):
            return error(422, 402, "Received invalid JSON input.")
        if len(request.body) > MAX_MESSAGES:
            return error(422, 410, "Too many messages in a batch.")
        return Reply(200, [self._take(message) for message in request.body])

    def _take(self, message: dict[str, Any]) -> dict[str, object]:
        refused = self._refusal(message)
        if refused:
            return refused
        delivery = self._delivery(message)
        self._deliveries.append(delivery)
        return {
            "To": message["To"],
            "SubmittedAt": "2026-05-04T09:00:00.0000000Z",
            "MessageID": delivery.message_id,
            "ErrorCode": 0,
            "Message": "OK",
        }

    def _refusal(self, message: dict[str, Any]) -> dict[str, object] | None:
        """Return the entry of a message that is refused; None for a correct one."""
        assert set(message) <= FIELDS, set(message) - FIELDS
        for name in ("From", "To"):
            found = getaddresses([message[name]])
            # [docs] at most 50 recipients; a comma separates them. The words are those of [anymail].
            if not found or not all(ADDRESS.fullmatch(address) for _, address in found):
                return entry(300, f"Invalid '{name}' address: '{message[name]}'.")
        for name, value in message["Metadata"].items():
            if len(name) > MAX_METADATA_NAME or len(value) > MAX_METADATA_VALUE:
                return entry(300, "Metadata is too long.")
        if any(len(message[part].encode()) > MAX_PART for part in ("TextBody", "HtmlBody")):
            return entry(300, "A body is too large.")
        if message["TrackLinks"] not in ("None", "HtmlAndText", "HtmlOnly", "TextOnly"):
            return entry(300, "Invalid 'TrackLinks'.")
        if message["MessageStream"] not in self.streams:
            return entry(1235, "The stream provided: 'MessageStream' does not exist on this server.")
        address = getaddresses([message["To"]])[0][1]
        if code := self.codes.get(address):
            return entry(code)
        if address in self.suppressed:
            # [docs] API error code 406; the words name the address
            return entry(406, f"You tried to send to recipients that are inactive: {address}.")
        return None

    def _delivery(self, message: dict[str, Any]) -> Delivery:
        ((name, address),) = getaddresses([message["To"]])
        headers = {header["Name"]: header["Value"] for header in message["Headers"]}
        message_id = f"00000000-0000-4000-8000-{next(self._ids):012}"
        # [support] Message-ID: it is replaced, unless X-PM-KeepID says otherwise
        if headers.pop("X-PM-KeepID", "") != "true":
            headers["Message-ID"] = f"<{message_id}@mtasv.net>"
        text, html = message["TextBody"], message["HtmlBody"]
        settings = self.streams[message["MessageStream"]]
        handling = settings["SubscriptionManagementConfiguration"]["UnsubscribeHandlingType"]
        if settings["MessageStreamType"] == "Broadcasts" and handling == "Postmark":
            # [support] Postmark appends its own link and writes its own header
            text, html = f"{text}\nUnsubscribe: https://u.postmark.invalid", f"{html}<a>Unsubscribe</a>"
            headers["List-Unsubscribe"] = "<https://u.postmark.invalid>"
        # [docs] Tracking opens per email: the setting of the server counts more
        opens = self.server["TrackOpens"] or message["TrackOpens"]
        return Delivery(
            address=address,
            name=name,
            sender=message["From"],
            reply_to=message.get("ReplyTo", ""),
            subject=message["Subject"],
            text=text,
            html=html + PIXEL if opens else html,
            headers=headers,
            metadata=message["Metadata"],
            stream=message["MessageStream"],
            tracked=(opens, message["TrackLinks"]),
            message_id=message_id,
        )
