"""Examine the sender's domain at Resend: its state, its DNS records, and whether it tracks readers.

Source: https://resend.com/docs/api-reference/domains/list-domains and …/get-domain, and the OpenAPI
description (github.com/resend/resend-openapi). A key with "sending access" may not read them. Resend has no
call that tells the limits of an account. All calls are GET.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, cast
from urllib.parse import quote

from newsletter.config.model import Config
from newsletter.config.units import Rate
from newsletter.constants import TRACKING_KINDS, TrackingKind
from newsletter.display import printable
from newsletter.findings import DnsRecord, Finding, ProviderReport, SenderDomain, clock_of
from newsletter.providers.http import Response
from newsletter.providers.resend.responses import error_text, is_restricted, not_sent
from newsletter.providers.responses import json_object, text
from newsletter.sending.outcomes import NotSent

Ask = Callable[[str], Response | NotSent]

# Two requests a second for a team, of 100 recipients each (https://resend.com/docs/api-reference/rate-limit).
USUAL_RECIPIENTS_PER_SECOND = 200
_NAME, _KEY, _DOMAIN, _TRACKING = "Resend", "RESEND_API_KEY", "sending domain", "domain's tracking"
_DOMAINS, _KEYS = "https://resend.com/domains", "https://resend.com/api-keys"
_FIELDS: Mapping[TrackingKind, str] = {"opens": "open_tracking", "clicks": "click_tracking"}


class ResendAccount:
    """Examine the account of a key; `ask` makes one GET, and returns NotSent if there is no response."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def tracking(self, config: Config) -> tuple[TrackingKind, ...] | NotSent:
        """Return the kinds of tracking that the sender's domain has switched on."""
        domain = self._domain(config)
        if isinstance(domain, dict):
            return tuple(kind for kind in TRACKING_KINDS if domain.get(_FIELDS[kind]) is True)
        if isinstance(domain, Response):
            return not_sent(domain)
        return domain or NotSent("the account has no domain of the sender's address")

    def examine(self, config: Config) -> ProviderReport:
        """Report on the key and the sender's domain; ask nothing more if the domains cannot be read."""
        domain = self._domain(config)
        rate = tuple(_about_rate(config.send.rates))
        if isinstance(domain, NotSent):
            fix = "check the network, a proxy, and `resend.host`"
            return ProviderReport((Finding(_NAME, "error", f"the call failed: {domain.reason}", fix),))
        if isinstance(domain, Response):
            return ProviderReport((_unread(domain), *rate), clocks=clock_of(_NAME, domain.headers))
        accepted = Finding(_KEY, "ok", "Resend accepts the key, which has full access")
        if domain is None:
            what = f"the account has none for {_sender(config)}: Resend refuses its mail"
            missing = Finding(_DOMAIN, "error", what, f"add it at {_DOMAINS}")
            return ProviderReport((accepted, missing, *rate))
        name, verified = text(domain.get("name")).lower(), domain.get("status") == "verified"
        findings = (accepted, _about_domain(domain), *self._about_tracking(domain, config), *rate)
        records = tuple(_records(domain.get("records"), name))
        # The envelope sender is a subdomain, for which Resend names its records.
        return_path = next((record.host for record in records if record.type == "mx"), None)
        return ProviderReport(findings, return_path, SenderDomain(name, records, verified))

    def _about_tracking(self, domain: Mapping[str, Any], config: Config) -> Iterator[Finding]:
        unwanted = [
            kind
            for kind in TRACKING_KINDS
            if domain.get(_FIELDS[kind]) is True and kind not in config.tracking.wanted
        ]
        if unwanted:
            kinds = " and ".join(unwanted)
            what = f"Resend tracks {kinds} in all mail of the domain; a message cannot switch it off"
            yield Finding(
                _TRACKING, "error", what, f"switch it off in the domain's configuration: {_DOMAINS}"
            )
        else:
            yield Finding(_TRACKING, "ok", "the domain tracks neither opens nor clicks")

    def _domain(self, config: Config) -> dict[str, Any] | Response | NotSent | None:
        """Return the sender's domain; None if the account has none, or the response without domains."""
        listed = self._ask("/domains")
        if isinstance(listed, NotSent):
            return listed
        domains = json_object(listed).get("data")
        if listed.status != 200 or not isinstance(domains, list):
            return listed
        sender = _sender(config)
        named = {
            text(domain.get("name")).lower(): text(domain.get("id"))
            for domain in domains
            if isinstance(domain, dict)
        }
        name = max((name for name in named if _covers(name, sender)), key=len, default=None)
        if name is None:
            return None
        response = self._ask(f"/domains/{quote(named[name], safe='')}")
        if isinstance(response, NotSent) or response.status != 200:
            return response
        return json_object(response)


def _sender(config: Config) -> str:
    return config.sender.email.rpartition("@")[2].lower()


def _covers(domain: str, sender: str) -> bool:
    return bool(domain) and (sender == domain or sender.endswith(f".{domain}"))


def _unread(response: Response) -> Finding:
    """Return the finding for domains that could not be read, with the reason."""
    if is_restricted(response):
        what = (
            "Resend accepts the key, which may only send: it is not known whether the domain is verified and"
            " tracks readers"
        )
        fix = f"look at {_DOMAINS}, or run this once with a key with full access ({_KEYS})"
        return Finding(_KEY, "skipped", what, fix)
    if response.status in (400, 401, 403):
        what, fix = f"does not accept the key: {error_text(response)}", f"create a new key at {_KEYS}"
        return Finding(_KEY, "error", what, fix)
    return Finding(_NAME, "skipped", f"gives no usable response: {error_text(response)}", "try again later")


def _about_domain(domain: Mapping[str, Any]) -> Finding:
    name, status = printable(text(domain.get("name")), 200), text(domain.get("status"))
    if status != "verified":
        what = f"Resend has not verified {name} yet: its state is {printable(status, 40) or '?'}"
        fix = f"publish its DNS records (below), then press Verify at {_DOMAINS}"
        return Finding(_DOMAIN, "error", what, fix)
    return Finding(_DOMAIN, "ok", f"Resend sends and signs mail for {name}")


def _about_rate(rates: list[Rate]) -> Iterator[Finding]:
    """Compare `send.rate` with the rate that a team has by default."""
    per_second = [rate.count / rate.period.total_seconds() for rate in rates]
    if per_second and min(per_second) > USUAL_RECIPIENTS_PER_SECOND:
        what = f"is higher than {USUAL_RECIPIENTS_PER_SECOND}/s, which a team at Resend has by default"
        fix = f'write `rate: "{USUAL_RECIPIENTS_PER_SECOND}/s"`, unless support has raised your limit'
        yield Finding("send.rate", "warning", what, fix)


def _full_host(host: str, domain: str) -> str:
    """Return the whole name of a record: Resend leaves out the registered domain at its end.

    For `news.example.com` it names `send.news`, for `example.com` it names `send`.
    """
    labels, of_domain = host.split("."), domain.split(".")
    shared = next(n for n in range(len(of_domain), -1, -1) if labels[len(labels) - n :] == of_domain[:n])
    return ".".join([*labels, *of_domain[shared:]])


def _records(listed: object, domain: str) -> Iterator[DnsRecord]:
    """Yield the DNS records that sending needs."""
    for record in listed if isinstance(listed, list) else []:
        if not isinstance(record, dict):
            continue
        host, data = text(record.get("name")).lower().rstrip("."), text(record.get("value"))
        kind = text(record.get("type")).lower()
        if not (host and data and kind in ("txt", "cname", "mx")):
            continue
        use = "DKIM key" if "_domainkey" in host else "SPF" if kind == "txt" else "return path"
        if kind != "cname" or "_domainkey" in host:  # a CNAME for tracking is not needed
            yield DnsRecord(use, cast(Literal["txt", "cname", "mx"], kind), _full_host(host, domain), data)
