"""Examine an account of Amazon SES: the key, the quota, the settings that change our mail, the domain.

Source: the description of the API in botocore 1.44.8 (sesv2/2019-09-27/service-2.json: GetAccount,
GetEmailIdentity, GetConfigurationSet, GetConfigurationSetEventDestinations). All calls are GET.
"""

from collections.abc import Iterator
from typing import Any

from newsletter.config.api_providers import Ses
from newsletter.config.model import Config
from newsletter.constants import PROVIDER_KEYS
from newsletter.findings import Finding, ProviderReport, clock_of
from newsletter.providers.account_findings import Get, not_examined, not_reached, unusable
from newsletter.providers.http import Response
from newsletter.providers.responses import as_text, json_object
from newsletter.providers.ses.configuration_set import about_configuration_set
from newsletter.providers.ses.identity import IdentityReport, examine_identity
from newsletter.providers.ses.responses import error_text, explanation
from newsletter.sending.outcomes import NotSent

_NAME, _KEY = "Amazon SES", PROVIDER_KEYS["ses"][0]
_CONSOLE = "in the console of SES (Account dashboard)"
# What one connection can send in a second: a call takes about 50 ms.
_CALLS_PER_SECOND = 20


class SesAccount:
    """Examine the account of a key; `get` makes one signed call, and returns NotSent without a response."""

    def __init__(self, get: Get, settings: Ses) -> None:
        self._get, self._settings = get, settings

    def examine(self, config: Config) -> ProviderReport:
        """Report on the account; make no further call if AWS cannot be reached or rejects the key."""
        response = self._get("/v2/email/account")
        if isinstance(response, NotSent):
            return ProviderReport((not_reached(_NAME, response, self._settings.host_setting),))
        clock = clock_of(_NAME, response.headers)
        findings: list[Finding] = []
        if response.status == 200:
            findings += _about_account(json_object(response), config, self._settings)
        elif response.status == 403 and "AccessDenied" in error_text(response):
            findings.append(not_examined("account of SES", response, error_text, "ses:GetAccount"))
        else:
            return ProviderReport((_rejected(response),), clocks=clock)
        identity = examine_identity(self._get, config.sender.email, self._settings.region or "")
        findings += identity.findings
        findings += self._configuration_set(identity)
        return ProviderReport(tuple(findings), identity.return_path, identity.sender, clock)

    def _configuration_set(self, identity: IdentityReport) -> Iterator[Finding]:
        """Yield the findings on the configuration set that mail has: the configured or the identity's."""
        name = self._settings.configuration_set or identity.configuration_set
        if not name:
            if self._settings.topic:
                what = "is not set, and events need a configuration set: `ses.topic` gets none"
                yield Finding(
                    "ses.configuration_set", "warning", what, "create one that publishes to the topic"
                )
            return
        yield from about_configuration_set(self._get, name, self._settings.topic)


def _rejected(response: Response) -> Finding:
    words = error_text(response)
    if response.status in (401, 403):
        fix = explanation(response) or "create a new key, and set the variables to it"
        return Finding(_KEY, "error", f"AWS does not accept the key: {words}", fix)
    return unusable(_NAME, words)


def _about_account(account: dict[str, Any], config: Config, settings: Ses) -> Iterator[Finding]:
    yield Finding(_KEY, "ok", f"AWS accepts the key in the region {settings.region}")
    if account.get("SendingEnabled") is False:
        what = "sending is switched off for the account in this region"
        yield Finding(_NAME, "error", what, f"read the mail of AWS to you, and look {_CONSOLE}")
    status = as_text(account.get("EnforcementStatus"))
    if status == "SHUTDOWN":
        what = "AWS has ended sending for the account (EnforcementStatus SHUTDOWN)"
        yield Finding(_NAME, "error", what, "read and answer the mail of AWS to you")
    elif status == "PROBATION":
        what = "the account is under review because of bounces or complaints (EnforcementStatus PROBATION)"
        yield Finding(_NAME, "warning", what, f"look {_CONSOLE}, and answer AWS")
    if account.get("ProductionAccessEnabled") is False:
        what = "the account is in the sandbox of this region: it sends to verified addresses only"
        yield Finding(_NAME, "error", what, f"request production access {_CONSOLE}")
    yield from _about_quota(account.get("SendQuota"), config, settings)
    yield from _about_engagement(account)
    reasons = _suppressed(account)
    if reasons:
        what = f"accepts and drops mail to addresses on the account's suppression list ({reasons})"
        yield Finding(_NAME, "note", what)


def _about_quota(quota: object, config: Config, settings: Ses) -> Iterator[Finding]:
    """Yield the quota, and a warning if `send.rate` allows more than it; -1 is no limit."""
    if not isinstance(quota, dict):
        return
    per_second, per_day, sent = (
        _number(quota.get(key)) for key in ("MaxSendRate", "Max24HourSend", "SentLast24Hours")
    )
    if per_second is None or per_day is None:
        return
    limit = (
        "without a limit"
        if per_day < 0
        else f"{per_day:,.0f} in 24 hours, of which {sent or 0:,.0f} are used"
    )
    yield Finding("quota of SES", "ok", f"{limit}; at most {per_second:g} a second")
    if per_second <= 0:
        return
    fits = [rate for rate in config.send.rates if rate.count <= per_second * rate.period.total_seconds()]
    if fits or (not config.send.rates and per_second >= settings.requests * _CALLS_PER_SECOND):
        return
    value = f"{max(1, int(per_second))}/s" + (f", {per_day:.0f}/day" if per_day > 0 else "")
    is_set = "allows more than this" if config.send.rates else "is not set"
    what = f"{is_set}: SES refuses what is over {per_second:g} a second, and the send takes longer"
    yield Finding("send.rate", "warning", what, f'write `send: {{rate: "{value}"}}`')


def _about_engagement(account: dict[str, Any]) -> Iterator[Finding]:
    """Yield a note if the account tracks opens and clicks, which each request of ours overrides."""
    vdm = account.get("VdmAttributes")
    dashboard = vdm.get("DashboardAttributes") if isinstance(vdm, dict) else None
    if isinstance(dashboard, dict) and dashboard.get("EngagementMetrics") == "ENABLED":
        what = "tracks opens and clicks of mail (engagement tracking); each message of ours overrides that"
        yield Finding(_NAME, "ok", what)


def _suppressed(account: dict[str, Any]) -> str:
    attributes = account.get("SuppressionAttributes")
    reasons = attributes.get("SuppressedReasons") if isinstance(attributes, dict) else None
    return ", ".join(map(as_text, reasons)).lower() if isinstance(reasons, list) else ""


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
