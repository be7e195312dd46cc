"""Test Mailgun against a fake that checks every form, keeps state and simulates faults."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from email.header import decode_header, make_header
from html import escape
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from newsletter.config.api_providers import Mailgun
from newsletter.mail.event_tag import parse_event_tag
from newsletter.mail.message import Mailing
from newsletter.providers.mailgun.mailboxes import mailbox
from newsletter.providers.mailgun.payload import MAX_VALUE_BYTES, template
from newsletter.providers.mailgun.provider import MAX_RECIPIENTS_PER_CALL, MailgunProvider
from newsletter.sending.outcomes import NOT_BEGUN, Accepted, NotSent, Outcome, Refused, Unknown
from newsletter.subscribers.model import Subscriber
from tests import samples
from tests.fakes.mailgun import OWN_WORDS, Fault, MailgunFake, Reply, message, parse_form

ADA = Subscriber(1, "ada@example.com", "Ada <&> Example")
BO = Subscriber(2, "bo+news@example.com")
NOW = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)
REGION = "the key, or the region: a key of the EU works only with `mailgun.host: https://api.eu.mailgun.net`"


@contextmanager
def open_provider(
    fake: MailgunFake, key: str = "key-fake", timeout: float = 5, **settings: Any
) -> Iterator[MailgunProvider]:
    settings = {"host": fake.url, **settings}
    provider = MailgunProvider(Mailgun(**settings), SecretStr(key), timeout=timeout, clock=lambda: NOW)
    try:
        yield provider
    finally:
        provider.close()


def submit(fake: MailgunFake, mailing: Mailing, *people: Subscriber, **settings: Any) -> Outcome:
    """Submit a batch in which no recipient has an outcome of their own."""
    with open_provider(fake, **settings) as provider:
        submissions = samples.SubmissionLog()
        outcome = provider.submit(samples.batch(mailing, *people), submissions)
    assert not submissions.begun and not submissions.ended
    return outcome


def fields(fake: MailgunFake) -> dict[str, list[str]]:
    (request,) = fake.requests
    return parse_form(request.raw)


# Requests


def test_one_request_reaches_each_recipient_with_their_own_parts() -> None:
    mailing = samples.plain_mailing(html="<p>[[name]] [[unsubscribe_url]]</p>", text="[[name]] [[address]]")
    mailing = replace(mailing, reply_to="cook@example.com", unsubscribe_mailto="leave@example.com")
    with MailgunFake() as fake:
        outcome = submit(fake, mailing, ADA, BO)
        ada, bo = fake.deliveries
    batch = samples.batch(mailing, ADA, BO)
    token = batch.recipients[0].token
    link = f"https://soup.example.com/leave/{token}"
    assert outcome == Accepted(ada.message_id) and len(fake.requests) == 1
    assert ada.to == '"Ada <&> Example" <ada@example.com>' and bo.to == "bo+news@example.com"
    assert (ada.sender, ada.subject) == ("The Soup Letter <soup@example.com>", "Soup")
    assert (ada.text, bo.text) == ("Ada <&> Example ada@example.com", "reader bo+news@example.com")
    assert ada.html == f"<p>Ada &lt;&amp;&gt; Example {link}</p>"
    assert ada.headers == {
        "Reply-To": "cook@example.com",
        "List-Id": "<soup.example.com>",
        "List-Unsubscribe": f"<{link}>, <mailto:leave@example.com?subject=unsubscribe%20{token}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
    assert ada.headers["List-Unsubscribe"] != bo.headers["List-Unsubscribe"]


@pytest.mark.parametrize("people", [(ADA,), (ADA, BO)], ids=["one", "two"])
def test_every_recipient_has_variables_under_the_plain_address(people: tuple[Subscriber, ...]) -> None:
    """Mailgun shows everybody's address to everybody, if there are none."""
    with MailgunFake() as fake:
        submit(fake, samples.plain_mailing(html="<p>Soup</p>", text="Soup"), *people)
        variables = json.loads(fields(fake)["recipient-variables"][0])
    assert list(variables) == [person.address for person in people]
    assert all(variables.values())


def test_the_content_goes_up_once() -> None:
    people = [Subscriber(n, f"reader{n}@example.com") for n in range(1, MAX_RECIPIENTS_PER_CALL + 1)]
    with MailgunFake() as fake:
        assert isinstance(submit(fake, samples.plain_mailing(html="x" * 40_000), *people), Accepted)
        assert [delivery.address for delivery in fake.deliveries] == [person.address for person in people]
        (request,) = fake.requests
        assert request.raw.count(b"x" * 40_000) == 1 and len(request.raw) < 250_000


def test_every_tracking_switch_is_sent_and_off() -> None:
    with MailgunFake() as fake:
        submit(fake, samples.plain_mailing(), ADA)
        assert fake.deliveries[0].options == {
            "tracking": "no",
            "tracking-opens": "no",
            "tracking-clicks": "no",
        }


def test_tracking_is_on_only_where_the_newsletter_says_so() -> None:
    with MailgunFake() as fake:
        submit(fake, replace(samples.plain_mailing(), track_opens=True), ADA)
        assert fake.deliveries[0].options == {
            "tracking": "yes",
            "tracking-opens": "yes",
            "tracking-clicks": "no",
        }


def test_events_find_their_recipient_by_a_tag() -> None:
    with MailgunFake() as fake:
        submit(fake, samples.plain_mailing(), ADA, BO)
        tags = [delivery.variables["news"] for delivery in fake.deliveries]
    mails = [parse_event_tag(tag, "soup.example.com") for tag in tags]
    assert [(mail.issue, mail.subscriber_id) for mail in mails if mail] == [
        ("2026-04-27", 1),
        ("2026-04-27", 2),
    ]


def test_the_domain_is_that_of_the_sender_or_of_the_settings() -> None:
    with MailgunFake() as fake, MailgunFake(domain="mg.example.com") as other:
        assert isinstance(submit(fake, samples.plain_mailing(), ADA), Accepted)
        assert isinstance(submit(other, samples.plain_mailing(), ADA, domain="mg.example.com"), Accepted)
        outcome = submit(other, samples.plain_mailing(), ADA)
    assert isinstance(outcome, NotSent) and outcome.stop and "`mailgun.domain`" in outcome.reason


# Words that Mailgun could take for its own

HOSTILE = " ".join(
    (
        "{{name}} {{{x}}} %recipient.email% %recipient.news_token% <% %> [[x]] \\u0026 &#37; </script>",
        "\U0001f96c",
        "%recipient.a%recipient.b% %%recipient.email%% 100%recipient.email%, 5%[[name]]% 20 %",
        " ".join(f"%{word}%" for word in OWN_WORDS),
    )
)


def test_nothing_of_an_article_is_taken_for_a_variable() -> None:
    subject, sender = HOSTILE.replace("[[name]]", ""), "%recipient.email% %unsubscribe_url%"
    mailing = samples.plain_mailing(subject, sender, html=HOSTILE, text=HOSTILE)
    with MailgunFake() as fake:
        assert isinstance(submit(fake, mailing, ADA), Accepted)
        (ada,) = fake.deliveries
    assert (ada.subject, ada.sender) == (subject, f'"{sender}" <soup@example.com>')
    assert ada.text == HOSTILE.replace("[[name]]", ADA.name)
    assert ada.html == HOSTILE.replace("[[name]]", escape(ADA.name))


def test_of_values_that_were_read_again_only_mailguns_own_words_would_change() -> None:
    with MailgunFake() as fake:
        fake.reads_values_again = True
        submit(fake, samples.plain_mailing(text="%recipient.email% [[name]] %unsubscribe_url%"), ADA)
        (ada,) = fake.deliveries
    assert ada.text == "%recipient.email% Ada <&> Example [unsubscribe_url of ada@example.com]"


_PARTS = ["%", "recipient.", "unsubscribe_url", "recipient", "x", " ", "20", "[[name]]", "BA", "%D0", "A"]


@given(st.lists(st.sampled_from(_PARTS)))
def test_no_word_of_mailguns_is_left_in_an_article(parts: list[str]) -> None:
    """Each `%` of the request is read as one that opens a word, also one that closes a variable of ours."""
    mailing = samples.plain_mailing(text=(text := "".join(parts)))
    batch = samples.batch(mailing, ADA)
    form = parse_form(b"".join(template(mailing).fill(batch.recipients)[1]))
    values = json.loads(form["recipient-variables"][0])[ADA.address]
    (sent,) = form["text"]
    assert MailgunFake().fill(sent, values, ADA.address) == text.replace("[[name]]", ADA.name)
    words = re.findall(r"(?=%(recipient\.\w*|[a-z_][\w.:-]{2,}%))", sent)
    assert [word for word in words if not word.startswith(f"recipient.n{mailing.sha256[:10]}")] == []


def test_a_variable_of_ours_closes_no_word_of_an_article() -> None:
    """The `%` of the name's variable would end `%recipient.email`, and the name would be lost."""
    with MailgunFake() as fake:
        submit(fake, samples.plain_mailing(text="50 %recipient.email[[name]]"), ADA)
        (ada,) = fake.deliveries
        (sent,) = fields(fake)["text"]
    assert ada.text == f"50 %recipient.email{ADA.name}" and "%recipient.email" not in sent


def test_escapes_in_links_are_left_alone() -> None:
    html = '<a href="https://example.com/%E2%80%99a%20b%2Fc">x</a>'
    with MailgunFake() as fake:
        submit(fake, samples.plain_mailing(html=html), ADA)
        assert fields(fake)["html"] == [html]


def test_words_between_escapes_in_links_are_left_alone() -> None:
    """Each would be a value of every recipient."""
    html = "".join(f'<a href="https://example.com/%D0%BAw{n:04}%D0%B0">x</a>' for n in range(300))
    mailing = samples.plain_mailing(html=html)
    people = [Subscriber(n, f"reader{n}@example.com") for n in range(1, MAX_RECIPIENTS_PER_CALL + 1)]
    form = b"".join(template(mailing).fill(samples.batch(mailing, *people).recipients)[1])
    assert parse_form(form)["html"] == [html] and len(form) < 500_000


def test_recipients_whose_values_do_not_fit_wait_for_another_call() -> None:
    text = " ".join(f"%word_{n:04}_{'x' * 100}%" for n in range(40))
    mailing = samples.plain_mailing(text=text)
    people = [Subscriber(n, f"reader{n}@example.com") for n in range(1, MAX_RECIPIENTS_PER_CALL + 1)]
    with MailgunFake() as fake, open_provider(fake, timeout=60) as provider:
        submissions = samples.SubmissionLog()
        assert isinstance(provider.submit(samples.batch(mailing, *people), submissions), Accepted)
        (request,) = fake.requests
        numbers = [int(delivery.address[6:].partition("@")[0]) for delivery in fake.deliveries]
        assert {delivery.text for delivery in fake.deliveries} == {text}
    assert 100 < len(numbers) < MAX_RECIPIENTS_PER_CALL and len(request.raw) < MAX_VALUE_BYTES + 100_000
    assert numbers + list(submissions.ended) == [person.id for person in people]
    assert set(submissions.ended.values()) == {NOT_BEGUN}


def test_a_refused_request_leaves_nobody_with_an_outcome_of_their_own() -> None:
    mailing = samples.plain_mailing(text=" ".join(f"%word_{n:04}_{'x' * 100}%" for n in range(40)))
    people = [Subscriber(n, f"reader{n}@example.com") for n in range(1, MAX_RECIPIENTS_PER_CALL + 1)]
    with MailgunFake() as fake, open_provider(fake) as provider:
        fake.next(Fault.status(400, "to parameter is not a valid address"))
        submissions = samples.SubmissionLog()
        assert isinstance(provider.submit(samples.batch(mailing, *people), submissions), Refused)
    assert submissions.ended == {}


def test_the_values_have_no_escape_that_json_does_not_need() -> None:
    """Mailgun was seen to deliver `\\u0026` as text."""
    with MailgunFake() as fake:
        submit(fake, samples.plain_mailing(text="[[name]]"), ADA._replace(name="Zoë & <Bo>"))
        (json_text,) = fields(fake)["recipient-variables"]
    assert "Zoë & <Bo>" in json_text and "\\u" not in json_text


# Names and addresses


@pytest.mark.parametrize(
    ("name", "field", "shown"),
    [
        pytest.param("", "a@example.com", "", id="none"),
        pytest.param("Ada Example", "Ada Example <a@example.com>", "Ada Example", id="plain"),
        pytest.param('A. "B", C', '"A. \\"B\\", C" <a@example.com>', None, id="quoted"),
        pytest.param("100%recipient.x%", '"100%recipient.x%" <a@example.com>', None, id="percent"),
        pytest.param("Zoë", "=?utf-8?b?Wm/Dqw==?= <a@example.com>", "Zoë", id="outside-ascii"),
        pytest.param('Zoë (B.), "C"', None, "Zoë B. C", id="outside-ascii-with-punctuation"),
        pytest.param("=?utf-8?q?x?=", None, "=?utf-8?q?x?=", id="looks-encoded"),
        pytest.param("Ada\r\nBcc: x@example.com", None, None, id="line-break"),
        pytest.param("é" * 199, None, "é" * 199, id="long"),
    ],
)
def test_a_name_is_encoded(name: str, field: str | None, shown: str | None) -> None:
    encoded = mailbox(name, "a@example.com")
    assert (
        encoded.isascii()
        and encoded.isprintable()
        and encoded.rpartition(" ")[2].strip("<>") == "a@example.com"
    )
    assert field in (None, encoded)
    if shown:
        assert str(make_header(decode_header(encoded.removesuffix(" <a@example.com>")))) == shown
    assert all(len(word) <= 75 for word in encoded.split() if word.startswith("=?"))


def test_a_name_of_any_length_fits_into_a_header() -> None:
    assert mailbox("a" * 5000, "a@example.com") == f"{'a' * 200} <a@example.com>"


def test_two_spellings_of_an_address_are_not_in_one_request() -> None:
    """Mailgun drops duplicates without a word."""
    twin = Subscriber(3, "Ada@Example.com")
    batch = samples.batch(samples.plain_mailing(), ADA, BO, twin)
    with MailgunFake() as fake, open_provider(fake) as provider:
        submissions = samples.SubmissionLog()
        assert isinstance(provider.submit(batch, submissions), Accepted)
        assert [delivery.address for delivery in fake.deliveries] == [ADA.address, BO.address]
    (outcome,) = submissions.ended.values()
    assert list(submissions.ended) == [3]
    assert isinstance(outcome, NotSent) and not outcome.stop and outcome.wait == 0


@pytest.mark.parametrize(
    ("fault", "expected", "ended"),
    [
        (Fault.status(400, "to parameter is not a valid address"), Refused, []),
        (Fault.status(413), Refused, []),
        (Fault.status(429), NotSent, [2]),
        (Fault.reply_lost(), Unknown, [2]),
        (None, Accepted, [2]),
    ],
    ids=["400", "413", "429", "lost", "accepted"],
)
def test_nobody_is_refused_because_of_another_one(
    fault: Fault | None, expected: type[Outcome], ended: list[int]
) -> None:
    """An outcome of one recipient would make the refusal of a request that of all others."""
    batch = samples.batch(samples.plain_mailing(), ADA, Subscriber(2, "ADA@example.com"), BO)
    with MailgunFake() as fake, open_provider(fake) as provider:
        fake.next(fault)
        submissions = samples.SubmissionLog()
        assert type(provider.submit(batch, submissions)) is expected
        assert list(submissions.ended) == ended


@pytest.mark.parametrize("address", ["ä@example.com", "a b@example.com", "a@b,c@example.com", "a", "a@<b>"])
def test_an_address_that_no_form_can_have_harms_nobody_else(address: str) -> None:
    batch = samples.batch(samples.plain_mailing(), ADA, Subscriber(2, address))
    with MailgunFake() as fake, open_provider(fake) as provider:
        outcomes = samples.outcomes(provider, batch)
        assert [type(outcome) for outcome in outcomes] == [Accepted, Refused]
        assert [delivery.address for delivery in fake.deliveries] == [ADA.address]
        assert address not in str(outcomes[1]) or address == "a"
        alone = samples.batch(samples.plain_mailing(), Subscriber(2, address))
        assert provider.submit(alone, samples.SubmissionLog()) == NOT_BEGUN
        assert len(fake.requests) == 1


def test_an_address_that_mailgun_refuses_fails_all_and_is_not_named() -> None:
    with MailgunFake() as fake:
        outcome = submit(fake, samples.plain_mailing(), ADA, Subscriber(2, "nobody@localhost"))
        assert outcome == Refused("400 to parameter is not a valid address. please check documentation")
        assert fake.deliveries == []


# Outcomes of a call

BUSY = "429 {}: too many requests"


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        pytest.param(Fault.status(400, "bad"), Refused("400 bad"), id="400"),
        pytest.param(
            Fault.status(400, "from parameter is not a valid address"),
            NotSent("400 from parameter is not a valid address"),
            id="400-shared",
        ),
        pytest.param(
            Fault.status(400, "'to' parameter: no such domain"),
            Refused("400 'to' parameter: no such domain"),
            id="400-domain-of-a-recipient",
        ),
        pytest.param(
            Fault.status(400, "no bo@example.com"), Refused("400 no <recipient>"), id="400-with-an-address"
        ),
        pytest.param(
            Fault.status(400, "Domain of recipient x.com is not valid"),
            Refused("400 Domain of recipient x.com is not valid"),
            id="400-domain-of-recipient",
        ),
        pytest.param(
            Fault.status(400, "Recipient address domain invalid: bad@x.com"),
            Refused("400 Recipient address domain invalid: <recipient>"),
            id="400-recipient-address",
        ),
        pytest.param(
            Fault.status(400, "the domain x.com has no mail server"),
            Refused("400 the domain x.com has no mail server"),
            id="400-other-domain",
        ),
        pytest.param(
            Fault.status(400, "no such domain: bo@example.com"),
            Refused("400 no such domain: <recipient>"),
            id="400-other-address-in-the-same-domain",
        ),
        pytest.param(
            Fault.status(400, "the domain Example.com is disabled, see https://help.mailgun.com/x.html"),
            NotSent("400 the domain Example.com is disabled, see https://help.mailgun.com/x.html"),
            id="400-own-domain",
        ),
        pytest.param(
            Fault.status(400, "soup@example.com: its domain is disabled"),
            NotSent("400 <recipient>: its domain is disabled"),
            id="400-own-address",
        ),
        pytest.param(
            Fault.status(400, "the domain is disabled"),
            NotSent("400 the domain is disabled"),
            id="400-domain",
        ),
        pytest.param(Fault.status(413, "too large"), Refused("413 too large"), id="413"),
        pytest.param(Fault.forbidden(), NotSent(f"401 Forbidden: check {REGION}"), id="401"),
        pytest.param(
            Fault.status(401, f"no key-{'ab' * 16}"), NotSent(f"401 no …: check {REGION}"), id="401-with-key"
        ),
        pytest.param(Fault.status(402, "pay"), NotSent("402 pay: the account must be paid"), id="402"),
        pytest.param(
            Fault.status(403, "not allowed to send large batches yet"),
            NotSent(
                "403 not allowed to send large batches yet: the account, the domain or the key may not send"
                " this"
            ),
            id="403",
        ),
        pytest.param(
            Fault.status(404, "Domain not found"),
            NotSent(
                "404 Domain not found: this host has no such domain: check `mailgun.domain` and the region in"
                " `mailgun.host`"
            ),
            id="404",
        ),
        pytest.param(Fault.status(408, "slow"), Unknown("408 slow"), id="408"),
        pytest.param(
            Fault.status(429, "try again after 120 seconds"),
            NotSent(BUSY.format("try again after 120 seconds"), stop=False, wait=120),
            id="429-seconds",
        ),
        pytest.param(
            Fault.status(429, "Try again after Mon, 04 May 2026 09:10:00 GMT"),
            NotSent(BUSY.format("Try again after Mon, 04 May 2026 09:10:00 GMT"), stop=False, wait=600),
            id="429-date",
        ),
        pytest.param(
            Fault.status(429, "after Mon, 99 May 2026 99:10:00 GMT"),
            NotSent(BUSY.format("after Mon, 99 May 2026 99:10:00 GMT"), stop=False),
            id="429-no-date",
        ),
        pytest.param(
            Fault(message(429, "slow down")._replace(headers={"Retry-After": "7"})),
            NotSent(BUSY.format("slow down"), stop=False, wait=7),
            id="429-header",
        ),
        pytest.param(Fault.status(500, "oops"), Unknown("500 oops"), id="500"),
        pytest.param(Fault.html(502), Unknown("HTTP 502"), id="502-in-html"),
        pytest.param(Fault.html(200), Unknown("unexpected response: 200"), id="200-in-html"),
        pytest.param(
            Fault(Reply(200, {"id": "<1>"})), Unknown("unexpected response: 200"), id="200-unqueued"
        ),
        pytest.param(Fault(Reply(200, b"[" * 9999)), Unknown("unexpected response: 200"), id="200-deep"),
        pytest.param(Fault(Reply(200, {"message": "Queued."})), Accepted(""), id="200-without-an-id"),
        pytest.param(
            Fault(Reply(200, b"Mailgun Magnificent API")),
            NotSent("200: this address does not send mail: check `mailgun.host` and `mailgun.domain`"),
            id="200-of-the-root",
        ),
        pytest.param(Fault(Reply(304)), Unknown("unexpected response: 304"), id="304"),
    ],
)
def test_each_way_that_a_form_can_be_answered(fault: Fault, expected: Outcome) -> None:
    with MailgunFake() as fake:
        fake.next(fault)
        assert submit(fake, samples.plain_mailing(), ADA) == expected
        assert len(fake.requests) == 1, "the request is never repeated"
        assert fake.deliveries == []


def test_without_a_key_nothing_is_asked() -> None:
    with MailgunFake() as fake:
        provider = MailgunProvider(Mailgun(host=fake.url), None)
        (problem,) = provider.check()
        assert str(problem).startswith("MAILGUN_API_KEY: is not set")
        batch = samples.batch(samples.plain_mailing())
        assert provider.submit(batch, samples.SubmissionLog()) == NotSent(str(problem))
        assert fake.connections == 0


def test_the_options_stay_within_their_limit() -> None:
    """The fake refuses more than 16 KB; the values of the variables are not part of it."""
    mailing = replace(samples.plain_mailing(), unsubscribe_url=f"https://example.com/{'x' * 800}/{{token}}")
    with MailgunFake() as fake:
        assert isinstance(submit(fake, mailing, ADA, BO), Accepted)
        options = {name: value for name, value in fields(fake).items() if re.match("[ohv]:", name)}
    assert len(str(options)) < 1500
