"""A SendGrid that keeps what it was sent, refuses what the real one refuses, and fails on order.

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
from heapq import heappop, heappush
from itertools import count
from typing import Any, Literal, Self
from urllib.parse import urlsplit

from tests.fakes import sendgrid_rules as rules
from tests.fakes import web
from tests.fakes.web import Reply, Request

__all__ = ["Delivery", "Fault", "Reply", "Request", "SendGridFake"]

BATCH_LIFE = 10 * 24 * 3600
CANCEL_BEFORE = 600
CANCEL_SLOTS = 10
PAUSE_LIFE = 72 * 3600


def refused(status: int, *errors: rules.Error) -> Reply:
    return Reply(status, {"errors": list(errors)})


class Fault(web.Fault):
    """The faults of any web API, and those that speak as SendGrid does."""

    @classmethod
    def status(cls, status: int, message: str = "fault on order") -> Self:
        """Any status with SendGrid's error body; an account out of credits is a 401."""
        return cls(refused(status, rules.error(message)))

    @classmethod
    def rate_limited(cls, seconds: int = 1, reset_at: int | None = None) -> Self:
        """429; `reset_at` is Unix time, and without it `seconds` from now."""
        reset = int(time.time()) + seconds if reset_at is None else reset_at
        headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(reset), "Retry-After": str(seconds)}
        return cls(refused(429, rules.error("too many requests"))._replace(headers=headers))

    @classmethod
    def sandbox(cls) -> Self:
        """200, as in sandbox mode: found valid, and not sent."""
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
    """Literal, in one pass: a tag within a substituted value stays, since SendGrid does not nest them."""
    tags = sorted((tag for tag in substitutions if tag in text), key=len, reverse=True)
    return re.sub("|".join(map(re.escape, tags)), lambda tag: substitutions[tag[0]], text) if tags else text


@dataclass
class _Queued:
    delivery: Delivery
    due: float | None  # None: discarded
    held: str | None  # "pause" or "cancel"


class SendGridFake(web.WebFake):
    """One account: what was asked, what was accepted, and the batches on hold.

    `clock` is Unix time; `pages` are further paths that GET answers, such as account settings: JSON, a Reply,
    or what makes one of them of a request.
    `cancel_covers` is what a cancelled batch keeps back: only the mail that had `arrived` when it was
    cancelled, or cancelled anew by PATCH; or all mail of the `batch`, whenever it comes. Which of the two the
    real one does is not documented.
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
        self._ids = count(1)
        self._queue: list[_Queued] = []
        self._of_batch: defaultdict[str | None, list[_Queued]] = defaultdict(list)
        self._coming: list[tuple[float, int, Request]] = []  # a heap: when it arrives, and what
        self._arriving: float | None = None
        self._accepted: Counter[str] = Counter()
        self._batches: dict[str, float] = {}  # batch id -> when it was made
        self._holds: dict[str, str] = {}  # batch id -> "pause" or "cancel"

    @property
    def deliveries(self) -> list[Delivery]:
        """One for each accepted recipient, on hold or not, in order of arrival; a copy."""
        with self.lock:
            self._let_arrive()
            return [queued.delivery for queued in self._queue]

    def accepted(self, address: str) -> int:
        """How many mails to an address were accepted."""
        with self.lock:
            self._let_arrive()
            return self._accepted[address.lower()]

    def delivered_by(self, moment: float) -> list[Delivery]:
        """What has left by a moment if nothing is cancelled, paused or revived from now on.

        With what is still on its way, and will have arrived by then.
        """
        with self.lock:
            self._let_arrive()
            mail = list(self._queue)
            for at, _, request in sorted(self._coming):
                mail += self._on_its_way(request, at)
            return [q.delivery for q in mail if q.due is not None and q.due <= moment and q.held is None]

    def postpone(self, request: Request, seconds: float) -> None:
        with self.lock:
            heappush(self._coming, (self.clock() + seconds, next(self._ids), request))

    def answer(self, request: Request) -> Reply:
        with self.lock:
            self._let_arrive()
            return self._answer(request)

    def _let_arrive(self) -> None:
        """Answers what has arrived by now; nobody hears it."""
        while self._coming and self._coming[0][0] <= self.clock():
            self._arriving, _, request = heappop(self._coming)
            self._answer(request)
            self._arriving = None

    def _on_its_way(self, request: Request, at: float) -> list[_Queued]:
        """The mail that a request will be when it arrives, as things stand."""
        body = request.body or {}
        if urlsplit(request.path).path != "/v3/mail/send" or self._unfit(request):
            return []
        self._arriving = at
        mail = [] if self._unsent(body, len(request.raw)) else list(self._mail(body, "on its way"))
        self._arriving = None
        return mail

    @property
    def _now(self) -> float:
        return self.clock() if self._arriving is None else self._arriving

    def _answer(self, request: Request) -> Reply:
        if refusal := self._unfit(request):
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
            case "GET", _ if path in self.pages:
                page = self.pages[path]
                page = page(request) if callable(page) else page
                return page if isinstance(page, Reply) else Reply(200, page)
        return refused(404, rules.error("not found"))

    def _unfit(self, request: Request) -> Reply | None:
        """The refusal of what is wrong with any request."""
        if request.headers.get("Authorization") != f"Bearer {self.key}":
            return refused(
                401, rules.error("The provided authorization grant is invalid, expired, or revoked")
            )
        if request.raw and request.headers.get_content_type() != "application/json":
            return refused(415, rules.error("Content-Type should be application/json."))
        if request.raw and not isinstance(request.body, dict):
            return refused(400, rules.error("Bad Request"))
        return None

    def _unsent(self, message: dict[str, Any], size: int) -> Reply | None:
        """The answer to a message that goes to nobody."""
        if size >= rules.MAX_BODY:
            return refused(413, rules.error("content too large"))
        if errors := rules.check(message, self._now, self._known):
            return refused(400, *errors)
        sandbox = message.get("mail_settings", {}).get("sandbox_mode", {}).get("enable")
        return Reply(200) if sandbox else None

    def _send(self, message: dict[str, Any], size: int) -> Reply:
        if unsent := self._unsent(message, size):
            return unsent
        message_id = f"message{next(self._ids):06d}"
        for queued in self._mail(message, message_id):
            self._queue.append(queued)
            self._of_batch[queued.delivery.batch_id].append(queued)
            self._accepted[queued.delivery.address.lower()] += 1
        return Reply(202, headers={"X-Message-Id": message_id})

    def _mail(self, message: dict[str, Any], message_id: str) -> Iterator[_Queued]:
        """One for each recipient; held back where its batch keeps back what arrives now."""
        batch, content = message.get("batch_id"), {part["type"]: part["value"] for part in message["content"]}
        held = self._holds.get(batch) if batch else None
        if held == "cancel" and self.cancel_covers == "arrived":
            held = None
        for one in message["personalizations"]:
            substitutions = one.get("substitutions", {})
            send_at = one.get("send_at", message.get("send_at"))
            for _, address in rules.recipients(one):
                delivery = Delivery(
                    address=address["email"],
                    name=address.get("name", ""),
                    subject=substitute(one.get("subject", message.get("subject")), substitutions),
                    headers={**message.get("headers", {}), **one.get("headers", {})},
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
        return [(q, q.due) for q in self._of_batch[batch] if q.due is not None]

    def _too_late(self, batch: str) -> Reply | None:
        """For what is not held back yet."""
        dues = [due for queued, due in self._mail_of(batch) if queued.held is None]
        if any(due - self._now < CANCEL_BEFORE for due in dues):
            return refused(400, rules.error("less than 10 minutes before send_at", "batch_id"))
        return None

    def _hold_back(self, batch: str, status: str) -> Reply:
        """Cancels or pauses a batch.

        Later than ten minutes before `send_at` it is documented as "not guaranteed" only: the real one may
        answer 201 and send all the same. Order `Fault(Reply(201))` for that.
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
        """Replaces a hold, and takes in what has arrived since."""
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
        """Revives the mail that is not yet discarded."""
        if batch not in self._holds:
            return refused(404, rules.error("batch id not found"))
        for queued, due in self._mail_of(batch):
            self._discard(queued, due)
            if queued.held and queued.due is not None:
                queued.held, queued.due = None, max(due, self._now)
        del self._holds[batch]
        return Reply(204)

    def _discard(self, queued: _Queued, due: float) -> None:
        """What is cancelled ends at its `send_at`, and what is paused 72 hours later."""
        late = self._now - due
        if (queued.held == "cancel" and late >= 0) or (queued.held == "pause" and late > PAUSE_LIFE):
            queued.due = None


def _no_batch() -> Reply:
    return refused(400, rules.error("invalid batch id"))


def _bad_status() -> Reply:
    return refused(400, rules.error("status must be pause or cancel", "status"))


def main() -> None:
    """Serves until Ctrl-C, and shows each request."""
    parser = argparse.ArgumentParser(prog="python -m tests.fakes.sendgrid", description="A SendGrid fake.")
    parser.add_argument("--port", type=int, default=8030)
    parser.add_argument("--key", default="SG.fake", help="the only API key that is let in")
    options = parser.parse_args()
    with SendGridFake(options.port, options.key, verbose=True) as fake, suppress(KeyboardInterrupt):
        print(f"SendGrid fake on {fake.url}, key {fake.key}; Ctrl-C ends it", flush=True)
        threading.Event().wait()
    print(f"{len(fake.requests)} requests, {len(fake.deliveries)} recipients accepted")


if __name__ == "__main__":
    main()
