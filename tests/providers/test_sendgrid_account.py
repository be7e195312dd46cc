"""Test the examination of a SendGrid account against the fake: key, scopes, settings, domains."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import SecretStr

from newsletter.config.model import SendGrid
from newsletter.findings import DnsRecord, Finding, ProviderReport
from newsletter.providers.sendgrid.account import OVERRIDDEN, RECALL_SCOPES
from newsletter.providers.sendgrid.payload import tracking_settings
from newsletter.providers.sendgrid.provider import SendGridProvider
from tests import samples
from tests.doctor.findings import as_text, only, states
from tests.fakes.sendgrid import Fault, Reply, Request, SendGridFake
from tests.fakes.sendgrid_account import automatic, manual, pages

TRACKING, MAIL, DOMAIN = "account's tracking settings", "account's mail settings", "authenticated domain"


@pytest.fixture
def fake() -> Iterator[SendGridFake]:
    with SendGridFake() as fake:
        fake.pages = pages()
        yield fake


def examine(fake: SendGridFake, folder: Path, *, key: str = "SG.fake", extra: str = "") -> ProviderReport:
    config = samples.newsletter(folder, extra=f"provider: sendgrid\n{extra}").config
    provider = SendGridProvider(SendGrid(host=fake.url), SecretStr(key), timeout=2)
    with closing(provider):
        return provider.examine(config)


def about(label: str, report: ProviderReport) -> list[Finding]:
    return [finding for finding in report.findings if finding.looked_at == label]


def test_an_account_that_is_well(fake: SendGridFake, tmp_path: Path) -> None:
    found = examine(fake, tmp_path)
    assert states(found.findings) == ["ok"] * 5, as_text(found.findings)
    assert found.return_path == "em7.example.com"
    assert found.sender and found.sender.domain == "example.com"
    assert abs(found.clocks[0].offset) < timedelta(seconds=3) and found.clocks[0].whose == "SendGrid"


def test_only_get_is_asked_and_nothing_is_sent(fake: SendGridFake, tmp_path: Path) -> None:
    examine(fake, tmp_path)
    assert {request.method for request in fake.requests} == {"GET"}
    assert len(fake.requests) == 4 and fake.deliveries == []


def test_a_key_that_sendgrid_does_not_know(fake: SendGridFake, tmp_path: Path) -> None:
    (short,) = examine(fake, tmp_path, key="hush-hush").findings
    assert short.state == "error" and "does not accept the key: 401" in short.what
    assert "has 69 characters; this one does not" in short.fix and "hush" not in as_text([short])
    (whole,) = examine(fake, tmp_path, key="SG." + "x" * 66).findings
    assert whole.state == "error" and "69 characters" not in whole.fix
    assert len(fake.requests) == 2, "no further call is made"


def test_a_machine_that_is_not_let_in(fake: SendGridFake, tmp_path: Path) -> None:
    fake.next(Fault.status(403, "access forbidden"))
    (found,) = examine(fake, tmp_path).findings
    assert found.state == "error" and "403 access forbidden" in found.what and "IP access" in found.fix


@pytest.mark.parametrize("fault", [Fault.status(500), Fault.html(), Fault(Reply(200, b"[]"))])
def test_an_answer_that_says_nothing_of_the_key(fake: SendGridFake, tmp_path: Path, fault: Fault) -> None:
    fake.next(fault)
    (found,) = examine(fake, tmp_path).findings
    assert found.state == "skipped" and found.looked_at == "SendGrid"


@pytest.mark.parametrize("fault", [Fault.reply_lost(), Fault.late(4)], ids=["lost", "late"])
def test_nobody_to_be_asked(fake: SendGridFake, tmp_path: Path, fault: Fault) -> None:
    fake.next(fault)
    found = examine(fake, tmp_path)
    assert states(found.findings) == ["error"] and "the call failed" in found.findings[0].what
    assert (found.clocks, found.sender, len(fake.requests)) == ((), None, 1)


def test_without_a_key_nobody_is_asked(tmp_path: Path, fake: SendGridFake) -> None:
    config = samples.newsletter(tmp_path, extra="provider: sendgrid\n").config
    with closing(SendGridProvider(SendGrid(host=fake.url), None)) as provider:
        (found,) = provider.examine(config).findings
    assert (found.state, found.looked_at, fake.requests) == ("error", "SENDGRID_API_KEY", [])


def test_a_key_that_may_not_send(fake: SendGridFake, tmp_path: Path) -> None:
    fake.pages = pages(without=["mail.send"])
    found = examine(fake, tmp_path)
    assert "lacks the scope to send mail" in only(found.findings, "error").what
    assert "Mail Send" in only(found.findings, "error").fix


@pytest.mark.parametrize("scope", RECALL_SCOPES)
def test_each_scope_of_undo_is_needed_where_undo_is_wanted(
    fake: SendGridFake, tmp_path: Path, scope: str
) -> None:
    fake.pages = pages(without=[scope])
    found = only(examine(fake, tmp_path).findings, "error")
    assert f"lacks scopes to hold mail back and to recall it: {scope}" in found.what
    without = examine(fake, tmp_path, extra='send: {undo_window: "off"}\n')
    assert scope in only(without.findings, "note").what


@pytest.mark.parametrize("name", ["click", "open", "subscription", "google_analytics"])
def test_tracking_that_the_account_has_on_is_a_note_since_requests_switch_it_off(
    fake: SendGridFake, tmp_path: Path, name: str
) -> None:
    fake.pages = pages(on=[name])
    (found,) = about(TRACKING, examine(fake, tmp_path))
    assert found.state == "note" and OVERRIDDEN[name] in found.what and "switches it off" in found.what


def test_what_is_said_to_be_overridden_is_in_every_request(tmp_path: Path) -> None:
    ours = {"click": "click_tracking", "open": "open_tracking", "subscription": "subscription_tracking"}
    ours |= {"google_analytics": "ganalytics", "ganalytics": "ganalytics"}
    sent = tracking_settings(samples.mailing(tmp_path))
    assert set(ours) == set(OVERRIDDEN)
    assert all(sent[ours[name]]["enable"] is False for name in OVERRIDDEN)


def test_tracking_that_newsletter_yml_asks_for_is_no_surprise(fake: SendGridFake, tmp_path: Path) -> None:
    fake.pages = pages(on=["click", "open"])
    both = about(TRACKING, examine(fake, tmp_path, extra="tracking: {opens: true, clicks: true}\n"))
    assert states(both) == ["ok"]
    opens = about(TRACKING, examine(fake, tmp_path, extra="tracking: {opens: true}\n"))
    assert states(opens) == ["note"] and "click tracking is on" in opens[0].what


def test_tracking_that_nobody_knows_is_a_warning(fake: SendGridFake, tmp_path: Path) -> None:
    listed = [{"name": "eye_tracking", "enabled": True}, {"name": "ear_tracking", "enabled": False}]
    fake.pages["/v3/tracking_settings"] = {"result": listed}
    (found,) = about(TRACKING, examine(fake, tmp_path))
    assert found.state == "warning" and "eye_tracking: on, and unknown to news" in found.what
    assert "ear_tracking" not in found.what


@pytest.mark.parametrize(
    ("name", "state"),
    [
        ("footer", "warning"),
        ("template", "warning"),
        ("spam_check", "warning"),
        ("plain_content", "note"),
        ("forward_spam", "note"),
        ("address_whitelist", "note"),
        ("bounce_purge", "ok"),
        ("event_notify", "ok"),
        ("forward_bounce", "ok"),
    ],
)
def test_mail_settings_that_touch_our_mail(fake: SendGridFake, tmp_path: Path, name: str, state: str) -> None:
    fake.pages = pages(on=[name])
    (found,) = about(MAIL, examine(fake, tmp_path))
    assert found.state == state and (state == "ok" or f"`{name}`" in found.what)


def test_bcc_of_older_accounts(fake: SendGridFake, tmp_path: Path) -> None:
    fake.pages["/v3/mail_settings"] = {"result": [{"name": "bcc", "enabled": True}]}
    assert states(about(MAIL, examine(fake, tmp_path))) == ["warning"]


def test_an_allow_list_and_sendgrids_own_unsubscribing(fake: SendGridFake, tmp_path: Path) -> None:
    """Recipients that unsubscribed through SendGrid's group would still get mail."""
    fake.pages = pages(on=["address_whitelist"])
    config = samples.newsletter(tmp_path, extra="provider: sendgrid\n").config
    group = config.model_copy(update={"unsubscribe": type(config.unsubscribe)(sendgrid_group=3)})
    with closing(SendGridProvider(SendGrid(host=fake.url), SecretStr(fake.key))) as provider:
        assert states(about(MAIL, provider.examine(group))) == ["warning"]


@pytest.mark.parametrize(
    ("path", "label", "scope"),
    [
        ("/v3/tracking_settings", TRACKING, "tracking_settings.read"),
        ("/v3/mail_settings", MAIL, "mail_settings.read"),
        ("/v3/whitelabel/domains", DOMAIN, "whitelabel.read"),
    ],
)
def test_what_the_key_may_not_read_is_not_looked_at(
    fake: SendGridFake, tmp_path: Path, path: str, label: str, scope: str
) -> None:
    fake.next(Fault.status(403, "access forbidden"), path=path)
    found = examine(fake, tmp_path)
    skipped = only(found.findings, "skipped")
    assert (skipped.looked_at, scope in skipped.fix) == (label, True)
    assert states(found.findings).count("ok") == 4
    fake.next(Fault.html(), path=path)
    assert "502" in only(examine(fake, tmp_path).findings, "skipped").what


def test_a_domain_that_sendgrid_has_not_verified(fake: SendGridFake, tmp_path: Path) -> None:
    fake.pages = pages(domains=[automatic(valid=False)])
    found = examine(fake, tmp_path)
    assert "has not verified example.com" in only(found.findings, "error").what
    assert found.sender, "its records are still looked up"


def test_no_domain_and_another_one(fake: SendGridFake, tmp_path: Path) -> None:
    for domains in ([], [automatic("other.example")], [automatic("notexample.com")]):
        fake.pages = pages(domains=domains)
        found = examine(fake, tmp_path)
        assert "the account has none for example.com" in only(found.findings, "warning").what
        assert (found.sender, found.return_path) == (None, "sendgrid.net")


@pytest.mark.parametrize(
    ("domains", "chosen"),
    [
        pytest.param([automatic("other.example", default=True), automatic()], "example.com", id="own"),
        pytest.param([automatic("other.example", default=True)], "other.example", id="default"),
        pytest.param([automatic("com"), automatic("example.com")], "example.com", id="nearest"),
    ],
)
def test_the_domain_that_sendgrid_uses(
    fake: SendGridFake, tmp_path: Path, domains: list[dict[str, object]], chosen: str
) -> None:
    fake.pages = pages(domains=domains)
    found = examine(fake, tmp_path)
    assert found.sender and found.sender.domain == chosen
    assert states(about(DOMAIN, found)) == ["ok"]


def test_the_records_of_automated_security(fake: SendGridFake, tmp_path: Path) -> None:
    found = examine(fake, tmp_path)
    assert found.sender and found.sender.records == (
        DnsRecord("return path", "cname", "em7.example.com", "u7.wl.sendgrid.example"),
        DnsRecord("DKIM key", "cname", "s1._domainkey.example.com", "s1.domainkey.u7.wl.sendgrid.example"),
        DnsRecord("DKIM key", "cname", "s2._domainkey.example.com", "s2.domainkey.u7.wl.sendgrid.example"),
    )


def test_the_records_of_manual_security(fake: SendGridFake, tmp_path: Path) -> None:
    fake.pages = pages(domains=[manual()])
    found = examine(fake, tmp_path)
    assert found.return_path == "em7.example.com"
    assert found.sender and found.sender.records == (
        DnsRecord("return path", "mx", "em7.example.com", "mx.sendgrid.example."),
        DnsRecord("SPF", "txt", "em7.example.com", "v=spf1 include:sendgrid.example ~all"),
        DnsRecord("SPF", "txt", "example.com", "v=spf1 include:em7.example.com -all"),
        DnsRecord("DKIM key", "txt", "m1._domainkey.example.com", "k=rsa; t=s; p=MIGf"),
    )


def test_a_domain_on_the_second_page_is_found(fake: SendGridFake, tmp_path: Path) -> None:
    listed = [automatic(f"d{number}.example") for number in range(60)] + [automatic()]

    def page(request: Request) -> object:
        query = parse_qs(urlsplit(request.path).query)
        start, size = int(query["offset"][0]), int(query["limit"][0])
        return listed[start : start + size]

    fake.pages["/v3/whitelabel/domains"] = page
    found = examine(fake, tmp_path)
    assert found.sender and found.sender.domain == "example.com"
    assert len([request for request in fake.requests if "whitelabel" in request.path]) == 2


@pytest.mark.parametrize("listed", [{"a": 1}, [1], [{"domain": 3, "dns": {}}], [{"domain": "example.com"}]])
def test_a_list_that_is_not_sendgrids_breaks_nothing(
    fake: SendGridFake, tmp_path: Path, listed: object
) -> None:
    fake.pages["/v3/whitelabel/domains"] = listed
    assert states(about(DOMAIN, examine(fake, tmp_path)))[0] in ("skipped", "warning")
