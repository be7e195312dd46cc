"""The events that Postmark posts: the password that proves them, and the events about our mail in them."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from newsletter.providers.postmark.webhook import PostmarkWebhook
from newsletter.providers.webhook_events import WebhookRefused
from newsletter.subscribers.delivery_event import DeliveryEvent
from tests.fakes.event_tags import LIST, tag
from tests.fakes.postmark_webhook import PASSWORD, authorization, body, bounce, change, event

NOW = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)


def webhook(password: str = PASSWORD) -> PostmarkWebhook:
    return PostmarkWebhook(SecretStr(password))


def kind(data: object) -> str:
    """Return the kind of an event, or the cause for which it is skipped."""
    parsed = webhook().parse(body(data), LIST)
    return parsed.events[0].kind if parsed.events else next(iter(parsed.skipped))


@pytest.mark.parametrize("scheme", ["Basic", "basic", "BASIC"])
def test_the_right_password_is_accepted(scheme: str) -> None:
    headers = {"authorization": authorization(scheme=scheme)}
    webhook().refuse_early(headers, NOW)
    webhook().verify(headers, body(event("Delivery", NOW)), NOW)


def test_a_password_may_have_any_letter() -> None:
    webhook("ünicode: and a colon").refuse_early(
        {"authorization": authorization("ünicode: and a colon")}, NOW
    )


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Basic",
        "Basic !!!!",
        "Basic é",
        "Basic bmV3cw==",
        f"Basic {'A' * 100_000}",
        authorization(scheme="Bearer"),
        authorization("another one, also long"),
        authorization(PASSWORD[:-1]),
        authorization(f"{PASSWORD}x"),
        authorization(""),
        authorization(name="News"),
        authorization(name=""),
    ],
)
def test_another_password_is_refused_before_and_after_the_body(header: str) -> None:
    headers = {"authorization": header} if header else {}
    with pytest.raises(WebhookRefused, match="POSTMARK_WEBHOOK_PASSWORD"):
        webhook().refuse_early(headers, NOW)
    with pytest.raises(WebhookRefused, match="POSTMARK_WEBHOOK_PASSWORD") as refused:
        webhook().verify(headers, body(event("Delivery", NOW)), NOW)
    assert PASSWORD not in str(refused.value)


def test_a_short_password_proves_nothing() -> None:
    webhook("x" * 16).refuse_early({"authorization": authorization("x" * 16)}, NOW)
    with pytest.raises(WebhookRefused, match="too short"):
        webhook("x" * 15).refuse_early({"authorization": authorization("x" * 15)}, NOW)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (event("Delivery", NOW), "delivered"),
        (event("SpamComplaint", NOW), "complained"),
        (bounce("HardBounce", NOW), "bounced"),
        (bounce("BadEmailAddress", NOW), "bounced"),
        (bounce("SoftBounce", NOW), "soft"),
        (bounce("DnsError", NOW), "soft"),
        (bounce("Blocked", NOW), "soft"),
        (bounce("SpamNotification", NOW), "ignored"),
        (bounce("Unknown", NOW), "soft"),
        (bounce("SpamComplaint", NOW), "complained"),
        (bounce("Unsubscribe", NOW), "unsubscribed"),
        (bounce("Transient", NOW), "ignored"),
        (bounce("AutoResponder", NOW), "ignored"),
        (bounce("ManuallyDeactivated", NOW), "ignored"),
        (bounce("DMARCPolicy", NOW), "ignored"),
        (bounce("SMTPApiError", NOW), "ignored"),
        (bounce("Invented", NOW), "unknown"),
        (event("Bounce", NOW, Type=None), "unknown"),
        (change(NOW, "HardBounce"), "bounced"),
        (change(NOW, "SpamComplaint"), "complained"),
        (change(NOW, "ManualSuppression"), "unsubscribed"),
        (change(NOW, "ManualSuppression", "Customer"), "ignored"),
        (change(NOW, "ManualSuppression", "Admin"), "ignored"),
        (change(NOW, "Invented"), "unknown"),
        (change(NOW, None), "ignored"),
        (change(NOW, "ManualSuppression", SuppressSending=False), "ignored"),
        (change(NOW, "ManualSuppression", SuppressSending="true"), "ignored"),
        (event("Open", NOW), "ignored"),
        (event("Click", NOW), "ignored"),
        (event("Invented", NOW), "unknown"),
        (event("Delivery", NOW, ""), "foreign"),
        (event("Delivery", NOW, 5), "foreign"),
        (event("Delivery", NOW, tag(list_id="bread.example.com")), "foreign"),
        (event("Delivery", NOW, tag(2**31)), "foreign"),
        ({**event("Delivery", NOW), "Metadata": None}, "foreign"),
        ({**event("Delivery", NOW), "DeliveredAt": "yesterday"}, "malformed"),
        ({**event("Delivery", NOW), "DeliveredAt": 1}, "malformed"),
        ({**event("Delivery", NOW), "DeliveredAt": "2026-05-04T09:00:00"}, "malformed"),
        ({**event("Delivery", NOW), "RecordType": None}, "malformed"),
        ({**event("Delivery", NOW), "RecordType": ["Delivery"]}, "malformed"),
        (None, "malformed"),
        ([event("Delivery", NOW)], "malformed"),
    ],
)
def test_each_event_of_postmark_has_a_kind(data: object, expected: str) -> None:
    assert kind(data) == expected


def test_an_event_of_postmark_has_the_person_of_the_tag_and_never_the_address() -> None:
    details = "smtp;550 5.1.1 <somebody-else@example.com>: unknown at 192.5.1.1"
    data = bounce("HardBounce", NOW, Metadata={"news": tag(12)})
    data |= {"Details": details, "BouncedAt": "2026-05-04T05:00:00.1234567-04:00"}
    (parsed,) = webhook().parse(body(data), "SOUP.example.com").events
    assert parsed == DeliveryEvent(
        source="postmark",
        message="883953f4-6105-42a2-a16a-77a8eac79483",
        kind="bounced",
        at=NOW.replace(microsecond=123456),
        subscriber_id=12,
        issue="2026-04-27",
        status="5.1.1",
    )
    assert "@" not in repr(parsed)


def test_mail_about_a_sign_up_is_known_by_the_tag_in_metadata() -> None:
    data = event("SpamComplaint", NOW, tag(7, issue="0", letter="u"))
    (parsed,) = webhook().parse(body(data), LIST).events
    assert (parsed.subscriber_id, parsed.sign_up_id, parsed.issue) == (None, 7, "")


@pytest.mark.parametrize("details", ["at 10.5.1.1 port 25", "55.1.1", "5.1.1.2", "", None, 5, ["5.1.1"]])
def test_no_other_number_becomes_a_status(details: object) -> None:
    data = bounce("HardBounce", NOW) | {"Details": details, "MessageID": "\ud800\0" * 1000}
    (parsed,) = webhook().parse(body(data), LIST).events
    assert parsed.status is None and len(parsed.digest()) == 16 and len(parsed.message) == 300


def test_a_repeated_event_is_the_same() -> None:
    first, second = (webhook().parse(body(event("Delivery", NOW)), LIST).events[0] for _ in range(2))
    assert first.digest() == second.digest()


@pytest.mark.parametrize("posted", [b"", b"[]", b"null", b"\xff", b"[" * 100_000, b'{"ID": ' + b"9" * 5000])
def test_a_body_of_postmark_that_is_no_event_is_skipped(posted: bytes) -> None:
    assert webhook().parse(posted, LIST).skipped == {"malformed": 1}


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["news", "Type"]), inner),
    max_leaves=4,
)
FIELDS = [*change(NOW, None), *bounce("HardBounce", NOW), "DeliveredAt"]


@given(st.dictionaries(st.sampled_from(FIELDS), ANY, max_size=5), st.sampled_from(["Delivery", "Bounce"]))
def test_no_event_of_postmark_raises(data: dict[str, Any], record: str) -> None:
    whole = {"RecordType": record, "Metadata": {"news": tag()}, **data}
    parsed = webhook().parse(json.dumps(whole).encode(), LIST)
    assert len(parsed.events) + parsed.skipped.total() == 1


@given(st.text())
def test_no_header_raises_another_error(header: str) -> None:
    with pytest.raises(WebhookRefused):
        webhook().refuse_early({"authorization": header}, NOW)
