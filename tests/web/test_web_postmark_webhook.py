"""The webhook of Postmark, as the server answers it; `tests/providers` has its password and its events."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.fakes.event_tags import tag
from tests.fakes.postmark_webhook import PASSWORD, authorization, body, event
from tests.web.visitors import PublicServer, served

PATH = "/webhooks/postmark"
SAM = "sam@example.com"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[PublicServer]:
    with served(tmp_path, POSTMARK_WEBHOOK_PASSWORD=PASSWORD) as opened:
        yield opened


def complaint(server: PublicServer, subscriber: int) -> bytes:
    list_id = server.context.newsletter.list_id
    return body(event("SpamComplaint", server.clock.now, tag(subscriber, list_id)))


def post(server: PublicServer, content: bytes, header: str | None = None) -> httpx.Response:
    headers = {"Content-Type": "application/json", "Authorization": header or authorization()}
    return server.ask("POST", PATH, content=content, headers=headers)


def test_a_complaint_to_postmark_takes_the_person_off_the_list_once(server: PublicServer) -> None:
    """Postmark signs nothing: a request that comes again is accepted, and changes nothing."""
    sam = server.add(SAM)
    server.clock.move(hours=1)
    content = complaint(server, sam)
    assert [post(server, content).status_code for _ in range(3)] == [204, 204, 204]
    assert server.person(SAM).state == "complained"
    assert len(server.rows("delivery_event")) == 1


def test_without_the_password_nobody_is_taken_off(server: PublicServer) -> None:
    content = complaint(server, server.add(SAM))
    for header in (authorization("another one, also long"), authorization(name="root"), "Bearer x"):
        assert post(server, content, header).status_code == 403
    plain = server.ask("POST", PATH, content=content, headers={"Content-Type": "application/json"})
    assert plain.status_code == 403 and server.person(SAM).state == "active"


def test_a_body_that_is_too_large_for_postmark_is_refused(server: PublicServer) -> None:
    assert post(server, b" " * 5_000_000).status_code == 413
    assert post(server, b" " * 5_000_000, "Basic x").status_code == 403, "before the body is read"


@pytest.mark.parametrize("content", [b"", b"null", b"[1, {}]", b"\xff", b"[" * 100_000])
def test_what_is_no_event_of_postmark_is_ignored(content: bytes, server: PublicServer) -> None:
    assert post(server, content).status_code == 204
    assert server.rows("delivery_event") == []


def test_without_a_password_there_is_no_webhook_of_postmark(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        assert post(server, body(event("Delivery", server.clock.now))).status_code == 404


def test_a_short_password_lets_nobody_in(tmp_path: Path) -> None:
    with served(tmp_path, POSTMARK_WEBHOOK_PASSWORD="short") as server:
        content = complaint(server, server.add(SAM))
        assert post(server, content, authorization("short")).status_code == 403
