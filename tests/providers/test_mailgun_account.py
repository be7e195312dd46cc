"""Test the examination of a domain at Mailgun against the fake: key, state, DNS records, tracking."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from newsletter.config.api_providers import Mailgun
from newsletter.doctor.provider import examine as examine_provider
from newsletter.findings import DnsRecord, ProviderReport
from newsletter.providers.mailgun.provider import MailgunProvider
from tests import samples
from tests.doctor.findings import as_text, only, states
from tests.fakes.mailgun import Fault, MailgunFake, Reply
from tests.fakes.mailgun_account import pages

DOMAIN, TRACKING = "/v4/domains/example.com", "/v3/domains/example.com/tracking"


@pytest.fixture
def fake() -> Iterator[MailgunFake]:
    with MailgunFake() as fake:
        fake.pages = pages()
        yield fake


def examine(
    fake: MailgunFake, folder: Path, *, key: str = "key-fake", extra: str = "", domain: str | None = None
) -> ProviderReport:
    config = samples.newsletter(folder, extra=f"provider: mailgun\n{extra}").config
    settings = Mailgun(host=fake.url, domain=domain)
    with closing(MailgunProvider(settings, SecretStr(key), timeout=2)) as provider:
        return provider.examine(config)


def test_a_domain_that_is_well(fake: MailgunFake, tmp_path: Path) -> None:
    found = examine(fake, tmp_path)
    assert states(found.findings) == ["ok"] * 3, as_text(found.findings)
    assert found.return_path == "example.com" and found.sender and found.sender.verified
    assert found.sender.records == (
        DnsRecord("SPF", "txt", "example.com", "v=spf1 include:mailgun.example ~all"),
        DnsRecord("DKIM key", "txt", "pic._domainkey.example.com", "k=rsa; p=MIGf"),
    )
    assert abs(found.clocks[0].offset) < timedelta(seconds=3) and found.clocks[0].whose == "Mailgun"
    assert {request.method for request in fake.requests} == {"GET"} and fake.deliveries == []


def test_the_domain_of_the_settings_is_looked_at(fake: MailgunFake, tmp_path: Path) -> None:
    fake.pages = pages("mg.example.com")
    found = examine(fake, tmp_path, domain="mg.example.com")
    assert found.sender and found.sender.domain == found.return_path == "mg.example.com"


def test_with_tracking_its_record_is_needed(fake: MailgunFake, tmp_path: Path) -> None:
    found = examine(fake, tmp_path, extra="tracking: {clicks: true}\n")
    assert found.sender
    assert found.sender.records[2] == DnsRecord("tracking", "cname", "email.example.com", "mailgun.example")


@pytest.mark.parametrize(
    ("properties", "words"),
    [
        ({"state": "unverified"}, "has not verified example.com yet: its state is unverified"),
        ({"state": None}, "its state is ?"),
        ({"state": "\x1b[2J"}, "its state is \\u001b[2J"),
        ({"state": "disabled"}, "has disabled example.com"),
        ({"is_disabled": True}, "has disabled example.com"),
        ({"type": "sandbox"}, "is a sandbox"),
    ],
)
def test_a_domain_that_cannot_send(
    properties: dict[str, object], words: str, fake: MailgunFake, tmp_path: Path
) -> None:
    fake.pages = pages(**properties)
    found = examine(fake, tmp_path)
    assert words in only(found.findings, "error").what
    assert found.sender and found.sender.verified == (properties.get("state", "active") == "active")


@pytest.mark.parametrize("setting", [True, "yes", "htmlonly"])
def test_tracking_of_the_domain_is_a_note(setting: object, fake: MailgunFake, tmp_path: Path) -> None:
    """Each request switches it off."""
    fake.pages = pages(tracking={"open": setting, "click": setting})
    note = only(examine(fake, tmp_path).findings, "note")
    assert "open tracking and click tracking are on; each request of news switches them off" in note.what
    wanted = examine(fake, tmp_path, extra="tracking: {opens: true, clicks: true}\n")
    assert states(wanted.findings) == ["ok"] * 3


@pytest.mark.parametrize("setting", [False, "no", None])
def test_tracking_that_is_off_is_fine(setting: object, fake: MailgunFake, tmp_path: Path) -> None:
    fake.pages = pages(tracking={"open": setting, "click": setting, "unsubscribe": setting})
    assert states(examine(fake, tmp_path).findings) == ["ok"] * 3


def test_a_footer_of_mailgun_is_a_warning(fake: MailgunFake, tmp_path: Path) -> None:
    fake.pages = pages(tracking={"unsubscribe": True})
    assert "may add a footer" in only(examine(fake, tmp_path).findings, "warning").what


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_that_may_not_read_the_domain(status: int, fake: MailgunFake, tmp_path: Path) -> None:
    """A domain sending key and a wrong key get the same response."""
    fake.pages[DOMAIN] = Reply(status, b"Forbidden", {"Content-Type": "text/plain"})
    (finding,) = examine(fake, tmp_path).findings
    assert (finding.looked_at, finding.state) == ("MAILGUN_API_KEY", "skipped")
    assert f"{status} Forbidden" in finding.what and "domain sending key may not read" in finding.what
    assert "https://api.eu.mailgun.net" in finding.fix and len(fake.requests) == 1


def test_a_domain_that_the_account_does_not_have(fake: MailgunFake, tmp_path: Path) -> None:
    del fake.pages[DOMAIN]
    finding = only(examine(fake, tmp_path).findings, "error")
    assert "has no domain example.com at this host" in finding.what and "api.eu.mailgun.net" in finding.fix


@pytest.mark.parametrize(
    "page",
    [
        Reply(500),
        Reply(200, b"<html>"),
        Reply(200, []),
        Reply(200, {"domain": []}),
        Reply(200, b"[" * 99_999),
    ],
)
def test_a_response_that_says_nothing(page: Reply, fake: MailgunFake, tmp_path: Path) -> None:
    fake.pages[DOMAIN] = page
    assert states(examine(fake, tmp_path).findings) == ["skipped"]


@pytest.mark.parametrize("page", [Reply(403), Reply(200, b"x"), Reply(200, {"tracking": 5})])
def test_tracking_that_cannot_be_read_is_skipped(page: Reply, fake: MailgunFake, tmp_path: Path) -> None:
    fake.pages[TRACKING] = page
    assert states(examine(fake, tmp_path).findings) == ["ok", "ok", "skipped"]
    fake.pages[TRACKING] = pages()[TRACKING]
    fake.next(None, Fault.reset())
    assert states(examine(fake, tmp_path).findings) == ["ok", "ok", "skipped"]


@pytest.mark.parametrize("records", [None, [5, {}, {"record_type": "TXT"}, {"record_type": 5, "name": []}]])
def test_records_that_are_none(records: object, fake: MailgunFake, tmp_path: Path) -> None:
    fake.pages[DOMAIN]["sending_dns_records"] = records  # type: ignore[index]
    found = examine(fake, tmp_path)
    assert found.sender and found.sender.records == ()


def test_nobody_there_and_no_key(fake: MailgunFake, tmp_path: Path) -> None:
    fake.next(Fault.reset())
    assert "the call failed" in only(examine(fake, tmp_path).findings, "error").what
    assert only(examine(fake, tmp_path, key="a b").findings, "error").looked_at == "MAILGUN_API_KEY"


def test_the_doctor_opens_mailgun(fake: MailgunFake, tmp_path: Path) -> None:
    extra = f"provider: mailgun\nmailgun: {{host: '{fake.url}'}}\n"
    newsletter = samples.newsletter(tmp_path, extra=extra, MAILGUN_API_KEY=fake.key, MAILGUN_HOST="127.0.0.1")
    report, free = examine_provider(newsletter, 5, online=True)
    assert (states(report.findings), free) == (["ok"] * 3, None)
    elsewhere = samples.newsletter(tmp_path, extra=extra, MAILGUN_API_KEY=fake.key)
    (finding,) = examine_provider(elsewhere, 5, online=True)[0].findings
    assert finding.state == "error" and "MAILGUN_API_KEY is not sent there" in finding.what
