"""Test the examination of a server at Postmark against the fake: token, tracking, message streams."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from newsletter.config.api_providers import Postmark
from newsletter.doctor.provider import examine as examine_provider
from newsletter.findings import ProviderReport
from newsletter.providers.postmark.provider import PostmarkProvider
from newsletter.sending.outcomes import NotSent
from tests import samples
from tests.doctor.findings import as_text, only, states
from tests.fakes.postmark import TOKEN, Fault, PostmarkFake, Reply, stream

WELL = ["ok", "ok", "ok", "ok", "note"]


@pytest.fixture
def fake() -> Iterator[PostmarkFake]:
    with PostmarkFake() as fake:
        yield fake


def examine(
    fake: PostmarkFake, folder: Path, *, token: str = TOKEN, extra: str = "", **settings: Any
) -> ProviderReport:
    config = samples.newsletter(folder, extra=f"provider: postmark\n{extra}").config
    with closing(
        PostmarkProvider(Postmark(host=fake.url, **settings), SecretStr(token), timeout=2)
    ) as provider:
        return provider.examine(config)


def test_a_server_that_is_well(fake: PostmarkFake, tmp_path: Path) -> None:
    found = examine(fake, tmp_path)
    assert states(found.findings) == WELL, as_text(found.findings)
    assert found.return_path is None and found.sender is None
    assert abs(found.clocks[0].offset) < timedelta(seconds=3) and found.clocks[0].whose == "Postmark"
    assert {request.method for request in fake.requests} == {"GET"} and fake.deliveries == []
    note = only(found.findings, "note")
    assert "example.com has DKIM and Return-Path verified" in note.fix
    assert TOKEN not in as_text(found.findings), "the answer has the token in it"


def test_open_tracking_of_the_server_is_an_error(fake: PostmarkFake, tmp_path: Path) -> None:
    fake.server["TrackOpens"] = True
    error = only(examine(fake, tmp_path).findings, "error")
    assert error.looked_at == "server's tracking" and "open tracking is on" in error.what
    wanted = examine(fake, tmp_path, extra="tracking: {opens: true}\n")
    assert states(wanted.findings) == WELL


def test_link_tracking_of_the_server_is_a_note(fake: PostmarkFake, tmp_path: Path) -> None:
    fake.server["TrackLinks"] = "HtmlOnly"
    found = examine(fake, tmp_path).findings
    assert [finding.state for finding in found if finding.looked_at == "server's tracking"] == ["note"]
    wanted = examine(fake, tmp_path, extra="tracking: {clicks: true}\n")
    assert states(wanted.findings) == WELL


@pytest.mark.parametrize("handling", ["Custom", "None", "none", "custom"])
def test_a_stream_without_links_of_postmark(handling: str, fake: PostmarkFake, tmp_path: Path) -> None:
    fake.streams["broadcast"] = stream(handling=handling)
    assert states(examine(fake, tmp_path).findings) == WELL


@pytest.mark.parametrize("handling", ["Postmark", "postmark", None, 5, ["Custom"]])
def test_a_stream_to_which_postmark_adds_its_link(handling: Any, fake: PostmarkFake, tmp_path: Path) -> None:
    fake.streams["broadcast"] = stream(handling=handling)
    error = only(examine(fake, tmp_path).findings, "error")
    assert error.looked_at == "message stream broadcast" and "its own unsubscribe link" in error.what
    assert "manage unsubscribes on your own" in error.fix


def test_a_transactional_stream_without_a_word_about_unsubscribing(
    fake: PostmarkFake, tmp_path: Path
) -> None:
    del fake.streams["outbound"]["SubscriptionManagementConfiguration"]
    assert states(examine(fake, tmp_path).findings) == WELL
    fake.streams["outbound"]["SubscriptionManagementConfiguration"] = {"UnsubscribeHandlingType": "Postmark"}
    assert only(examine(fake, tmp_path).findings, "error").looked_at == "message stream outbound"


@pytest.mark.parametrize(
    ("name", "found", "words"),
    [
        (
            "broadcast",
            stream("Transactional", "None"),
            "its type is Transactional, and `postmark.stream` needs",
        ),
        ("outbound", stream("Broadcasts"), "its type is Broadcasts, and `postmark.service_stream` needs"),
        ("broadcast", stream("\x1b[2J"), "its type is \\u001b[2J"),
        ("broadcast", stream(ArchivedAt="2026-01-01T00:00:00Z"), "it is archived"),
        ("broadcast", None, "the server has no such stream"),
        ("outbound", Fault.error(404, 0).reply, "the server has no such stream"),
    ],
)
def test_a_stream_that_cannot_send(
    name: str, found: Any, words: str, fake: PostmarkFake, tmp_path: Path
) -> None:
    if isinstance(found, Reply):
        fake.next(Fault(found), path=f"/message-streams/{name}")
    else:
        fake.streams[name] = found
    error = only(examine(fake, tmp_path).findings, "error")
    assert words in error.what and error.looked_at == f"message stream {name}"


def test_the_streams_of_the_settings_are_looked_at(fake: PostmarkFake, tmp_path: Path) -> None:
    fake.streams["soups"], fake.streams["mail"] = fake.streams["broadcast"], fake.streams["outbound"]
    del fake.streams["broadcast"], fake.streams["outbound"]
    found = examine(fake, tmp_path, stream="soups", service_stream="mail")
    assert states(found.findings) == WELL


@pytest.mark.parametrize(
    "page", [Reply(403), Reply(200, b"x"), Reply(200, {"MessageStreamType": 5}), Reply(500), Reply(200, [])]
)
def test_a_stream_that_cannot_be_read_is_skipped(page: Reply, fake: PostmarkFake, tmp_path: Path) -> None:
    fake.next(Fault(page), path="/message-streams/broadcast")
    assert states(examine(fake, tmp_path).findings) == ["ok", "ok", "skipped", "ok", "note"]
    fake.next(Fault.reset(), path="/message-streams/outbound")
    assert states(examine(fake, tmp_path).findings) == ["ok", "ok", "ok", "skipped", "note"]


def test_a_sandbox_delivers_nothing(fake: PostmarkFake, tmp_path: Path) -> None:
    fake.server["DeliveryType"] = "Sandbox"
    assert "its server is a sandbox" in only(examine(fake, tmp_path).findings, "error").what


def test_the_test_token_is_a_warning_and_asks_nothing(fake: PostmarkFake, tmp_path: Path) -> None:
    (warning,) = examine(fake, tmp_path, token="POSTMARK_API_TEST").findings
    assert warning.state == "warning" and "sends none" in warning.what
    assert fake.connections == 0


@pytest.mark.parametrize("status", [401, 403, 422])
def test_a_token_that_postmark_does_not_accept(status: int, fake: PostmarkFake, tmp_path: Path) -> None:
    fake.next(Fault.error(status, 10, f"no {TOKEN}"))
    (error,) = examine(fake, tmp_path).findings
    assert (error.looked_at, error.state) == ("POSTMARK_SERVER_TOKEN", "error")
    assert f"{status} (error 10) no …" in error.what and "not that of the account" in error.what
    assert TOKEN not in str(error) and len(fake.requests) == 1


@pytest.mark.parametrize(
    "page",
    [Reply(500), Reply(200, b"<html>"), Reply(200, []), Reply(200, {"ID": 1}), Reply(200, b"[" * 99_999)],
)
def test_a_response_of_postmark_that_says_nothing(page: Reply, fake: PostmarkFake, tmp_path: Path) -> None:
    fake.next(Fault(page))
    assert states(examine(fake, tmp_path).findings) == ["skipped"]


def test_postmark_is_not_there_or_the_token_is_none(fake: PostmarkFake, tmp_path: Path) -> None:
    fake.next(Fault.reset())
    assert "the call failed" in only(examine(fake, tmp_path).findings, "error").what
    assert only(examine(fake, tmp_path, token="a b").findings, "error").looked_at == "POSTMARK_SERVER_TOKEN"


@pytest.mark.parametrize(
    ("settings", "expected"),
    [({"TrackOpens": True}, ("opens",)), ({"TrackOpens": False, "TrackLinks": "HtmlOnly"}, ())],
)
def test_tracking_that_a_message_cannot_switch_off(
    settings: dict[str, object], expected: tuple[str, ...], fake: PostmarkFake, tmp_path: Path
) -> None:
    fake.server |= settings
    config = samples.newsletter(tmp_path).config
    with closing(PostmarkProvider(Postmark(host=fake.url), SecretStr(TOKEN))) as provider:
        assert provider.account_tracking(config) == expected
        fake.next(Fault.html(502), Fault(Reply(200, {"TrackOpens": "true"})), Fault.reset())
        for _ in range(3):
            assert isinstance(provider.account_tracking(config), NotSent)
    without = PostmarkProvider(Postmark(host=fake.url), None)
    assert isinstance(without.account_tracking(config), NotSent)


def test_the_doctor_opens_postmark(fake: PostmarkFake, tmp_path: Path) -> None:
    extra = f"provider: postmark\npostmark: {{host: '{fake.url}'}}\n"
    secrets = {"POSTMARK_SERVER_TOKEN": TOKEN}
    newsletter = samples.newsletter(tmp_path, extra=extra, **secrets, POSTMARK_HOST="127.0.0.1")
    report, free = examine_provider(newsletter, 5, online=True)
    assert (states(report.findings), free) == (WELL, None)
    elsewhere = samples.newsletter(tmp_path, extra=extra, **secrets)
    (finding,) = examine_provider(elsewhere, 5, online=True)[0].findings
    assert finding.state == "error" and "POSTMARK_SERVER_TOKEN is not sent there" in finding.what
