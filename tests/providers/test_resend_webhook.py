"""Test the webhook of Resend: its signature, and the events."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr

from newsletter.mail.event_tag import event_tags
from newsletter.providers.resend.webhook import ResendWebhook
from newsletter.providers.webhook_events import WebhookRefused
from newsletter.subscribers.delivery_event import DeliveryEvent
from newsletter.subscribers.model import Subscriber
from tests import samples
from tests.fakes import resend_webhook
from tests.fakes.resend import event
from tests.fakes.resend_webhook import SECRET

MAILING = samples.plain_mailing()
LIST = MAILING.list_id[1]
BATCH = samples.batch(MAILING, Subscriber(12, "ada@example.com"))
(TAG,) = event_tags(MAILING, BATCH.recipients)
BODY = event("email.delivered", TAG)
NOW = samples.NOW


def signed(
    body: bytes = BODY, at: datetime = NOW, secret: str = SECRET, message: str = "msg_1"
) -> dict[str, str]:
    return resend_webhook.signed(body, at, secret, message)


def verify(headers: dict[str, str], body: bytes = BODY, secret: str = SECRET) -> None:
    webhook = ResendWebhook(SecretStr(secret))
    webhook.refuse_early(headers, NOW)
    webhook.verify(headers, body, NOW)


def test_the_example_of_svix_is_valid() -> None:
    """https://docs.svix.com/receiving/verifying-payloads/how-manual"""
    headers = {
        "svix-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "svix-timestamp": "1614265330",
        "svix-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    webhook = ResendWebhook(SecretStr("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"))
    webhook.verify(headers, b'{"test": 2432232314}', datetime.fromtimestamp(1614265330, UTC))


def test_one_of_several_signatures_is_enough() -> None:
    headers = signed()
    verify(headers | {"svix-signature": f"v2,abc v1,AAAA v1,?? {headers['svix-signature']}"})


@pytest.mark.parametrize(
    "headers",
    [
        {},
        signed() | {"svix-signature": ""},
        signed() | {"svix-signature": "v1,"},
        signed() | {"svix-signature": signed()["svix-signature"].replace("v1", "v2")},
        signed() | {"svix-id": "msg_2"},
        signed() | {"svix-id": "é"},
        signed(b"other"),
        signed(secret="whsec_" + base64.b64encode(b"another secret").decode()),
        signed(at=NOW + timedelta(minutes=6)),
        signed(at=NOW - timedelta(minutes=6)),
        signed() | {"svix-timestamp": "٣"},
        signed() | {"svix-timestamp": "-1"},
        signed() | {"svix-timestamp": "9" * 30},
    ],
)
def test_what_resend_did_not_sign_now_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(WebhookRefused):
        verify(headers)


@pytest.mark.parametrize("headers", [{}, signed(at=NOW - timedelta(minutes=6))])
def test_the_time_is_looked_at_again_after_the_body_was_read(headers: dict[str, str]) -> None:
    with pytest.raises(WebhookRefused):
        ResendWebhook(SecretStr(SECRET)).verify(headers, BODY, NOW)


@pytest.mark.parametrize("secret", ["whsec_", "whsec_?", "é", ""])
def test_a_secret_that_is_none_verifies_nothing(secret: str) -> None:
    with pytest.raises(WebhookRefused, match="RESEND_WEBHOOK_SECRET"):
        verify(signed(), secret=secret)


KINDS = [
    ("email.delivered", {}, "delivered"),
    ("email.complained", {}, "complained"),
    ("email.bounced", {"bounce": {"type": "Permanent", "subType": "General"}}, "bounced"),
    ("email.bounced", {"bounce": {"type": "Transient", "subType": "MailboxFull"}}, "soft"),
    ("email.bounced", {"bounce": {"type": "Undetermined"}}, "soft"),
    ("email.bounced", {"bounce": "?"}, "soft"),
    ("email.bounced", {"bounce": {"type": "Transient", "subType": "ContentRejected"}}, "ignored"),
    ("email.bounced", {"bounce": {"type": "Transient", "subType": "MessageTooLarge"}}, "ignored"),
    ("email.bounced", {"bounce": {"type": "Permanent", "subType": "AttachmentRejected"}}, "ignored"),
    ("email.bounced", {"bounce": {"type": "Permanent", "subType": ["General"]}}, "bounced"),
    ("email.suppressed", {}, "bounced"),
    ("email.suppressed", {"suppressed": {"reason": "previous_bounce"}}, "bounced"),
    ("email.suppressed", {"suppressed": {"reason": "previous_complaint"}}, "complained"),
    ("email.suppressed", {"suppressed": "previous_complaint"}, "bounced"),
    ("email.delivery_delayed", {}, "ignored"),
    ("email.failed", {"failed": {"reason": "reached_daily_quota"}}, "ignored"),
    ("email.opened", {}, "ignored"),
    ("email.sent", {}, "ignored"),
    ("email.invented", {}, "unknown"),
]


@pytest.mark.parametrize(("name", "data", "kind"), KINDS)
def test_the_kind_of_an_event(name: str, data: dict[str, object], kind: str) -> None:
    parsed = ResendWebhook(SecretStr(SECRET)).parse(event(name, TAG, **data), LIST)
    if parsed.events:
        (found,) = parsed.events
        assert found == DeliveryEvent(
            "resend",
            "56761188-7520",
            kind,  # type: ignore[arg-type]
            datetime(2026, 5, 4, 9, 0, 0, 126000, UTC),
            subscriber_id=12,
            issue=MAILING.issue,
        )
    else:
        assert dict(parsed.skipped) == {kind: 1}


@pytest.mark.parametrize(
    ("answers", "status", "kind"),
    [
        (["smtp; 550 5.1.1 user unknown"], "5.1.1", "bounced"),
        (["smtp;552-5.2.2 mailbox full"], "5.2.2", "bounced"),
        (["smtp; 550 5.7.26 unauthenticated mail is refused"], "5.7.26", "soft"),
        (["smtp; 553 5.1.8 sender address refused"], "5.1.8", "soft"),
        (["smtp; 550 refused, see 5.7.1.2", "smtp; 550 5.7.1 second"], None, "bounced"),
        (["x" * 5000 + " 550 5.7.1"], None, "bounced"),
        ("smtp; 550 5.7.1 no list", None, "bounced"),
        ([550], None, "bounced"),
        ([], None, "bounced"),
        (None, None, "bounced"),
    ],
)
def test_a_permanent_bounce_about_the_sender_says_nothing_about_the_address(
    answers: object, status: str | None, kind: str
) -> None:
    bounce = {"type": "Permanent", "subType": "General", "diagnosticCode": answers}
    (found,) = ResendWebhook(SecretStr(SECRET)).parse(event("email.bounced", TAG, bounce=bounce), LIST).events
    assert (found.status, found.kind) == (status, kind)


def test_tags_may_be_a_list_of_pairs() -> None:
    body = event("email.delivered", TAG, tags=[{"name": "other", "value": 1}, {"name": "news", "value": TAG}])
    assert ResendWebhook(SecretStr(SECRET)).parse(body, LIST).events


@pytest.mark.parametrize(
    ("body", "skipped"),
    [
        (b"", "malformed"),
        (b"[]", "malformed"),
        (b"[" * 100_000, "malformed"),
        (b'{"type": 5}', "malformed"),
        (b'{"type": "email.delivered"}', "malformed"),
        (b'{"type": "domain.created", "data": 1}', "ignored"),
        (event("email.delivered", "none"), "foreign"),
        (event("email.delivered", TAG, tags=7), "foreign"),
        (event("email.delivered", TAG, email_id=7), "malformed"),
        (BODY.replace(b"2026-05-04T09:00:00.126Z", b"9" * 40), "malformed"),
        (BODY.replace(b"2026-05-04T09:00:00.126Z", b"2026-05-04"), "malformed"),
    ],
)
def test_what_is_no_event_of_ours_is_counted(body: bytes, skipped: str) -> None:
    parsed = ResendWebhook(SecretStr(SECRET)).parse(body, LIST)
    assert parsed.events == () and dict(parsed.skipped) == {skipped: 1}


def test_events_of_another_newsletter_are_foreign() -> None:
    assert dict(ResendWebhook(SecretStr(SECRET)).parse(BODY, "other.example.com").skipped) == {"foreign": 1}
