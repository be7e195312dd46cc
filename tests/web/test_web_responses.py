"""The headers of every response of the public server, its health, and the pages of its failures."""

import logging
from dataclasses import replace
from pathlib import Path

import pytest

from newsletter.errors import ConfigError, TemplateError
from newsletter.web.log_filters import Seldom
from newsletter.web.public_address import public_address
from newsletter.web.server import open_context
from tests import samples
from tests.web.visitors import UNSUBSCRIBE, PublicServer, served, text_of

SAM = "sam@example.com"
STRICT = {
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
PUBLIC = {
    "/": "public, max-age=300",
    "/subscribe": "public, max-age=300",
    "/site.css": "public, max-age=3600",
}


def test_every_response_has_the_strict_headers(server: PublicServer) -> None:
    sam = server.add(SAM)
    paths = ["/", "/subscribe", "/lost", "/site.css", "/healthz", "/nothing", "/webhooks/sendgrid"]
    paths += [server.unsubscribe_path(sam), server.data_path(sam), server.data_path(sam) + "/data.json"]
    for path in paths:
        for method in ("GET", "POST", "PUT"):
            response = server.ask(method, path)
            assert {name: response.headers.get(name) for name in STRICT} == STRICT, path
            cached = PUBLIC.get(path, "no-store") if response.status_code == 200 else "no-store"
            assert response.headers["cache-control"] == cached, path
            robots = "all" if cached == "public, max-age=300" else "noindex, nofollow, noarchive"
            assert response.headers["x-robots-tag"] == robots, path


def test_a_method_that_a_path_does_not_have_is_named(server: PublicServer) -> None:
    for path, allowed in (("/", {"GET", "HEAD"}), ("/lost", {"GET", "HEAD", "POST"})):
        response = server.ask("DELETE", path)
        assert response.status_code == 405
        assert set(response.headers["allow"].split(", ")) == allowed
        assert "This request cannot be answered" in text_of(response)


def test_a_monitor_sees_each_part_that_fails(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        assert server.get("/healthz").json() == {
            "status": "ok",
            "database": "ok",
            "writer": "ok",
            "mail": "ok",
        }
        server.context = replace(server.context, is_mailing=lambda: False)
        response = server.get("/healthz")
        assert (response.status_code, response.json()["mail"]) == (503, "failed")
        server.context.writer._lock_seconds = 0.1
        with server.context.database.writing_alone():
            assert server.get("/healthz").json()["database"] == "ok"  # the last probe counts for a while
            server.context.probe.valid_until = 0
            response = server.get("/healthz")
        assert (response.status_code, response.json()["database"]) == (503, "failed")
        server.context.writer.close()
        response = server.get("/healthz")
        assert (response.status_code, response.json()["writer"]) == (503, "failed")


@pytest.mark.parametrize("name", ["not_found", "busy", "error", "too_many"])
def test_a_mistake_in_an_own_page_of_an_error_is_answered_too(
    name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "templates" / "web"
    folder.mkdir(parents=True)
    (folder / f"{name}.html.j2").write_text("{{ nothing.at_all }}", encoding="utf-8")
    with served(tmp_path, extra="serve: {rate: 1/h}\n") as server:
        server.context.writer._lock_seconds = 0.1
        if name == "not_found":
            response = server.get("/nothing")
        elif name == "error":
            response = server.ask("PUT", "/")
        elif name == "too_many":
            response = [server.sign_up(f"reader{number}@example.com") for number in range(2)][1]
        else:
            with server.context.database.writing_alone():
                response = server.sign_up(SAM)
    assert response.status_code == {"not_found": 404, "error": 405, "too_many": 429, "busy": 503}[name]
    assert response.text.endswith("Please try again later.\n")
    assert response.headers["referrer-policy"] == "no-referrer"
    assert f"templates/web/{name}.html.j2:1" in caplog.text


def test_a_mistake_of_ours_has_a_reference_that_is_in_the_log(
    server: PublicServer, caplog: pytest.LogCaptureFixture
) -> None:
    token = server.unsubscribe_path(server.add(SAM)).rpartition("/")[2]

    def fail() -> None:
        raise ZeroDivisionError

    server.context = replace(server.context, now=fail)
    response = server.post(f"/unsubscribe/{token}")
    reference = text_of(response).partition('<bdi class="who">')[2][:8]
    assert (response.status_code, len(reference)) == (500, 8)
    (record,) = [record for record in caplog.records if record.message == "request failed"]
    assert (record.reference, record.path) == (reference, "/unsubscribe/{token}")
    assert token not in str(record.__dict__)


def test_what_cannot_cause_mail_does_not_use_up_the_limit_of_others(tmp_path: Path) -> None:
    with served(tmp_path, extra="serve: {rate: 2/h, rate_per_network: 5/h}\n") as server:
        for network, typed, topic in ((1, "nonsense", ""), (2, "", ""), (3, "bot@example.com", "ACME")):
            server.client = f"198.51.{network}.1"
            statuses = {server.sign_up(typed, topic=topic).status_code for _ in range(5)}
            assert statuses <= {200, 422}
            assert server.sign_up(SAM).status_code == 429  # the limit of this network
        server.client = "203.0.113.1"
        answers = [server.sign_up(f"reader{number}@example.com").status_code for number in range(3)]
        assert answers == [200, 200, 429]


def test_a_mistake_in_an_own_page_is_told_at_the_start(tmp_path: Path) -> None:
    newsletter = samples.newsletter(tmp_path, unsubscribe=UNSUBSCRIBE)
    (tmp_path / "templates" / "web").mkdir(parents=True)
    (tmp_path / "templates" / "web" / "returned.html.j2").write_text("{% if %}", encoding="utf-8")
    with (
        pytest.raises(TemplateError) as caught,
        open_context(newsletter, public_address(newsletter, 8080)),
    ):
        pass
    assert caught.value.where.endswith("templates/web/returned.html.j2:1")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("POSTMARK_WEBHOOK_PASSWORD", "secret-15-chars"),
        ("RESEND_WEBHOOK_SECRET", "abcdef"),
        ("MAILGUN_WEBHOOK_KEY", "short"),
    ],
)
def test_a_secret_of_a_webhook_that_is_none_is_told_at_the_start(
    name: str, value: str, tmp_path: Path
) -> None:
    """Also one of a provider that was used before: its webhook is open."""
    newsletter = samples.newsletter(tmp_path, unsubscribe=UNSUBSCRIBE, **{name: value})
    with pytest.raises(ConfigError) as caught, open_context(newsletter, public_address(newsletter, 8080)):
        pass
    (problem,) = caught.value.problems
    assert problem.where == name and problem.fix and value not in str(problem)


def test_a_library_writes_a_line_at_most_once_a_minute() -> None:
    seldom = Seldom()
    records = [
        logging.LogRecord("asyncio", logging.ERROR, "", 0, message, (number,), (OSError, OSError(), None))
        for number, message in enumerate(["accept failed", "accept failed", "something else"])
    ]
    assert [seldom.filter(record) for record in records] == [True, False, True]
    assert records[0].exc_info is None
