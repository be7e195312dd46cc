"""The webhook of Mailgun, as the server answers it; `tests/providers` has its signature and its events."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from tests.fakes.event_tags import tag
from tests.fakes.mailgun_webhook import KEY, body, event, signature
from tests.web.visitors import PublicServer, served

PATH = "/webhooks/mailgun"
SAM = "sam@example.com"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[PublicServer]:
    with served(tmp_path, MAILGUN_WEBHOOK_KEY=KEY) as opened:
        yield opened


def complaint(server: PublicServer, subscriber: int) -> dict[str, object]:
    return event("complained", server.clock.now, tag(subscriber, server.context.newsletter.list_id))


def post(server: PublicServer, content: bytes) -> httpx.Response:
    return server.ask("POST", PATH, content=content, headers={"Content-Type": "application/json"})


def test_a_complaint_to_mailgun_takes_the_person_off_the_list(server: PublicServer) -> None:
    sam = server.add(SAM)
    server.clock.move(hours=1)
    content = body(complaint(server, sam), signature(server.clock.now))
    assert [post(server, content).status_code for _ in range(2)] == [204, 204]
    assert server.person(SAM).state == "complained"
    assert len(server.rows("delivery_event")) == 1


def test_a_signature_of_another_event_takes_nobody_off(server: PublicServer) -> None:
    sam, signed = server.add(SAM), signature(server.clock.now)
    assert post(server, body(event("opened", server.clock.now), signed)).status_code == 204
    assert post(server, body(complaint(server, sam), signed)).status_code == 403
    assert server.person(SAM).state == "active"


def test_what_mailgun_did_not_sign_is_refused(server: PublicServer) -> None:
    sam, now = server.add(SAM), server.clock.now
    for signed in (None, signature(now, key="another"), signature(now - timedelta(hours=10))):
        assert post(server, body(complaint(server, sam), signed)).status_code == 403
    form = server.post(PATH, data={"event": "complained"})
    assert form.status_code == 403 and server.person(SAM).state == "active"


def test_a_body_that_is_too_large_for_mailgun_is_refused(server: PublicServer) -> None:
    assert post(server, b" " * 5_000_000).status_code == 413


def test_without_the_signing_key_there_is_no_webhook(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        content = body(event("delivered", server.clock.now), signature(server.clock.now))
        assert post(server, content).status_code == 404


def test_what_was_not_written_may_come_again(server: PublicServer) -> None:
    content = body(complaint(server, server.add(SAM)), signature(server.clock.now))
    server.context.writer._lock_seconds = 0.2
    with server.context.database.writing_alone():
        assert post(server, content).status_code == 503
    assert post(server, content).status_code == 204
    assert server.person(SAM).state == "complained"
