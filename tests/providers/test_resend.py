"""Test the provider Resend: what arrives, repeated calls, and the outcome of every fault."""

import json
from collections.abc import Callable, Iterator
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
from newsletter.providers.resend.payload import BodyTemplate
from newsletter.providers.resend.provider import ResendProvider
from newsletter.sending.outcomes import Accepted, NotSent, Outcome, Refused, Unknown
from newsletter.subscribers.model import Subscriber
from tests import samples
from tests.fakes import web
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
    fake.hour = 25  # forgotten: this is why a call is repeated for 23 hours only
    assert isinstance(submit(provider, batch()), Accepted) and len(fake.deliveries) == 4
    assert provider.capabilities.repeatable == timedelta(hours=23)


FAULTS: dict[str, tuple[web.Fault, Callable[[Outcome], bool], bool]] = {
    "an answer that is lost": (Fault.reply_lost(), lambda o: isinstance(o, Unknown), True),
    "reset": (Fault.reset(), lambda o: isinstance(o, Unknown), False),
    "html": (Fault.html(502), lambda o: isinstance(o, Unknown), False),
    "500": (Fault.error(500, "application_error"), lambda o: isinstance(o, Unknown), False),
    "408": (Fault.error(408, "timeout"), lambda o: isinstance(o, Unknown), False),
    "409 in work": (
        Fault.error(409, "concurrent_idempotent_requests"),
        lambda o: isinstance(o, Unknown),
        False,
    ),
    "redirect": (Fault.redirect("http://127.0.0.1:1/"), lambda o: isinstance(o, Unknown), False),
    "401": (Fault.error(401, "missing_api_key"), lambda o: isinstance(o, NotSent) and o.stop, False),
    "403 domain": (
        Fault.error(403, "validation_error", "The example.com domain is not verified"),
        lambda o: isinstance(o, NotSent) and o.stop and "not verified" in o.reason,
        False,
    ),
    "400 key": (
        Fault.error(400, "validation_error", "API key is invalid"),
        lambda o: isinstance(o, NotSent) and o.stop,
        False,
    ),
    "400 mail": (Fault.error(400, "validation_error"), lambda o: isinstance(o, Refused), False),
    "422 sender": (
        Fault.error(422, "invalid_from_address"),
        lambda o: isinstance(o, NotSent) and o.stop,
        False,
    ),
    "422 mail": (
        Fault.error(422, "validation_error"),
        lambda o: o == Refused("422 validation_error: on order"),
        False,
    ),
    "413": (Fault.error(413, "too_large"), lambda o: isinstance(o, Refused), False),
    "429 rate": (
        Fault.error(429, "rate_limit_exceeded", **{"Retry-After": "7"}),
        lambda o: isinstance(o, NotSent) and not o.stop and o.wait == 7,
        False,
    ),
    "429 rate without a time": (
        Fault.error(429, "rate_limit_exceeded"),
        lambda o: isinstance(o, NotSent) and not o.stop and o.wait == 1,
        False,
    ),
    "429 day": (Fault.error(429, "daily_quota_exceeded"), lambda o: isinstance(o, NotSent) and o.stop, False),
    "429 month": (
        Fault.error(429, "monthly_quota_exceeded"),
        lambda o: isinstance(o, NotSent) and o.stop,
        False,
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_the_outcome_of_a_fault(name: str, provider: ResendProvider, fake: ResendFake) -> None:
    fault, is_right, arrives = FAULTS[name]
    fake.next(fault)
    outcome = submit(provider, batch())
    assert is_right(outcome), outcome
    assert len(fake.deliveries) == (2 if arrives else 0) and len(fake.requests) == 1


@pytest.mark.parametrize(
    "content", [b"", b"{}", b'{"data": [{"id": "a"}]}', b'{"data": [{"id": "a"}, 5]}', b"[" * 9000]
)
def test_an_acceptance_that_does_not_name_each_mail_is_unknown(
    content: bytes, provider: ResendProvider, fake: ResendFake
) -> None:
    fake.next(Fault(Reply(200, content)))
    assert isinstance(submit(provider, batch()), Unknown)


def test_one_bad_address_refuses_the_batch_without_an_index(
    provider: ResendProvider, fake: ResendFake
) -> None:
    outcome = submit(provider, batch(PEOPLE[0], Subscriber(2, "no-address", "")))
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
