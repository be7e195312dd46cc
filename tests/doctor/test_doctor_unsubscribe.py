"""Tests of the findings on the unsubscribe page, with a web server on TLS."""

import ssl
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from newsletter.doctor import unsubscribe as unsubscribing
from newsletter.doctor.unsubscribe import PageReport
from tests.doctor.findings import as_text, states
from tests.fakes.web import Fault, Reply, Request, WebFake

FORM = b'<html><form action="" method="post"><button>Leave</button></form></html>'
HTML = {"Content-Type": "text/html"}


class Page(WebFake):
    """Send the given replies to POST and GET."""

    def __init__(self, tls: ssl.SSLContext, post: Reply, get: Reply) -> None:
        super().__init__(tls=tls)
        self._answers = {"POST": post, "GET": get}

    def answer(self, request: Request) -> Reply:
        return self._answers[request.method]


@pytest.fixture
def tls(trusted: tuple[Path, Path]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*trusted)
    return context


def unsubscribe(url: str, timeout: float) -> PageReport:
    """Request a page; hosts on this machine count as public."""
    return unsubscribing.unsubscribe(url, timeout, is_public=lambda host: True)


DONE, SHOWN = Reply(200, b"ok", HTML), Reply(200, FORM, HTML)


def run_unsubscribe(tls: ssl.SSLContext, post: Reply = DONE, get: Reply = SHOWN) -> PageReport:
    with Page(tls, post, get) as page:
        return unsubscribe(f"{page.url}/leave/{{token}}", 5)


def test_what_is_asked_is_what_mail_programs_ask_with_the_token_of_nobody(tls: ssl.SSLContext) -> None:
    with Page(tls, DONE, SHOWN) as page:
        report = unsubscribe(f"{page.url}/leave?who={{token}}&from=mail", 5)
        post, get = page.requests
    assert states(report.findings) == ["ok", "ok"]
    assert (post.method, post.path, post.raw) == (
        "POST",
        "/leave?who=test&from=mail",
        b"List-Unsubscribe=One-Click",
    )
    assert post.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert "Cookie" not in post.headers and "Authorization" not in post.headers
    assert (get.method, get.path, get.raw) == ("GET", post.path, b"")


@pytest.mark.parametrize(
    ("reply", "state", "words"),
    [
        pytest.param(Reply(200), "ok", "answered with 200", id="200"),
        pytest.param(Reply(202), "ok", "answered with 202", id="202"),
        pytest.param(Reply(204), "ok", "answered with 204", id="204"),
        pytest.param(Reply(302, headers={"Location": "/login"}), "error", "302 to /login", id="redirect"),
        pytest.param(Reply(400), "note", "cannot tell", id="400"),
        pytest.param(Reply(404), "note", "cannot tell", id="404"),
        pytest.param(Reply(410), "note", "cannot tell", id="410"),
        pytest.param(Reply(422), "note", "cannot tell", id="422"),
        pytest.param(Reply(401), "error", "no login", id="401"),
        pytest.param(Reply(403), "error", "no form token", id="403"),
        pytest.param(Reply(405), "error", "accepts no POST", id="405"),
        pytest.param(Reply(429), "skipped", "too many requests", id="429"),
        pytest.param(Reply(500), "error", "fails (500)", id="500"),
        pytest.param(Reply(503), "error", "fails (503)", id="503"),
    ],
)
def test_the_answer_to_post(tls: ssl.SSLContext, reply: Reply, state: str, words: str) -> None:
    finding, _ = run_unsubscribe(tls, post=reply).findings
    assert finding.state == state and words in finding.what
    assert state == "ok" or finding.fix


@pytest.mark.parametrize(
    ("reply", "state", "words"),
    [
        pytest.param(SHOWN, "ok", "form that sends POST", id="form"),
        pytest.param(Reply(200, b"<FORM\n id=x METHOD=POST>", HTML), "ok", "form that sends", id="form-loud"),
        pytest.param(Reply(405), "ok", "unsubscribes nobody", id="405"),
        pytest.param(Reply(200, b"<form>", HTML), "warning", "no form that sends POST", id="form-by-get"),
        pytest.param(Reply(200, b"<p>Bye</p>", HTML), "warning", "no form that sends POST", id="no-form"),
        pytest.param(
            Reply(200, b"<p>You have been unsubscribed.</p>" + FORM, HTML),
            "warning",
            "confirms an unsubscription",
            id="done",
        ),
        pytest.param(
            Reply(200, b"<p>Press to be unsubscribed.</p>" + FORM, HTML), "ok", "form", id="only-asks"
        ),
        pytest.param(Reply(404), "note", "cannot tell", id="404"),
        pytest.param(Reply(302, headers={"Location": "/done"}), "note", "redirected to /done", id="redirect"),
        pytest.param(Reply(500), "warning", "the link in the mail is broken", id="500"),
        pytest.param(Reply(403), "warning", "answered with 403", id="403"),
    ],
)
def test_the_answer_to_get(tls: ssl.SSLContext, reply: Reply, state: str, words: str) -> None:
    _, finding = run_unsubscribe(tls, get=reply).findings
    assert finding.state == state and words in finding.what
    assert state == "ok" or finding.fix


def test_a_connection_that_ends_is_not_a_page(tls: ssl.SSLContext) -> None:
    with Page(tls, DONE, SHOWN) as page:
        page.next(Fault.reply_lost())
        lost = unsubscribe(f"{page.url}/{{token}}", 5)
        page.next(None, Fault.reply_lost())
        half = unsubscribe(f"{page.url}/{{token}}", 5)
        page.next(Fault.late(3))
        late = unsubscribe(f"{page.url}/{{token}}", 0.3)
    assert states(lost.findings) == ["error"] and "sends no response" in lost.findings[0].what
    assert states(half.findings) == ["ok", "skipped"]
    assert states(late.findings) == ["error"] and "timed out" in late.findings[0].what


def test_a_certificate_that_nobody_trusts(tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    (finding,) = run_unsubscribe(tls).findings
    assert finding.state == "error" and "certificate is self-signed" in finding.what


def test_a_certificate_for_another_name(tls: ssl.SSLContext) -> None:
    with Page(tls, DONE, SHOWN) as page:
        port = urlsplit(page.url).port
        (finding,) = unsubscribe(f"https://127.1:{port}/{{token}}", 5).findings
    assert finding.state == "error" and "certificate is for another name" in finding.what


def test_a_server_without_tls() -> None:
    with WebFake() as plain:
        (finding,) = unsubscribe(f"https://{urlsplit(plain.url).netloc}/{{token}}", 5).findings
    assert finding.state == "error" and "does not speak TLS" in finding.what


def test_nobody_there(tls: ssl.SSLContext) -> None:
    with Page(tls, DONE, SHOWN) as page:
        url = f"{page.url}/{{token}}"
    (finding,) = unsubscribe(url, 5).findings
    assert finding.state == "error" and "no server listens there" in finding.what
    (unknown,) = unsubscribe("https://soup.invalid/{token}", 5).findings
    assert unknown.state == "error" and "cannot be reached" in as_text([unknown])


def test_its_clock_is_heard(tls: ssl.SSLContext) -> None:
    with Page(tls, DONE, SHOWN) as page:
        page.offset = 3600
        (reading,) = unsubscribe(f"{page.url}/{{token}}", 5).clock_readings
    assert reading.whose == urlsplit(page.url).netloc
    assert abs(reading.offset - timedelta(hours=1)) < timedelta(seconds=5)


def test_an_address_of_this_machine_is_for_a_trial() -> None:
    (finding,) = unsubscribing.unsubscribe("http://127.0.0.1:8080/unsubscribe/{token}", 5).findings
    assert (finding.looked_at, finding.state) == ("127.0.0.1:8080", "error")
    assert finding.what.startswith("is for a trial on this machine")
    assert finding.fix == "before you send real mail, write a public address into unsubscribe.url"
