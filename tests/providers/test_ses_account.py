"""Test the examination of an SES account against the fake: key, quota, identity, configuration set."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from newsletter.config.api_providers import Ses
from newsletter.findings import DnsRecord, Finding, ProviderReport
from newsletter.providers.ses.configuration_set import WANTED_EVENTS
from newsletter.providers.ses.credentials import KeyCredentials
from newsletter.providers.ses.provider import SesProvider
from tests import samples
from tests.doctor.findings import as_text, only, states
from tests.fakes.ses import REGION, Fault, Reply, SesFake, refused
from tests.fakes.sns import TOPIC

ACCOUNT, DOMAIN = "/v2/email/account", "/v2/email/identities/example.com"
ADDRESS = "/v2/email/identities/soup%40example.com"
SET = "/v2/email/configuration-sets/news"
EVENTS = f"{SET}/event-destinations"
TOKENS = ["aaa", "bbb", "ccc"]


def account(**changed: Any) -> dict[str, Any]:
    """Return the response of GetAccount for an account that is well."""
    quota = {"Max24HourSend": 50000.0, "MaxSendRate": 14.0, "SentLast24Hours": 3.0}
    return {
        "SendingEnabled": True,
        "ProductionAccessEnabled": True,
        "EnforcementStatus": "HEALTHY",
        "SendQuota": quota,
        **changed,
    }


def identity(**changed: Any) -> dict[str, Any]:
    """Return the response of GetEmailIdentity for a verified domain with Easy DKIM."""
    return {
        "IdentityType": "DOMAIN",
        "VerifiedForSendingStatus": True,
        "VerificationStatus": "SUCCESS",
        "DkimAttributes": {
            "SigningEnabled": True,
            "Status": "SUCCESS",
            "Tokens": TOKENS,
            "SigningAttributesOrigin": "AWS_SES",
        },
        **changed,
    }


def destination(*types: str, topic: str = TOPIC, enabled: bool = True) -> dict[str, Any]:
    sns = {"TopicArn": topic}
    return {"Name": "to-news", "Enabled": enabled, "MatchingEventTypes": list(types), "SnsDestination": sns}


@pytest.fixture
def fake() -> Iterator[SesFake]:
    with SesFake() as fake:
        fake.pages = {ACCOUNT: account(), DOMAIN: identity()}
        yield fake


def examine(
    fake: SesFake, folder: Path, *, rate: str = "14/s", offset: float = 0, secret: str = "", **settings: Any
) -> ProviderReport:
    extra = f'provider: ses\nsend: {{rate: "{rate}"}}\n' if rate else "provider: ses\n"
    config = samples.newsletter(folder, extra=extra).config
    key = KeyCredentials(SecretStr(fake.key_id), SecretStr(secret or fake.secret))
    provider = SesProvider(
        Ses(region=REGION, host=fake.url, **settings),
        key,
        timeout=10,
        clock=lambda: datetime.now(UTC) + timedelta(seconds=offset),
    )
    with closing(provider):
        return provider.examine(config)


def about(label: str, report: ProviderReport) -> list[Finding]:
    return [finding for finding in report.findings if finding.looked_at == label]


def test_an_account_that_is_well(fake: SesFake, tmp_path: Path) -> None:
    report = examine(fake, tmp_path)
    assert states(report.findings) == ["ok"] * 4, as_text(report.findings)
    assert "50,000 in 24 hours, of which 3 are used; at most 14 a second" in as_text(report.findings)
    assert report.return_path == "eu-central-1.amazonses.com"
    assert report.sender and (report.sender.domain, report.sender.verified) == ("example.com", True)
    assert report.sender.records == tuple(
        DnsRecord("DKIM key", "cname", f"{token}._domainkey.example.com", f"{token}.dkim.amazonses.com")
        for token in TOKENS
    )
    assert report.clocks[0].whose == "Amazon SES"
    assert {request.method for request in fake.requests} == {"GET"} and len(fake.requests) == 2


@pytest.mark.parametrize(
    ("changed", "state", "words"),
    [
        ({"ProductionAccessEnabled": False}, "error", "in the sandbox"),
        ({"SendingEnabled": False}, "error", "sending is switched off"),
        ({"EnforcementStatus": "SHUTDOWN"}, "error", "AWS has ended sending"),
        ({"EnforcementStatus": "PROBATION"}, "warning", "under review"),
        (
            {"SuppressionAttributes": {"SuppressedReasons": ["BOUNCE", "COMPLAINT"]}},
            "note",
            "bounce, complaint",
        ),
    ],
)
def test_an_account_that_is_not(
    fake: SesFake, tmp_path: Path, changed: dict[str, Any], state: str, words: str
) -> None:
    fake.pages[ACCOUNT] = account(**changed)
    assert words in only(examine(fake, tmp_path).findings, state).what


def test_engagement_tracking_of_the_account_is_overridden(fake: SesFake, tmp_path: Path) -> None:
    dashboard = {"EngagementMetrics": "ENABLED"}
    fake.pages[ACCOUNT] = account(VdmAttributes={"VdmEnabled": "ENABLED", "DashboardAttributes": dashboard})
    (finding,) = about("Amazon SES", examine(fake, tmp_path))
    assert finding.state == "ok" and "each message of ours overrides that" in finding.what


@pytest.mark.parametrize(
    ("rate", "per_second", "requests", "value"),
    [
        ("14/s", 14.0, 8, None),
        ("10/s, 100k/day", 14.0, 8, None),
        ("50400/h", 14.0, 8, None),
        ("15/s", 14.0, 8, "14/s, 50000/day"),
        ("", 14.0, 8, "14/s, 50000/day"),
        ("", 160.0, 8, None),
        ("", 159.0, 8, "159/s, 50000/day"),
        ("", 14.0, 1, "14/s, 50000/day"),
        ("", 0.5, 1, "1/s, 50000/day"),
        ("", -1.0, 8, None),
    ],
)
def test_a_rate_above_the_quota_is_told_with_the_value(
    fake: SesFake, tmp_path: Path, rate: str, per_second: float, requests: int, value: str | None
) -> None:
    fake.pages[ACCOUNT] = account(SendQuota={"Max24HourSend": 50000.0, "MaxSendRate": per_second})
    found = about("send.rate", examine(fake, tmp_path, rate=rate, requests=requests))
    assert [finding.fix for finding in found] == ([f'write `send: {{rate: "{value}"}}`'] if value else [])


@pytest.mark.parametrize(
    ("quota", "words"),
    [
        ({"Max24HourSend": -1, "MaxSendRate": 5000}, "without a limit"),
        ({"Max24HourSend": "many", "MaxSendRate": None}, ""),
        (None, ""),
    ],
)
def test_a_quota_may_be_no_number(fake: SesFake, tmp_path: Path, quota: object, words: str) -> None:
    fake.pages[ACCOUNT] = account(SendQuota=quota)
    found = about("quota of SES", examine(fake, tmp_path))
    assert bool(found) == bool(words) and words in as_text(found)


def test_a_wrong_key_ends_the_examination(fake: SesFake, tmp_path: Path) -> None:
    (found,) = examine(fake, tmp_path, secret="hush-hush").findings
    assert found.state == "error" and "AWS does not accept the key: 403" in found.what
    assert "does not belong to AWS_ACCESS_KEY_ID" in found.fix and "hush" not in as_text([found])
    assert len(fake.requests) == 1


def test_a_wrong_clock_is_told(fake: SesFake, tmp_path: Path) -> None:
    (found,) = examine(fake, tmp_path, offset=-900).findings
    assert found.state == "error" and "set the clock" in found.fix


@pytest.mark.parametrize(
    "fault", [Fault.error(500, "InternalFailure"), Fault.html(), Fault.too_fast(), Fault(Reply(200, b"[]"))]
)
def test_an_answer_that_tells_nothing_is_no_error(fake: SesFake, tmp_path: Path, fault: Fault) -> None:
    fake.next(fault)
    assert not {"error"} & set(states(examine(fake, tmp_path).findings))


def test_nobody_at_the_other_end(tmp_path: Path) -> None:
    with SesFake() as fake:
        pass
    (found,) = examine(fake, tmp_path).findings
    assert found.state == "error" and "the call failed: no connection" in found.what


def test_a_key_that_may_only_send_is_enough(fake: SesFake, tmp_path: Path) -> None:
    denied = refused(403, "AccessDeniedException", "User is not authorized to perform: ses:Get")
    fake.pages = dict.fromkeys((ACCOUNT, DOMAIN, SET, EVENTS), denied)
    report = examine(fake, tmp_path, configuration_set="news")
    assert states(report.findings) == ["skipped"] * 3, as_text(report.findings)
    for finding, right in zip(
        report.findings, ("ses:GetAccount", "ses:GetEmailIdentity", "ses:GetConfigurationSet"), strict=True
    ):
        assert "a send does not need it" in finding.fix and right in finding.fix


# The sender's domain


def test_a_domain_that_is_not_verified_comes_with_its_records(fake: SesFake, tmp_path: Path) -> None:
    pending = {
        "SigningEnabled": True,
        "Status": "PENDING",
        "Tokens": TOKENS,
        "SigningHostedZone": "x.example",
    }
    fake.pages[DOMAIN] = identity(
        VerifiedForSendingStatus=False, VerificationStatus="PENDING", DkimAttributes=pending
    )
    report = examine(fake, tmp_path)
    (verification,) = about("sender's domain", report)
    (dkim,) = about("DKIM of SES", report)
    assert (verification.state, dkim.state) == ("error", "error")
    assert report.sender and not report.sender.verified
    assert report.sender.records[0].data == "aaa.x.example"


def test_a_key_of_ones_own_has_no_records_of_ses(fake: SesFake, tmp_path: Path) -> None:
    own = {
        "SigningEnabled": True,
        "Status": "SUCCESS",
        "Tokens": ["s1"],
        "SigningAttributesOrigin": "EXTERNAL",
    }
    fake.pages[DOMAIN] = identity(DkimAttributes=own)
    report = examine(fake, tmp_path)
    assert report.sender and report.sender.verified and report.sender.records == ()


def test_an_address_alone_has_no_signature_of_its_domain(fake: SesFake, tmp_path: Path) -> None:
    fake.pages[ADDRESS] = identity(DkimAttributes={"SigningEnabled": False, "Status": "NOT_STARTED"})
    del fake.pages[DOMAIN]
    report = examine(fake, tmp_path)
    assert only(about("sender's domain", report), "warning").what.startswith("SES has verified the address")
    assert [request.path for request in fake.requests] == [ACCOUNT, DOMAIN, ADDRESS]


def test_no_identity_is_an_error(fake: SesFake, tmp_path: Path) -> None:
    del fake.pages[DOMAIN]
    report = examine(fake, tmp_path)
    found = only(report.findings, "error")
    assert "neither example.com nor soup@example.com" in found.what and "ses.region" in found.fix
    assert report.sender is None


@pytest.mark.parametrize(
    ("status", "on_failure", "state", "return_path"),
    [
        ("SUCCESS", "USE_DEFAULT_VALUE", "ok", "mail.example.com"),
        ("PENDING", "USE_DEFAULT_VALUE", "warning", "eu-central-1.amazonses.com"),
        ("FAILED", "REJECT_MESSAGE", "error", "eu-central-1.amazonses.com"),
    ],
)
def test_a_mail_from_domain(
    fake: SesFake, tmp_path: Path, status: str, on_failure: str, state: str, return_path: str
) -> None:
    attributes = {
        "MailFromDomain": "mail.example.com",
        "MailFromDomainStatus": status,
        "BehaviorOnMxFailure": on_failure,
    }
    fake.pages[DOMAIN] = identity(MailFromAttributes=attributes)
    report = examine(fake, tmp_path)
    (found,) = about("MAIL FROM domain", report)
    assert (found.state, report.return_path) == (state, return_path)
    assert report.sender and report.sender.records[-2:] == (
        DnsRecord("return path", "mx", "mail.example.com", "feedback-smtp.eu-central-1.amazonses.com"),
        DnsRecord("SPF", "txt", "mail.example.com", "v=spf1 include:amazonses.com ~all"),
    )


# The configuration set


def test_a_configuration_set_that_publishes_to_the_topic(fake: SesFake, tmp_path: Path) -> None:
    fake.pages |= {SET: {"ConfigurationSetName": "news", "SendingOptions": {"SendingEnabled": True}}}
    fake.pages[EVENTS] = {"EventDestinations": [destination(*WANTED_EVENTS)]}
    report = examine(fake, tmp_path, configuration_set="news", topic=TOPIC)
    assert states(about("configuration set news", report)) == ["ok", "ok"], as_text(report.findings)


@pytest.mark.parametrize(
    ("destinations", "missing"),
    [
        ([], "bounce, complaint, delivery"),
        ([destination("BOUNCE", "DELIVERY")], "complaint"),
        ([destination(*WANTED_EVENTS, topic=TOPIC + "2")], "bounce, complaint, delivery"),
        ([destination(*WANTED_EVENTS, enabled=False)], "bounce, complaint, delivery"),
    ],
)
def test_events_that_do_not_reach_the_topic(
    fake: SesFake, tmp_path: Path, destinations: list[Any], missing: str
) -> None:
    fake.pages |= {SET: {}, EVENTS: {"EventDestinations": destinations}}
    report = examine(fake, tmp_path, configuration_set="news", topic=TOPIC)
    assert f"does not publish events of {missing} to" in only(report.findings, "warning").what
    assert "warning" not in states(examine(fake, tmp_path, configuration_set="news").findings)


@pytest.mark.parametrize(
    ("found", "state", "words"),
    [
        ({"SendingOptions": {"SendingEnabled": False}}, "error", "sending switched off"),
        ({"ArchivingOptions": {"ArchiveArn": "arn:aws:ses:x"}}, "warning", "keeps a copy of every mail"),
    ],
)
def test_settings_of_a_configuration_set(
    fake: SesFake, tmp_path: Path, found: dict[str, Any], state: str, words: str
) -> None:
    fake.pages |= {SET: found, EVENTS: {"EventDestinations": []}}
    assert words in only(examine(fake, tmp_path, configuration_set="news").findings, state).what


def test_tracking_of_a_configuration_set_is_overridden(fake: SesFake, tmp_path: Path) -> None:
    fake.pages |= {SET: {}, EVENTS: {"EventDestinations": [destination("OPEN", "CLICK")]}}
    report = examine(fake, tmp_path, configuration_set="news")
    assert "events of open and click" in as_text(report.findings) and states(report.findings) == ["ok"] * 6


def test_the_default_set_of_the_identity_is_examined(fake: SesFake, tmp_path: Path) -> None:
    """SES uses it for a request that names none."""
    fake.pages[DOMAIN] = identity(ConfigurationSetName="news")
    fake.pages |= {SET: {"SendingOptions": {"SendingEnabled": False}}, EVENTS: {}}
    assert only(examine(fake, tmp_path).findings, "error").looked_at == "configuration set news"


def test_a_set_that_does_not_exist_and_a_topic_without_a_set(fake: SesFake, tmp_path: Path) -> None:
    found = only(examine(fake, tmp_path, configuration_set="gone").findings, "error")
    assert found.looked_at == "configuration set gone" and "does not exist" in found.what
    found = only(examine(fake, tmp_path, topic=TOPIC).findings, "warning")
    assert found.looked_at == "ses.configuration_set" and "events need a configuration set" in found.what


@pytest.mark.parametrize("page", [[], "text", {"DkimAttributes": [], "MailFromAttributes": 5}])
@pytest.mark.parametrize("path", [ACCOUNT, DOMAIN, SET, EVENTS])
def test_no_page_raises(fake: SesFake, tmp_path: Path, path: str, page: object) -> None:
    fake.pages |= {SET: {}, EVENTS: {"EventDestinations": [[], 5, {"MatchingEventTypes": 5}]}, path: page}
    assert examine(fake, tmp_path, configuration_set="news", topic=TOPIC).findings
