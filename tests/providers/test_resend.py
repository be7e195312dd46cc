"""Test the provider Resend: what arrives, repeated calls, and the outcome of every fault."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from email.header import decode_header, make_header
from email.utils import parseaddr
from pathlib import Path

import pytest
from pydantic import SecretStr

from newsletter.config.api_providers import Resend
from newsletter.mail.event_tag import parse_event_tag
from newsletter.mail.message import Batch
from newsletter.providers.resend.mailboxes import recipient_mailbox, sender_mailbox
from newsletter.providers.resend.payload import BodyTemplate
from newsletter.providers.resend.provider import ResendProvider
from newsletter.sending.outcomes import Accepted, NotSent, Outcome, Refused, Unknown
from newsletter.subscribers.model import Subscriber
from tests import samples
from tests.fakes.resend import Fault, ResendFake
from tests.fakes.web import Reply

PEOPLE = [Subscriber(1, "ada@example.com", "Ada"), Subscriber(2, "emil@example.com", "Émil, <&>")]
KEY = "news/0123456789abcdef/1-2"


@pytest.fixture
def fake() -> Iterator[ResendFake]:
    with ResendFake() as fake:
        yield fake


@pytest.fixture
def provider(fake: ResendFake) -> Iterator[ResendProvider]:
    provider = ResendProvider(Resend(host=fake.url), SecretStr(fake.key), timeout=5)
    yield provider
    provider.close()


def batch(*people: Subscriber, key: str | None = KEY, subject: str = "Soup") -> Batch:
    return replace(samples.batch(samples.plain_mailing(subject), *(people or PEOPLE)), key=key)


def submit(provider: ResendProvider, given: Batch) -> Outcome:
    return provider.submit(given, samples.SubmissionLog())


def test_each_recipient_gets_headers_of_their_own(
    provider: ResendProvider, fake: ResendFake, tmp_path: Path
) -> None:
    mailing = samples.mailing(tmp_path)
    given = samples.batch(mailing, *PEOPLE)
    assert submit(provider, given) == Accepted("id-1")
    for mail, recipient in zip(fake.deliveries, given.recipients, strict=True):
        name, address = parseaddr(mail.to)
        assert (str(make_header(decode_header(name))), address) == (recipient.name, recipient.address)
        assert mail.headers["List-Id"] == f"<{mailing.list_id[1]}>"
        assert recipient.token in mail.headers["List-Unsubscribe"]
        assert mail.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert mail.headers["X-Entity-Ref-ID"] == recipient.message_id[1:-1]
        assert mail.reply_to == mailing.reply_to
        tagged = parse_event_tag(mail.tags["news"], mailing.list_id[1])
        assert tagged and (tagged.issue, tagged.subscriber_id) == (mailing.issue, recipient.number)
    assert all(mail.to.isascii() for mail in fake.deliveries)


@pytest.mark.parametrize(
    "name", ["A" * 300, "=?utf-8?q?x?=", 'Ann "B" \\ C', "a\r\nBcc: x@example.com", "日" * 90]
)
def test_no_name_breaks_a_header(name: str, provider: ResendProvider, fake: ResendFake) -> None:
    assert isinstance(submit(provider, batch(Subscriber(1, "ada@example.com", name))), Accepted)
    (mail,) = fake.deliveries
    assert parseaddr(mail.to)[1] == "ada@example.com" and mail.to.isprintable()


@pytest.mark.parametrize(
    ("name", "to", "sender"),
    [
        pytest.param("Ada Example", "Ada Example", "Ada Example", id="plain"),
        pytest.param("", "", "", id="none"),
        pytest.param("Soup, daily", "=?utf-8?b?U291cCwgZGFpbHk=?=", "Soup daily", id="comma"),
        pytest.param("5% Soup", "=?utf-8?b?NSUgU291cA==?=", "5% Soup", id="percent"),
        pytest.param("Dr. Soup", "=?utf-8?b?RHIuIFNvdXA=?=", "Dr. Soup", id="dot"),
        pytest.param("Zoë", "=?utf-8?b?Wm/Dqw==?=", "Zoë", id="outside-ascii"),
        pytest.param('A "B" <c@d>', "=?utf-8?b?QSAiQiIgPGNAZD4=?=", "A B c d", id="marks"),
    ],
)
def test_a_name_is_written_as_resend_reads_it(name: str, to: str, sender: str) -> None:
    """Resend refuses quotation marks in both fields, and encoded words in `from`."""
    for encoded, expected in (
        (recipient_mailbox(name, "a@example.com"), to),
        (sender_mailbox(name, "a@example.com"), sender),
    ):
        assert encoded == (f"{expected} <a@example.com>" if expected else "a@example.com")


@pytest.mark.parametrize("name", ["Soup, daily", "Zoë & Bo", '"Soup"', "The: Soup; @1"])
def test_a_sender_of_any_name_is_accepted(name: str, provider: ResendProvider, fake: ResendFake) -> None:
    given = samples.batch(samples.plain_mailing(name=name), *PEOPLE)
    assert isinstance(submit(provider, given), Accepted)
    assert parseaddr(fake.deliveries[0].sender)[1] == "soup@example.com"


@pytest.mark.parametrize("address", ["ä@example.com", "a b@example.com", "a@b.com,c@d.com", "a", "a@<b>"])
def test_an_address_that_harms_the_whole_batch_is_refused_before_a_request(
    address: str, provider: ResendProvider, fake: ResendFake
) -> None:
    outcome = submit(provider, batch(PEOPLE[0], Subscriber(2, address), PEOPLE[1]))
    assert outcome == Refused("the address contains characters that Resend does not accept", (1,))
    assert fake.requests == []


def test_the_same_batch_gives_the_same_bytes(provider: ResendProvider, fake: ResendFake) -> None:
    submit(provider, batch())
    # As another process builds it: with a template of its own, and at another time.
    later = replace(samples.plain_mailing(), date=samples.NOW + timedelta(hours=5))
    again = replace(samples.batch(later, *PEOPLE), key=KEY)
    raw = b"".join(BodyTemplate(later).fill(again))
    assert raw == fake.requests[0].raw
    assert submit(provider, again) == Accepted("id-1")
    assert len(fake.deliveries) == 2 and len(fake.requests) == 2
    assert {request.headers["Idempotency-Key"] for request in fake.requests} == {KEY}


def test_the_key_with_other_content_is_unknown_and_sends_nothing(
    provider: ResendProvider, fake: ResendFake
) -> None:
    submit(provider, batch())
    outcome = submit(provider, batch(subject="Stew"))
    assert isinstance(outcome, Unknown) and "invalid_idempotent_request" in outcome.reason
    assert len(fake.deliveries) == 2
    fake.hour = 25  # forgotten: this is why a call is repeated for 12 hours only
    assert isinstance(submit(provider, batch()), Accepted) and len(fake.deliveries) == 4
    assert provider.capabilities.repeat_window == timedelta(hours=12)


KEY_FIX = "create a key with sending access (https://resend.com/api-keys), and set RESEND_API_KEY to it"
DOMAIN_FIX = "verify the domain of `sender.email` (https://resend.com/domains)"


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        pytest.param(Fault.html(502), Unknown("HTTP 502"), id="502-in-html"),
        pytest.param(
            Fault.error(500, "application_error"), Unknown("500 application_error: on order"), id="500"
        ),
        pytest.param(Fault.error(408, "timeout"), Unknown("408 timeout: on order"), id="408"),
        pytest.param(
            Fault.error(409, "concurrent_idempotent_requests"),
            Unknown(
                "409 concurrent_idempotent_requests: on order: Resend is still at work on a call with this"
                " key"
            ),
            id="409-in-work",
        ),
        pytest.param(
            Fault.error(409, "conflict"), Unknown("409 conflict: on order"), id="409-of-another-name"
        ),
        pytest.param(
            Fault.error(401, "missing_api_key"),
            NotSent(f"401 missing_api_key: on order: {KEY_FIX}"),
            id="401",
        ),
        pytest.param(
            Fault.error(403, "validation_error", "The example.com domain is not verified"),
            NotSent(f"403 validation_error: The example.com domain is not verified: {DOMAIN_FIX}"),
            id="403-domain",
        ),
        pytest.param(
            Fault.error(400, "validation_error", "API key is invalid"),
            NotSent(f"400 validation_error: API key is invalid: {KEY_FIX}"),
            id="400-key",
        ),
        pytest.param(
            Fault.error(400, "validation_error"), Refused("400 validation_error: on order"), id="400-mail"
        ),
        pytest.param(
            Fault.error(400, "invalid_idempotency_key"),
            NotSent("400 invalid_idempotency_key: on order"),
            id="400-idempotency-key",
        ),
        pytest.param(
            Fault.error(422, "invalid_from_address"),
            NotSent("422 invalid_from_address: on order"),
            id="422-sender",
        ),
        pytest.param(
            Fault.error(422, "validation_error"), Refused("422 validation_error: on order"), id="422-mail"
        ),
        pytest.param(
            Fault.error(422, "validation_error", "Invalid `from` field."),
            NotSent("422 validation_error: Invalid `from` field."),
            id="422-from",
        ),
        pytest.param(
            Fault.error(422, "validation_error", "Invalid `to` field. Do not use domains like example.com."),
            Refused("422 validation_error: Invalid `to` field. Do not use domains like example.com."),
            id="422-to",
        ),
        # The address of one reader may hold any word; it must not stop the send for all others.
        pytest.param(
            Fault.error(422, "validation_error", "Invalid `to` field. The domain of a@b.example is none."),
            Refused("422 validation_error: Invalid `to` field. The domain of <recipient> is none."),
            id="422-domain-of-to",
        ),
        pytest.param(
            Fault.error(422, "validation_error", "The domain x.example is not valid."),
            Refused("422 validation_error: The domain x.example is not valid."),
            id="422-other-domain",
        ),
        pytest.param(
            Fault.error(422, "validation_error", "The domain of the recipient is not valid."),
            Refused("422 validation_error: The domain of the recipient is not valid."),
            id="422-domain-of-recipient",
        ),
        pytest.param(
            Fault.error(422, "validation_error", "The domain of bo@example.com is not valid."),
            Refused("422 validation_error: The domain of <recipient> is not valid."),
            id="422-other-address",
        ),
        pytest.param(
            Fault.error(422, "validation_error", "The example.com domain is gone. See resend.com/domains"),
            NotSent("422 validation_error: The example.com domain is gone. See resend.com/domains"),
            id="422-own-domain",
        ),
        pytest.param(
            Fault.error(422, "validation_error", "Invalid address: ada@domain.example"),
            Refused("422 validation_error: Invalid address: <recipient>"),
            id="422-address",
        ),
        pytest.param(
            Fault(
                Reply(
                    422,
                    {
                        "name": "validation_error",
                        "message": "x",
                        "errors": [{"index": 1}, {"index": 2}, {"index": True}, {"index": "0"}, 5],
                    },
                )
            ),
            Refused("422 validation_error: x", (1,)),
            id="422-with-an-index",
        ),
        pytest.param(
            Fault.error(451, "security_error"),
            NotSent(
                "451 security_error: on order: Resend takes the content for unsafe: look at `sender.name` and"
                " the subject"
            ),
            id="451",
        ),
        pytest.param(Fault.error(413, "too_large"), Refused("413 too_large: on order"), id="413"),
        pytest.param(
            Fault.error(429, "rate_limit_exceeded", **{"Retry-After": "7"}),
            NotSent("429 rate_limit_exceeded: on order", stop=False, wait=7),
            id="429-rate",
        ),
        pytest.param(
            Fault.error(429, "rate_limit_exceeded"),
            NotSent("429 rate_limit_exceeded: on order", stop=False, wait=1),
            id="429-rate-without-a-time",
        ),
        pytest.param(
            Fault.error(429, "daily_quota_exceeded"),
            NotSent("429 daily_quota_exceeded: on order: the account's quota of a day is used up"),
            id="429-day",
        ),
        pytest.param(
            Fault.error(429, "monthly_quota_exceeded"),
            NotSent("429 monthly_quota_exceeded: on order: the account's quota of a month is used up"),
            id="429-month",
        ),
    ],
)
def test_the_outcome_of_a_fault(
    fault: Fault, expected: Outcome, provider: ResendProvider, fake: ResendFake
) -> None:
    fake.next(fault)
    assert submit(provider, batch()) == expected
    assert fake.deliveries == [] and len(fake.requests) == 1


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>",
        b"{}",
        b'{"data": [{"id": "a"}]}',
        b'{"data": [{"id": "a"}, 5]}',
        b'{"data": [{"id": "a"}, {"id": 7}]}',
        b'{"data": [{"id": "a"}, null, {"id": "b"}, 7]}',
        b'{"data": [{"id": "a"}, {"id": "b"}, {"id": "c"}]}',
        b'{"data": [{"id": "a"}, {"id": "a"}]}',
        b'{"data": [{"id": "a"}, {"id": "b"}], "errors": [{"index": 1, "message": "bad"}]}',
        b"[" * 9000,
    ],
)
def test_an_acceptance_that_does_not_name_each_mail_is_unknown(
    content: bytes, provider: ResendProvider, fake: ResendFake
) -> None:
    fake.next(Fault(Reply(200, content)))
    assert isinstance(submit(provider, batch()), Unknown)


def test_an_acceptance_without_errors_may_say_so(provider: ResendProvider, fake: ResendFake) -> None:
    fake.next(Fault(Reply(200, {"data": [{"id": "a"}, {"id": "b"}], "errors": []})))
    assert submit(provider, batch()) == Accepted("a")


def test_one_bad_address_refuses_the_batch_without_an_index(
    provider: ResendProvider, fake: ResendFake
) -> None:
    outcome = submit(provider, batch(PEOPLE[0], Subscriber(2, "nobody@localhost", "")))
    assert isinstance(outcome, Refused) and outcome.rejected_indexes == ()
    assert fake.deliveries == []


def test_nothing_is_sent_without_a_key(fake: ResendFake) -> None:
    for key in (None, SecretStr("re_é"), SecretStr("re_ 1")):
        provider = ResendProvider(Resend(host=fake.url), key)
        assert isinstance(submit(provider, batch()), NotSent) and len(provider.check()) == 1
    assert fake.requests == []


def test_a_key_over_256_characters_stops_the_send(provider: ResendProvider, fake: ResendFake) -> None:
    outcome = submit(provider, batch(key="x" * 257))
    assert isinstance(outcome, NotSent) and outcome.stop and "invalid_idempotency_key" in outcome.reason


def test_a_request_says_what_resend_needs(provider: ResendProvider, fake: ResendFake) -> None:
    submit(provider, batch(key=None))
    (request,) = fake.requests
    assert request.path == "/emails/batch" and request.headers["User-Agent"] == "news"
    assert request.headers["x-batch-validation"] == "strict" and "Idempotency-Key" not in request.headers
    assert not {"scheduled_at", "attachments"} & {name for mail in json.loads(request.raw) for name in mail}


@pytest.mark.parametrize("status", [400, 401, 403, 409, 422, 429, 500])
def test_a_reason_names_nobody_and_no_key(status: int, provider: ResendProvider, fake: ResendFake) -> None:
    words = "no ada@example.com, `bo@example.com` or re_123456789_abc"
    fake.next(Fault.error(status, "validation_error", words))
    outcome = submit(provider, batch())
    assert not isinstance(outcome, Accepted)
    assert "<recipient>" in outcome.reason and "@" not in outcome.reason
