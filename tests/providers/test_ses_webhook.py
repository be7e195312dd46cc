"""The events of SES through SNS: who signed them, what is asked of SNS, and the events about our mail."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.errors import Unavailable
from newsletter.mail.event_tag import event_tags
from newsletter.providers.ses.sns import TOPIC_HEADER, fetch
from newsletter.providers.ses.webhook import SesWebhook
from newsletter.providers.webhook_events import WebhookRefused
from newsletter.subscribers.delivery_event import DeliveryEvent
from newsletter.subscribers.model import Subscriber
from tests import samples
from tests.fakes.sns import CERTIFICATE_URL, HOST, TOPIC, SnsFake, body, bounce, event

NOW = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)
LIST, HEADERS = "soup.example.com", {TOPIC_HEADER: TOPIC}
SNS, OTHER = SnsFake(), SnsFake()
(TAG,) = event_tags(
    samples.plain_mailing(),
    samples.batch(samples.plain_mailing(), Subscriber(12, "a@example.com")).recipients,
)


def open_webhook(sns: SnsFake = SNS) -> SesWebhook:
    return SesWebhook(TOPIC, sns.fetch)


def verify(message: dict[str, Any], sns: SnsFake = SNS) -> None:
    open_webhook(sns).verify(HEADERS, body(message), NOW)


def parse(content: object) -> Any:
    return open_webhook().parse(body(SNS.notification(content, NOW)), LIST)


DELIVERY = event("Delivery", NOW, TAG)


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("subject", [{}, {"Subject": "Amazon SES Email Event Notification"}])
def test_a_signed_message_is_accepted(version: str, subject: dict[str, str]) -> None:
    verify(SNS.notification(DELIVERY, NOW, SignatureVersion=version, **subject))


@pytest.mark.parametrize(
    "changed",
    [
        {"Message": "another"},
        {"MessageId": "another"},
        {"Subject": "added"},
        {"Timestamp": "2026-05-04T08:59:59.000Z"},
        {"Signature": ""},
        {"Signature": "not base64 é"},
        {"Signature": None},
        {"SignatureVersion": "2"},
        {"SignatureVersion": "3"},
        {"SignatureVersion": None},
        {"Type": "UnsubscribeConfirmation"},
        {"Type": "Invented"},
        {"Type": None},
    ],
)
def test_a_change_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(WebhookRefused):
        verify({**SNS.notification(DELIVERY, NOW), **changed})


def test_the_signature_of_another_key_is_refused() -> None:
    with pytest.raises(WebhookRefused, match="not that of SNS"):
        verify(OTHER.notification(DELIVERY, NOW))


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/SimpleNotificationService-01.pem",
        f"http://{HOST}/SimpleNotificationService-01.pem",
        f"https://{HOST}.evil.example/SimpleNotificationService-01.pem",
        f"https://{HOST}:8443/SimpleNotificationService-01.pem",
        f"https://evil@{HOST}/SimpleNotificationService-01.pem",
        "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-01.pem",
        "https://bucket.s3.amazonaws.com/SimpleNotificationService-01.pem",
        f"https://{HOST}/other.pem",
        f"https://{HOST}/SimpleNotificationService-01.pem?x=1",
        f"https://{HOST}/SimpleNotificationService-01.pem#x",
        f"https://{HOST}/SimpleNotificationService-01.pem\n",
        f"https://{HOST}/a/../SimpleNotificationService-01.pem",
        "",
    ],
)
def test_a_certificate_comes_from_sns_alone(url: str) -> None:
    """Else somebody who signs with a key of their own would name its certificate."""
    sns = SnsFake(key=SNS.key)
    with pytest.raises(WebhookRefused, match="SigningCertURL"):
        verify(sns.notification(DELIVERY, NOW, SigningCertURL=url), sns)
    assert sns.asked == []


def test_a_certificate_is_fetched_once() -> None:
    sns = SnsFake(key=SNS.key)
    webhook = open_webhook(sns)
    for _ in range(3):
        webhook.verify(HEADERS, body(sns.notification(DELIVERY, NOW)), NOW)
    assert sns.asked == [CERTIFICATE_URL]


def test_a_certificate_that_cannot_be_had_is_asked_for_again_later() -> None:
    """SNS posts again after 503, and not after 403."""
    sns = SnsFake(key=SNS.key, is_down=True)
    webhook = open_webhook(sns)
    with pytest.raises(Unavailable):
        webhook.verify(HEADERS, body(sns.notification(DELIVERY, NOW)), NOW)
    sns.is_down = False
    webhook.verify(HEADERS, body(sns.notification(DELIVERY, NOW)), NOW)
    sns.pem = b"no certificate"
    with pytest.raises(Unavailable, match="cannot be read"):
        open_webhook(sns).verify(HEADERS, body(sns.notification(DELIVERY, NOW)), NOW)


def test_the_network_code_reaches_public_addresses_only() -> None:
    with pytest.raises(Unavailable, match=r"127.0.0.1 cannot be asked: .*not public"):
        fetch("https://127.0.0.1:1/SimpleNotificationService-01.pem")


@pytest.mark.parametrize(
    ("age", "is_fresh"),
    [
        (timedelta(minutes=70), True),
        (timedelta(minutes=70, seconds=1), False),
        (timedelta(minutes=-5), True),
        (timedelta(minutes=-5, seconds=-1), False),
    ],
)
def test_a_message_is_fresh_for_as_long_as_sns_tries_again(age: timedelta, is_fresh: bool) -> None:
    message = SNS.notification(DELIVERY, NOW - age)
    if is_fresh:
        verify(message)
    else:
        with pytest.raises(WebhookRefused, match="from the future"):
            verify(message)


@pytest.mark.parametrize("topic", ["", TOPIC + "2", TOPIC.upper(), "\ud800"])
def test_another_topic_is_refused(topic: str) -> None:
    """Everybody can have a topic of SNS, and SNS signs for all of them."""
    webhook = open_webhook()
    with pytest.raises(WebhookRefused, match="does not name"):
        webhook.refuse_early({TOPIC_HEADER: topic}, NOW)
    with pytest.raises(WebhookRefused, match="does not name"):
        verify(SNS.notification(DELIVERY, NOW, TopicArn=topic.replace("\ud800", "?")))
    with pytest.raises(WebhookRefused, match="does not name"):
        webhook.verify({}, body(SNS.notification(DELIVERY, NOW)), NOW)
    webhook.refuse_early(HEADERS, NOW)


@pytest.mark.parametrize(
    "posted", [b"", b"[]", b"null", b"\xff", b"{", b"[" * 100_000, b'{"a": 1}', b"9" * 5000]
)
def test_a_body_that_is_no_message_is_refused_and_harms_nothing(posted: bytes) -> None:
    with pytest.raises(WebhookRefused):
        open_webhook().verify(HEADERS, posted, NOW)
    assert not open_webhook().parse(posted, LIST).events


# Subscriptions


def test_a_subscription_is_confirmed_once_it_is_verified() -> None:
    sns = SnsFake()
    verify(sns.confirmation(NOW), sns)
    first, second = sns.asked
    assert first == CERTIFICATE_URL
    assert second == f"https://{HOST}/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=2336412f37"
    parsed = open_webhook().parse(body(sns.confirmation(NOW)), LIST)
    assert not parsed.events and parsed.skipped == {"ignored": 1}


@pytest.mark.parametrize(
    "url",
    [
        f"https://evil.example/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=1",
        f"http://{HOST}/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=1",
        f"https://{HOST}/?Action=ConfirmSubscription&TopicArn={TOPIC}2&Token=1",
        f"https://{HOST}/?Action=DeleteTopic&TopicArn={TOPIC}",
        f"https://{HOST}/?Action=ConfirmSubscription&Action=x&TopicArn={TOPIC}",
        f"https://{HOST}/x?Action=ConfirmSubscription&TopicArn={TOPIC}",
        "",
    ],
)
def test_no_other_address_is_asked(url: str) -> None:
    sns = SnsFake()
    with pytest.raises(WebhookRefused, match="SubscribeURL"):
        verify(sns.confirmation(NOW, SubscribeURL=url), sns)
    assert sns.asked == [CERTIFICATE_URL]


def test_a_forged_subscription_is_not_confirmed() -> None:
    sns = SnsFake()
    with pytest.raises(WebhookRefused):
        verify({**sns.confirmation(NOW), "Token": "another"}, sns)
    with pytest.raises(WebhookRefused):
        verify(sns.confirmation(NOW - timedelta(hours=2)), sns)
    assert sns.asked == [CERTIFICATE_URL]


# Events


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (DELIVERY, "delivered"),
        (bounce(NOW, TAG, "Permanent"), "bounced"),
        (bounce(NOW, TAG, "Permanent", "NoEmail", "5.1.1"), "bounced"),
        (bounce(NOW, TAG, "Permanent", "Suppressed"), "bounced"),
        (bounce(NOW, TAG, "Permanent", "OnAccountSuppressionList"), "bounced"),
        (bounce(NOW, TAG, "Permanent", "General", "5.7.26"), "soft"),
        (bounce(NOW, TAG, "Permanent", "General", "5.1.8"), "soft"),
        (bounce(NOW, TAG, "Permanent", "General", "5.1.07"), "soft"),
        (bounce(NOW, TAG, "Permanent", "General", "5.1.70"), "bounced"),
        (bounce(NOW, TAG, "Permanent", "General", "5.2.2"), "bounced"),
        (bounce(NOW, TAG, "Transient"), "soft"),
        (bounce(NOW, TAG, "Transient", "MailboxFull", "5.2.2"), "soft"),
        (bounce(NOW, TAG, "Undetermined", "Undetermined"), "soft"),
        (event("Complaint", NOW, TAG), "complained"),
        (event("Complaint", NOW, TAG, complaintFeedbackType="abuse"), "complained"),
        (event("Complaint", NOW, TAG, complaintSubType="OnAccountSuppressionList"), "complained"),
    ],
)
def test_each_event_has_a_kind(content: dict[str, Any], kind: str) -> None:
    (parsed,) = parse(content).events
    assert parsed.kind == kind
    as_feedback = {**content, "notificationType": content["eventType"]}
    del as_feedback["eventType"]
    assert parse(as_feedback).events == (parsed,)


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (event("Send", NOW, TAG), "ignored"),
        (event("Open", NOW, TAG), "ignored"),
        (event("Click", NOW, TAG), "ignored"),
        (event("DeliveryDelay", NOW, TAG, delayType="MailboxFull"), "ignored"),
        (event("Reject", NOW, TAG, reason="Bad content"), "ignored"),
        (event("Rendering Failure", NOW, TAG), "ignored"),
        (event("Complaint", NOW, TAG, complaintFeedbackType="not-spam"), "ignored"),
        (bounce(NOW, TAG, "Transient", "MessageTooLarge"), "ignored"),
        (bounce(NOW, TAG, "Transient", "ContentRejected"), "ignored"),
        (bounce(NOW, TAG, "Transient", "AttachmentRejected"), "ignored"),
        (event("Invented", NOW, TAG), "unknown"),
        (event("Delivery", NOW), "foreign"),
        (event("Delivery", NOW, TAG.replace("_s12", "_s0")), "foreign"),
        (event("Delivery", NOW, "0123456789ab_2026-04-27_s12"), "foreign"),
        ({**DELIVERY, "mail": None}, "foreign"),
        ({**DELIVERY, "delivery": {"timestamp": "yesterday"}}, "malformed"),
        ({**DELIVERY, "delivery": []}, "malformed"),
        ({**DELIVERY, "eventType": 5}, "malformed"),
        ("Successfully validated SNS topic for Amazon SES event publishing.", "malformed"),
        ([], "malformed"),
    ],
)
def test_other_events_are_skipped_and_counted(content: object, cause: str) -> None:
    parsed = parse(content)
    assert not parsed.events and parsed.skipped == {cause: 1}


def test_an_event_has_the_person_of_our_tag_and_never_the_address() -> None:
    (parsed,) = parse(bounce(NOW, TAG, "Permanent", "NoEmail", "5.1.1")).events
    assert parsed == DeliveryEvent(
        source="ses",
        message="EXAMPLE7c191be45-e9aedb9a-02f9-4d12-a87d-dd0099a07f8a-000000",
        kind="bounced",
        at=NOW,
        subscriber_id=12,
        issue="2026-04-27",
        status="5.1.1",
    )
    assert "@" not in repr(parsed)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
PARTS = st.sampled_from(
    ["eventType", "mail", "bounce", "bouncedRecipients", "tags", "timestamp", "Message", "Type"]
)


@given(st.dictionaries(PARTS, JSON), st.dictionaries(PARTS, JSON))
def test_no_event_raises(changed: dict[str, Any], details: dict[str, Any]) -> None:
    posted = bounce(NOW, TAG, "Permanent")
    posted["bounce"] = {**posted["bounce"], **details}
    message = {"Type": "Notification", "Message": json.dumps({**posted, **changed})}
    parsed = open_webhook().parse(json.dumps(message).encode(), LIST)
    assert len(parsed.events) + parsed.skipped.total() == 1


@given(st.binary())
def test_no_body_raises(posted: bytes) -> None:
    open_webhook().parse(posted, LIST)
