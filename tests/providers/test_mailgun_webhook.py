"""The events that Mailgun posts: who signed them, and the events about our mail in them."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from newsletter.providers.mailgun.webhook import MailgunWebhook
from newsletter.providers.webhook_events import WebhookRefused
from newsletter.subscribers.delivery_event import DeliveryEvent
from tests.fakes.event_tags import LIST, tag
from tests.fakes.mailgun_webhook import KEY, body, event, failed, signature

NOW = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)
JSON = {"content-type": "application/json"}


def webhook(**options: Any) -> MailgunWebhook:
    return MailgunWebhook(SecretStr(KEY), **options)


def kind(data: object) -> str:
    """Return the kind of an event, or the cause for which it is skipped."""
    parsed = webhook().parse(body(data, signature(NOW)), LIST)
    return parsed.events[0].kind if parsed.events else next(iter(parsed.skipped))


def test_a_signed_event_is_accepted() -> None:
    webhook().verify(JSON, body(event("delivered", NOW), signature(NOW)), NOW)


@pytest.mark.parametrize(
    "signed",
    [
        signature(NOW, key="another"),
        {**signature(NOW), "timestamp": f"{NOW.timestamp() + 1:.0f}"},
        {**signature(NOW), "token": "0" * 50},
        {**signature(NOW), "signature": "0" * 64},
        {**signature(NOW), "signature": "é" * 64},
        {**signature(NOW), "signature": 5},
        {**signature(NOW), "timestamp": "-5"},
        {**signature(NOW), "timestamp": "１６"},  # noqa: RUF001
        {**signature(NOW), "timestamp": "9" * 5000},
        {**signature(NOW), "token": ""},
        {**signature(NOW), "token": "é"},
        {**signature(NOW), "token": "x" * 5000},
        {},
        None,
        "text",
    ],
)
def test_a_forged_event_is_refused(signed: object) -> None:
    with pytest.raises(WebhookRefused):
        webhook().verify(JSON, body(event("delivered", NOW), signed), NOW)


@pytest.mark.parametrize(
    "posted", [b"", b"[]", b"null", b"\xff", b"[" * 100_000, b'{"signature": ' + b"9" * 5000]
)
def test_a_body_that_is_no_event_is_refused(posted: bytes) -> None:
    with pytest.raises(WebhookRefused, match="no signature"):
        webhook().verify(JSON, posted, NOW)
    assert webhook().parse(posted, LIST).skipped == {"malformed": 1}


@pytest.mark.parametrize(
    ("signed_at", "is_fresh"),
    [
        (NOW - timedelta(hours=9), True),
        (NOW - timedelta(hours=9, seconds=1), False),
        (NOW + timedelta(minutes=5), True),
        (NOW + timedelta(minutes=5, seconds=1), False),
    ],
)
def test_an_event_is_fresh_for_as_long_as_mailgun_tries_again(signed_at: datetime, is_fresh: bool) -> None:
    posted = body(event("delivered", NOW), signature(signed_at))
    if is_fresh:
        webhook().verify(JSON, posted, NOW)
    else:
        with pytest.raises(WebhookRefused, match="too old, or from the future"):
            webhook().verify(JSON, posted, NOW)


def test_a_signature_is_worth_one_event() -> None:
    """Mailgun's signature does not cover the event, so it would fit every other one."""
    opened, signed = webhook(), signature(NOW)
    posted = body(event("delivered", NOW), signed)
    opened.verify(JSON, posted, NOW)
    opened.verify(JSON, posted, NOW + timedelta(hours=8))  # Mailgun tries again
    for other in (body(event("complained", NOW), signed), posted + b" "):
        with pytest.raises(WebhookRefused, match="another event"):
            opened.verify(JSON, other, NOW)
    opened.verify(JSON, posted, NOW)


def test_tokens_are_remembered_no_longer_than_they_are_accepted() -> None:
    opened = webhook()
    for hours in range(30):
        at = NOW + timedelta(hours=hours)
        opened.verify(JSON, body(event("delivered", at), signature(at)), at)
    assert len(opened._tokens) == 10


def test_the_memory_of_tokens_has_a_bound() -> None:
    opened, last = webhook(max_tokens=3), signature(NOW)
    for signed in [*(signature(NOW) for _ in range(10)), last]:
        opened.verify(JSON, body(event("delivered", NOW), signed), NOW)
    assert len(opened._tokens) == 3
    with pytest.raises(WebhookRefused, match="another event"):
        opened.verify(JSON, body(event("complained", NOW), last), NOW)


def test_what_mailgun_could_not_post_while_the_server_was_away_is_taken() -> None:
    """So a token from before the start fits one event, whichever comes first."""
    posted = body(event("complained", NOW), signature(NOW))
    webhook().verify(JSON, posted, NOW + timedelta(hours=8))


def test_another_format_is_refused_before_its_body_is_read() -> None:
    webhook().refuse_early({"content-type": "application/json; charset=utf-8"}, NOW)
    for headers in ({}, {"content-type": "application/x-www-form-urlencoded"}):
        with pytest.raises(WebhookRefused, match="not in JSON"):
            webhook().refuse_early(headers, NOW)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (event("delivered", NOW), "delivered"),
        (event("complained", NOW), "complained"),
        (event("unsubscribed", NOW), "unsubscribed"),
        (failed(NOW, "permanent", code="5.1.1"), "bounced"),
        (failed(NOW, "permanent", code="5.2.2"), "soft"),
        (failed(NOW, "permanent", code="5.7.1"), "soft"),
        (failed(NOW, "permanent"), "soft"),
        (failed(NOW, "permanent", "old"), "soft"),
        (failed(NOW, "permanent", "suppress-bounce"), "bounced"),
        (failed(NOW, "permanent", "suppress-complaint"), "complained"),
        (failed(NOW, "permanent", "suppress-unsubscribe"), "unsubscribed"),
        (failed(NOW, "temporary", code="5.1.1"), "ignored"),
        (failed(NOW, "invented"), "unknown"),
        (event("rejected", NOW), "ignored"),
        (event("accepted", NOW), "ignored"),
        (event("opened", NOW), "ignored"),
        (event("clicked", NOW), "ignored"),
        (event("invented", NOW), "unknown"),
        (event("delivered", NOW, ""), "foreign"),
        (event("delivered", NOW, 5), "foreign"),
        (event("delivered", NOW, tag(list_id="bread.example.com")), "foreign"),
        (event("delivered", NOW, tag(2**31)), "foreign"),
        ({**event("delivered", NOW), "user-variables": []}, "foreign"),
        ({**event("delivered", NOW), "timestamp": "1"}, "malformed"),
        ({**event("delivered", NOW), "timestamp": True}, "malformed"),
        ({**event("delivered", NOW), "timestamp": 10**17}, "malformed"),
        ({**event("delivered", NOW), "event": None}, "malformed"),
        (None, "malformed"),
        ([], "malformed"),
    ],
)
def test_each_event_of_mailgun_has_a_kind(data: object, expected: str) -> None:
    assert kind(data) == expected


def test_an_event_has_the_person_of_the_tag_and_never_the_address() -> None:
    data = failed(NOW, "permanent", code="5.1.1", **{"user-variables": {"news": tag(12)}})
    (parsed,) = webhook().parse(body(data, signature(NOW)), "SOUP.example.com").events
    assert parsed == DeliveryEvent(
        source="mailgun",
        message="20260504090000.1.AB@example.com",
        kind="bounced",
        at=NOW,
        subscriber_id=12,
        issue="2026-04-27",
        status="5.1.1",
    )
    assert parsed.message.count("@") == 1 and "somebody-else" not in repr(parsed)


def test_mail_about_a_sign_up_is_known_by_its_tag() -> None:
    data = event("complained", NOW, tag(7, issue="0", letter="u"))
    (parsed,) = webhook().parse(body(data, signature(NOW)), LIST).events
    assert (parsed.subscriber_id, parsed.sign_up_id, parsed.issue) == (None, 7, "")


@pytest.mark.parametrize("code", ["5.1.1 <a@example.com>", 5, None, "\ud800"])
def test_no_other_text_becomes_a_status(code: object) -> None:
    data = event("delivered", NOW, **{"delivery-status": {"enhanced-code": code}})
    data["message"] = {"headers": {"message-id": "\ud800\0" * 1000}}
    (parsed,) = webhook().parse(body(data, signature(NOW)), LIST).events
    assert parsed.status is None and len(parsed.digest()) == 16 and len(parsed.message) == 300


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.sampled_from([*event("open", NOW), "headers", "news"]), inner)
    ),
)


@given(st.dictionaries(st.sampled_from([*event("open", NOW), "reason", "severity", "delivery-status"]), ANY))
def test_no_event_of_mailgun_raises(data: dict[str, Any]) -> None:
    whole = {"event": "delivered", "user-variables": {"news": tag()}, **data}
    parsed = webhook().parse(json.dumps({"event-data": whole}).encode(), LIST)
    assert len(parsed.events) + parsed.skipped.total() == 1


@given(st.binary())
def test_no_body_of_mailgun_raises(posted: bytes) -> None:
    webhook().parse(posted, LIST)
