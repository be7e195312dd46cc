"""Sign-up by the form, and its confirmation (double opt-in)."""

from pathlib import Path

import pytest

from newsletter.subscribers.origins import SIGN_UP_FORM
from tests.web.visitors import PublicServer, served, text_of

SAM = "Sam@example.com"


def confirmation_of(server: PublicServer, address: str = SAM) -> str:
    (row,) = [row for row in server.rows("sign_up") if row.address == address]
    return server.confirm_path(row.id)


def test_the_form_asks_for_an_address_and_may_be_found_by_search_engines(server: PublicServer) -> None:
    response = server.get("/")
    assert response.status_code == 200
    assert '<form method="post" action="/subscribe">' in response.text
    assert 'name="address"' in response.text
    assert response.headers["x-robots-tag"] == "all"


def test_who_signs_up_is_no_subscriber_before_the_confirmation(server: PublicServer) -> None:
    response = server.sign_up(SAM)
    assert (response.status_code, server.rows("subscriber")) == (200, [])
    assert "S•••@example.com" in response.text
    assert SAM not in response.text
    (mail,) = server.rows("service_mail")
    assert (mail.kind, mail.state) == ("confirm", "waiting")
    assert server.wakes == [server.clock.now]


def test_the_confirmation_makes_a_subscriber_with_the_words_of_the_consent(server: PublicServer) -> None:
    server.sign_up(SAM)
    path = confirmation_of(server)
    server.clock.move(minutes=5)
    page = server.get(path)
    assert (page.status_code, server.rows("subscriber")) == (200, [])
    assert "One more click" in text_of(page)
    done = server.post(path)
    assert (done.status_code, "You are subscribed" in text_of(done)) == (200, True)
    person = server.person(SAM)
    assert (person.address, person.state, person.consent_how) == (SAM, "active", SIGN_UP_FORM)
    assert person.consent_at == server.clock.now
    asked, confirmed = server.rows("consent_event")
    assert (asked.change, confirmed.change) == ("asked", "confirmed")
    (wording,) = server.rows("wording")
    assert {asked.wording_id, confirmed.wording_id} == {wording.id}
    for sentence in (
        "You confirm first, by mail, and you leave at any time with the link in each issue.",
        "Nothing in the mail watches you.",
    ):
        assert sentence in wording.text
        assert sentence in text_of(server.get("/"))


def test_each_further_visit_of_the_link_says_that_it_is_confirmed(server: PublicServer) -> None:
    """A scanner, or a second click, must not turn the page into "expired"."""
    server.sign_up(SAM)
    path = confirmation_of(server)
    requests = [server.get] * 5 + [server.post] * 2 + [server.get]
    answers = [request(path) for request in requests]
    assert {answer.status_code for answer in answers} == {200}
    titles = [text_of(answer).partition("<title>")[2].partition("</title>")[0] for answer in answers]
    assert titles[0] == titles[4] != titles[5] == titles[6] == titles[7]
    assert len(server.rows("subscriber")) == 1


def test_a_link_of_a_mail_that_is_older_than_a_week_changes_nothing(server: PublicServer) -> None:
    server.sign_up(SAM)
    path = confirmation_of(server)
    server.clock.move(days=7, seconds=1)
    before = server.contents()
    for answer in (server.get(path), server.post(path)):
        assert (answer.status_code, "This link has run out" in text_of(answer)) == (410, True)
        assert 'action="/subscribe"' in answer.text
    assert server.contents() == before


@pytest.mark.parametrize("token", ["c.1.0", "d.1.9", "x", "c.1." + "0" * 32, "%2e%2e", "c.1.é"])
def test_a_link_that_nobody_signed_is_not_found(token: str, server: PublicServer) -> None:
    server.sign_up(SAM)
    for answer in (server.get(f"/confirm/{token}"), server.post(f"/confirm/{token}")):
        assert answer.status_code == 404
    assert server.rows("subscriber") == []


def test_a_second_sign_up_after_an_hour_gets_a_second_mail_and_within_it_none(server: PublicServer) -> None:
    for minutes, mails in ((0, 1), (59, 1), (2, 2)):
        server.clock.move(minutes=minutes)
        server.sign_up(SAM)
        assert len(server.rows("service_mail")) == mails


def test_a_flood_of_sign_ups_sends_a_stranger_one_mail(server: PublicServer) -> None:
    requests = [("POST", "/subscribe", {"data": {"address": SAM}}) for _ in range(100)]
    for _ in range(5):
        assert {answer.status_code for answer in server.ask_all(*requests)} == {200}
    assert len(server.rows("service_mail")) == 1


def test_a_flood_from_one_network_reaches_few_addresses(tmp_path: Path) -> None:
    with served(tmp_path, extra="serve: {rate_per_network: 20/h}\n") as server:
        statuses = []
        for number in range(500):
            server.client = f"2001:db8:1:2::{number + 1:x}"
            statuses.append(server.sign_up(f"reader{number}@example.com").status_code)
        assert statuses == [200] * 20 + [429] * 480
        assert len(server.rows("service_mail")) == 20
        server.client = "198.51.100.1"
        assert server.sign_up(SAM).status_code == 200


def test_a_flood_from_everywhere_stops_at_the_limit_in_all_and_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with served(tmp_path, extra="serve: {rate: 30/h}\n") as server:
        answers = []
        for number in range(40):
            server.client = f"198.51.{number}.1"
            answers.append(server.sign_up(f"reader{number}@example.com"))
        assert [answer.status_code for answer in answers] == [200] * 30 + [429] * 10
        assert answers[-1].headers["retry-after"] == "3600"
        assert len(server.rows("service_mail")) == 30
    assert "serve.rate" in caplog.text


@pytest.mark.parametrize("state", ["unsubscribed", "bounced", "complained"])
def test_who_has_left_comes_back_only_by_a_confirmation(state: str, server: PublicServer) -> None:
    from sqlalchemy import update

    from newsletter.store.schema import subscriber_table

    number = server.add(SAM)
    with server.context.database.writing() as connection:
        connection.execute(update(subscriber_table).values(state=state))
    server.clock.move(days=1)
    server.sign_up(SAM)
    assert server.person(SAM).state == state
    server.post(confirmation_of(server))
    assert (server.person(SAM).state, server.person(SAM).id) == ("active", number)


def test_the_page_is_the_same_for_everybody(server: PublicServer) -> None:
    """The form must not tell a stranger who is on the list, who left, and who asked to be forgotten."""
    from newsletter.services.forget import forget
    from newsletter.subscribers.address import parse

    server.add("sa@example.com")
    left = server.add("sb@example.com")
    server.post(server.unsubscribe_path(left))
    server.add("sc@example.com")
    forget(server.context.newsletter, [parse("sc@example.com")], server.clock.now)
    server.sign_up("sd@example.com")
    answers = [server.sign_up(f"s{letter}@example.com") for letter in "abcde"]
    assert len({answer.content for answer in answers}) == 1
    assert len({tuple(answer.headers.items()) for answer in answers}) == 1


def test_a_subscriber_who_signs_up_again_stays_as_before(server: PublicServer) -> None:
    server.add(SAM)
    before = server.person(SAM)
    server.clock.move(days=3)
    server.sign_up(SAM)
    assert (server.person(SAM), server.rows("sign_up")) == (before, [])
    (mail,) = server.rows("service_mail")
    assert (mail.kind, mail.subscriber_id) == ("already", before.id)


@pytest.mark.parametrize(
    "typed",
    ["", " ", "sam", "sam@", "@example.com", "sam@example", "a@b@example.com", "ä@example.com", "x" * 999],
)
def test_what_is_no_address_is_shown_again_with_a_reason(typed: str, server: PublicServer) -> None:
    answer = server.sign_up(typed)
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.text
    assert typed.strip()[:320] in text_of(answer)
    assert server.rows("sign_up") == []


def test_text_of_a_visitor_is_no_html(server: PublicServer) -> None:
    answer = server.sign_up('"><script>alert(1)</script>')
    assert "<script" not in answer.text


def test_a_program_that_fills_in_every_field_signs_nobody_up(server: PublicServer) -> None:
    people, program = server.sign_up(SAM, topic=""), server.sign_up("bot@example.com", topic="ACME")
    assert (people.status_code, program.status_code) == (200, 200)
    assert [row.address for row in server.rows("sign_up")] == [SAM]


@pytest.mark.parametrize(
    "body", [b"", b"\xff\xfe=\x00", b"address", b"&" * 4000, b"address=a&address=b@example.com"]
)
def test_a_body_that_is_no_form_is_answered(body: bytes, server: PublicServer) -> None:
    answer = server.ask("POST", "/subscribe", content=body)
    assert answer.status_code in (200, 400, 422)


def test_a_body_that_is_too_large_is_refused(server: PublicServer) -> None:
    assert server.ask("POST", "/subscribe", content=b"address=" + b"a" * 5000).status_code == 413
