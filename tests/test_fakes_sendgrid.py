"""Test the SendGrid fake: it rejects what SendGrid rejects, records what it accepts, and simulates faults."""

import http.client
import json
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any, NamedTuple

import pytest

from tests.fakes.sendgrid import Fault, Reply, SendGridFake

NOW = 1_777_280_400
HOUR = 3600
OFF = {"enable": False}
Body = dict[str, Any]


class Response(NamedTuple):
    status: int
    headers: http.client.HTTPMessage
    payload: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.payload)

    @property
    def fields(self) -> list[str]:
        return [error["field"] for error in self.json["errors"]]


def call(
    fake: SendGridFake,
    method: str,
    path: str,
    body: object = None,
    headers: Mapping[str, str] | None = None,
    timeout: float = 5,
) -> Response:
    """Make one request on a new connection; a body of bytes is sent unchanged."""
    raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    usual = {"Authorization": f"Bearer {fake.key}", "Content-Type": "application/json"}
    port = int(fake.url.rpartition(":")[2])
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)) as connection:
        connection.request(method, path, raw, {**usual, **(headers or {})})
        with connection.getresponse() as response:
            return Response(response.status, response.headers, response.read())


def send(fake: SendGridFake, body: object, **options: Any) -> Response:
    return call(fake, "POST", "/v3/mail/send", body, **options)


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def person(number: int = 0, **fields: object) -> Body:
    return {"to": [{"email": f"reader{number}@example.com"}], **fields}


def message(*people: Body, **changes: object) -> Body:
    """Return a valid message with top-level keys replaced; `...` removes a key."""
    body = {
        "personalizations": list(people or [person()]),
        "from": {"email": "papers@example.com", "name": "Trending ML Papers"},
        "subject": "This week",
        "content": [{"type": "text/plain", "value": "Hello"}, {"type": "text/html", "value": "<p>Hello</p>"}],
        **changes,
    }
    return {key: value for key, value in body.items() if value is not ...}


@pytest.fixture
def clock() -> list[float]:
    """Return the fake's time; a test sets it by assigning to `clock[0]`."""
    return [NOW]


@pytest.fixture
def fake(clock: list[float]) -> Iterator[SendGridFake]:
    with SendGridFake(clock=lambda: clock[0]) as fake:
        yield fake


def to(*emails: object) -> Body:
    return message({"to": [{"email": email} for email in emails]})


def content(*types: str, value: object = "x") -> Body:
    return message(content=[{"type": kind, "value": value} for kind in types])


def sized(length: int) -> dict[str, str]:
    """Return an object with one pair, `length` bytes long as compact JSON."""
    return {"key": "é" * ((length - 10) // 2) + "x" * (length % 2)}


RULES = [
    ("no-personalizations", message(personalizations=[]), message(), "personalizations"),
    ("personalizations-missing", message(personalizations=...), message(), "personalizations"),
    (
        "personalizations",
        message(*map(person, range(1001))),
        message(*map(person, range(1000))),
        "personalizations",
    ),
    (
        "recipients",
        message({**person(), "bcc": [person(n)["to"][0] for n in range(1, 1001)]}),
        message({**person(), "bcc": [person(n)["to"][0] for n in range(1, 1000)]}),
        "personalizations",
    ),
    ("no-recipient", message(person(), {"to": []}), message(person()), "personalizations.1.to"),
    (
        "address-twice",
        message(person(1), {"to": [{"email": "READER1@example.com"}]}),
        message(person(1), person(2)),
        "personalizations.1.to.0.email",
    ),
    (
        "address-in-to-and-cc",
        message({**person(1), "cc": person(1)["to"]}),
        message({**person(1), "cc": person(2)["to"]}),
        "personalizations.0.cc.0.email",
    ),
    (
        "substitutions",
        message(person(substitutions=sized(10_000))),
        message(person(substitutions=sized(9_999))),
        "personalizations.0.substitutions",
    ),
    (
        "substitution-without-name",
        message(person(substitutions={"": "x"})),
        message(person(substitutions={"x": ""})),
        "personalizations.0.substitutions",
    ),
    (
        "custom-args",
        message(custom_args=sized(10_000)),
        message(custom_args=sized(9_999)),
        "custom_args",
    ),
    (
        "custom-args-together",
        message(person(custom_args={"own": "x" * 4_991}), custom_args=sized(5_000)),
        message(person(custom_args={"own": "x" * 4_990}), custom_args=sized(5_000)),
        "personalizations.0.custom_args",
    ),
    (
        "categories",
        message(categories=[str(n) for n in range(11)]),
        message(categories=[str(n) for n in range(10)]),
        "categories",
    ),
    ("category-twice", message(categories=["a", "a"]), message(categories=["a", "b"]), "categories"),
    ("category-long", message(categories=["x" * 256]), message(categories=["x" * 255]), "categories.0"),
    ("far-ahead", message(send_at=NOW + 72 * HOUR + 1), message(send_at=NOW + 72 * HOUR), "send_at"),
    ("past", message(send_at=NOW - 61), message(send_at=NOW - 60), "send_at"),
    ("time-as-text", message(send_at=str(NOW)), message(send_at=NOW), "send_at"),
    (
        "far-ahead-for-one",
        message(person(send_at=NOW + 72 * HOUR + 1)),
        message(person(send_at=NOW + 72 * HOUR)),
        "personalizations.0.send_at",
    ),
    (
        "header-reserved",
        message(headers={"reply-TO": "x"}),
        message(headers={"List-Id": "x"}),
        "headers.reply-TO",
    ),
    (
        "header-reserved-for-one",
        message(person(headers={"DKIM-Signature": "x"})),
        message(person(headers={"List-Unsubscribe-Post": "List-Unsubscribe=One-Click"})),
        "personalizations.0.headers.DKIM-Signature",
    ),
    (
        "header-injected",
        message(headers={"X-A": "a\r\nBcc: b"}),
        message(headers={"X-A": "a"}),
        "headers.X-A",
    ),
    ("header-not-ascii", message(headers={"X-A": "é"}), message(headers={"X-A": "e"}), "headers.X-A"),
    ("header-number", message(headers={"X-A": 1}), message(headers={"X-A": "1"}), "headers.X-A"),
    ("subject-missing", message(subject=...), message(person(subject="Own"), subject=...), "subject"),
    (
        "subject-missing-for-one",
        message(person(1, subject="Own"), person(2), subject=...),
        message(person(1, subject="Own"), person(2, subject="Own"), subject=...),
        "subject",
    ),
    ("subject-empty", message(subject=" "), message(subject="x"), "subject"),
    (
        "subject-empty-for-one",
        message(person(subject="")),
        message(person(subject="x")),
        "personalizations.0.subject",
    ),
    ("content-missing", message(content=...), content("text/plain"), "content"),
    ("content-none", content(), content("text/html"), "content"),
    ("content-order", content("text/html", "text/plain"), content("text/plain", "text/html"), "content"),
    ("content-twice", content("text/html", "text/html"), content("text/html", "text/calendar"), "content"),
    ("content-other-first", content("text/calendar", "text/html"), content("text/calendar"), "content"),
    (
        "content-empty",
        content("text/plain", value=""),
        content("text/plain", value=" "),
        "content.0.value",
    ),
    ("content-null", content("text/plain", value=None), content("text/plain"), "content.0.value"),
    ("from-missing", message(**{"from": ...}), message(), "from.email"),
    (
        "from-without-address",
        message(**{"from": {"name": "x"}}),
        message(**{"from": {"email": "x@example.com"}}),
        "from.email",
    ),
    (
        "reply-to",
        message(reply_to={"email": "editor"}),
        message(reply_to={"email": "editor@example.com"}),
        "reply_to.email",
    ),
    (
        "reply-to-both",
        message(reply_to={"email": "a@example.com"}, reply_to_list=[{"email": "b@example.com"}]),
        message(reply_to_list=[{"email": "a@example.com"}, {"email": "b@example.com"}]),
        "reply_to_list",
    ),
    ("address-missing", message({"to": [{"name": "x"}]}), message(), "personalizations.0.to.0.email"),
    ("no-at", to("a@example.com", "example.com"), to("a@example.com"), "personalizations.0.to.1.email"),
    ("two-ats", to("a@b@example.com"), to("a.b@example.com"), "personalizations.0.to.0.email"),
    ("no-dot", to("a@localhost"), to("a@mail.example.com"), "personalizations.0.to.0.email"),
    ("two-dots", to("a..b@example.com"), to("a.b+c'd@example.com"), "personalizations.0.to.0.email"),
    ("space", to("a b@example.com"), to("a_b@example.com"), "personalizations.0.to.0.email"),
    ("line-end", to("a@example.com\n"), to("a@example.com"), "personalizations.0.to.0.email"),
    ("long", to("a" * 65 + "@example.com"), to("a" * 64 + "@example.com"), "personalizations.0.to.0.email"),
    ("hyphen", to("a@-a.example.com"), to("a@a-b.example.com"), "personalizations.0.to.0.email"),
    ("unknown-key", message(sender="x"), message(ip_pool_name="pool"), "sender"),
    ("unknown-key-for-one", message(person(name="x")), message(person()), "personalizations.0.name"),
    (
        "tracking-not-boolean",
        message(tracking_settings={"click_tracking": {"enable": "false"}}),
        message(tracking_settings={"click_tracking": {"enable": False, "enable_text": False}}),
        "tracking_settings.click_tracking.enable",
    ),
    (
        "tracking-unknown",
        message(tracking_settings={"opens": OFF}),
        message(tracking_settings={kind: OFF for kind in ("open_tracking", "ganalytics")}),
        "tracking_settings.opens",
    ),
    (
        "tracking-not-an-object",
        message(tracking_settings={"subscription_tracking": False}),
        message(tracking_settings={"subscription_tracking": OFF}),
        "tracking_settings.subscription_tracking",
    ),
]


@pytest.mark.parametrize(("bad", "good", "field"), [pytest.param(*rule, id=name) for name, *rule in RULES])
def test_a_rule_is_tripped_and_a_near_miss_passes(
    fake: SendGridFake, bad: Body, good: Body, field: str
) -> None:
    response = send(fake, bad)
    assert (response.status, response.fields) == (400, [field])
    assert all(error["message"] and error["help"] for error in response.json["errors"])
    assert not fake.deliveries
    assert send(fake, good).status == 202


def test_every_fault_of_a_message_is_named(fake: SendGridFake) -> None:
    bad = message(person(subject=""), {"to": [{"email": "nobody"}]}, headers={"To": "x"})
    assert send(fake, bad).fields == [
        "personalizations.1.to.0.email",
        "personalizations.0.subject",
        "headers.To",
    ]


def test_the_limit_that_is_passed_is_named(fake: SendGridFake) -> None:
    error = send(fake, message(*map(person, range(1001)))).json["errors"][0]
    assert "1000 personalizations per request; this has 1001" in error["message"]


def test_size(fake: SendGridFake) -> None:
    free = 30_000_000 - len(json.dumps(content("text/plain", value="")))
    assert send(fake, content("text/plain", value="x" * free)).status == 413
    assert send(fake, content("text/plain", value="x" * (free - 1))).status == 202


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({"Authorization": "Bearer None"}, 401, id="wrong-key"),
        pytest.param({"Authorization": "Basic SG.fake"}, 401, id="basic"),
        pytest.param({"Content-Type": "text/plain"}, 415, id="not-json"),
        pytest.param({"Content-Type": "application/json; charset=utf-8"}, 202, id="with-charset"),
    ],
)
def test_headers_of_the_request(fake: SendGridFake, headers: dict[str, str], status: int) -> None:
    response = send(fake, message(), headers=headers)
    assert response.status == status
    assert status == 202 or response.json["errors"][0]["message"]
    assert fake.accepted("reader0@example.com") == (status == 202)


@pytest.mark.parametrize("raw", [b"{", b"[1]", b"null", b"\xff", b'{"a":1}'])
def test_not_a_message(fake: SendGridFake, raw: bytes) -> None:
    assert send(fake, raw).status == 400
    assert fake.requests[0].raw == raw


def test_unknown_path(fake: SendGridFake) -> None:
    assert call(fake, "GET", "/v3/tracking_settings").status == 404
    fake.pages["/v3/tracking_settings"] = {"result": []}
    assert call(fake, "GET", "/v3/tracking_settings?limit=1").json == {"result": []}


def test_what_is_kept(fake: SendGridFake) -> None:
    ada = {"email": "Ada@example.com", "name": "Ada"}
    body = message(
        {
            "to": [ada],
            "substitutions": {"[[url]]": "u/[[n]]?a=1&b=2", "[[n]]": "1"},
            "headers": {"X-B": "own"},
        },
        person(2, subject="For two [[n]]", send_at=NOW + 60),
        subject="No. [[n]]",
        content=[
            {"type": "text/plain", "value": "[[n]] [[url]]"},
            {"type": "text/html", "value": "<a [[url]]>"},
        ],
        headers={"X-A": "all", "X-B": "all"},
        tracking_settings={"open_tracking": OFF},
    )
    response = send(fake, body)
    assert (response.status, response.payload) == (202, b"")
    first, second = fake.deliveries
    assert (first.address, first.name, first.subject) == ("Ada@example.com", "Ada", "No. 1")
    assert (first.text, first.html) == ("1 u/[[n]]?a=1&b=2", "<a u/[[n]]?a=1&b=2>")
    assert (second.subject, second.text) == ("For two [[n]]", "[[n]] [[url]]")
    assert (first.headers, second.headers) == ({"X-A": "all", "X-B": "own"}, {"X-A": "all", "X-B": "all"})
    assert first.message_id == second.message_id == response.headers["X-Message-Id"]
    assert first.tracking_settings == {"open_tracking": OFF}
    assert (first.batch_id, first.send_at, second.send_at) == (None, None, NOW + 60)
    assert (fake.accepted("ada@EXAMPLE.com"), fake.accepted("bob@example.com")) == (1, 0)
    assert (fake.delivered_by(NOW), fake.delivered_by(NOW + 60)) == ([first], [first, second])
    request = fake.requests[0]
    assert (request.method, request.path, request.body) == ("POST", "/v3/mail/send", body)
    assert request.headers["authorization"] == f"Bearer {fake.key}"
    assert json.loads(request.raw) == body


def test_sandbox_mode_accepts_nothing(fake: SendGridFake) -> None:
    assert send(fake, message(mail_settings={"sandbox_mode": {"enable": True}})).status == 200
    assert not fake.deliveries


def test_many_clients_at_once(fake: SendGridFake) -> None:
    with ThreadPoolExecutor(16) as pool:
        responses = list(pool.map(lambda number: send(fake, message(person(number % 50))), range(200)))
    assert len({response.headers["X-Message-Id"] for response in responses}) == 200
    assert {fake.accepted(f"reader{number}@example.com") for number in range(50)} == {4}


def test_connections_are_kept(fake: SendGridFake) -> None:
    port = int(fake.url.rpartition(":")[2])
    with closing(http.client.HTTPConnection("127.0.0.1", port)) as connection:
        for path in ("/v3/mail/batch", "/v3/nothing"):
            connection.request("POST", path, headers={"Authorization": f"Bearer {fake.key}"})
            connection.getresponse().read()
            used = connection.sock
            assert used is not None
        connection.request("GET", "/v3/user/scheduled_sends", headers={"Authorization": f"Bearer {fake.key}"})
        assert connection.getresponse().read() == b"[]"
        assert connection.sock is used


# Batches


def new_batch(fake: SendGridFake, *numbers: int, send_at: int = NOW + HOUR) -> str:
    """Create a batch with a mail to each of the numbered readers; return its id."""
    batch: str = call(fake, "POST", "/v3/mail/batch").json["batch_id"]
    for number in numbers:
        assert send(fake, message(person(number), batch_id=batch, send_at=send_at)).status == 202
    return batch


def hold(fake: SendGridFake, batch: str, status: str = "cancel") -> Response:
    return call(fake, "POST", "/v3/user/scheduled_sends", {"batch_id": batch, "status": status})


def change(fake: SendGridFake, batch: str, status: str | None) -> int:
    method, body = ("PATCH", {"status": status}) if status is not None else ("DELETE", None)
    return call(fake, method, f"/v3/user/scheduled_sends/{batch}", body).status


def addresses(fake: SendGridFake, moment: float) -> list[str]:
    return [delivery.address.partition("@")[0] for delivery in fake.delivered_by(moment)]


def test_a_batch_is_known_for_ten_days(fake: SendGridFake, clock: list[float]) -> None:
    batch = new_batch(fake)
    clock[0] += 240 * HOUR
    assert call(fake, "GET", f"/v3/mail/batch/{batch}").json == {"batch_id": batch}
    clock[0] += 1
    assert call(fake, "GET", f"/v3/mail/batch/{batch}").status == 400
    assert send(fake, message(batch_id=batch)).fields == ["batch_id"]
    assert send(fake, message(batch_id="made-up")).fields == ["batch_id"]
    assert hold(fake, "made-up").status == 400


def test_cancelled_mail_is_not_delivered(fake: SendGridFake) -> None:
    gone, kept = new_batch(fake, 1, 2), new_batch(fake, 3)
    assert hold(fake, gone, "stop").fields == ["status"]
    response = hold(fake, gone)
    assert (response.status, response.json) == (201, {"batch_id": gone, "status": "cancel"})
    assert hold(fake, gone).status == 400
    assert addresses(fake, NOW + HOUR) == ["reader3"]
    assert addresses(fake, NOW + HOUR - 1) == []
    assert call(fake, "GET", "/v3/user/scheduled_sends").json == [response.json]
    assert call(fake, "GET", f"/v3/user/scheduled_sends/{gone}").json == [response.json]
    assert call(fake, "GET", f"/v3/user/scheduled_sends/{kept}").json == []
    assert len(fake.deliveries) == 3


@pytest.mark.parametrize(("covers", "left"), [("arrived", ["reader2"]), ("batch", [])])
def test_mail_that_arrives_after_the_cancellation(covers: Any, left: list[str]) -> None:
    with SendGridFake(clock=lambda: NOW, cancel_covers=covers) as fake:
        batch = new_batch(fake, 1)
        hold(fake, batch)
        assert send(fake, message(person(2), batch_id=batch, send_at=NOW + HOUR)).status == 202
        assert addresses(fake, NOW + HOUR) == left
        assert change(fake, batch, "cancel") == 204
        assert addresses(fake, NOW + HOUR) == []


def test_mail_that_arrives_during_a_pause_is_held_back_too(fake: SendGridFake) -> None:
    batch = new_batch(fake)
    hold(fake, batch, "pause")
    assert send(fake, message(batch_id=batch, send_at=NOW + HOUR)).status == 202
    assert not fake.delivered_by(NOW + HOUR)


def test_a_cancellation_cannot_be_renewed_less_than_ten_minutes_before_what_it_would_cover(
    fake: SendGridFake, clock: list[float]
) -> None:
    batch = new_batch(fake, 1)
    hold(fake, batch)
    send(fake, message(person(2), batch_id=batch, send_at=NOW + HOUR))
    clock[0] = NOW + HOUR - 600
    assert change(fake, batch, "cancel") == 204
    clock[0] += 1
    assert change(fake, batch, "cancel") == 204
    send(fake, message(person(3), batch_id=batch, send_at=NOW + HOUR))
    assert change(fake, batch, "cancel") == 400
    assert addresses(fake, NOW + HOUR) == ["reader3"]


def test_what_is_discarded_is_not_revived_by_a_pause(fake: SendGridFake, clock: list[float]) -> None:
    batch = new_batch(fake, 1)
    hold(fake, batch)
    clock[0] += HOUR
    assert (change(fake, batch, "pause"), change(fake, batch, None)) == (204, 204)
    assert addresses(fake, NOW + 1000 * HOUR) == []


def test_lifting_a_cancellation_revives_only_what_is_not_yet_discarded(
    fake: SendGridFake, clock: list[float]
) -> None:
    batch = new_batch(fake, 1)
    send(fake, message(person(2), batch_id=batch, send_at=NOW + 3 * HOUR))
    hold(fake, batch)
    clock[0] = NOW + HOUR
    assert change(fake, batch, None) == 204
    assert addresses(fake, NOW + 3 * HOUR) == ["reader2"]
    assert change(fake, batch, None) == 404


def test_a_pause_holds_mail_until_it_is_lifted(fake: SendGridFake, clock: list[float]) -> None:
    batch = new_batch(fake, 1)
    hold(fake, batch, "pause")
    assert (change(fake, batch, "cancel"), change(fake, batch, "pause")) == (204, 204)
    assert (change(fake, batch, ""), change(fake, "made-up", "cancel")) == (400, 404)
    clock[0] += 2 * HOUR
    assert not fake.delivered_by(NOW + 2 * HOUR)
    assert change(fake, batch, None) == 204
    assert (addresses(fake, NOW + 2 * HOUR - 1), addresses(fake, NOW + 2 * HOUR)) == ([], ["reader1"])


def test_a_pause_of_more_than_72_hours_expires(fake: SendGridFake, clock: list[float]) -> None:
    batches = new_batch(fake, 1), new_batch(fake, 2)
    for batch in batches:
        hold(fake, batch, "pause")
    for seconds, batch in enumerate(batches):
        clock[0] = NOW + 73 * HOUR + seconds
        change(fake, batch, None)
    assert addresses(fake, NOW + 1000 * HOUR) == ["reader1"]


def test_ten_holds_at_once(fake: SendGridFake) -> None:
    batches = [new_batch(fake) for _ in range(11)]
    assert [hold(fake, batch).status for batch in batches] == [201] * 10 + [400]
    change(fake, batches[0], None)
    assert hold(fake, batches[10]).status == 201


def test_too_late_to_cancel(fake: SendGridFake, clock: list[float]) -> None:
    first, second = new_batch(fake, 1), new_batch(fake, 2)
    clock[0] = NOW + HOUR - 600
    assert hold(fake, first).status == 201
    clock[0] += 1
    assert hold(fake, second).status == 400
    assert addresses(fake, NOW + HOUR) == ["reader2"]


# Simulated faults


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        *[pytest.param(Fault.status(code), code, id=str(code)) for code in (401, 403, 413, 500, 503)],
        pytest.param(Fault.rate_limited(), 429, id="429"),
    ],
)
def test_a_status_on_order(fake: SendGridFake, fault: Fault, status: int) -> None:
    fake.next(fault)
    response = send(fake, message())
    assert response.status == status
    assert response.json["errors"][0].keys() == {"message", "field", "help"}
    assert (len(fake.requests), fake.deliveries) == (1, [])
    assert send(fake, message()).status == 202


def test_rate_limit_headers(fake: SendGridFake) -> None:
    fake.next(Fault.rate_limited(7, reset_at=NOW + 7), Fault.rate_limited(7))
    headers = send(fake, message()).headers
    assert (headers["X-RateLimit-Reset"], headers["Retry-After"]) == (str(NOW + 7), "7")
    assert 0 < int(send(fake, message()).headers["X-RateLimit-Reset"]) - time.time() <= 7


@pytest.mark.parametrize("status", [200, 403, 502])
def test_html_on_order(fake: SendGridFake, status: int) -> None:
    fake.next(Fault.html(status))
    response = send(fake, message())
    assert (response.status, response.headers["Content-Type"]) == (status, "text/html")
    assert response.payload.startswith(b"<html>")
    assert not fake.deliveries


@pytest.mark.parametrize("status", [302, 307])
def test_redirect_on_order(fake: SendGridFake, status: int) -> None:
    fake.next(Fault.redirect("http://127.0.0.2:9/v3/mail/send", status))
    response = send(fake, message())
    assert (response.status, response.headers["Location"]) == (status, "http://127.0.0.2:9/v3/mail/send")
    assert not fake.deliveries


def test_sandbox_on_order(fake: SendGridFake) -> None:
    fake.next(Fault.sandbox())
    assert send(fake, message())[::2] == (200, b"")
    assert not fake.deliveries


def test_any_reply_on_order(fake: SendGridFake) -> None:
    batch = new_batch(fake, 1)
    fake.next(Fault(Reply(201, {"batch_id": batch, "status": "cancel"})))
    assert hold(fake, batch).status == 201
    assert addresses(fake, NOW + HOUR) == ["reader1"]


@pytest.mark.parametrize(
    ("fault", "arrived"),
    [
        pytest.param(Fault.reset, lambda raw: b"", id="before-the-body"),
        pytest.param(Fault.reset_in_body, lambda raw: raw[: len(raw) // 2], id="in-the-body"),
    ],
)
def test_reset_on_order(
    fake: SendGridFake, fault: Callable[[], Fault], arrived: Callable[[bytes], bytes]
) -> None:
    fake.next(fault())
    raw = json.dumps(message()).encode()
    with pytest.raises(ConnectionResetError) as raised:
        send(fake, raw)
    assert not isinstance(raised.value, http.client.RemoteDisconnected)  # RST, not FIN
    assert fake.requests[0].raw == arrived(raw)
    assert not fake.deliveries
    assert send(fake, raw).status == 202


def test_reply_lost_on_order(fake: SendGridFake) -> None:
    fake.next(Fault.reply_lost())
    with pytest.raises(http.client.RemoteDisconnected):
        send(fake, message())
    assert fake.accepted("reader0@example.com") == 1


def test_a_fault_that_only_loses_the_reply_does_not_let_a_bad_message_in(fake: SendGridFake) -> None:
    fake.next(Fault.reply_lost())
    with pytest.raises(http.client.RemoteDisconnected):
        send(fake, to("nobody"))
    assert not fake.deliveries


def test_late_arrival_on_order(fake: SendGridFake, clock: list[float]) -> None:
    fake.next(Fault.arrives(300))
    with pytest.raises(http.client.RemoteDisconnected):
        send(fake, message(send_at=NOW + HOUR))
    assert (len(fake.requests), fake.deliveries, fake.accepted("reader0@example.com")) == (1, [], 0)
    assert (addresses(fake, NOW + HOUR), addresses(fake, NOW + 299)) == (["reader0"], [])
    clock[0] += 300
    (delivery,) = fake.deliveries
    assert (delivery.message_id, fake.accepted("reader0@example.com")) == ("message000002", 1)


def test_what_arrives_late_is_covered_by_no_cancellation_before(
    fake: SendGridFake, clock: list[float]
) -> None:
    batch = new_batch(fake, 1)
    fake.next(Fault.arrives(300))
    with pytest.raises(http.client.RemoteDisconnected):
        send(fake, message(person(2), batch_id=batch, send_at=NOW + HOUR))
    assert hold(fake, batch).status == 201
    assert addresses(fake, NOW + HOUR) == ["reader2"]
    assert change(fake, batch, "cancel") == 204
    clock[0] += 300
    assert addresses(fake, NOW + HOUR) == ["reader2"]
    assert change(fake, batch, "cancel") == 204
    assert addresses(fake, NOW + HOUR) == []


def test_what_arrives_late_under_a_batch_that_is_covered_as_a_whole(clock: list[float]) -> None:
    with SendGridFake(clock=lambda: clock[0], cancel_covers="batch") as fake:
        batch = new_batch(fake)
        fake.next(Fault.arrives(300))
        with pytest.raises(http.client.RemoteDisconnected):
            send(fake, message(batch_id=batch, send_at=NOW + HOUR))
        assert addresses(fake, NOW + HOUR) == ["reader0"]
        hold(fake, batch)
        assert addresses(fake, NOW + HOUR) == []
        clock[0] += 300
        assert (len(fake.deliveries), addresses(fake, NOW + HOUR)) == (1, [])


def test_what_arrives_late_is_checked_when_it_arrives(fake: SendGridFake, clock: list[float]) -> None:
    fake.next(Fault.arrives(161), Fault.arrives(160))
    for number in range(2):
        with pytest.raises(http.client.RemoteDisconnected):
            send(fake, message(person(number), send_at=NOW + 100))
    assert (addresses(fake, NOW + HOUR), addresses(fake, NOW + 159)) == (["reader1"], [])
    clock[0] += HOUR
    assert [delivery.address for delivery in fake.deliveries] == ["reader1@example.com"]


def test_a_late_cancellation_covers_what_has_arrived_before(fake: SendGridFake, clock: list[float]) -> None:
    batch = new_batch(fake, 1)
    fake.next(Fault.arrives(300), Fault.arrives(299), Fault.arrives(301))
    with pytest.raises(http.client.RemoteDisconnected):
        hold(fake, batch)
    for number in (2, 3):
        with pytest.raises(http.client.RemoteDisconnected):
            send(fake, message(person(number), batch_id=batch, send_at=NOW + HOUR))
    clock[0] += 301
    assert addresses(fake, NOW + HOUR) == ["reader3"]


def test_a_late_arrival_is_silent_until_the_client_gives_up(fake: SendGridFake, clock: list[float]) -> None:
    fake.next(Fault.arrives(300, silent=True))
    with pytest.raises(TimeoutError):
        send(fake, message(), timeout=0.1)
    clock[0] += 300
    assert fake.accepted("reader0@example.com") == 1


def test_late_arrivals_of_many_clients_at_once(fake: SendGridFake, clock: list[float]) -> None:
    def lost(number: int) -> None:
        with pytest.raises(http.client.RemoteDisconnected):
            send(fake, message(person(number)))

    fake.next(*(Fault.arrives(number % 5) for number in range(100)))
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lost, range(100)))
    assert len(fake.deliveries) == 20 and len(fake.delivered_by(NOW + 2)) == 60
    clock[0] += 5
    assert len({delivery.message_id for delivery in fake.deliveries}) == 100


def test_a_body_is_refused_unread_on_order(fake: SendGridFake) -> None:
    fake.next(Fault.unread(Reply(413)))
    # The body is announced and never sent: otherwise the client could see the reset before the response.
    with closing(http.client.HTTPConnection("127.0.0.1", int(fake.url.rpartition(":")[2]), 5)) as connection:
        connection.putrequest("POST", "/v3/mail/send")
        connection.putheader("Content-Length", "100")
        connection.endheaders()
        assert connection.getresponse().status == 413
    assert (fake.requests[0].raw, fake.deliveries) == (b"", [])


def test_late_reply_on_order(fake: SendGridFake) -> None:
    fake.next(Fault.late(0.05), Fault.late(60))
    assert send(fake, message()).status == 202
    with pytest.raises(TimeoutError):
        send(fake, message(), timeout=0.1)
    wait_until(lambda: fake.accepted("reader0@example.com") == 2)


def test_closing_waits_neither_for_a_late_reply_nor_for_an_idle_client() -> None:
    with SendGridFake() as fake:
        address = ("127.0.0.1", int(fake.url.rpartition(":")[2]))
        fake.next(Fault.late(60))
        with socket.create_connection(address) as idle, socket.create_connection(address) as waiting:
            waiting.sendall(b"POST /v3/mail/batch HTTP/1.1\r\n\r\n")
            wait_until(lambda: len(fake.requests) == 1)
            began = time.monotonic()
            fake.close()
            assert time.monotonic() - began < 20
            assert (idle.recv(1), waiting.recv(1)) == (b"", b"")


def test_a_client_that_breaks_off_is_not_accepted(fake: SendGridFake) -> None:
    address = ("127.0.0.1", int(fake.url.rpartition(":")[2]))
    with socket.create_connection(address) as client:
        client.sendall(b"POST /v3/mail/send HTTP/1.1\r\nContent-Length: 1000\r\n\r\n{")
        client.shutdown(socket.SHUT_WR)
        assert client.recv(1) == b""
    assert (fake.requests[0].raw, fake.deliveries) == (b"{", [])


def test_orders_wait_for_their_path_and_their_turn(fake: SendGridFake) -> None:
    fake.next(None, Fault.status(503), path="/v3/mail/send")
    fake.next(Fault.status(500), path="/v3/user/")
    new_batch(fake, 1)
    assert [send(fake, message()).status for _ in range(2)] == [503, 202]
    assert [call(fake, "GET", "/v3/user/scheduled_sends").status for _ in range(2)] == [500, 200]


def test_an_unused_fault_is_an_error() -> None:
    with pytest.raises(AssertionError, match="unused faults"), SendGridFake() as fake:
        fake.next(Fault.status(503), path="/v3/nowhere")
    with pytest.raises(AssertionError, match="a path starts with /: http"), SendGridFake() as fake:
        fake.next(Fault.status(503), path="https://api.sendgrid.com/v3/mail/send")


def test_an_unused_fault_hides_no_failure() -> None:
    with pytest.raises(ZeroDivisionError), SendGridFake() as fake:
        fake.next(Fault.status(503))
        raise ZeroDivisionError
