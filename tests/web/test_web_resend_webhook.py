"""The webhook of Resend, as the server answers it; `tests/providers` has its signature and its events."""

import base64
import hashlib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from tests.fakes.resend import event
from tests.fakes.resend_webhook import SECRET, signed
from tests.web.visitors import PublicServer, served

PATH = "/webhooks/resend"
SAM = "sam@example.com"
OTHER_SECRET = "whsec_" + base64.b64encode(b"another secret, as long").decode()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[PublicServer]:
    with served(tmp_path, RESEND_WEBHOOK_SECRET=SECRET) as opened:
        yield opened


def complaint(server: PublicServer, subscriber: int) -> bytes:
    of_list = hashlib.sha256(server.context.newsletter.list_id.lower().encode()).hexdigest()[:12]
    at = server.clock.now.isoformat().replace("+00:00", "Z")
    content = event("email.complained", f"{of_list}_2026-04-27_s{subscriber}")
    return content.replace(b"2026-05-04T09:00:00.126Z", at.encode())


def post(server: PublicServer, content: bytes, headers: dict[str, str] | None = None) -> httpx.Response:
    given = signed(content, server.clock.now) if headers is None else headers
    return server.ask("POST", PATH, content=content, headers={"Content-Type": "application/json", **given})


def test_a_complaint_to_resend_takes_the_person_off_the_list_once(server: PublicServer) -> None:
    """Svix delivers at least once: the same request, or the same event in a new one."""
    sam = server.add(SAM)
    server.clock.move(hours=1)
    content = complaint(server, sam)
    replayed = signed(content, server.clock.now)
    assert [post(server, content, replayed).status_code for _ in range(2)] == [204, 204]
    server.clock.move(minutes=4)
    assert post(server, content, replayed).status_code == 204
    assert post(server, content, signed(content, server.clock.now, message="msg_2")).status_code == 204
    assert server.person(SAM).state == "complained"
    assert len(server.rows("delivery_event")) == 1


def test_what_resend_did_not_sign_takes_nobody_off(server: PublicServer) -> None:
    sam, now = server.add(SAM), server.clock.now
    content = complaint(server, sam)
    for headers in (
        signed(content, now, secret=OTHER_SECRET),
        signed(content.replace(b"complained", b"delivered"), now),
        signed(content, now) | {"svix-id": "msg_2"},
        signed(content, now) | {"svix-signature": "v1,"},
        {},
    ):
        assert post(server, content, headers).status_code == 403
    assert server.person(SAM).state == "active" and server.rows("delivery_event") == []


@pytest.mark.parametrize(("minutes", "status"), [(4, 204), (6, 403), (-4, 204), (-6, 403)])
def test_an_old_request_is_refused(minutes: int, status: int, server: PublicServer) -> None:
    content = complaint(server, server.add(SAM))
    at = server.clock.now - timedelta(minutes=minutes)
    assert post(server, content, signed(content, at)).status_code == status


def test_a_body_that_is_too_large_for_resend_is_refused(server: PublicServer) -> None:
    large = b" " * 5_000_000
    assert post(server, large).status_code == 413
    stale = signed(large, server.clock.now - timedelta(hours=1))
    assert post(server, large, stale).status_code == 403, "before the body is read"


@pytest.mark.parametrize("content", [b"", b"null", b"[1, {}]", b"\xff", b"[" * 100_000])
def test_what_is_no_event_of_resend_is_ignored(content: bytes, server: PublicServer) -> None:
    assert post(server, content).status_code == 204
    assert server.rows("delivery_event") == []


def test_without_a_secret_there_is_no_webhook_of_resend(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        content = complaint(server, server.add(SAM))
        assert post(server, content).status_code == 404


@pytest.mark.parametrize("secret", ["whsec_", "whsec_?"])
def test_a_secret_that_is_none_lets_nobody_in(secret: str, tmp_path: Path) -> None:
    with served(tmp_path, RESEND_WEBHOOK_SECRET=secret) as server:
        content = complaint(server, server.add(SAM))
        assert post(server, content).status_code == 403


def test_what_was_not_written_of_resend_may_come_again(server: PublicServer) -> None:
    content = complaint(server, server.add(SAM))
    server.context.writer._lock_seconds = 0.2
    with server.context.database.writing_alone():
        assert post(server, content).status_code == 503
    assert post(server, content).status_code == 204
    assert server.person(SAM).state == "complained"
