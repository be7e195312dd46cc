"""Examine a domain at Mailgun: its state, its DNS records, and its settings for tracking.

Sources: Mailgun's OpenAPI description (github.com/mailgun/mailgun-mcp-server, `src/openapi.yaml`: GET
/v4/domains/{name} and GET /v3/domains/{name}/tracking). Mailgun has no call that tells the limits of an
account, nor one that tells the rights of a key. All calls are GET.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Literal, cast
from urllib.parse import quote

from newsletter.config.model import Config
from newsletter.display import printable
from newsletter.findings import DnsRecord, Finding, ProviderReport, SenderDomain, clock_of
from newsletter.providers.account_findings import Get, not_examined, not_reached, unusable
from newsletter.providers.http import Response
from newsletter.providers.mailgun.responses import EU_HOST, KEY_VARIABLE, US_HOST, error_text
from newsletter.providers.responses import as_text, json_object
from newsletter.sending.outcomes import NotSent

_NAME, _DOMAIN, _TRACKING = "Mailgun", "sending domain", "domain's tracking"
_DOMAINS = "https://app.mailgun.com/mg/sending/domains"
_REGIONS = f"`mailgun.host` is https://{EU_HOST} for the EU, and https://{US_HOST} for the US"
_OFF = (None, False, "no", "false", "")
_KINDS = {"open": "open tracking", "click": "click tracking"}


class MailgunAccount:
    """Examine the domain that sends."""

    def __init__(self, get: Get, domain: str) -> None:
        self._get, self._domain = get, domain

    def examine(self, config: Config) -> ProviderReport:
        """Report on the key and the domain; ask nothing more if the domain cannot be read."""
        path = quote(self._domain, safe="")
        response = self._get(f"/v4/domains/{path}")
        if isinstance(response, NotSent):
            return ProviderReport((not_reached(_NAME, response, "mailgun.host"),))
        clock, content = clock_of(_NAME, response.headers), json_object(response)
        domain = content.get("domain")
        if response.status != 200 or not isinstance(domain, dict):
            return ProviderReport((self._unread(response),), clocks=clock)
        findings = [Finding(KEY_VARIABLE, "ok", "Mailgun accepts the key"), self._about_domain(domain)]
        findings += self._about_tracking(self._get(f"/v3/domains/{path}/tracking"), config)
        tracks = config.tracking.opens or config.tracking.clicks
        records = tuple(_records(content.get("sending_dns_records"), tracks=tracks))
        sender = SenderDomain(self._domain, records, domain.get("state") == "active")
        return ProviderReport(tuple(findings), self._domain, sender, clock)

    def _unread(self, response: Response) -> Finding:
        """Return the finding for a domain that could not be read, with the reason."""
        if response.status in (401, 403):
            what = (
                f"not examined: {error_text(response)}. A domain sending key may not read the domain; another"
                " key is not valid, or belongs to another region or account"
            )
            fix = f"send yourself a test: news send DATE --to ADDRESS; if that fails too: {_REGIONS}"
            return Finding(KEY_VARIABLE, "skipped", what, fix)
        if response.status == 404:
            what = f"the account has no domain {self._domain} at this host ({error_text(response)})"
            fix = f"add it at {_DOMAINS}, or correct `mailgun.domain`; {_REGIONS}"
            return Finding(_DOMAIN, "error", what, fix)
        return unusable(_NAME, error_text(response))

    def _about_domain(self, domain: Mapping[str, Any]) -> Finding:
        state = as_text(domain.get("state"))
        if domain.get("is_disabled") is True or state == "disabled":
            what, fix = f"Mailgun has disabled {self._domain}", f"look for the reason at {_DOMAINS}"
            return Finding(_DOMAIN, "error", what, fix)
        if state != "active":
            what = f"Mailgun has not verified {self._domain} yet: its state is {printable(state, 40) or '?'}"
            fix = f"publish its DNS records (below), then press Verify at {_DOMAINS}"
            return Finding(_DOMAIN, "error", what, fix)
        if as_text(domain.get("type")) == "sandbox":
            what = f"{self._domain} is a sandbox, which sends only to a few addresses"
            return Finding(_DOMAIN, "error", what, f"add your own domain at {_DOMAINS}")
        return Finding(_DOMAIN, "ok", f"Mailgun sends and signs mail for {self._domain}")

    def _about_tracking(self, response: Response | NotSent, config: Config) -> Iterator[Finding]:
        settings = None if isinstance(response, NotSent) else json_object(response).get("tracking")
        if not isinstance(settings, dict):
            yield not_examined(_TRACKING, response, error_text)
            return
        wanted = {"open": config.tracking.opens, "click": config.tracking.clicks}
        names = [_KINDS[kind] for kind in _KINDS if _is_on(settings.get(kind)) and not wanted[kind]]
        if names:
            verb, pronoun = ("is", "it") if len(names) == 1 else ("are", "them")
            what = (
                f"{' and '.join(names)} {verb} on; each request of news switches {pronoun} off for its mail"
            )
            yield Finding(_TRACKING, "note", what, f"to stop it for other mail of the domain: {_DOMAINS}")
        if has_footer := _is_on(settings.get("unsubscribe")):
            what = "unsubscribe tracking is on: Mailgun may add a footer, which the preview does not show"
            yield Finding(_TRACKING, "warning", what, f"switch it off in the domain's settings: {_DOMAINS}")
        if not names and not has_footer:
            yield Finding(_TRACKING, "ok", "no setting is on that newsletter.yml does not ask for")


def _is_on(setting: object) -> bool:
    """Return True for a setting that is active; `htmlonly` is one, too."""
    active = setting.get("active") if isinstance(setting, dict) else None
    return (active.lower() if isinstance(active, str) else active) not in _OFF


def _records(listed: object, *, tracks: bool) -> Iterator[DnsRecord]:
    """Yield the DNS records that sending needs; that of links and pictures only where the mail is tracked."""
    for record in listed if isinstance(listed, list) else []:
        if not isinstance(record, dict):
            continue
        host, data = as_text(record.get("name")).lower().rstrip("."), as_text(record.get("value"))
        kind = as_text(record.get("record_type")).lower()
        use = "DKIM key" if "_domainkey" in host else "SPF" if kind == "txt" else "tracking"
        if host and data and kind in ("txt", "cname") and (use != "tracking" or tracks):
            yield DnsRecord(use, cast(Literal["cname", "txt"], kind), host, data)
