"""Test the examination of a domain at Resend, and its tracking."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from newsletter.config.api_providers import Resend
from newsletter.config.model import Config
from newsletter.findings import DnsRecord, Finding
from newsletter.providers.resend.account import _full_host
from newsletter.providers.resend.provider import ResendProvider
from newsletter.sending.outcomes import NotSent
from tests import samples
from tests.fakes.resend import Fault, ResendFake, domain, pages


@pytest.fixture
def fake() -> Iterator[ResendFake]:
    with ResendFake() as fake:
        fake.pages = pages(domain())
        yield fake


@pytest.fixture
def provider(fake: ResendFake) -> Iterator[ResendProvider]:
    provider = ResendProvider(Resend(host=fake.url), SecretStr(fake.key), timeout=5)
    yield provider
    provider.close()


def config(folder: Path, extra: str = "") -> Config:
    return samples.newsletter(folder, extra=extra).config


def examined(provider: ResendProvider, folder: Path, extra: str = "") -> dict[str, Finding]:
    return {finding.looked_at: finding for finding in provider.examine(config(folder, extra)).findings}


def test_a_domain_that_is_set_up_is_fine(provider: ResendProvider, fake: ResendFake, tmp_path: Path) -> None:
    report = provider.examine(config(tmp_path))
    assert {finding.state for finding in report.findings} == {"ok"}
    assert report.sender and report.sender.domain == "example.com" and report.sender.verified
    assert report.sender.records[0] == DnsRecord("DKIM key", "txt", "resend._domainkey.example.com", "p=MIGf")
    assert report.return_path == "send.example.com"
    assert {request.method for request in fake.requests} == {"GET"}


@pytest.mark.parametrize("size", [5, 100, 205])
def test_the_domain_of_the_sender_is_found_among_many(
    size: int, provider: ResendProvider, fake: ResendFake, tmp_path: Path
) -> None:
    fake.pages = pages(*(domain(f"d{n}.example.com") for n in range(size)), domain())
    report = provider.examine(config(tmp_path))
    assert report.sender and report.sender.domain == "example.com"
    assert len(fake.requests) == size // 100 + 2


def test_a_domain_above_that_of_the_sender_does_not_count(
    provider: ResendProvider, fake: ResendFake, tmp_path: Path
) -> None:
    """At Resend each subdomain is a domain of its own."""
    newsletter = samples.newsletter(tmp_path)
    sender = newsletter.config.sender.model_copy(update={"email": "soup@news.example.com"})
    above = newsletter.config.model_copy(update={"sender": sender})
    (missing,) = (f for f in provider.examine(above).findings if f.state == "error")
    assert "none for news.example.com" in missing.what
    fake.pages = pages(domain(), domain("news.example.com"), domain("s.example.com"))
    report = provider.examine(above)
    assert report.sender and report.sender.records[0].host == "resend._domainkey.news.example.com"


def test_the_value_of_a_record_has_no_quotation_marks(
    provider: ResendProvider, fake: ResendFake, tmp_path: Path
) -> None:
    quoted = {"record": "SPF", "type": "TXT", "name": "send", "value": '"v=spf1 ~all"'}
    fake.pages = pages(domain(records=[quoted]))
    report = provider.examine(config(tmp_path))
    assert report.sender and [record.data for record in report.sender.records] == ["v=spf1 ~all"]
    assert report.clocks and report.clocks[0].whose == "Resend"


@pytest.mark.parametrize(
    ("name", "zone", "host"),
    [
        ("example.co.uk", "resend._domainkey", "resend._domainkey.example.co.uk"),
        ("news.example.co.uk", "resend._domainkey.news", "resend._domainkey.news.example.co.uk"),
        ("a.b.example.com", "send.a.b", "send.a.b.example.com"),
        ("example.com", "send.example.com", "send.example.com"),
    ],
)
def test_a_record_is_named_in_full(name: str, zone: str, host: str) -> None:
    assert _full_host(zone, name) == host


@pytest.mark.parametrize(
    ("settings", "kinds"),
    [
        ({"open_tracking": True}, ("opens",)),
        ({"click_tracking": True}, ("clicks",)),
        ({"open_tracking": True, "click_tracking": True}, ("opens", "clicks")),
        ({}, ()),
        ({"open_tracking": True, "click_tracking": None}, ("opens",)),
    ],
)
def test_a_domain_that_tracks_is_an_error_and_keeps_a_send_from_beginning(
    settings: dict[str, object],
    kinds: tuple[str, ...],
    provider: ResendProvider,
    fake: ResendFake,
    tmp_path: Path,
) -> None:
    fake.pages = pages(domain(**settings))
    assert provider.account_tracking(config(tmp_path)) == kinds
    finding = examined(provider, tmp_path)["domain's tracking"]
    assert finding.state == ("error" if kinds else "ok")
    assert all(kind in finding.what for kind in kinds)


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({"open_tracking": None}, id="null"),
        pytest.param({"click_tracking": "yes"}, id="text"),
        pytest.param({"open_tracking": False, "click_tracking": None}, id="one-of-two"),
    ],
)
def test_a_domain_that_does_not_say_whether_it_tracks_is_not_taken_for_one_that_does_not(
    settings: dict[str, object], provider: ResendProvider, fake: ResendFake, tmp_path: Path
) -> None:
    fake.pages = pages(domain(**settings))
    finding = examined(provider, tmp_path)["domain's tracking"]
    assert finding.state == "skipped" and "does not say" in finding.what
    answer = provider.account_tracking(config(tmp_path))
    assert isinstance(answer, NotSent) and "does not say" in answer.reason


@pytest.mark.parametrize("purpose", ["Receiving", "Receiving MX"])
def test_the_records_for_receiving_and_for_tracking_are_not_needed(
    purpose: str, provider: ResendProvider, fake: ResendFake, tmp_path: Path
) -> None:
    """A domain that receives mail too has a second MX: its host is not the envelope sender's."""
    extra = [
        {"record": purpose, "type": "MX", "name": "news", "value": "inbound-smtp.us-east-1.amazonaws.com"},
        {"record": "Tracking", "type": "CNAME", "name": "links", "value": "links1.resend-dns.com"},
        {"record": "TrackingCAA", "type": "CAA", "name": "links", "value": '0 issue "amazon.com"'},
    ]
    needed = domain()["records"]
    assert isinstance(needed, list)
    fake.pages = pages(domain(records=[*extra, *needed]))
    report = provider.examine(config(tmp_path))
    assert report.sender and report.return_path == "send.example.com"
    assert [record.use for record in report.sender.records] == ["DKIM key", "return path", "SPF"]


def test_a_key_that_may_only_send_is_not_an_error(
    provider: ResendProvider, fake: ResendFake, tmp_path: Path
) -> None:
    fake.is_restricted = True
    finding = examined(provider, tmp_path)["RESEND_API_KEY"]
    assert finding.state == "skipped" and "may only send" in finding.what
    assert provider.account_tracking(config(tmp_path)) is None


@pytest.mark.parametrize(
    ("change", "looked_at", "state", "words"),
    [
        ({"status": "pending"}, "sending domain", "error", "not verified example.com yet"),
        ({"status": "failed\x1b[1m"}, "sending domain", "error", "not verified"),
        ({"name": "other.example"}, "sending domain", "error", "has none for"),
        ({"status": "temporary_failure"}, "sending domain", "warning", "no longer finds all DNS records"),
        ({"capabilities": {"sending": "disabled"}}, "sending domain", "error", "receive mail only"),
    ],
)
def test_a_domain_that_is_not_ready(
    change: dict[str, object],
    looked_at: str,
    state: str,
    words: str,
    provider: ResendProvider,
    fake: ResendFake,
    tmp_path: Path,
) -> None:
    fake.pages = pages(domain(**change))
    finding = examined(provider, tmp_path)[looked_at]
    assert finding.state == state and words in finding.what and finding.what.isprintable()


@pytest.mark.parametrize(
    ("fault", "looked_at", "state"),
    [
        (Fault.error(400, "validation_error", "API key is invalid"), "RESEND_API_KEY", "error"),
        (Fault.error(403, "forbidden"), "RESEND_API_KEY", "error"),
        (Fault.error(500, "application_error"), "Resend", "skipped"),
        (Fault.html(502), "Resend", "skipped"),
        (Fault.reset(), "Resend", "error"),
    ],
    ids=["key", "forbidden", "500", "html", "reset"],
)
def test_what_cannot_be_read_is_a_finding(
    fault: Fault, looked_at: str, state: str, provider: ResendProvider, fake: ResendFake, tmp_path: Path
) -> None:
    fake.next(fault)
    assert examined(provider, tmp_path)[looked_at].state == state
    fake.next(None, fault)  # the domain itself
    assert examined(provider, tmp_path)[looked_at].state == state


@pytest.mark.parametrize(
    ("rate", "limit", "warns"),
    [
        ("500/s", None, False),
        ("501/s", None, True),
        ("201/s", 2, True),
        ("200/s", 2, False),
        ("700k/h", 2, False),
        ("5000/s, 100/s", 2, False),
        ("1000/s", 10, False),
    ],
)
def test_a_rate_above_that_of_the_team_is_a_warning(
    rate: str, limit: int | None, warns: bool, provider: ResendProvider, fake: ResendFake, tmp_path: Path
) -> None:
    fake.limit = limit
    findings = examined(provider, tmp_path, f'send: {{rate: "{rate}"}}\n')
    assert ("send.rate" in findings) == warns


def test_without_a_key_nothing_is_asked(fake: ResendFake, tmp_path: Path) -> None:
    provider = ResendProvider(Resend(host=fake.url), None)
    (finding,) = provider.examine(config(tmp_path)).findings
    assert (finding.looked_at, finding.state) == ("RESEND_API_KEY", "error")
    assert isinstance(provider.account_tracking(config(tmp_path)), NotSent) and fake.requests == []
