"""Test Postmark against a fake that checks every message, keeps state and simulates faults."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from email.utils import getaddresses
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from newsletter.config.api_providers import Postmark
from newsletter.mail.event_tag import parse_event_tag
from newsletter.mail.message import Batch, Mailing
from newsletter.mail.service_mail import ServiceMailings
from newsletter.mail.signed_links import SignedLinks
from newsletter.mail.unsubscribe_tokens import UnsubscribeTokens
from newsletter.providers.postmark.mailboxes import mailbox
from newsletter.providers.postmark.provider import (
    MAX_BYTES_PER_CALL,
    MAX_RECIPIENTS_PER_CALL,
    PostmarkProvider,
)
from newsletter.sending.outcomes import Accepted, NotSent, Outcome, Refused, Unknown
from newsletter.store.service_mails import ServiceMail
from newsletter.subscribers.model import Subscriber
from tests import samples
from tests.fakes.postmark import TOKEN, Fault, PostmarkFake, Reply, entry, error

ADA = Subscriber(1, "ada@example.com", "Ada <&> Example")
BO = Subscriber(2, "bo+news@example.com")
CY = Subscriber(3, "cy@example.com")
TOKEN_HINT = "check POSTMARK_SERVER_TOKEN: it must be the token of a server, not that of the account"


@contextmanager
def open_provider(
    fake: PostmarkFake, token: str = TOKEN, timeout: float = 5, **settings: Any
) -> Iterator[PostmarkProvider]:
    settings = {"host": fake.url, **settings}
    provider = PostmarkProvider(Postmark(**settings), SecretStr(token), timeout=timeout)
    try:
        yield provider
    finally:
        provider.close()


def submit(fake: PostmarkFake, mailing: Mailing, *people: Subscriber, **settings: Any) -> list[Outcome]:
    """Submit a batch; return the outcome of each recipient."""
    with open_provider(fake, **settings) as provider:
        return samples.outcomes(provider, samples.batch(mailing, *people))


def sent(fake: PostmarkFake) -> list[dict[str, Any]]:
    """Return the messages of the only request."""
    (request,) = fake.requests
    return list(request.body)


# Requests


def test_each_recipient_has_a_message_of_their_own() -> None:
    mailing = samples.plain_mailing(html="<p>[[name]] [[unsubscribe_url]]</p>", text="[[name]] [[address]]")
    mailing = replace(mailing, reply_to="cook@example.com", unsubscribe_mailto="leave@example.com")
    with PostmarkFake() as fake:
        outcomes = submit(fake, mailing, ADA, BO)
        ada, bo = fake.deliveries
    recipient = samples.batch(mailing, ADA, BO).recipients[0]
    link = f"https://soup.example.com/leave/{recipient.token}"
    assert outcomes == [Accepted(ada.message_id), Accepted(bo.message_id)] and len(fake.requests) == 1
    assert (ada.name, ada.address, bo.name, bo.address) == (ADA.name, ADA.address, "", BO.address)
    assert (ada.sender, ada.subject) == ("The Soup Letter <soup@example.com>", "Soup")
    assert (ada.reply_to, ada.stream) == ("cook@example.com", "broadcast")
    assert (ada.text, bo.text) == ("Ada <&> Example ada@example.com", "reader bo+news@example.com")
    assert ada.html == f"<p>Ada &lt;&amp;&gt; Example {link}</p>"
    assert ada.headers == {
        "List-Id": "<soup.example.com>",
        "Message-ID": recipient.message_id,
        "List-Unsubscribe": f"<{link}>, <mailto:leave@example.com?subject=unsubscribe%20{recipient.token}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
    assert ada.headers["List-Unsubscribe"] != bo.headers["List-Unsubscribe"]


def test_every_message_switches_tracking_off() -> None:
    with PostmarkFake() as fake:
        submit(fake, samples.plain_mailing(), ADA, BO)
        assert [(one["TrackOpens"], one["TrackLinks"]) for one in sent(fake)] == [(False, "None")] * 2


def test_tracking_is_on_only_where_newsletter_yml_says_so() -> None:
    with PostmarkFake() as fake:
        submit(fake, replace(samples.plain_mailing(), track_opens=True), ADA)
        submit(fake, replace(samples.plain_mailing(), track_clicks=True), ADA)
        assert [one.tracked for one in fake.deliveries] == [(True, "None"), (False, "HtmlAndText")]


def test_events_find_their_recipient_by_metadata() -> None:
    with PostmarkFake() as fake:
        submit(fake, samples.plain_mailing(), ADA, BO)
        mails = [parse_event_tag(one.metadata["news"], "soup.example.com") for one in fake.deliveries]
    assert [(mail.issue, mail.subscriber_id) for mail in mails if mail] == [
        ("2026-04-27", 1),
        ("2026-04-27", 2),
    ]


def test_a_test_recipient_has_no_tag() -> None:
    mailing = samples.plain_mailing().as_test()
    with PostmarkFake() as fake:
        submit(fake, mailing, ADA._replace(id=0))
        (ada,) = fake.deliveries
    assert ada.metadata == {} and ada.headers["X-News-Test"] == "yes"


def test_mail_about_a_subscription_uses_the_transactional_stream(tmp_path: Path) -> None:
    newsletter = samples.newsletter(tmp_path)
    links = SignedLinks([samples.SECRET], newsletter.list_id)
    tokens = UnsubscribeTokens(samples.SECRET, newsletter.list_id)
    mailings = ServiceMailings(newsletter, links, tokens, "https://news.example.com")
    waiting = ServiceMail(1, "data", None, 7, "ada@example.com", samples.NOW, 0)
    recipient = mailings.recipient(waiting, 0, samples.NOW)
    batch = Batch(mailings.mailing("data", samples.NOW), [recipient])
    with PostmarkFake() as fake, open_provider(fake) as provider:
        assert isinstance(samples.outcomes(provider, batch)[0], Accepted)
        (mail,) = fake.deliveries
    assert mail.stream == "outbound" and mail.tracked == (False, "None")
    assert mail.headers == {"Auto-Submitted": "auto-generated", "Message-ID": recipient.message_id}
    assert mail.metadata["news"].endswith("_0_s7")


def test_the_streams_are_those_of_the_settings() -> None:
    with PostmarkFake() as fake:
        fake.streams["soups"] = fake.streams["broadcast"]
        submit(fake, samples.plain_mailing(), ADA, stream="soups")
        assert fake.deliveries[0].stream == "soups"
        (outcome,) = submit(fake, samples.plain_mailing(), ADA, stream="breads")
    assert isinstance(outcome, NotSent) and outcome.stop and "`postmark.stream`" in outcome.reason


def test_a_request_has_as_many_messages_and_bytes_as_postmark_takes() -> None:
    people = [Subscriber(n, f"reader{n}@example.com") for n in range(1, MAX_RECIPIENTS_PER_CALL + 1)]
    with PostmarkFake() as fake, open_provider(fake) as provider:
        outcomes = samples.outcomes(provider, samples.batch(samples.plain_mailing(), *people))
        assert {type(outcome) for outcome in outcomes} == {Accepted}
        assert [one.address for one in fake.deliveries] == [person.address for person in people]
        assert provider.capabilities.recipients_per_call == 500
        assert provider.capabilities.bytes_per_call == MAX_BYTES_PER_CALL < 50_000_000


def test_the_longest_answer_is_read_to_its_end() -> None:
    people = [
        Subscriber(n, f"reader{n}@example.com", "é" * 200) for n in range(1, MAX_RECIPIENTS_PER_CALL + 1)
    ]
    with PostmarkFake() as fake:
        assert {type(one) for one in submit(fake, samples.plain_mailing(), *people)} == {Accepted}


# Words of an article


def test_a_subject_starts_no_header_and_keeps_its_words() -> None:
    with PostmarkFake() as fake:
        submit(fake, samples.plain_mailing("Soup\r\nBcc: eve@example.com {token} é", 'A. "B", C'), ADA)
        (message,) = sent(fake)
    assert message["Subject"] == "Soup Bcc: eve@example.com {token} é"
    assert message["From"] == '"A. \\"B\\", C" <soup@example.com>'


def test_half_a_character_stops_nobodys_mail() -> None:
    with PostmarkFake() as fake:
        (outcome,) = submit(fake, samples.plain_mailing(), ADA._replace(name="A\ud800"))
        assert isinstance(outcome, Accepted) and fake.deliveries[0].name == "A?"


# Names and addresses


@pytest.mark.parametrize(
    ("name", "field"),
    [
        pytest.param("", "a@example.com", id="none"),
        pytest.param("Ada Example", "Ada Example <a@example.com>", id="plain"),
        pytest.param('A. "B", C\\', '"A. \\"B\\", C\\\\" <a@example.com>', id="quoted"),
        pytest.param("100% Soup", '"100% Soup" <a@example.com>', id="percent"),
        pytest.param("Zoë, <&>", '"Zoë, <&>" <a@example.com>', id="outside-ascii"),
        pytest.param("Eve <eve@example.com>,", '"Eve <eve@example.com>," <a@example.com>', id="address"),
        pytest.param("A\r\nBcc: x@example.com", '"A Bcc: x@example.com" <a@example.com>', id="line-break"),
        pytest.param("a" * 5000, f"{'a' * 200} <a@example.com>", id="long"),
    ],
)
def test_a_name_adds_no_recipient(name: str, field: str) -> None:
    assert mailbox(name, "a@example.com") == field
    assert [address for _, address in getaddresses([field])] == ["a@example.com"]


@pytest.mark.parametrize(
    "address",
    ["ä@example.com", "a b@example.com", "a,b@example.com", "a@b,c@d.example", "a", "a@<b>", "a;b@c.example"],
)
def test_an_address_that_is_none_or_two_harms_nobody_else(address: str) -> None:
    batch = samples.batch(samples.plain_mailing(), ADA, Subscriber(2, address))
    with PostmarkFake() as fake, open_provider(fake) as provider:
        outcomes = samples.outcomes(provider, batch)
        assert [type(outcome) for outcome in outcomes] == [Accepted, Refused]
        assert [one.address for one in fake.deliveries] == [ADA.address]
        alone = samples.batch(samples.plain_mailing(), Subscriber(2, address))
        assert [type(outcome) for outcome in samples.outcomes(provider, alone)] == [Refused]
        assert len(fake.requests) == 1


def test_a_bad_address_does_not_spread_the_refusal_of_a_request() -> None:
    """The protocol sends the halves of a refused request again, if nobody has an outcome of their own."""
    batch = samples.batch(samples.plain_mailing(), ADA, Subscriber(2, "a,b@example.com"), CY)
    with PostmarkFake() as fake, open_provider(fake) as provider:
        fake.next(Fault(Reply(413)))
        submissions = samples.SubmissionLog()
        assert provider.submit(batch, submissions) == Refused("HTTP 413")
        assert submissions.ended == {}


# An answer for each recipient


def test_each_recipient_has_the_outcome_that_the_answer_names() -> None:
    with PostmarkFake() as fake:
        fake.suppressed = {BO.address}
        outcomes = submit(fake, samples.plain_mailing(), ADA, BO, Subscriber(3, "cy@localhost"))
        assert [one.address for one in fake.deliveries] == [ADA.address]
    assert outcomes == [
        Accepted("00000000-0000-4000-8000-000000000001"),
        Refused("error 406: You tried to send to recipients that are inactive: <recipient>"),
        Refused("error 300: Invalid 'To' address: <recipient>"),
    ]


def test_accepted_recipients_are_told_first() -> None:
    """So the share of refused recipients is that of the whole call."""
    with PostmarkFake() as fake, open_provider(fake) as provider:
        fake.suppressed = {ADA.address}
        submissions = samples.SubmissionLog()
        batch = samples.batch(samples.plain_mailing(), ADA, BO, CY)
        assert provider.submit(batch, submissions) == Accepted()
        assert list(submissions.ended) == [2, 3, 1] and submissions.begun == []


NOT_APPROVED = "Postmark has not approved the account yet: it sends only to addresses in the sender's domain"


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        pytest.param({"ErrorCode": 0, "Message": "Queued"}, Accepted(""), id="0-of-a-paused-stream"),
        pytest.param(entry(406, "no"), Refused("error 406: no"), id="406"),
        pytest.param(entry(300, "no 'To'"), Refused("error 300: no 'To'"), id="300"),
        pytest.param(entry(300, "Bad 'From'"), NotSent("error 300: Bad 'From'"), id="300-of-all"),
        pytest.param(entry(412, "no"), NotSent(f"error 412: no: {NOT_APPROVED}"), id="412"),
        pytest.param(
            entry(413, "no"),
            NotSent("error 413: no: Postmark does not let this account send; ask its support"),
            id="413",
        ),
        pytest.param(
            entry(405, "no"),
            NotSent(
                "error 405: no: the account may not send: no credits are left, or its address is not"
                " confirmed"
            ),
            id="405",
        ),
        pytest.param(
            entry(400, "no"),
            NotSent(
                "error 400: no: confirm the sender's address or domain in the account (Sender Signatures)"
            ),
            id="400",
        ),
        pytest.param(
            entry(401, "no"),
            NotSent(
                "error 401: no: confirm the sender's address or domain in the account (Sender Signatures)"
            ),
            id="401",
        ),
        pytest.param(entry(403, "no"), NotSent("error 403: no"), id="403"),
        pytest.param(entry(429, "no"), NotSent("error 429: no", stop=False), id="429"),
        pytest.param(entry(100, "no"), NotSent("error 100: no", stop=False), id="100"),
        pytest.param(entry(500, "no"), Unknown("error 500: no"), id="500"),
        pytest.param(entry(1300, ""), NotSent("error 1300"), id="1300"),
        pytest.param(
            entry(412, f"not for eve@example.com with {TOKEN}"),
            NotSent(f"error 412: not for <recipient> with …: {NOT_APPROVED}"),
            id="names-and-tokens",
        ),
        pytest.param({}, Unknown("the response has no error code for this recipient"), id="nothing"),
        pytest.param(
            {"ErrorCode": "0"}, Unknown("the response has no error code for this recipient"), id="text"
        ),
        pytest.param(
            {"ErrorCode": False}, Unknown("the response has no error code for this recipient"), id="boolean"
        ),
        pytest.param(5, Unknown("the response has no error code for this recipient"), id="no-object"),
    ],
)
def test_each_way_that_a_message_can_be_answered(named: object, expected: Outcome) -> None:
    with PostmarkFake() as fake:
        fake.next(Fault.entries({"To": ADA.address, "ErrorCode": 0, "MessageID": "x"}, named))
        assert submit(fake, samples.plain_mailing(), ADA, BO) == [Accepted("x"), expected]
        assert len(fake.requests) == 1, "the request is never repeated"


OK = {"ErrorCode": 0, "MessageID": "x"}


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        pytest.param([], "the response has no entry for 2 recipients", id="none"),
        pytest.param([OK], "the response has 1 entry for 2 recipients", id="too-few"),
        pytest.param([OK] * 3, "the response has 3 entries for 2 recipients", id="too-many"),
        pytest.param(
            [{**OK, "To": BO.address}, {**OK, "To": ADA.address}],
            "the response names other recipients, or another order of them",
            id="another-order",
        ),
        pytest.param(
            [entry(406), {**OK, "To": ADA.address}],
            "the response names other recipients, or another order of them",
            id="shifted",
        ),
    ],
)
def test_an_answer_that_fits_nobody_is_unknown_for_all(entries: list[object], words: str) -> None:
    with PostmarkFake() as fake:
        fake.next(Fault.entries(*entries))
        assert submit(fake, samples.plain_mailing(), ADA, BO) == [Unknown(words)] * 2


def test_the_recipient_in_an_answer_may_be_written_otherwise() -> None:
    with PostmarkFake() as fake:
        fake.next(
            Fault.entries({**OK, "To": '"Ada" <Ada@EXAMPLE.com>'}, {**OK, "To": None, "MessageID": "y"})
        )
        assert submit(fake, samples.plain_mailing(), ADA, BO) == [Accepted("x"), Accepted("y")]


def test_an_id_that_comes_twice_proves_no_acceptance() -> None:
    with PostmarkFake() as fake:
        fake.next(Fault.entries({**OK, "To": ADA.address}, OK, {"ErrorCode": 0, "MessageID": "y"}))
        repeated = Unknown("the response has the same id for several recipients")
        expected = [repeated, repeated, Accepted("y")]
        assert submit(fake, samples.plain_mailing(), ADA, BO, CY) == expected


# Outcomes of a request


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        pytest.param(
            Fault.error(401, 10, "no token"),
            NotSent(f"401 (error 10) no token: {TOKEN_HINT}"),
            id="401",
        ),
        pytest.param(Fault.html(401), NotSent(f"HTTP 401: {TOKEN_HINT}"), id="401-in-html"),
        pytest.param(
            Fault.error(401, 10, f"no {TOKEN}"), NotSent(f"401 (error 10) no …: {TOKEN_HINT}"), id="token"
        ),
        pytest.param(Fault.error(403, 0), NotSent("403 fault on order"), id="403"),
        pytest.param(Fault(Reply(404)), NotSent("HTTP 404"), id="404"),
        pytest.param(Fault.error(408, 0, "slow"), Unknown("408 slow"), id="408"),
        pytest.param(Fault(Reply(413)), Refused("HTTP 413"), id="413"),
        pytest.param(
            Fault.error(413, 413, "no"),
            NotSent("413 (error 413) no: Postmark does not let this account send; ask its support"),
            id="413-of-the-account",
        ),
        pytest.param(Fault.error(422, 402), NotSent("422 (error 402) fault on order"), id="422-json"),
        pytest.param(Fault.error(422, 410), NotSent("422 (error 410) fault on order"), id="422-too-many"),
        pytest.param(
            Fault.error(422, 406, "no eve@example.com"),
            Refused("422 (error 406) no <recipient>"),
            id="422-inactive",
        ),
        pytest.param(Fault.error(422, 300), Refused("422 (error 300) fault on order"), id="422-invalid"),
        pytest.param(
            Fault.error(422, 300, "Invalid 'From'"),
            NotSent("422 (error 300) Invalid 'From'"),
            id="422-invalid-for-all",
        ),
        pytest.param(
            Fault.error(422, 412), NotSent(f"422 (error 412) fault on order: {NOT_APPROVED}"), id="422-412"
        ),
        pytest.param(
            Fault.error(422, 100), NotSent("422 (error 100) fault on order", stop=False), id="422-100"
        ),
        pytest.param(
            Fault(error(429, 429, "slow")._replace(headers={"Retry-After": "7"})),
            NotSent("429 (error 429) slow: too many requests", stop=False, wait=7),
            id="429-header",
        ),
        pytest.param(Fault.html(429), NotSent("HTTP 429: too many requests", stop=False), id="429"),
        pytest.param(Fault.error(500, 0, "oops"), Unknown("500 oops"), id="500"),
        pytest.param(Fault.error(500, 406, "no"), Unknown("500 (error 406) no"), id="500-with-a-code"),
        pytest.param(Fault.html(502), Unknown("HTTP 502"), id="502-in-html"),
        pytest.param(Fault.html(503), Unknown("HTTP 503"), id="503"),
        pytest.param(
            Fault.error(503, 100, "maintenance"),
            NotSent("503 (error 100) maintenance", stop=False),
            id="503-maintenance",
        ),
        pytest.param(Fault.html(200), Unknown("the response has no entry for 1 recipient"), id="200-in-html"),
        pytest.param(
            Fault(Reply(200, {"ErrorCode": 0, "Message": "OK"})),
            Unknown("the response has no entry for 1 recipient"),
            id="200-for-one",
        ),
        pytest.param(
            Fault(Reply(200, b"[" * 9999)), Unknown("the response has no entry for 1 recipient"), id="deep"
        ),
        pytest.param(Fault(Reply(304)), Unknown("unexpected response: 304"), id="304"),
    ],
)
def test_each_way_that_a_batch_can_be_answered(fault: Fault, expected: Outcome) -> None:
    with PostmarkFake() as fake:
        fake.next(fault)
        assert submit(fake, samples.plain_mailing(), ADA) == [expected]
        assert len(fake.requests) == 1, "the request is never repeated"
        assert fake.deliveries == []


def test_without_a_token_nothing_is_asked() -> None:
    with PostmarkFake() as fake:
        provider = PostmarkProvider(Postmark(host=fake.url), None)
        (problem,) = provider.check()
        assert str(problem).startswith("POSTMARK_SERVER_TOKEN: is not set")
        batch = samples.batch(samples.plain_mailing())
        assert provider.submit(batch, samples.SubmissionLog()) == NotSent(str(problem))
        assert fake.connections == 0


def test_a_message_is_json_without_needless_escapes() -> None:
    with PostmarkFake() as fake:
        submit(fake, samples.plain_mailing(text="Zoë 🥬"), ADA)
        (request,) = fake.requests
    assert "Zoë 🥬".encode() in request.raw and json.loads(request.raw)[0]["TextBody"] == "Zoë 🥬"
