"""A fake SendGrid that stores the mail it gets, refuses what SendGrid refuses, and has ordered faults.

In tests: `with SendGridFake() as fake:`, and point the client at `fake.url` with the key `fake.key`.
By hand: `python -m tests.fakes.sendgrid --port 8030`.
"""

import argparse
import re
import ssl
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from heapq import heappop, heappush
from itertools import count
from typing import Any, Literal, Self
from urllib.parse import parse_qs, urlsplit

from tests.fakes import sendgrid_rules as rules
from tests.fakes import web
from tests.fakes.web import Reply, Request

__all__ = ["Delivery", "Fault", "Reply", "Request", "SendGridFake"]

# Seconds, except for CANCEL_SLOTS.
BATCH_LIFE = 10 * 24 * 3600
CANCEL_BEFORE = 600
CANCEL_SLOTS = 10
PAUSE_LIFE = 72 * 3600
SUPPRESSION_LISTS = ("blocks", "bounces", "invalid_emails", "spam_reports", "unsubscribes")


def refused(status: int, *errors: rules.Error) -> Reply:
    return Reply(status, {"errors": list(errors)})


class Fault(web.Fault):
    """The faults of any web API, and those with SendGrid's responses."""

    @classmethod
    def status(cls, status: int, message: str = "fault on order") -> Self:
        """Reply with a status and SendGrid's error body; an account without credits gets 401."""
        return cls(refused(status, rules.error(message)))

    @classmethod
    def rate_limited(cls, seconds: int = 1, reset_at: int | None = None) -> Self:
        """Reply with 429; `reset_at` is Unix time, by default `seconds` from now."""
        reset = int(time.time()) + seconds if reset_at is None else reset_at
        headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(reset), "Retry-After": str(seconds)}
        return cls(refused(429, rules.error("too many requests"))._replace(headers=headers))

    @classmethod
    def sandbox(cls) -> Self:
        """Reply with 200, as in sandbox mode: the mail is valid, and not sent."""
        return cls(Reply(200))


@dataclass(frozen=True)
class Delivery:
    """An accepted mail to one recipient; substitutions are applied when `text` or `html` is read."""

    address: str
    name: str
    subject: str
    headers: Mapping[str, str]
    message_id: str
    tracking_settings: Mapping[str, Any] | None
    batch_id: str | None
    send_at: int | None
    substitutions: Mapping[str, str] = field(repr=False)
    content: Mapping[str, str] = field(repr=False)

    @property
    def text(self) -> str:
        return substitute(self.content.get("text/plain", ""), self.substitutions)

    @property
    def html(self) -> str:
        return substitute(self.content.get("text/html", ""), self.substitutions)


def substitute(text: str, substitutions: Mapping[str, str]) -> str:
    """Replace the tags in one pass: a tag in a substituted value stays, as SendGrid does not nest them."""
    tags = sorted((tag for tag in substitutions if tag in text), key=len, reverse=True)
    return re.sub("|".join(map(re.escape, tags)), lambda tag: substitutions[tag[0]], text) if tags else text


@dataclass
class _Queued:
    delivery: Delivery
    due: float | None  # Unix time; None: discarded
    held: str | None  # "pause" or "cancel"


class SendGridFake(web.WebFake):
    """One account: its requests, its accepted mail, and its batches on hold.

    `clock` returns Unix time. `pages` are further paths for GET, such as account settings: JSON, a Reply, or
    a function that makes one of them from a request. `cancel_covers` is the mail that a cancelled batch
    stops: only what had `arrived` when it was cancelled, or cancelled again by PATCH; or all mail of the
    `batch`, also later mail. SendGrid does not document which of the two it does.
    """

    def __init__(
        self,
        port: int = 0,
        key: str = "SG.fake",
        clock: Callable[[], float] = time.time,
        verbose: bool = False,
        cancel_covers: Literal["arrived", "batch"] = "arrived",
        tls: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__(port, verbose, tls)
        self.key, self.clock, self.cancel_covers = key, clock, cancel_covers
        self.pages: dict[str, object] = {}
        self.suppressions: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        self.group_suppressions: list[dict[str, Any]] = []
        self._ids = count(1)
        self._queue: list[_Queued] = []
        self._by_batch: defaultdict[str | None, list[_Queued]] = defaultdict(list)
        self._delayed: list[tuple[float, int, Request]] = []  # a heap: time of arrival, number, request
        self._arrival_time: float | None = None
        self._accepted: Counter[str] = Counter()
        self._batches: dict[str, float] = {}  # batch id -> Unix time of its creation
        self._holds: dict[str, str] = {}  # batch id -> "pause" or "cancel"

    @property
    def deliveries(self) -> list[Delivery]:
        """Return a delivery per accepted recipient, on hold or not, in order of arrival; a copy."""
        with self.lock:
            self._process_delayed()
            return [queued.delivery for queued in self._queue]

    def accepted(self, address: str) -> int:
        """Return the number of accepted mails to an address."""
        with self.lock:
            self._process_delayed()
            return self._accepted[address.lower()]

    def delivered_by(self, moment: float) -> list[Delivery]:
        """Return the mail sent by a moment (Unix time) if no batch is cancelled, paused or resumed.

        That includes the mail of delayed requests that have arrived by then.
        """
        with self.lock:
            self._process_delayed()
            mail = list(self._queue)
            for at, _, request in sorted(self._delayed):
                mail += self._delayed_mail(request, at)
            return [q.delivery for q in mail if q.due is not None and q.due <= moment and q.held is None]

    def postpone(self, request: Request, seconds: float) -> None:
        with self.lock:
            heappush(self._delayed, (self.clock() + seconds, next(self._ids), request))

    def answer(self, request: Request) -> Reply:
        with self.lock:
            self._process_delayed()
            return self._answer(request)

    def _process_delayed(self) -> None:
        """Carry out the delayed requests that have arrived by now; their responses are lost."""
        while self._delayed and self._delayed[0][0] <= self.clock():
            self._arrival_time, _, request = heappop(self._delayed)
            self._answer(request)
            self._arrival_time = None

    def _delayed_mail(self, request: Request, at: float) -> list[_Queued]:
        """Return the mail of a request that arrives at `at` (Unix time), if the batches stay as they are."""
        body = request.body or {}
        if urlsplit(request.path).path != "/v3/mail/send" or self._invalid(request):
            return []
        self._arrival_time = at
        mail = [] if self._not_sent(body, len(request.raw)) else list(self._mail(body, "on its way"))
        self._arrival_time = None
        return mail

    @property
    def _now(self) -> float:
        return self.clock() if self._arrival_time is None else self._arrival_time

    def _answer(self, request: Request) -> Reply:
        if refusal := self._invalid(request):
            return refusal
        path, body = urlsplit(request.path).path, request.body or {}
        match request.method, path.removeprefix("/v3/").split("/"):
            case "POST", ["mail", "send"]:
                return self._send(body, len(request.raw))
            case "POST", ["mail", "batch"]:
                return self._new_batch()
            case "GET", ["mail", "batch", batch]:
                return Reply(200, {"batch_id": batch}) if self._known(batch) else _no_batch()
            case "GET", ["user", "scheduled_sends", *batch]:
                return Reply(200, [self._hold(held) for held in self._holds if held in (batch or [held])])
            case "POST", ["user", "scheduled_sends"]:
                return self._hold_back(str(body.get("batch_id")), str(body.get("status")))
            case "PATCH", ["user", "scheduled_sends", batch]:
                return self._change_hold(batch, str(body.get("status")))
            case "DELETE", ["user", "scheduled_sends", batch]:
                return self._lift_hold(batch)
            case "GET", ["suppression", name] if name in SUPPRESSION_LISTS:
                return Reply(200, self._suppressed(name, parse_qs(urlsplit(request.path).query)))
            case "GET", ["asm", "suppressions"]:
                return Reply(200, self.group_suppressions)
            case "GET", _ if path in self.pages:
                page = self.pages[path]
                page = page(request) if callable(page) else page
                return page if isinstance(page, Reply) else Reply(200, page)
        return refused(404, rules.error("not found"))

    def _suppressed(self, name: str, query: Mapping[str, list[str]]) -> list[dict[str, Any]]:
        """Return a page of a list, the newest entry first; an entry is in it from its start time on."""
        start, limit, offset = (int(query.get(k, ["0"])[0]) for k in ("start_time", "limit", "offset"))
        since = [entry for entry in self.suppressions[name] if entry.get("created", 0) >= start]
        newest_first = sorted(since, key=lambda entry: -int(entry.get("created", 0)))
        return newest_first[offset : offset + min(limit or 500, 500)]

    def suppress(self, name: str, address: str, at: datetime) -> None:
        """Put an address into a list, as of a time."""
        entry = {
            "created": int(at.timestamp()),
            "email": address,
            "reason": f"550 no {address}",
            "status": "5",
        }
        self.suppressions[name].append(entry)

    def suppress_in_group(self, number: int, address: str, at: datetime) -> None:
        """Put an address into a suppression group, as of a time."""
        entry = {"email": address, "group_id": number, "group_name": "Soup"}
        self.group_suppressions.append({**entry, "created_at": int(at.timestamp())})

    def _invalid(self, request: Request) -> Reply | None:
        """Return the refusal of a request with a wrong key or format, None if it is correct."""
        if request.headers.get("Authorization") != f"Bearer {self.key}":
            return refused(
                401, rules.error("The provided authorization grant is invalid, expired, or revoked")
            )
        if request.raw and request.headers.get_content_type() != "application/json":
            return refused(415, rules.error("Content-Type should be application/json."))
        if request.raw and not isinstance(request.body, dict):
            return refused(400, rules.error("Bad Request"))
        return None

    def _not_sent(self, message: dict[str, Any], size: int) -> Reply | None:
        """Return the response to a message that is not sent: invalid, or in sandbox mode; None otherwise."""
        if size >= rules.MAX_BODY:
            return refused(413, rules.error("content too large"))
        if errors := rules.check(message, self._now, self._known):
            return refused(400, *errors)
        sandbox = message.get("mail_settings", {}).get("sandbox_mode", {}).get("enable")
        return Reply(200) if sandbox else None

    def _send(self, message: dict[str, Any], size: int) -> Reply:
        if reply := self._not_sent(message, size):
            return reply
        message_id = f"message{next(self._ids):06d}"
        for queued in self._mail(message, message_id):
            self._queue.append(queued)
            self._by_batch[queued.delivery.batch_id].append(queued)
            self._accepted[queued.delivery.address.lower()] += 1
        return Reply(202, headers={"X-Message-Id": message_id})

    def _mail(self, message: dict[str, Any], message_id: str) -> Iterator[_Queued]:
        """Yield the mail to each recipient; it is on hold if its batch is."""
        batch, content = message.get("batch_id"), {part["type"]: part["value"] for part in message["content"]}
        held = self._holds.get(batch) if batch else None
        if held == "cancel" and self.cancel_covers == "arrived":
            held = None
        for personalization in message["personalizations"]:
            substitutions = personalization.get("substitutions", {})
            send_at = personalization.get("send_at", message.get("send_at"))
            for _, address in rules.recipients(personalization):
                delivery = Delivery(
                    address=address["email"],
                    name=address.get("name", ""),
                    subject=substitute(personalization.get("subject", message.get("subject")), substitutions),
                    headers={**message.get("headers", {}), **personalization.get("headers", {})},
                    message_id=message_id,
                    tracking_settings=message.get("tracking_settings"),
                    batch_id=batch,
                    send_at=send_at,
                    substitutions=substitutions,
                    content=content,
                )
                yield _Queued(delivery, max(self._now, send_at or 0), held)

    def _new_batch(self) -> Reply:
        batch = f"batch{next(self._ids):06d}"
        self._batches[batch] = self._now
        return Reply(201, {"batch_id": batch})

    def _known(self, batch: str) -> bool:
        return batch in self._batches and self._now - self._batches[batch] <= BATCH_LIFE

    def _hold(self, batch: str) -> dict[str, str]:
        return {"batch_id": batch, "status": self._holds[batch]}

    def _mail_of(self, batch: str) -> list[tuple[_Queued, float]]:
        return [(q, q.due) for q in self._by_batch[batch] if q.due is not None]

    def _too_late(self, batch: str) -> Reply | None:
        """Return the refusal for a batch with mail that is due too soon and not on hold, None otherwise."""
        dues = [due for queued, due in self._mail_of(batch) if queued.held is None]
        if any(due - self._now < CANCEL_BEFORE for due in dues):
            return refused(400, rules.error("less than 10 minutes before send_at", "batch_id"))
        return None

    def _hold_back(self, batch: str, status: str) -> Reply:
        """Cancel or pause a batch.

        Less than ten minutes before `send_at` SendGrid documents it as "not guaranteed": it may answer 201
        and send the mail anyway. Order `Fault(Reply(201))` for that.
        """
        if not self._known(batch):
            return _no_batch()
        if status not in ("pause", "cancel"):
            return _bad_status()
        if batch in self._holds:
            text = "a status for this batch id exists, try PATCH to update the status"
            return refused(400, rules.error(text))
        if len(self._holds) >= CANCEL_SLOTS:
            return refused(400, rules.error("max limit reached"))
        if refusal := self._too_late(batch):
            return refusal
        self._holds[batch] = status
        for queued, _ in self._mail_of(batch):
            queued.held = status
        return Reply(201, self._hold(batch))

    def _change_hold(self, batch: str, status: str) -> Reply:
        """Replace a hold; the new one also covers the mail that has arrived since."""
        if batch not in self._holds:
            return refused(404, rules.error("batch id not found"))
        if status not in ("pause", "cancel"):
            return _bad_status()
        if refusal := self._too_late(batch):
            return refusal
        for queued, due in self._mail_of(batch):
            self._discard(queued, due)
            queued.held = status
        self._holds[batch] = status
        return Reply(204)

    def _lift_hold(self, batch: str) -> Reply:
        """Remove a hold; the mail that is not discarded yet is sent."""
        if batch not in self._holds:
            return refused(404, rules.error("batch id not found"))
        for queued, due in self._mail_of(batch):
            self._discard(queued, due)
            if queued.held and queued.due is not None:
                queued.held, queued.due = None, max(due, self._now)
        del self._holds[batch]
        return Reply(204)

    def _discard(self, queued: _Queued, due: float) -> None:
        """Discard cancelled mail at its `send_at`, paused mail 72 hours later."""
        late = self._now - due
        if (queued.held == "cancel" and late >= 0) or (queued.held == "pause" and late > PAUSE_LIFE):
            queued.due = None


def _no_batch() -> Reply:
    return refused(400, rules.error("invalid batch id"))


def _bad_status() -> Reply:
    return refused(400, rules.error("status must be pause or cancel", "status"))


def main() -> None:
    """Serve until Ctrl-C, and print each request."""
    parser = argparse.ArgumentParser(prog="python -m tests.fakes.sendgrid", description="A SendGrid fake.")
    parser.add_argument("--port", type=int, default=8030)
    parser.add_argument("--key", default="SG.fake", help="the only accepted API key")
    options = parser.parse_args()
    with SendGridFake(options.port, options.key, verbose=True) as fake, suppress(KeyboardInterrupt):
        print(f"SendGrid fake on {fake.url}, key {fake.key}; Ctrl-C ends it", flush=True)
        threading.Event().wait()
    print(f"{len(fake.requests)} requests, {len(fake.deliveries)} recipients accepted")


if __name__ == "__main__":
    main()
