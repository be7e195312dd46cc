"""The webhook of SendGrid, as the server answers it; `tests/providers` has its signature and its events."""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from newsletter.providers.sendgrid.webhook import SIGNATURE_HEADER, TIMESTAMP_HEADER
from tests.fakes.sendgrid_webhook import WebhookSigner, body, event
from tests.web.visitors import PublicServer, served

PATH = "/webhooks/sendgrid"
SAM = "sam@example.com"
SIGNER = WebhookSigner()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[PublicServer]:
    with served(tmp_path, extra=f"sendgrid: {{webhook_key: {SIGNER.public_key}}}\n") as opened:
        yield opened


def about(server: PublicServer, name: str, subscriber: int, at: datetime, **more: Any) -> dict[str, Any]:
    return event(name, at, subscriber, news_list=server.context.newsletter.list_id, **more)


def post(server: PublicServer, content: bytes, at: datetime | None = None, **headers: str) -> httpx.Response:
    signature, timestamp = SIGNER.sign(content, at or server.clock.now)
    signed = {SIGNATURE_HEADER: signature, TIMESTAMP_HEADER: timestamp, **headers}
    return server.ask("POST", PATH, content=content, headers=signed)


def test_a_complaint_takes_the_person_off_the_list_at_once(server: PublicServer) -> None:
    sam = server.add(SAM)
    server.clock.move(hours=1)
    answer = post(server, body([about(server, "spamreport", sam, server.clock.now)]))
    assert answer.status_code == 204
    assert server.person(SAM).state == "complained"


def test_events_that_are_repeated_or_in_another_order_change_nothing_more(server: PublicServer) -> None:
    people = [server.add(f"reader{number}@example.com") for number in range(30)]
    names = ["delivered", "bounce", "spamreport", "unsubscribe"]
    start = server.clock.now
    events = [
        about(server, name, person, start + timedelta(seconds=60 * n + person), type="bounce")
        for person in people
        for n, name in enumerate(names[: person % 4 + 1])
    ]
    server.clock.move(hours=1)
    assert post(server, body(events)).status_code == 204
    before = server.contents()
    shuffled = random.Random(1).sample(events * 2, len(events) * 2)
    for start_at in range(0, len(shuffled), 37):
        assert post(server, body(shuffled[start_at : start_at + 37])).status_code == 204
    assert server.contents() == before
    assert {row.state for row in server.rows("subscriber")} == {"active", "bounced", "complained"}


def test_a_request_that_was_changed_on_the_way_is_refused(server: PublicServer) -> None:
    sam = server.add(SAM)
    content = body([about(server, "spamreport", sam, server.clock.now)])
    signature, timestamp = SIGNER.sign(content, server.clock.now)
    signed = {SIGNATURE_HEADER: signature, TIMESTAMP_HEADER: timestamp}
    for changed in (content.replace(b"\r\n", b"\n"), content.replace(b"spamreport", b"spamreporT"), b""):
        assert server.ask("POST", PATH, content=changed, headers=signed).status_code == 403
    assert server.ask("POST", PATH, content=content).status_code == 403
    assert server.person(SAM).state == "active"


def test_a_request_is_taken_for_as_long_as_sendgrid_tries_again(server: PublicServer) -> None:
    sam = server.add(SAM)
    content = body([about(server, "delivered", sam, server.clock.now)])
    for hours, status in ((25, 204), (27, 403)):
        assert post(server, content, server.clock.now - timedelta(hours=hours)).status_code == status


def test_a_bounce_of_the_confirmation_mail_ends_the_sign_up(server: PublicServer) -> None:
    """Else each further sign-up would send another mail to an address that does not exist."""
    server.sign_up(SAM)
    (sign_up,) = server.rows("sign_up")
    server.clock.move(hours=1)
    bounce = about(server, "bounce", 0, server.clock.now, type="bounce", news_sign_up=str(sign_up.id))
    del bounce["news_subscriber"], bounce["news_issue"]
    assert post(server, body([bounce])).status_code == 204
    assert (server.rows("sign_up"), server.rows("service_mail")) == ([], [])
    server.clock.move(days=29)
    server.sign_up(SAM)
    assert server.rows("service_mail") == []
    server.clock.move(days=2)
    server.sign_up(SAM)
    assert len(server.rows("service_mail")) == 1


@pytest.mark.parametrize("content", [b"", b"null", b"{}", b"[1, null, {}]", b"\xff", b"[" * 100_000])
def test_what_is_signed_and_is_no_event_is_taken_and_ignored(content: bytes, server: PublicServer) -> None:
    assert post(server, content).status_code == 204
    assert server.rows("delivery_event") == []


def test_a_body_that_is_too_large_is_refused(server: PublicServer) -> None:
    assert post(server, b" " * 5_000_000).status_code == 413


def test_without_a_key_there_is_no_webhook(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        assert post(server, b"[]").status_code == 404


def test_what_was_not_written_is_sent_again(server: PublicServer) -> None:
    sam = server.add(SAM)
    content = body([about(server, "spamreport", sam, server.clock.now)])
    server.context.writer._lock_seconds = 0.2
    with server.context.database.writing_alone():
        assert post(server, content).status_code == 503
    assert post(server, content).status_code == 204
    assert server.person(SAM).state == "complained"
