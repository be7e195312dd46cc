"""The events that SendGrid posts: who signed them, and the events about our mail in them."""

import json
from base64 import b64decode, b64encode
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from newsletter.providers.sendgrid.webhook import WebhookRefused, parse, verify
from newsletter.subscribers.delivery_event import DeliveryEvent
from tests.fakes.sendgrid_webhook import LIST, WebhookSigner, body, event

NOW = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)
SIGNER = WebhookSigner()
BODY = body([event("delivered", NOW, 1), event("bounce", NOW, 2, type="bounce", status="5.1.1")])
# The published example of SendGrid's own libraries (sendgrid-python, test/unit/test_eventwebhook.py): a key,
# a timestamp, a signature and, in base64, the signed body, which ends with CRLF.
EXAMPLE_KEY = (
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1flpVKS3GRqe62gw+2fNNRaIN"
    "XvVpiglSI8eNEc6wEA3F+g=="
)
EXAMPLE_TIME = "1600112502"
EXAMPLE_SIGNATURE = (
    "MEUCIGHQVtGj+Y3LkG9fLcxf3qfI10QysgDWmMOVmxG0u6ZUAiEAyBiXDWzM+uOe5W0JuG+luQAbPIqHh89M15TluLtEZtM="
)
EXAMPLE_BODY = """
W3siZW1haWwiOiJoZWxsb0B3b3JsZC5jb20iLCJldmVudCI6ImRyb3BwZWQiLCJyZWFzb24iOiJCb3VuY2VkIEFkZHJlc3MiLCJz
Z19ldmVudF9pZCI6IlpISnZjQzB4TURrNU5Ea3hPUzFNVW5wWWJGOU9TRk4wVDBkb1VUUnJiMlpUYlY5QkxUQSIsInNnX21lc3Nh
Z2VfaWQiOiJMUnpYbF9OSFN0T0doUTRrb2ZTbV9BLmZpbHRlcmRyZWN2LXAzbWR3MS03NTZiNzQ1YjU4LWttemJsLTE4LTVGNUZD
NzZDLTkuMCIsInNtdHAtaWQiOiI8TFJ6WGxfTkhTdE9HaFE0a29mU21fQUBpc210cGQwMDM5cDFpYWQxLnNlbmRncmlkLm5ldD4i
LCJ0aW1lc3RhbXAiOjE2MDAxMTI0OTJ9XQ0K
"""


def kinds(*events: Any) -> list[str]:
    return [event.kind for event in parse(body(events), LIST).events]


def test_a_signed_request_is_accepted_as_its_bytes_are() -> None:
    assert b",\r\n" in BODY and BODY.endswith(b"]\r\n")
    verify(SIGNER.public_key, *SIGNER.sign(BODY, NOW), BODY, NOW)


def test_the_published_example_is_accepted() -> None:
    at = datetime.fromtimestamp(int(EXAMPLE_TIME), UTC)
    signed = b64decode("".join(EXAMPLE_BODY.split()))
    verify(EXAMPLE_KEY, EXAMPLE_SIGNATURE, EXAMPLE_TIME, signed, at)
    with pytest.raises(WebhookRefused):
        verify(EXAMPLE_KEY, EXAMPLE_SIGNATURE, EXAMPLE_TIME, signed.rstrip(), at)


@given(st.integers(0, len(BODY) - 1), st.integers(1, 255))
def test_one_changed_byte_is_refused(position: int, difference: int) -> None:
    changed = bytearray(BODY)
    changed[position] ^= difference
    with pytest.raises(WebhookRefused, match="the signature is not that of the key"):
        verify(SIGNER.public_key, *SIGNER.sign(BODY, NOW), bytes(changed), NOW)


def test_the_same_events_written_anew_are_refused() -> None:
    written_anew = json.dumps(json.loads(BODY)).encode()
    with pytest.raises(WebhookRefused):
        verify(SIGNER.public_key, *SIGNER.sign(BODY, NOW), written_anew, NOW)


def test_another_key_another_timestamp_and_no_signature_are_refused() -> None:
    signature, timestamp = SIGNER.sign(BODY, NOW)
    later = str(int(timestamp) + 1)
    for key, sign, time in (
        (WebhookSigner().public_key, signature, timestamp),
        (SIGNER.public_key, signature, later),
        (SIGNER.public_key, "", timestamp),
        (SIGNER.public_key, "not base64 é", timestamp),
        (SIGNER.public_key, b64encode(b"not a signature").decode(), timestamp),
        (SIGNER.public_key, signature, ""),
        (SIGNER.public_key, signature, "-5"),
        (SIGNER.public_key, signature, "9" * 5000),
        (SIGNER.public_key, signature, "１６"),  # noqa: RUF001
    ):
        with pytest.raises(WebhookRefused):
            verify(key, sign, time, BODY, NOW)


@pytest.mark.parametrize(
    ("signed_at", "is_fresh"),
    [
        (NOW - timedelta(hours=26), True),
        (NOW - timedelta(hours=26, seconds=1), False),
        (NOW + timedelta(minutes=5), True),
        (NOW + timedelta(minutes=5, seconds=1), False),
    ],
)
def test_a_request_is_fresh_for_a_day(signed_at: datetime, is_fresh: bool) -> None:
    arguments = (SIGNER.public_key, *SIGNER.sign(BODY, signed_at), BODY, NOW)
    if is_fresh:
        verify(*arguments)
    else:
        with pytest.raises(WebhookRefused, match="too old, or from the future"):
            verify(*arguments)


def test_a_key_of_another_kind_is_refused() -> None:
    others = (ec.generate_private_key(ec.SECP384R1()), rsa.generate_private_key(65537, 2048))
    ders = [
        other.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) for other in others
    ]
    for der in (*ders, b"no key"):
        with pytest.raises(WebhookRefused, match=r"webhook_key"):
            verify(b64encode(der).decode(), *SIGNER.sign(BODY, NOW), BODY, NOW)


@pytest.mark.parametrize(
    ("name", "properties", "expected"),
    [
        ("delivered", {}, "delivered"),
        ("bounce", {"type": "bounce"}, "bounced"),
        ("bounce", {"type": "blocked", "status": "5.1.1"}, "soft"),
        ("bounce", {}, "soft"),
        ("dropped", {"reason": "Bounced Address"}, "bounced"),
        ("dropped", {"reason": "Spam Reporting Address"}, "complained"),
        ("dropped", {"reason": "Unsubscribed Address"}, "unsubscribed"),
        ("dropped", {"reason": "Invalid"}, "soft"),
        ("dropped", {}, "soft"),
        ("spamreport", {}, "complained"),
        ("unsubscribe", {}, "unsubscribed"),
        ("group_unsubscribe", {"asm_group_id": 12}, "unsubscribed"),
    ],
)
def test_each_event_has_a_kind(name: str, properties: dict[str, Any], expected: str) -> None:
    assert kinds(event(name, NOW, **properties)) == [expected]


@pytest.mark.parametrize(
    ("name", "properties", "cause"),
    [
        ("processed", {}, "ignored"),
        ("deferred", {"response": "400 try again later"}, "ignored"),
        ("open", {}, "ignored"),
        ("click", {}, "ignored"),
        ("group_resubscribe", {}, "ignored"),
        ("dropped", {"reason": "Recipient List over Package Quota"}, "ignored"),
        ("dropped", {"reason": "Spam Content (if Spam Checker app is enabled)"}, "ignored"),
        ("dropped", {"reason": "Invalid SMTPAPI header"}, "ignored"),
        ("invented", {}, "unknown"),
        ("delivered", {"news_list": "bread.example.com"}, "foreign"),
        ("delivered", {"news_list": None}, "foreign"),
        ("delivered", {"news_subscriber": "0"}, "malformed"),
        ("delivered", {"news_subscriber": "-1"}, "malformed"),
        ("delivered", {"news_subscriber": "1.0"}, "malformed"),
        ("delivered", {"news_subscriber": True}, "malformed"),
        ("delivered", {"news_subscriber": str(2**31)}, "malformed"),
        ("delivered", {"news_subscriber": "9" * 5000}, "malformed"),
        ("delivered", {"timestamp": None}, "malformed"),
        ("delivered", {"timestamp": "1513299569"}, "malformed"),
        ("delivered", {"timestamp": True}, "malformed"),
        ("delivered", {"timestamp": -1}, "malformed"),
        ("delivered", {"timestamp": 10**17}, "malformed"),
    ],
)
def test_other_events_are_skipped_and_counted(name: str, properties: dict[str, Any], cause: str) -> None:
    parsed = parse(body([event(name, NOW, 1, **properties), event("delivered", NOW, 2)]), LIST)
    assert [event.subscriber_id for event in parsed.events] == [2] and parsed.skipped == {cause: 1}


def test_an_event_has_the_person_of_our_arguments_and_never_the_address() -> None:
    posted = body([event("bounce", NOW, 12, type="bounce", status="5.1.1", reason="550 a@example.com")])
    (parsed,) = parse(posted, "SOUP.example.com").events
    assert parsed == DeliveryEvent(
        source="sendgrid",
        message="14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0",
        kind="bounced",
        at=NOW,
        subscriber_id=12,
        issue="2026-04-27",
        status="5.1.1",
    )
    assert "@" not in repr(parsed)


def test_mail_about_a_sign_up_is_known_by_its_number() -> None:
    (parsed,) = parse(
        body([event("bounce", NOW, type="bounce", news_sign_up="7", news_issue=None)]), LIST
    ).events
    assert (parsed.subscriber_id, parsed.sign_up_id, parsed.issue) == (None, 7, "")


def test_no_text_of_the_event_reaches_the_database() -> None:
    hostile = event("delivered", NOW, news_issue="\ud800\0'; drop", status="5.1.1 <a@example.com>")
    (parsed,) = parse(body([{**hostile, "sg_message_id": "\ud800\0" * 1000}]), LIST).events
    assert (parsed.issue, parsed.status) == ("", None) and len(parsed.digest()) == 16


@pytest.mark.parametrize(
    "posted",
    [b"", b"{}", b"null", b"\xff", b"[" * 100_000, b'[{"event": "delivered"]', b"[" + b"9" * 5000, b"nan"],
    ids=["empty", "object", "null", "not-utf-8", "deep", "broken", "long-number", "no-json"],
)
def test_a_body_that_is_no_array_is_one_malformed_event(posted: bytes) -> None:
    parsed = parse(posted, LIST)
    assert not parsed.events and parsed.skipped == {"malformed": 1}


def test_a_long_number_of_another_event_harms_no_event() -> None:
    posted = b'[{"event": "delivered", "other": ' + b"9" * 5000 + b"}," + body([event("delivered", NOW)])[1:]
    assert [event.kind for event in parse(posted, LIST).events] == ["delivered"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.sampled_from([*event("open", NOW)]) | st.text(), inner)
    ),
    max_leaves=10,
)


@given(
    st.lists(st.dictionaries(st.sampled_from([*event("open", NOW), "reason", "type", "status"]), JSON) | JSON)
)
def test_no_event_raises(events: list[Any]) -> None:
    ours = [{**raw, "news_list": LIST} if isinstance(raw, dict) else raw for raw in events]
    parsed = parse(json.dumps(ours).encode(), LIST)
    assert len(parsed.events) + parsed.skipped.total() == len(events)


@given(st.binary())
def test_no_body_raises(posted: bytes) -> None:
    parse(posted, LIST)
