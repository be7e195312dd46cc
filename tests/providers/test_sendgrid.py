"""SendGrid, against a fake that checks every body, keeps state and misbehaves on order."""

import logging
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from newsletter.config import SendGrid
from newsletter.message import Mailing
from newsletter.models import Accepted, NotSent, Outcome, Refused, Subscriber, Unknown
from newsletter.providers.sendgrid import GROUP_LINK, SendGridProvider
from tests import samples
from tests.fakes.sendgrid import Fault, Reply, SendGridFake

ADA = Subscriber(1, "ada@example.com", "Ada <&> Example")
BO = Subscriber(2, "bo@example.com")


def provider(fake: SendGridFake, timeout: float = 5) -> SendGridProvider:
    return SendGridProvider(SendGrid(host=fake.url), SecretStr(fake.key), timeout=timeout)


def submit(fake: SendGridFake, mailing: Mailing, *people: Subscriber) -> Outcome:
    return provider(fake).submit(samples.batch(mailing, *people))


def test_one_request_reaches_each_recipient_with_their_own_parts(tmp_path: Path) -> None:
    mailing = samples.mailing(tmp_path)
    with SendGridFake() as fake:
        outcome = submit(fake, mailing, ADA, BO)
        ada, bo = fake.deliveries
    assert isinstance(outcome, Accepted) and outcome.message_id
    assert len(fake.requests) == 1
    assert (ada.address, ada.name, bo.address) == ("ada@example.com", "Ada <&> Example", "bo@example.com")
    assert ada.subject == bo.subject == "Leek & potato"
    link = ada.headers["List-Unsubscribe"].partition(">")[0][1:]
    assert ada.text == mailing.rendered.text.replace("[[unsubscribe_url]]", link)
    assert ada.html == mailing.rendered.html.replace("[[unsubscribe_url]]", link)
    assert ada.headers["List-Unsubscribe"] != bo.headers["List-Unsubscribe"]
    assert ada.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert ada.headers["List-Id"] == "<the-soup-letter.example.com>"
    assert ada.headers["Message-ID"] != bo.headers["Message-ID"]


def test_values_are_escaped_in_html_and_plain_in_text() -> None:
    mailing = samples.plain_mailing(html="<p>Hello [[name]]</p>", text="Hello [[name]]")
    with SendGridFake() as fake:
        submit(fake, mailing, ADA)
        (ada,) = fake.deliveries
    assert ada.html == "<p>Hello Ada &lt;&amp;&gt; Example</p>"
    assert ada.text == "Hello Ada <&> Example"


def test_a_thousand_recipients_are_one_request() -> None:
    people = [Subscriber(n, f"reader{n}@example.com") for n in range(1, 1001)]
    with SendGridFake() as fake:
        assert isinstance(submit(fake, samples.plain_mailing(), *people), Accepted)
        assert len(fake.requests) == 1 and len(fake.deliveries) == 1000


def test_every_tracking_switch_is_sent_and_off(tmp_path: Path) -> None:
    with SendGridFake() as fake:
        submit(fake, samples.mailing(tmp_path), ADA)
        (request,) = fake.requests
    assert request.body["tracking_settings"] == {
        "click_tracking": {"enable": False, "enable_text": False},
        "open_tracking": {"enable": False},
        "subscription_tracking": {"enable": False},
        "ganalytics": {"enable": False},
    }


def test_tracking_is_on_only_where_the_newsletter_says_so() -> None:
    with SendGridFake() as fake:
        submit(fake, replace(samples.plain_mailing(), track_opens=True), ADA)
        (request,) = fake.requests
    assert request.body["tracking_settings"]["open_tracking"] == {"enable": True}
    assert request.body["tracking_settings"]["click_tracking"]["enable"] is False


def test_a_group_of_sendgrids_own_stands_in_for_the_link() -> None:
    mailing = replace(samples.plain_mailing(), unsubscribe_url=None, sendgrid_group=12345)
    with SendGridFake() as fake:
        submit(fake, mailing, ADA)
        (request,) = fake.requests
        (ada,) = fake.deliveries
    assert request.body["asm"] == {"group_id": 12345}
    assert GROUP_LINK in ada.html and GROUP_LINK in ada.text
    assert "List-Unsubscribe" not in ada.headers


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        pytest.param(Fault.status(400, "bad"), Refused, id="400"),
        pytest.param(Fault.status(413, "too large"), Refused, id="413"),
        pytest.param(Fault.status(401, "unauthorized"), NotSent, id="401"),
        pytest.param(Fault.status(403, "forbidden"), NotSent, id="403"),
        pytest.param(Fault.status(404, "not found"), NotSent, id="404"),
        pytest.param(Fault.rate_limited(), NotSent, id="429"),
        pytest.param(Fault.status(500, "oops"), Unknown, id="500"),
        pytest.param(Fault.status(503, "busy"), Unknown, id="503"),
        pytest.param(Fault.html(502), Unknown, id="502-in-html"),
        pytest.param(Fault.html(400), Refused, id="400-in-html"),
        pytest.param(Fault.sandbox(), Unknown, id="200-sandbox"),
        pytest.param(Fault.reset(), Unknown, id="reset"),
        pytest.param(Fault.reset_in_body(), Unknown, id="reset-in-the-body"),
    ],
)
def test_each_way_that_a_request_can_end(fault: Fault, expected: type[Outcome]) -> None:
    with SendGridFake() as fake:
        fake.next(fault)
        outcome = submit(fake, samples.plain_mailing(), ADA)
        assert type(outcome) is expected
        assert len(fake.requests) <= 1, "one try, never repeated"
        assert fake.accepted(ADA.address) == 0


def test_a_lost_answer_is_unknown_and_not_asked_for_again() -> None:
    with SendGridFake() as fake:
        fake.next(Fault.reply_lost())
        assert isinstance(submit(fake, samples.plain_mailing(), ADA), Unknown)
        assert fake.accepted(ADA.address) == 1


def test_an_answer_that_does_not_come_is_unknown() -> None:
    with SendGridFake() as fake:
        fake.next(Fault.late(2))
        outcome = provider(fake, timeout=0.2).submit(samples.batch(samples.plain_mailing(), ADA))
    assert isinstance(outcome, Unknown)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_the_key_follows_no_redirect(status: int) -> None:
    with SendGridFake() as elsewhere, SendGridFake() as fake:
        fake.next(Fault.redirect(f"{elsewhere.url}/v3/mail/send", status))
        assert isinstance(submit(fake, samples.plain_mailing(), ADA), Unknown)
        assert elsewhere.requests == []


def test_until_a_connection_stands_nothing_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """TLS that fails, a proxy that is not there: not a byte of the request has left."""
    batch = samples.batch(samples.plain_mailing(), ADA)
    with SendGridFake() as fake:
        no_tls = SendGrid(host=fake.url.replace("http:", "https:"))
        assert isinstance(SendGridProvider(no_tls, SecretStr(fake.key), timeout=5).submit(batch), NotSent)
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
        monkeypatch.delenv("no_proxy", raising=False)
        assert isinstance(provider(fake).submit(batch), NotSent)
        assert fake.requests == []


def test_a_key_that_is_no_key_is_found_before() -> None:
    pasted = SendGridProvider(SendGrid(), SecretStr("SG.abc…"))
    (problem,) = pasted.check()
    assert "letters that no key has" in problem.what and "abc" not in str(problem)
    assert isinstance(pasted.submit(samples.batch(samples.plain_mailing(), ADA)), NotSent)


def test_of_an_answer_no_more_is_read_than_says_what_it_is() -> None:
    with SendGridFake() as fake:
        fake.next(Fault(Reply(400, b"[" * 5_000_000)), Fault(Reply(400, b"[" * 60_000)))
        for _ in range(2):
            outcome = submit(fake, samples.plain_mailing(), ADA)
            assert outcome == Refused("400")


def test_nobody_listening_is_not_sent() -> None:
    with SendGridFake() as fake:
        closed = provider(fake)
    outcome = closed.submit(samples.batch(samples.plain_mailing(), ADA))
    assert isinstance(outcome, NotSent) and outcome.stop


def test_the_reason_is_sendgrids_own_words() -> None:
    with SendGridFake() as fake:
        fake.next(Fault.status(400, "The from address does not match a verified Sender Identity."))
        outcome = submit(fake, samples.plain_mailing(), ADA)
    assert isinstance(outcome, Refused)
    assert outcome.reason.startswith("400 ") and "verified Sender Identity" in outcome.reason


def test_nothing_secret_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("python_http_client").setLevel(logging.DEBUG)
    with SendGridFake() as fake:
        submit(fake, samples.plain_mailing(), ADA)
        fake.next(Fault.status(400, "bad"))
        submit(fake, samples.plain_mailing(), ADA)
        assert fake.key not in caplog.text and "ada@example.com" not in caplog.text
        assert fake.key not in repr(provider(fake)) + str(vars(provider(fake)))


def test_check_misses_the_key_without_connecting() -> None:
    (problem,) = SendGridProvider(SendGrid(), None).check()
    assert str(problem).startswith("SENDGRID_API_KEY: is not set")
    assert isinstance(
        SendGridProvider(SendGrid(), None).submit(samples.batch(samples.plain_mailing())), NotSent
    )
