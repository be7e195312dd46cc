"""Leaving by the link of a mail, its undo, and what must not unsubscribe anybody."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from newsletter.subscribers.origins import ONE_CLICK, UNSUBSCRIBE_PAGE
from tests.web.visitors import FORM, PublicServer, served, text_of

SAM = "sam@example.com"


def test_a_scanner_that_opens_every_link_changes_nothing(server: PublicServer) -> None:
    """Complaint: every recipient behind a link scanner was unsubscribed, minutes after the send."""
    sam = server.add(SAM)
    server.sign_up("new@example.com")
    (sign_up,) = server.rows("sign_up")
    token = server.context.tokens.token(sam)
    paths = [
        *("/", "/subscribe", "/lost", "/site.css", "/healthz", "/unsubscribe/test"),
        *(f"/unsubscribe/{token}", f"/undo/{token}", server.confirm_path(sign_up.id)),
        *(server.data_path(sam) + end for end in ("", "/data.json", "/data.csv", "/erase", "/leave")),
    ]
    before = server.contents()
    for hours in (0, 24):  # a delay is no protection: scanners come back
        server.clock.move(hours=hours)
        for path in paths if not hours else paths[:9]:
            for method in ("GET", "HEAD"):
                requests = [(method, path, {})] * 5
                assert {answer.status_code for answer in server.ask_all(*requests)} == {200}, path
    assert server.contents() == before


def test_the_page_shows_a_button_and_half_of_the_address(server: PublicServer) -> None:
    page = server.get(server.unsubscribe_path(server.add(SAM)))
    assert (page.status_code, '<form method="post"' in page.text) == (200, True)
    assert "s•••@example.com" in page.text
    assert SAM not in page.text


async def chunks() -> AsyncIterator[bytes]:
    for piece in (b"List-Unsub", b"scribe=One-", b"Click"):
        yield piece


ONE_CLICK_BODY = "List-Unsubscribe=One-Click"
BODIES = [
    pytest.param({"content": ONE_CLICK_BODY, "headers": FORM}, ONE_CLICK, id="urlencoded"),
    pytest.param({"files": {"List-Unsubscribe": (None, "One-Click")}}, ONE_CLICK, id="multipart"),
    pytest.param({"content": ONE_CLICK_BODY}, ONE_CLICK, id="no-type"),
    pytest.param({"content": b"\xff" * 4000}, UNSUBSCRIBE_PAGE, id="bytes"),
    pytest.param({"content": b"x" * 100_000}, UNSUBSCRIBE_PAGE, id="large"),
    pytest.param({}, UNSUBSCRIBE_PAGE, id="empty"),
    pytest.param(
        {"headers": {"Origin": "https://elsewhere.example", "Referer": "x"}}, UNSUBSCRIBE_PAGE, id="origin"
    ),
    pytest.param(
        {"headers": {"Cookie": "a=b", "Sec-Fetch-Site": "cross-site"}}, UNSUBSCRIBE_PAGE, id="cookie"
    ),
]


@pytest.mark.parametrize(("options", "how"), BODIES)
def test_post_unsubscribes_with_any_body(options: dict, how: str, server: PublicServer) -> None:
    sam = server.add(SAM)
    path = server.unsubscribe_path(sam)
    for _ in range(2):
        answer = server.ask("POST", path, **options)
        assert (answer.status_code, "location" in answer.headers) == (200, False)
        assert "set-cookie" not in answer.headers
    person = server.person(SAM)
    assert (person.id, person.state, person.changed_how) == (sam, "unsubscribed", how)
    (left,) = server.rows("consent_event")
    assert (left.change, left.how) == ("left", how)


def test_post_unsubscribes_with_a_body_in_chunks(server: PublicServer) -> None:
    path = server.unsubscribe_path(server.add(SAM))
    assert server.ask("POST", path, content=chunks()).status_code == 200
    assert server.person(SAM).changed_how == ONE_CLICK


def test_the_page_after_leaving_names_the_way_back_and_mail_on_its_way(server: PublicServer) -> None:
    path = server.unsubscribe_path(server.add(SAM))
    for page in (server.post(path), server.get(path)):
        text = text_of(page)
        assert "You have left" in text
        assert "already on its way may still arrive" in text
        assert f'action="{path.replace("unsubscribe", "undo")}"' in text


def test_leaving_can_be_undone_for_thirty_days(server: PublicServer) -> None:
    """A forwarded mail lets somebody else leave in one's name."""
    sam = server.add(SAM)
    before = server.person(SAM)
    path = server.unsubscribe_path(sam)
    undo_path = path.replace("unsubscribe", "undo")
    server.post(path)
    server.clock.move(days=29)
    assert "You still get the newsletter" in text_of(server.post(undo_path))
    person = server.person(SAM)
    assert (person.state, person.consent_at, person.consent_how) == (
        "active",
        before.consent_at,
        before.consent_how,
    )
    assert [event.change for event in server.rows("consent_event")] == ["left", "returned"]
    server.post(path)
    server.clock.move(days=30, seconds=1)
    assert "You have left" in text_of(server.post(undo_path))
    assert server.person(SAM).state == "unsubscribed"


def test_the_undo_revives_nobody_who_complained_or_left_otherwise(server: PublicServer) -> None:
    from sqlalchemy import update

    from newsletter.store.schema import subscriber_table
    from newsletter.store.subscribers import Subscribers
    from newsletter.subscribers.address import parse

    sam = server.add(SAM)
    undo_path = server.unsubscribe_path(sam).replace("unsubscribe", "undo")
    Subscribers(server.context.database, server.clock).remove(parse(SAM))
    server.post(undo_path)
    assert server.person(SAM).state == "unsubscribed"
    with server.context.database.writing() as connection:
        connection.execute(update(subscriber_table).values(state="complained"))
    server.post(server.unsubscribe_path(sam))
    server.post(undo_path)
    assert server.person(SAM).state == "complained"


def test_a_person_who_was_forgotten_is_answered_as_one_who_left(server: PublicServer) -> None:
    from newsletter.services.forget import forget
    from newsletter.subscribers.address import parse

    path = server.unsubscribe_path(server.add(SAM))
    forget(server.context.newsletter, [parse(SAM)], server.clock.now)
    for page in (server.get(path), server.post(path), server.post(path.replace("unsubscribe", "undo"))):
        assert (page.status_code, "You have left" in text_of(page)) == (200, True)
    assert server.rows("subscriber") == []


@pytest.mark.parametrize("end", [")", ".", ">", ",", "%2E", '"', "%3E"])
def test_a_link_that_a_mail_program_damaged_still_works(end: str, server: PublicServer) -> None:
    path = server.unsubscribe_path(server.add(SAM))
    start, _, signature = path.rpartition(".")
    assert server.post(f"{start}.{signature.upper()}{end}").status_code == 200
    assert server.person(SAM).state == "unsubscribed"


def test_a_link_that_nobody_signed_says_how_to_leave(server: PublicServer) -> None:
    server.add(SAM)
    for token in ("1", "2.1." + "0" * 32, "test.", "a/b", "2.99999999999999999999." + "0" * 32):
        for answer in (server.get(f"/unsubscribe/{token}"), server.post(f"/unsubscribe/{token}")):
            if token != "test.":
                assert answer.status_code == 404
                assert 'href="/lost"' in answer.text
    assert server.person(SAM).state == "active"


def test_the_link_of_a_test_message_answers_and_changes_nothing(server: PublicServer) -> None:
    server.add(SAM)
    before = server.contents()
    page, answer = server.get("/unsubscribe/test"), server.post("/unsubscribe/test")
    assert (page.status_code, answer.status_code) == (200, 200)
    assert '<form method="post"' in page.text
    assert server.contents() == before


def test_what_was_not_written_is_not_answered_with_200(tmp_path: Path) -> None:
    """A mail program that gets 200 tells its reader that it is done, and does not try again."""
    with served(tmp_path) as server:
        path = server.unsubscribe_path(server.add(SAM))
        server.context.writer._lock_seconds = 0.2
        with server.context.database.writing_alone():
            answer = server.post(path)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert server.person(SAM).state == "active"
        assert server.post(path).status_code == 200
        assert server.person(SAM).state == "unsubscribed"


def test_the_pages_are_below_the_path_of_the_public_address(tmp_path: Path) -> None:
    with served(tmp_path, url="https://example.com/news/unsubscribe/{token}") as server:
        path = server.unsubscribe_path(server.add(SAM))
        assert server.get(path).status_code == 404
        page = server.get(f"/news{path}")
        assert (page.status_code, 'href="/news/site.css"' in page.text) == (200, True)
        assert server.get("/news/site.css").status_code == 200
