"""A SendGrid that keeps what it was sent, refuses what the real one refuses, and fails on order.

In tests: `with SendGridFake() as fake:`, and point the client at `fake.url` with the key `fake.key`.
By hand: `python -m tests.fakes.sendgrid --port 8030`.
"""

import argparse
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Self
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
    if not substitutions:
        return text
    tags = "|".join(map(re.escape, sorted(substitutions, key=len, reverse=True)))
    return re.sub(tags, lambda tag: substitutions[tag[0]], text)


@dataclass
class _Queued:
    delivery: Delivery
    due: float | None  # None: discarded


class SendGridFake(web.WebFake):
    """One account: what was asked, what was accepted, and the batches on hold.

    `clock` is Unix time; `pages` are further paths that GET answers with JSON, such as account settings.
    """

    def __init__(
        self,
        port: int = 0,
        key: str = "SG.fake",
        clock: Callable[[], float] = time.time,
        verbose: bool = False,
    ) -> None:
        super().__init__(port, verbose)
        self.key, self.clock = key, clock
        self.pages: dict[str, object] = {}
        self._ids = count(1)
        self._queue: list[_Queued] = []
        self._accepted: Counter[str] = Counter()
        self._batches: dict[str, float] = {}  # batch id -> when it was made
        self._holds: dict[str, str] = {}  # batch id -> "pause" or "cancel"

    @property
    def deliveries(self) -> list[Delivery]:
        """One for each accepted recipient, on hold or not, in order of arrival; a copy."""
        with self.lock:
            return [queued.delivery for queued in self._queue]

    def accepted(self, address: str) -> int:
        """How many mails to an address were accepted."""
        with self.lock:
            return self._accepted[address.lower()]

    def delivered_by(self, moment: float) -> list[Delivery]:
        """What has left by a moment if nothing is cancelled, paused or revived from now on."""
        with self.lock:
            ready = [q.delivery for q in self._queue if q.due is not None and q.due <= moment]
            return [delivery for delivery in ready if delivery.batch_id not in self._holds]

    def answer(self, request: Request) -> Reply:
        path = urlsplit(request.path).path
        with self.lock:
            if request.headers.get("Authorization") != f"Bearer {self.key}":
                text = "The provided authorization grant is invalid, expired, or revoked"
                return refused(401, rules.error(text))
            if request.raw and request.headers.get_content_type() != "application/json":
                return refused(415, rules.error("Content-Type should be application/json."))
            if request.raw and not isinstance(request.body, dict):
                return refused(400, rules.error("Bad Request"))
            body = request.body or {}
            match request.method, path.removeprefix("/v3/").split("/"):
                case "POST", ["mail", "send"]:
                    return self._send(body, len(request.raw))
                case "POST", ["mail", "batch"]:
                    return self._new_batch()
                case "GET", ["mail", "batch", batch]:
                    known = self._known(batch)
                    return Reply(200, {"batch_id": batch}) if known else _no_batch()
                case "GET", ["user", "scheduled_sends", *batch]:
                    return Reply(200, [self._hold(held) for held in self._holds if held in (batch or [held])])
                case "POST", ["user", "scheduled_sends"]:
                    return self._hold_back(str(body.get("batch_id")), str(body.get("status")))
                case "PATCH", ["user", "scheduled_sends", batch]:
                    return self._change_hold(batch, str(body.get("status")))
                case "DELETE", ["user", "scheduled_sends", batch]:
                    return self._change_hold(batch, None)
                case "GET", _ if path in self.pages:
                    return Reply(200, self.pages[path])
        return refused(404, rules.error("not found"))

    def _send(self, message: dict[str, Any], size: int) -> Reply:
        if size >= rules.MAX_BODY:
            return refused(413, rules.error("content too large"))
        if errors := rules.check(message, self.clock(), self._known):
            return refused(400, *errors)
        if message.get("mail_settings", {}).get("sandbox_mode", {}).get("enable"):
            return Reply(200)
        message_id = f"message{next(self._ids):06d}"
        self._accept(message, message_id)
        return Reply(202, headers={"X-Message-Id": message_id})

    def _accept(self, message: dict[str, Any], message_id: str) -> None:
        content = {part["type"]: part["value"] for part in message["content"]}
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
                    batch_id=message.get("batch_id"),
                    send_at=send_at,
                    substitutions=substitutions,
                    content=content,
                )
                self._queue.append(_Queued(delivery, self.clock() if send_at is None else send_at))
                self._accepted[delivery.address.lower()] += 1

    def _new_batch(self) -> Reply:
        batch = f"batch{next(self._ids):06d}"
        self._batches[batch] = self.clock()
        return Reply(201, {"batch_id": batch})

    def _known(self, batch: str) -> bool:
        return batch in self._batches and self.clock() - self._batches[batch] <= BATCH_LIFE

    def _hold(self, batch: str) -> dict[str, str]:
        return {"batch_id": batch, "status": self._holds[batch]}

    def _mail_of(self, batch: str) -> list[tuple[_Queued, float]]:
        return [(q, q.due) for q in self._queue if q.delivery.batch_id == batch and q.due is not None]

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
            return refused(400, rules.error("batch id is paused or cancelled already", "batch_id"))
        if len(self._holds) >= CANCEL_SLOTS:
            return refused(
                400, rules.error(f"at most {CANCEL_SLOTS} batches are paused or cancelled at once")
            )
        if any(due - self.clock() < CANCEL_BEFORE for _, due in self._mail_of(batch)):
            return refused(400, rules.error("less than 10 minutes before send_at", "batch_id"))
        self._holds[batch] = status
        return Reply(201, self._hold(batch))

    def _change_hold(self, batch: str, status: str | None) -> Reply:
        """Replaces a hold, or lifts it where `status` is None, which revives the mail not yet discarded."""
        if batch not in self._holds:
            return refused(404, rules.error("batch id not found"))
        if status not in ("pause", "cancel", None):
            return _bad_status()
        now, held = self.clock(), self._holds.pop(batch)
        for queued, due in self._mail_of(batch):
            if due <= now and (held == "cancel" or now - due > PAUSE_LIFE):
                queued.due = None
            elif due <= now and status is None:
                queued.due = now
        if status is not None:
            self._holds[batch] = status
        return Reply(204)


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
