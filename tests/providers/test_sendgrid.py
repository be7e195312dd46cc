"""Test SendGrid against a fake that checks every body, keeps state and simulates faults."""

import json
import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from newsletter.config.model import SendGrid
from newsletter.constants import PLACEHOLDER
from newsletter.mail.message import Batch, Mailing, Personalizer, Recipient, ScheduledSend
from newsletter.mail.service_mail import ServiceMailings
from newsletter.mail.signed_links import SignedLinks
from newsletter.mail.unsubscribe_tokens import UnsubscribeTokens
from newsletter.providers.http import MAX_CONTENT_BYTES, Transport
from newsletter.providers.sendgrid.payload import GROUP_LINK, template, tracking_settings
from newsletter.providers.sendgrid.provider import SendGridProvider
from newsletter.sending.outcomes import Accepted, Cancelled, NotCancelled, NotSent, Outcome, Refused, Unknown
from newsletter.store.service_mails import ServiceMail
from newsletter.subscribers.model import Subscriber
from tests import samples
from tests.fakes.sendgrid import Fault, Reply, SendGridFake
from tests.fakes.sendgrid_rules import error

ADA = Subscriber(1, "ada@example.com", "Ada <&> Example")
BO = Subscriber(2, "bo@example.com")
NOW = 1_777_280_400
HOUR = 3600
SENDS = "/v3/user/scheduled_sends"


@contextmanager
def open_provider(fake: SendGridFake, **options: Any) -> Iterator[SendGridProvider]:
    with open_at(fake.url, fake.key, **options) as provider:
        yield provider


@contextmanager
def open_at(
    url: str, key: str = "SG.fake", timeout: float = 5, requests: int = 8, now: float = NOW
) -> Iterator[SendGridProvider]:
    settings = SendGrid(host=url, requests=requests)
    provider = SendGridProvider(settings, SecretStr(key), timeout=timeout, clock=lambda: now)
    try:
        yield provider
    finally:
        provider.close()


def submit(
    fake: SendGridFake, mailing: Mailing, *people: Subscriber, scheduled: ScheduledSend | None = None
) -> Outcome:
    with open_provider(fake) as provider:
        return submit_to(provider, mailing, *people, scheduled=scheduled)


def submit_to(
    provider: SendGridProvider, mailing: Mailing, *people: Subscriber, scheduled: ScheduledSend | None = None
) -> Outcome:
    submissions = samples.SubmissionLog()
    outcome = provider.submit(samples.batch(mailing, *people, scheduled=scheduled), submissions)
    assert not submissions.begun and not submissions.ended, "SendGrid reports one outcome for all recipients"
    return outcome


# Requests


def test_one_request_reaches_each_recipient_with_their_own_parts(tmp_path: Path) -> None:
    mailing = samples.mailing(tmp_path)
    with SendGridFake() as fake:
        outcome = submit(fake, mailing, ADA, BO)
        ada, bo = fake.deliveries
    assert outcome == Accepted(ada.message_id)
    assert len(fake.requests) == 1
    assert (ada.address, ada.name, bo.address) == ("ada@example.com", "Ada <&> Example", "bo@example.com")
    assert ada.subject == bo.subject == "Leek & potato"
    link = ada.headers["List-Unsubscribe"].partition(">")[0][1:]
    assert ada.text == mailing.rendered.text.replace("[[unsubscribe_url]]", link)
    assert ada.html == mailing.rendered.html.replace("[[unsubscribe_url]]", link)
    assert ada.headers["List-Unsubscribe"] != bo.headers["List-Unsubscribe"]
    assert ada.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert ada.headers["List-Id"] == "<the-soup-letter.example.com>"
    assert ada.headers["Message-ID"] != bo.headers["Message-ID"]


def test_values_are_escaped_in_html_and_plain_in_text() -> None:
    mailing = samples.plain_mailing(html="<p>Hello [[name]]</p>", text="Hello [[name]]")
    with SendGridFake() as fake:
        submit(fake, mailing, ADA)
        (ada,) = fake.deliveries
    assert ada.html == "<p>Hello Ada &lt;&amp;&gt; Example</p>"
    assert ada.text == "Hello Ada <&> Example"


def test_a_thousand_recipients_are_one_request() -> None:
    people = [Subscriber(n, f"reader{n}@example.com") for n in range(1, 1001)]
    with SendGridFake() as fake:
        assert isinstance(submit(fake, samples.plain_mailing(), *people), Accepted)
        assert len(fake.requests) == 1
        assert [delivery.address for delivery in fake.deliveries] == [person.address for person in people]


def test_every_tracking_switch_is_sent_and_off(tmp_path: Path) -> None:
    with SendGridFake() as fake:
        submit(fake, samples.mailing(tmp_path), ADA)
        (request,) = fake.requests
    assert request.body["tracking_settings"] == {
        "click_tracking": {"enable": False, "enable_text": False},
        "open_tracking": {"enable": False},
        "subscription_tracking": {"enable": False},
        "ganalytics": {"enable": False},
    }


def test_tracking_is_on_only_where_the_newsletter_says_so() -> None:
    with SendGridFake() as fake:
        submit(fake, replace(samples.plain_mailing(), track_opens=True), ADA)
        (request,) = fake.requests
    assert request.body["tracking_settings"]["open_tracking"] == {"enable": True}
    assert request.body["tracking_settings"]["click_tracking"]["enable"] is False


def test_a_group_of_sendgrids_own_stands_in_for_the_link() -> None:
    mailing = replace(samples.plain_mailing(), unsubscribe_url=None, sendgrid_group=12345)
    with SendGridFake() as fake:
        submit(fake, mailing, ADA)
        (request,) = fake.requests
        (ada,) = fake.deliveries
    assert request.body["asm"] == {"group_id": 12345}
    assert GROUP_LINK in ada.html and GROUP_LINK in ada.text
    assert "List-Unsubscribe" not in ada.headers


def test_mail_that_is_held_back_says_so_once_for_all() -> None:
    with SendGridFake(clock=lambda: NOW) as fake, open_provider(fake) as provider:
        batch_id = provider.recallable.new_batch()
        scheduled = ScheduledSend(batch_id, datetime.fromtimestamp(NOW + HOUR, UTC))
        assert isinstance(
            submit_to(provider, samples.plain_mailing(), ADA, BO, scheduled=scheduled), Accepted
        )
        assert {(delivery.batch_id, delivery.send_at) for delivery in fake.deliveries} == {
            (batch_id, NOW + HOUR)
        }
        assert not fake.delivered_by(NOW + HOUR - 1) and len(fake.delivered_by(NOW + HOUR)) == 2


def expected_body(batch: Batch) -> dict[str, Any]:
    """Return the request as a dict, built without the template."""
    mailing = batch.mailing
    text, html = mailing.rendered.text, mailing.rendered.html
    if mailing.sendgrid_group:
        text, html = (part.replace("[[unsubscribe_url]]", GROUP_LINK) for part in (text, html))
    whole: dict[str, Any] = {
        "from": {"email": mailing.sender[1], "name": mailing.sender[0]},
        "subject": mailing.rendered.subject,
        "personalizations": [
            expected_personalization(mailing, recipient, text, html) for recipient in batch.recipients
        ],
        "content": [
            {"type": "text/plain", "value": PLACEHOLDER.sub(r"[[text.\1]]", text)},
            {"type": "text/html", "value": html},
        ],
        "headers": {"List-Id": f"<{mailing.list_id[1]}>"} | ({"X-News-Test": "yes"} if mailing.test else {}),
        "custom_args": {"news_list": "soup.example.com", "news_issue": "2026-04-27"},
        "tracking_settings": tracking_settings(mailing),
    }
    whole |= {"reply_to": {"email": mailing.reply_to}} if mailing.reply_to else {}
    whole |= {"asm": {"group_id": mailing.sendgrid_group}} if mailing.sendgrid_group else {}
    if batch.scheduled:
        whole |= {"batch_id": batch.scheduled.batch_id, "send_at": int(batch.scheduled.send_at.timestamp())}
    return whole


def expected_personalization(mailing: Mailing, recipient: Recipient, text: str, html: str) -> dict[str, Any]:
    to = {"email": recipient.address} | ({"name": recipient.name} if recipient.name else {})
    headers = {
        name: line.replace("{token}", recipient.token) for name, line in mailing.personal_headers().items()
    }
    in_text = {f"[[text.{name}]]": mailing.value(name)(recipient) for name in PLACEHOLDER.findall(text)}
    in_html = {f"[[{name}]]": escape(mailing.value(name)(recipient)) for name in PLACEHOLDER.findall(html)}
    headers["Message-ID"] = recipient.message_id
    whole = {"to": [to], "headers": headers, "substitutions": in_text | in_html}
    version, _, rest = recipient.token.partition(".")
    return whole if version == "test" else whole | {"custom_args": {"news_subscriber": rest.split(".")[0]}}


ANYTHING = st.text(st.characters(codec="utf-8"))
PEOPLE = st.lists(st.tuples(ANYTHING, ANYTHING), min_size=1, max_size=4)
CONTENT = st.lists(st.sampled_from(["[[name]]", "[[address]]", "[[unsubscribe_url]]", "{token}", "x"])).map(
    "".join
)
URLS = st.sampled_from([None, "https://example.com/?a=1&b='{token}\"", "https://example.com/{token}/é"])


@given(
    ANYTHING, ANYTHING, PEOPLE, CONTENT, CONTENT, URLS, st.sampled_from([None, "leave+{token}@example.com"])
)
def test_the_spliced_request_is_what_would_be_built_slowly(
    subject: str, name: str, people: Any, text: str, html: str, url: str | None, mailto: str | None
) -> None:
    mailing = replace(
        samples.plain_mailing(subject, name, text=text, html=html),
        unsubscribe_url=url,
        unsubscribe_mailto=mailto,
        reply_to="cook@example.com",
    )
    batch = samples.batch(mailing, *(Subscriber(n, *person) for n, person in enumerate(people)))
    assert json.loads(b"".join(template(mailing).fill(batch))) == expected_body(batch)


def test_events_find_their_recipient_without_an_address(tmp_path: Path) -> None:
    mailing = samples.mailing(tmp_path)
    with SendGridFake() as fake:
        submit(fake, mailing, Subscriber(1234567, "ada@example.com"), Subscriber(2, "bo@example.com"))
        (request,) = fake.requests
    assert request.body["custom_args"] == {
        "news_list": "the-soup-letter.example.com",
        "news_issue": "2026-04-27",
    }
    ids = [person["custom_args"] for person in request.body["personalizations"]]
    assert ids == [{"news_subscriber": "1234567"}, {"news_subscriber": "2"}]


@pytest.mark.parametrize("subscriber", [1, 2, 12, 10**18])
def test_a_send_of_an_older_version_has_the_same_ids(subscriber: int) -> None:
    mailing = samples.plain_mailing()
    old = Personalizer(mailing, samples.SECRET, token_version=1)(Subscriber(subscriber, "ada@example.com"))
    assert mailing.recipient_ids([old]) == [str(subscriber)]


@pytest.mark.parametrize(
    ("mail", "data"),
    [
        (ServiceMail(1, "confirm", 12, None, "ada@example.com", samples.NOW, 0), {"news_sign_up": "12"}),
        (ServiceMail(2, "data", None, 34, "ada@example.com", samples.NOW, 0), {"news_subscriber": "34"}),
    ],
)
def test_events_of_mail_about_a_subscription_find_its_person(
    mail: ServiceMail, data: dict[str, str], tmp_path: Path
) -> None:
    newsletter = samples.newsletter(tmp_path)
    links = SignedLinks([samples.SECRET], newsletter.list_id)
    tokens = UnsubscribeTokens(samples.SECRET, newsletter.list_id)
    made = ServiceMailings(newsletter, links, tokens, "https://news.example.com")
    recipient = made.recipient(mail, 0, samples.NOW)
    with SendGridFake() as fake, open_provider(fake) as provider:
        batch = Batch(made.mailing(mail.kind, samples.NOW), [recipient])
        assert isinstance(provider.submit(batch, samples.SubmissionLog()), Accepted)
        (request,) = fake.requests
    assert request.body["custom_args"] == {"news_list": newsletter.list_id}
    assert request.body["personalizations"][0]["custom_args"] == data
    assert request.body["headers"] == {"Auto-Submitted": "auto-generated"}
    assert "asm" not in request.body
    assert not any(switch["enable"] for switch in request.body["tracking_settings"].values())


def test_a_test_recipient_has_no_id() -> None:
    with SendGridFake() as fake:
        submit(fake, samples.plain_mailing().as_test(), Subscriber(0, "me@example.com"))
        (request,) = fake.requests
    assert "custom_args" not in request.body["personalizations"][0]


HOLD = ScheduledSend('"\\é', datetime.fromtimestamp(NOW, UTC))


@pytest.mark.parametrize("scheduled", [None, HOLD], ids=["now", "held"])
@pytest.mark.parametrize("number", [1, 99, 100, 101, 200, 1000])
def test_however_many_there_are_it_is_one_request(number: int, scheduled: ScheduledSend | None) -> None:
    mailing = replace(samples.plain_mailing(), sendgrid_group=5, test=True)
    batch = samples.batch(mailing, *([ADA, BO] * 500)[:number], scheduled=scheduled)
    pieces = template(mailing).fill(batch)
    assert json.loads(b"".join(pieces)) == expected_body(batch)
    assert max(map(len, pieces)) < 100_000


# Outcomes of a call

SHARED = "Does not contain a valid address."


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        pytest.param(Fault.status(400, "bad"), Refused("400 bad"), id="400"),
        pytest.param(Fault.status(413, "too large"), Refused("413 too large"), id="413"),
        pytest.param(
            Fault.status(401, "unauthorized"),
            NotSent("401 unauthorized: the API key is not valid, or the credits are used up"),
            id="401",
        ),
        pytest.param(
            Fault.status(403, "forbidden"),
            NotSent("403 forbidden: the API key lacks the right to send"),
            id="403",
        ),
        pytest.param(Fault.status(404, "not found"), NotSent("404 not found"), id="404"),
        pytest.param(Fault.status(408, "slow"), Unknown("408 slow"), id="408"),
        pytest.param(Fault.status(500, "oops"), Unknown("500 oops"), id="500"),
        pytest.param(Fault.status(503, "busy"), Unknown("503 busy"), id="503"),
        pytest.param(Fault.html(502), Unknown("HTTP 502"), id="502-in-html"),
        pytest.param(Fault.html(400), Refused("HTTP 400"), id="400-in-html"),
        pytest.param(
            Fault.html(403), NotSent("HTTP 403: the API key lacks the right to send"), id="403-in-html"
        ),
        pytest.param(Fault.html(200), Unknown("unexpected response: 200"), id="200-in-html"),
        pytest.param(Fault.sandbox(), Unknown("unexpected response: 200"), id="200-sandbox"),
        pytest.param(Fault(Reply(304)), Unknown("unexpected response: 304"), id="304"),
        pytest.param(Fault(Reply(202)), Accepted(""), id="202-without-an-id"),
    ],
)
def test_each_way_that_a_request_can_be_answered(fault: Fault, expected: Outcome) -> None:
    with SendGridFake() as fake:
        fake.next(fault)
        assert submit(fake, samples.plain_mailing(), ADA) == expected
        assert len(fake.requests) == 1, "the request is never repeated"
        assert fake.accepted(ADA.address) == 0


@pytest.mark.parametrize(
    ("status", "expected"), [(413, Refused), (429, NotSent), (202, Unknown), (500, Unknown)]
)
def test_what_is_said_before_all_is_read(status: int, expected: type[Outcome]) -> None:
    """A rejection is certain, because the server has not read the request; other replies are not."""
    with SendGridFake() as fake:
        fake.next(Fault.unread(Reply(status)))
        assert type(submit(fake, samples.plain_mailing(html="x" * 20_000_000), ADA)) is expected


ONE, TWO = error("bad", "personalizations.0.to.0.email"), error("worse", "personalizations.1")
FROM, NOTHING = error("who?", "from.email"), error("no")


@pytest.mark.parametrize(
    ("errors", "expected"),
    [
        pytest.param([TWO], Refused("400 worse", (1,)), id="one"),
        pytest.param(
            [TWO, ONE, ONE],
            Refused(
                "400 worse; bad",
                (0, 1),
            ),
            id="several",
        ),
        pytest.param([error("?", "personalizations")], Refused("400 personalizations: ?"), id="nobody"),
        pytest.param([ONE, NOTHING], Refused("400 personalizations.0.to.0.email: bad; no"), id="not-only"),
        pytest.param(
            [error("?", "personalizations.2.to")], Refused("400 personalizations.2.to: ?"), id="not-there"
        ),
        pytest.param([NOTHING], Refused("400 no"), id="no-field"),
        pytest.param([error("\x1b[2J\n")], Refused("400 \\u001b[2J\\u000a"), id="invisible"),
        pytest.param([], Refused("HTTP 400"), id="no-error"),
        pytest.param([FROM], NotSent("400 from.email: who?"), id="shared"),
        pytest.param(
            [ONE, FROM], NotSent("400 personalizations.0.to.0.email: bad; from.email: who?"), id="both"
        ),
        pytest.param([error("old", "batch_id")], NotSent("400 batch_id: old"), id="batch"),
        pytest.param([error("far", "send_at")], NotSent("400 send_at: far"), id="time"),
        pytest.param(
            [error("?", "personalizationsX.1")], NotSent("400 personalizationsX.1: ?"), id="another-field"
        ),
        pytest.param([{"field": 5, "message": None}], Refused("HTTP 400"), id="no-words"),
        pytest.param(["bad"], Refused("HTTP 400"), id="no-objects"),
    ],
)
def test_whose_fault_it_is(errors: Any, expected: Outcome) -> None:
    with SendGridFake() as fake:
        fake.next(Fault(Reply(400, {"errors": errors})))
        assert submit(fake, samples.plain_mailing(), ADA, BO) == expected


def test_an_address_that_sendgrid_refuses_is_pointed_out() -> None:
    with SendGridFake() as fake:
        bad = Subscriber(3, "nobody@localhost")
        outcome = submit(fake, samples.plain_mailing(), ADA, bad, BO)
    assert isinstance(outcome, Refused) and outcome.rejected_indexes == (1,)


def test_a_thousand_errors_are_read() -> None:
    people = [Subscriber(n, f"nobody{n}@localhost") for n in range(1000)]
    with SendGridFake() as fake:
        outcome = submit(fake, samples.plain_mailing(), *people)
    assert isinstance(outcome, Refused) and outcome.rejected_indexes == tuple(range(1000))
    assert len(outcome.reason) < 400


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        pytest.param({"Retry-After": "7"}, 7.0, id="seconds"),
        pytest.param({"X-RateLimit-Reset": str(NOW + 90)}, 90.0, id="reset"),
        pytest.param({"X-RateLimit-Reset": str(NOW - 90)}, 1.0, id="reset-is-over"),
        pytest.param({"Retry-After": "7", "X-RateLimit-Reset": str(NOW + 90)}, 7.0, id="both"),
        pytest.param({"Retry-After": "soon", "X-RateLimit-Reset": "9" * 400}, None, id="nonsense"),
        pytest.param({}, None, id="neither"),
    ],
)
def test_too_many_requests(headers: dict[str, str], wait: float | None) -> None:
    with SendGridFake() as fake:
        fake.next(Fault(Reply(429, {"errors": [error("slowly")]}, headers)))
        outcome = submit(fake, samples.plain_mailing())
    assert outcome == NotSent("429 slowly: too many requests", stop=False, wait=wait)


def test_of_an_answer_no_more_is_read_than_says_what_it_is() -> None:
    with SendGridFake() as fake, open_provider(fake) as provider:
        fake.next(Fault(Reply(400, b"[" * 5_000_000)), Fault(Reply(400, b"[" * 60_000)))
        for _ in range(3):
            outcome = submit_to(provider, samples.plain_mailing(), ADA)
            assert isinstance(outcome, Accepted) or outcome == Refused("HTTP 400")
        assert fake.connections == 2, "a connection whose response was not read to its end is not reused"


# Responses that the fake cannot give

Conversation = Callable[[socket.socket], None]


@contextmanager
def server(*conversations: Conversation) -> Iterator[str]:
    """Run a server; yield its URL. Each connection gets the next conversation, after its first request."""
    ended = threading.Event()

    def converse(connection: socket.socket, conversation: Conversation) -> None:
        with connection, suppress(ConnectionError):
            received = b"-"
            while received and b"]}" not in received:
                received = connection.recv(65_536)
            conversation(connection)
            ended.wait(5)

    def accept() -> None:
        for conversation in conversations:
            with suppress(OSError):  # no client connected
                connection, _ = listening.accept()
                threads.append(threading.Thread(target=converse, args=(connection, conversation)))
                threads[-1].start()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threads = [threading.Thread(target=accept)]
        threads[0].start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            ended.set()
            listening.shutdown(socket.SHUT_RDWR)
            for thread in threads:
                thread.join()


def send_pieces(*pieces: bytes, every: float = 0) -> Conversation:
    def conversation(connection: socket.socket) -> None:
        for piece in pieces:
            connection.sendall(piece)
            time.sleep(every)

    return conversation


TAKEN = b"HTTP/1.1 202 Accepted\r\nX-Message-Id: a\r\n"


@pytest.mark.parametrize(
    ("conversation", "expected"),
    [
        pytest.param(send_pieces(b"220 smtp.example.com ESMTP\r\n"), Unknown, id="another-protocol"),
        pytest.param(send_pieces(b"HTTP/1.1 2"), Unknown, id="half-a-line"),
        pytest.param(send_pieces(TAKEN), Unknown, id="half-the-headers"),
        pytest.param(send_pieces(TAKEN + b"Content-Length: 5\r\n\r\n{"), Accepted, id="half-the-content"),
        pytest.param(
            send_pieces(TAKEN + b"Transfer-Encoding: chunked\r\n\r\nx\r\n"), Accepted, id="bad-chunks"
        ),
        pytest.param(
            send_pieces(b"HTTP/1.1 100 Continue\r\n\r\n" + TAKEN + b"\r\n"), Accepted, id="go-on-first"
        ),
        pytest.param(send_pieces(TAKEN, *[b"X: y\r\n"] * 99, every=0.2), Unknown, id="drop-by-drop"),
        pytest.param(send_pieces(TAKEN + b"X: " + b"y" * 70_000 + b"\r\n"), Unknown, id="endless-line"),
        pytest.param(
            send_pieces(b"HTTP/1.1 400 \r\n\r\n", *[b"x"] * 99, every=0.2), Refused, id="drops-of-content"
        ),
    ],
)
def test_an_answer_that_is_none(conversation: Conversation, expected: type[Outcome]) -> None:
    began = time.monotonic()
    with server(conversation) as url, open_at(url, timeout=0.3) as provider:
        assert type(submit_to(provider, samples.plain_mailing())) is expected
        assert time.monotonic() - began < 10, "the time-out applies to the whole response"


def test_what_a_server_says_is_shown_on_one_line() -> None:
    with server(send_pieces(b"\x1b[2Jgo away" * 40 + b"\n")) as url, open_at(url) as provider:
        outcome = submit_to(provider, samples.plain_mailing())
    assert isinstance(outcome, Unknown) and outcome.reason.isprintable() and len(outcome.reason) < 310


# Connections


def test_connections_are_kept_and_used_again() -> None:
    with SendGridFake() as fake, open_provider(fake) as provider:
        fake.next(Fault.status(500), Fault.status(400), Fault.status(429))
        for _ in range(5):
            submit_to(provider, samples.plain_mailing())
        provider.recallable.new_batch()
        assert (len(fake.requests), fake.connections) == (6, 1)


def test_a_kept_connection_that_the_server_has_closed_is_not_used() -> None:
    with SendGridFake() as fake, open_provider(fake) as provider:
        for _ in range(3):
            assert isinstance(submit_to(provider, samples.plain_mailing()), Accepted)
            fake.hang_up()
        assert (len(fake.requests), fake.connections) == (3, 3)


def test_a_connection_whose_answer_was_not_read_to_its_end_is_not_used() -> None:
    begun = send_pieces(b"HTTP/1.1 500 \r\nContent-Length: 600000\r\n\r\n" + b"x" * MAX_CONTENT_BYTES)
    with server(begun, send_pieces(TAKEN + b"Content-Length: 0\r\n\r\n")) as url, open_at(url) as provider:
        assert submit_to(provider, samples.plain_mailing()) == Unknown("HTTP 500")
        assert submit_to(provider, samples.plain_mailing()) == Accepted("a")


def test_on_a_kept_connection_each_answer_has_the_whole_time_out() -> None:
    slowly = send_pieces(
        b"HTTP/1.1 202 \r\n", b"A: b\r\n", b"C: d\r\n", b"Content-Length: 0\r\n\r\n", every=0.3
    )

    def twice(connection: socket.socket) -> None:
        slowly(connection)
        connection.recv(65_536)
        slowly(connection)

    with server(twice) as url, open_at(url, timeout=1.5) as provider:
        for _ in range(2):
            assert submit_to(provider, samples.plain_mailing()) == Accepted("")


def test_a_connection_that_was_idle_for_long_is_not_used() -> None:
    with SendGridFake() as fake:
        transport = Transport(fake.url, max_idle=8, timeout=5, idle=0)
        for _ in range(2):
            assert transport.request("GET", "/", {}).status == 401
        transport.close()
        assert fake.connections == 2


def test_no_more_connections_are_kept_than_requests_are_in_flight() -> None:
    with SendGridFake() as fake, open_provider(fake, requests=2) as provider:
        assert provider.capabilities.max_calls == 2
        fake.next(*[Fault.late(0.2)] * 8)
        for _ in range(2):
            with ThreadPoolExecutor(4) as pool:
                list(pool.map(lambda _: submit_to(provider, samples.plain_mailing()), range(4)))
        assert fake.connections == 6


def test_after_closing_nothing_is_kept() -> None:
    with SendGridFake() as fake, open_provider(fake) as provider:
        provider.close()
        for _ in range(2):
            assert isinstance(submit_to(provider, samples.plain_mailing()), Accepted)
        assert fake.connections == 2


def test_many_requests_at_once_all_count_once() -> None:
    with SendGridFake() as fake, open_provider(fake) as provider:

        def fifty(thread: int) -> list[Outcome]:
            people = [Subscriber(n, f"reader{thread}.{n}@example.com") for n in range(50)]
            return [submit_to(provider, samples.plain_mailing(), person) for person in people]

        with ThreadPoolExecutor(8) as pool:
            outcomes = [outcome for each in pool.map(fifty, range(8)) for outcome in each]
        arrived = {delivery.address: delivery.message_id for delivery in fake.deliveries}
        assert len(outcomes) == len(fake.requests) == len(fake.deliveries) == len(arrived) == 400
        assert {outcome.message_id for outcome in outcomes if isinstance(outcome, Accepted)} == {
            *arrived.values()
        }
        assert fake.connections <= 8


def test_nobody_listening_is_not_sent_and_stops() -> None:
    with SendGridFake() as fake:
        pass
    with open_provider(fake) as provider:
        outcome = submit_to(provider, samples.plain_mailing())
    assert (
        isinstance(outcome, NotSent)
        and outcome.stop
        and outcome.reason.startswith(f"no connection to {urlsplit(fake.url).netloc}: ")
    )


def test_nobody_listening_any_more_is_tried_again_later() -> None:
    with SendGridFake() as fake, open_provider(fake) as provider:
        assert isinstance(submit_to(provider, samples.plain_mailing()), Accepted)
        fake.close()
        outcome = submit_to(provider, samples.plain_mailing())
        assert isinstance(outcome, NotSent) and not outcome.stop


@pytest.mark.parametrize("host", ["https://no-such-host.invalid", f"https://{'x' * 70}.example.com"])
def test_a_host_that_is_none_is_not_sent(host: str) -> None:
    with open_at(host) as provider:
        assert isinstance(submit_to(provider, samples.plain_mailing()), NotSent)


@pytest.fixture
def tls(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return context


def test_over_tls_connections_are_kept_too(
    tls: ssl.SSLContext, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    people = [Subscriber(n, f"reader{n}@example.com") for n in range(1, 1001)]
    with SendGridFake(tls=tls) as fake, open_provider(fake) as provider:
        for _ in range(3):
            assert isinstance(submit_to(provider, samples.plain_mailing(), *people), Accepted)
        assert fake.connections == 1
        fake.hang_up()
        assert isinstance(submit_to(provider, samples.plain_mailing()), Accepted)
        assert (len(fake.requests), fake.connections) == (4, 2)


def test_a_certificate_that_nobody_vouches_for_is_not_trusted(tls: ssl.SSLContext) -> None:
    with SendGridFake(tls=tls) as fake, open_provider(fake) as provider:
        outcome = submit_to(provider, samples.plain_mailing())
        assert isinstance(outcome, NotSent) and outcome.stop and "CERTIFICATE_VERIFY_FAILED" in outcome.reason
        assert fake.requests == []


def test_no_tls_where_it_should_be_is_not_sent() -> None:
    with SendGridFake() as fake, open_at(fake.url.replace("http:", "https:")) as provider:
        assert isinstance(submit_to(provider, samples.plain_mailing()), NotSent)
        assert fake.requests == []


# Proxies


class Proxy:
    """A proxy that opens a tunnel, or sends `response`; it records the request and the bytes relayed."""

    def __init__(self, response: bytes = b"HTTP/1.0 200 Connection established\r\n\r\n") -> None:
        self.response, self.requested, self.relayed = response, b"", b""

    def __enter__(self) -> "Proxy":
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://user:pass%3Aword@127.0.0.1:{self._server.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._server.close()

    def _serve(self) -> None:
        with suppress(OSError):  # no client connected
            client, _ = self._server.accept()
            self._handle(client)

    def _handle(self, client: socket.socket) -> None:
        with client:
            while b"\r\n\r\n" not in self.requested and (data := client.recv(4096)):
                self.requested += data
            client.sendall(self.response)
            if b" 200 " not in self.response:
                return
            port = int(self.requested.split()[1].rpartition(b":")[2])
            with socket.create_connection(("127.0.0.1", port)) as target:
                back = threading.Thread(target=self._relay, args=(target, client))
                back.start()
                self.relayed = self._relay(client, target)
                back.join()

    def _relay(self, source: socket.socket, target: socket.socket) -> bytes:
        relayed = b""
        with suppress(OSError):
            while data := source.recv(65_536):
                relayed += data
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        return relayed


def test_a_proxy_gives_a_tunnel_and_sees_nothing_of_what_passes(
    tls: ssl.SSLContext, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    with SendGridFake(tls=tls) as fake, Proxy() as proxy:
        monkeypatch.setenv("https_proxy", proxy.url)
        with open_provider(fake) as provider:
            assert isinstance(submit_to(provider, samples.plain_mailing()), Accepted)
            assert isinstance(provider.recallable.new_batch(), str)
    assert fake.connections == 1
    assert proxy.requested.startswith(b"CONNECT " + fake.url.removeprefix("https://").encode() + b" HTTP/1.")
    assert b"Proxy-Authorization: Basic dXNlcjpwYXNzOndvcmQ=\r\n" in proxy.requested
    assert fake.key.encode() not in proxy.requested + proxy.relayed
    assert fake.requests[0].headers["Proxy-Authorization"] is None


@pytest.mark.parametrize("response", [b"HTTP/1.0 407 no\r\n\r\n", b"what?\r\n", b""])
def test_a_proxy_that_gives_no_tunnel_is_not_sent(response: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    with SendGridFake() as fake, Proxy(response) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        outcome = submit(fake, samples.plain_mailing())
        assert isinstance(outcome, NotSent) and outcome.stop and "word" not in outcome.reason
        assert fake.requests == [] and fake.key.encode() not in proxy.requested


def test_a_proxy_that_is_not_there_is_not_sent_and_one_not_meant_is_not_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("http_proxy", "127.0.0.1:1")
    with SendGridFake() as fake:
        assert isinstance(submit(fake, samples.plain_mailing()), NotSent)
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        assert isinstance(submit(fake, samples.plain_mailing()), Accepted)


# The key


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_calls_about_the_account_follow_no_redirect(status: int) -> None:
    with SendGridFake() as elsewhere, SendGridFake() as fake, open_provider(fake) as provider:
        fake.next(*[Fault.redirect(f"{elsewhere.url}{SENDS}", status)] * 3)
        assert isinstance(provider.recallable.free_slots(), NotSent)
        assert isinstance(provider.recallable.new_batch(), NotSent)
        assert isinstance(provider.recallable.recall("batch1"), Unknown)
        assert (len(fake.requests), elsewhere.connections) == (3, 0)


def test_a_malformed_key_makes_no_call_about_the_account() -> None:
    with SendGridFake() as fake, open_at(fake.url, "SG.abc\r\nX: y") as pasted:
        (problem,) = pasted.check()
        assert "characters that are not valid in an API key" in problem.what
        assert pasted.recallable.free_slots() == pasted.recallable.new_batch() == NotSent(str(problem))
        assert pasted.recallable.recall("batch1") == Unknown(str(problem))
        assert fake.connections == 0


def test_check_misses_the_key_without_connecting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENDGRID_API_KEY", "SG.somebody-elses")
    without = SendGridProvider(SendGrid(), None)
    (problem,) = without.check()
    assert str(problem).startswith("SENDGRID_API_KEY: is not set")
    assert submit_to(without, samples.plain_mailing()) == NotSent(str(problem))
    assert "somebody" not in str(without._client.request_headers)


def test_nothing_secret_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("python_http_client").setLevel(logging.DEBUG)
    with SendGridFake() as fake, open_provider(fake) as provider:
        fake.next(None, Fault.status(400, "bad"), Fault.reset())
        for _ in range(3):
            submit_to(provider, samples.plain_mailing(), ADA)
        provider.recallable.recall("batch1")
        assert fake.key not in caplog.text and "ada@example.com" not in caplog.text
        shown = repr(provider) + str(vars(provider)) + str(vars(provider.recallable))
        assert fake.key not in shown + str(vars(provider._api.transport))


# Holding mail back, and recalling it


def held_batch(fake: SendGridFake, provider: SendGridProvider, *people: Subscriber) -> str:
    """Create a batch with mail that leaves in an hour; return its id."""
    batch_id = provider.recallable.new_batch()
    assert isinstance(batch_id, str)
    for person in people:
        put(provider, person, batch_id)
    return batch_id


def put(provider: SendGridProvider, subscriber: Subscriber, batch_id: str) -> Outcome:
    scheduled = ScheduledSend(batch_id, datetime.fromtimestamp(NOW + HOUR, UTC))
    return submit_to(provider, samples.plain_mailing(), subscriber, scheduled=scheduled)


def requests(fake: SendGridFake, since: int = 0) -> list[str]:
    return [f"{request.method} {request.path.removeprefix(SENDS)}" for request in fake.requests[since:]]


def hold(fake: SendGridFake, batch_id: str, status: str = "cancel") -> None:
    """Cancel or pause a batch in the fake, as another client of the account would."""
    assert fake._hold_back(batch_id, status).status == 201


@pytest.fixture
def clock() -> list[float]:
    return [NOW]


@pytest.fixture
def fake(clock: list[float]) -> Iterator[SendGridFake]:
    with SendGridFake(clock=lambda: clock[0]) as fake:
        yield fake


@pytest.fixture
def ready(fake: SendGridFake) -> Iterator[SendGridProvider]:
    with open_provider(fake) as provider:
        yield provider
    assert not [request for request in fake.requests if request.method == "DELETE"], (
        "DELETE would release the cancelled mail"
    )


def test_free_slots(fake: SendGridFake, ready: SendGridProvider) -> None:
    assert ready.recallable.free_slots() == 10
    batch_ids = [held_batch(fake, ready) for _ in range(10)]
    for batch_id in batch_ids[:3]:
        hold(fake, batch_id, "pause")
    assert ready.recallable.free_slots() == 7
    for batch_id in batch_ids[3:]:
        hold(fake, batch_id)
    assert ready.recallable.free_slots() == 0


def test_more_on_hold_than_there_are_slots_is_no_slot(fake: SendGridFake, ready: SendGridProvider) -> None:
    fake.next(Fault(Reply(200, [{"batch_id": str(n), "status": "cancel"} for n in range(11)])))
    assert ready.recallable.free_slots() == 0


UNEXPECTED = "unexpected response: "
FAILURES = [
    pytest.param(Fault.status(500, "oops"), NotSent("500 oops", stop=False), id="500"),
    pytest.param(Fault.status(401, "who?"), "API key", id="401"),
    pytest.param(Fault.status(404, "no"), NotSent("404 no"), id="404"),
    pytest.param(
        Fault(Reply(429, {"errors": [error("slowly")]}, {"Retry-After": "5"})),
        NotSent("429 slowly: too many requests", stop=False, wait=5),
        id="429",
    ),
    pytest.param(Fault.html(502), NotSent("HTTP 502", stop=False), id="502-in-html"),
    pytest.param(Fault.html(200), NotSent(f"{UNEXPECTED}200"), id="200-in-html"),
    pytest.param(Fault(Reply(200, [{"batch": "1"}])), NotSent(f"{UNEXPECTED}200"), id="not-the-list"),
    pytest.param(Fault(Reply(201, {"batch_id": "two words"})), NotSent(f"{UNEXPECTED}201"), id="not-an-id"),
    pytest.param(
        Fault(Reply(201, {"batch_id": "x" * 129})), NotSent(f"{UNEXPECTED}201"), id="not-a-short-id"
    ),
    pytest.param(Fault(Reply(201, {"batch_id": 5})), NotSent(f"{UNEXPECTED}201"), id="a-number"),
    pytest.param(Fault(Reply(500, [])), NotSent("HTTP 500", stop=False), id="500-with-a-list"),
    pytest.param(Fault(Reply(500, {"batch_id": "a"})), NotSent("HTTP 500", stop=False), id="500-with-an-id"),
    pytest.param(Fault.reset(), "no response: ", id="reset"),
    pytest.param(Fault.reply_lost(), "no response: ", id="reply-lost"),
]


@pytest.mark.parametrize(("fault", "expected"), FAILURES)
@pytest.mark.parametrize("call", ["free_slots", "new_batch"])
def test_each_way_that_asking_can_fail(
    fake: SendGridFake, ready: SendGridProvider, call: str, fault: Fault, expected: NotSent | str
) -> None:
    fake.next(fault)
    found = getattr(ready.recallable, call)()
    assert isinstance(found, NotSent) and len(fake.requests) == 1
    assert found == expected if isinstance(expected, NotSent) else expected in found.reason
    assert not isinstance(getattr(ready.recallable, call)(), NotSent)


def test_asking_does_not_wait_for_ever_nor_for_nobody(fake: SendGridFake) -> None:
    fake.next(*[Fault.late(60)] * 3)
    with open_provider(fake, timeout=0.2) as provider:
        late = NotSent("no response: timed out", stop=False)
        assert provider.recallable.free_slots() == provider.recallable.new_batch() == late
        assert provider.recallable.recall("batch1") == Unknown("no response: timed out")
    with open_at("http://127.0.0.1:1") as provider:
        found = provider.recallable.free_slots()
        assert (
            isinstance(found, NotSent)
            and found.stop
            and found.reason.startswith("no connection to 127.0.0.1:1: ")
        )


def test_a_cancellation_is_confirmed(fake: SendGridFake, ready: SendGridProvider) -> None:
    batch_id, other = held_batch(fake, ready, ADA), held_batch(fake, ready, BO)
    before = len(fake.requests)
    assert ready.recallable.recall(batch_id) == Cancelled()
    assert requests(fake, before) == ["POST ", f"GET /{batch_id}"]
    assert fake.requests[before].body == {"batch_id": batch_id, "status": "cancel"}
    assert [delivery.batch_id for delivery in fake.delivered_by(NOW + HOUR)] == [other]


def test_cancelling_again_covers_what_has_arrived_since(
    fake: SendGridFake, ready: SendGridProvider, clock: list[float]
) -> None:
    batch_id = held_batch(fake, ready, ADA)
    fake.next(Fault.arrives(300))
    assert isinstance(put(ready, BO, batch_id), Unknown)
    assert ready.recallable.recall(batch_id) == Cancelled()
    clock[0] += 300
    assert [delivery.address for delivery in fake.delivered_by(NOW + HOUR)] == [BO.address]
    before = len(fake.requests)
    assert ready.recallable.recall(batch_id) == Cancelled()
    assert requests(fake, before) == ["POST ", f"GET /{batch_id}", f"PATCH /{batch_id}", f"GET /{batch_id}"]
    assert fake.delivered_by(NOW + HOUR) == []


def test_what_somebody_has_paused_is_cancelled(fake: SendGridFake, ready: SendGridProvider) -> None:
    batch_id = held_batch(fake, ready, ADA)
    hold(fake, batch_id, "pause")
    assert ready.recallable.recall(batch_id) == Cancelled()
    assert fake._holds[batch_id] == "cancel"


def test_a_400_without_words_is_looked_into(fake: SendGridFake, ready: SendGridProvider) -> None:
    batch_id = held_batch(fake, ready, ADA)
    hold(fake, batch_id)
    fake.next(Fault.html(400), path=SENDS)
    assert ready.recallable.recall(batch_id) == Cancelled()


def test_one_that_is_there_already_is_renewed_even_if_it_is_not_shown(
    fake: SendGridFake, ready: SendGridProvider
) -> None:
    batch_id = held_batch(fake, ready, ADA)
    hold(fake, batch_id)
    fake.next(None, Fault(Reply(200, [])), path=SENDS)
    assert ready.recallable.recall(batch_id) == Cancelled()


def test_no_slot_is_free(fake: SendGridFake, ready: SendGridProvider) -> None:
    batch_ids = [held_batch(fake, ready, ADA) for _ in range(11)]
    assert {ready.recallable.recall(batch_id) == Cancelled() for batch_id in batch_ids[:10]} == {True}
    assert ready.recallable.recall(batch_ids[10]) == NotCancelled("400 max limit reached")
    assert len(fake.delivered_by(NOW + HOUR)) == 1


def test_it_is_too_late(fake: SendGridFake, ready: SendGridProvider, clock: list[float]) -> None:
    batch_id = held_batch(fake, ready, ADA)
    clock[0] += HOUR - 599
    outcome = ready.recallable.recall(batch_id)
    assert outcome == NotCancelled("400 batch_id: less than 10 minutes before send_at")
    assert len(fake.delivered_by(NOW + HOUR)) == 1


def test_a_batch_that_nobody_knows(fake: SendGridFake, ready: SendGridProvider) -> None:
    assert ready.recallable.recall("made up") == NotCancelled("400 invalid batch id")
    assert requests(fake)[1] == "GET /made%20up"
    fake.next(Fault.status(404, "batch id not found"), Fault.status(404, "batch id not found"))
    assert ready.recallable.recall("batch1") == NotCancelled("404 batch id not found")


UNCLEAR = [
    pytest.param(Fault.status(401, "who?"), id="401"),
    pytest.param(Fault.status(429, "slowly"), id="429"),
    pytest.param(Fault.status(500, "oops"), id="500"),
    pytest.param(Fault.html(200), id="200-in-html"),
    pytest.param(Fault.html(404), id="404-in-html"),
    pytest.param(Fault.reset(), id="reset"),
    pytest.param(Fault.reply_lost(), id="reply-lost"),
]


@pytest.mark.parametrize("fault", UNCLEAR)
@pytest.mark.parametrize("call", ["POST", "GET", "PATCH"])
def test_whatever_is_unclear_is_unknown_and_can_be_asked_again(
    fake: SendGridFake, ready: SendGridProvider, fault: Fault, call: str
) -> None:
    batch_id = held_batch(fake, ready, ADA)
    if call == "PATCH":
        hold(fake, batch_id)
    fake.next(*{"POST": [], "GET": [None], "PATCH": [None, None]}[call], fault, path=SENDS)
    outcome = ready.recallable.recall(batch_id)
    assert isinstance(outcome, Unknown) and outcome.reason
    assert ready.recallable.recall(batch_id) == Cancelled()


@pytest.mark.parametrize(
    "shown",
    [[], [{"batch_id": "another", "status": "cancel"}], {"status": "cancel"}, None, 5],
    ids=["nothing", "another", "not-a-list", "null", "a-number"],
)
def test_what_is_not_confirmed_is_unknown(fake: SendGridFake, ready: SendGridProvider, shown: object) -> None:
    batch_id = held_batch(fake, ready, ADA)
    fake.next(None, Fault(Reply(200, json.dumps(shown).encode())), path=SENDS)
    outcome = ready.recallable.recall(batch_id)
    assert isinstance(outcome, Unknown) and outcome.reason.startswith("not confirmed: ")


def test_a_pause_confirms_no_cancellation(fake: SendGridFake, ready: SendGridProvider) -> None:
    batch_id = held_batch(fake, ready, ADA)
    fake.next(None, Fault(Reply(200, [{"batch_id": batch_id, "status": "pause"}])), path=SENDS)
    assert ready.recallable.recall(batch_id) == Unknown("not confirmed: pause")


def test_what_arrived_too_late_to_be_covered_is_not_said_to_be(
    fake: SendGridFake, ready: SendGridProvider, clock: list[float]
) -> None:
    batch_id = held_batch(fake, ready, ADA)
    fake.next(Fault.arrives(HOUR - 500))
    put(ready, BO, batch_id)
    assert ready.recallable.recall(batch_id) == Cancelled()
    clock[0] += HOUR - 500
    assert ready.recallable.recall(batch_id) == Unknown("400 batch_id: less than 10 minutes before send_at")
    assert [delivery.address for delivery in fake.delivered_by(NOW + HOUR)] == [BO.address]


def test_a_host_with_a_path_is_asked_below_it() -> None:
    with SendGridFake() as fake, open_at(f"{fake.url}/relay") as provider:
        submit_to(provider, samples.plain_mailing())
        provider.recallable.new_batch()
        assert [request.path for request in fake.requests] == ["/relay/v3/mail/send", "/relay/v3/mail/batch"]
