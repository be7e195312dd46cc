"""Examine the sender's domain at Resend: its state, its DNS records, and whether it tracks readers.

Source: https://resend.com/docs/api-reference/domains/list-domains and …/get-domain, and the OpenAPI
description (github.com/resend/resend-openapi). A key with "sending access" may not read them. The headers of
each response tell the rate of requests (https://resend.com/docs/api-reference/rate-limit). All calls are GET.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal, cast
from urllib.parse import quote

from newsletter.config.model import Config
from newsletter.config.units import Rate
from newsletter.constants import TRACKING_KINDS, TrackingKind
from newsletter.display import printable
from newsletter.findings import ClockReading, DnsRecord, Finding, ProviderReport, SenderDomain, clock_of
from newsletter.providers.account_findings import Get, not_reached, unusable
from newsletter.providers.http import Response
from newsletter.providers.resend.responses import (
    API_KEYS,
    DOMAINS,
    KEY_VARIABLE,
    error_text,
    is_restricted,
    not_sent,
)
from newsletter.providers.responses import as_text, json_object
from newsletter.sending.outcomes import NotSent

# Requests of a team in a second, if no header says it. Resend's documentation named 2 before, and now 5.
USUAL_REQUESTS_PER_SECOND = 5
_RECIPIENTS_PER_REQUEST = 100
# [openapi] PaginationLimit: 20 by default, 100 at most.
_PAGE_SIZE, _MAX_PAGES = 100, 20
_NAME, _DOMAIN, _TRACKING = "Resend", "sending domain", "domain's tracking"
# A domain was verified, and Resend no longer finds all of its records (docs, Managing Domains).
_DOUBTFUL = ("temporary_failure", "partially_verified", "partially_failed")
_NUMBER = re.compile(r"[1-9][0-9]{0,5}", re.ASCII)
_FIELDS: Mapping[TrackingKind, str] = {"opens": "open_tracking", "clicks": "click_tracking"}
_SILENT = "Resend does not say whether the domain tracks opens and clicks"
# [openapi] DomainRecord: records to receive mail, and to track readers; sending needs neither.
_UNNEEDED = ("Receiving", "Tracking")


class ResendAccount:
    """Examine the account of a key: its domains, and the limit of its requests."""

    def __init__(self, get: Get) -> None:
        self._get = get
        self._requests_per_second = USUAL_REQUESTS_PER_SECOND
        self._clocks: tuple[ClockReading, ...] = ()

    def tracking(self, config: Config) -> tuple[TrackingKind, ...] | NotSent | None:
        """Return the kinds of tracking that the sender's domain has switched on; None for a sending key."""
        domain = self._domain(config)
        if isinstance(domain, dict):
            switched_on = _tracking(domain)
            return NotSent(f"{_SILENT}: look at {DOMAINS}") if switched_on is None else switched_on
        if isinstance(domain, Response):
            return None if is_restricted(domain) else not_sent(domain)
        return domain or NotSent("the account has no domain of the sender's address")

    def examine(self, config: Config) -> ProviderReport:
        """Report on the key and the sender's domain; ask nothing more if the domains cannot be read."""
        domain = self._domain(config)
        rate = tuple(_about_rate(config.send.rates, self._requests_per_second))
        if isinstance(domain, NotSent):
            return ProviderReport((not_reached(_NAME, domain, "resend.host"),))
        if isinstance(domain, Response):
            return ProviderReport((_unread(domain), *rate), clocks=self._clocks)
        accepted = Finding(KEY_VARIABLE, "ok", "Resend accepts the key, which has full access")
        if domain is None:
            what = f"the account has none for {config.sender.domain}: Resend refuses its mail"
            missing = Finding(_DOMAIN, "error", what, f"add it at {DOMAINS}")
            return ProviderReport((accepted, missing, *rate), clocks=self._clocks)
        name, verified = as_text(domain.get("name")).lower(), domain.get("status") in ("verified", *_DOUBTFUL)
        findings = (accepted, _about_domain(domain), *self._about_tracking(domain, config), *rate)
        records = tuple(_records(domain.get("records"), name))
        # The envelope sender is a subdomain, for which Resend names its records.
        return_path = next((record.host for record in records if record.type == "mx"), None)
        return ProviderReport(findings, return_path, SenderDomain(name, records, verified), self._clocks)

    def _about_tracking(self, domain: Mapping[str, Any], config: Config) -> Iterator[Finding]:
        switched_on = _tracking(domain)
        if switched_on is None:
            yield Finding(_TRACKING, "skipped", _SILENT, f"look at the domain's configuration: {DOMAINS}")
        elif unwanted := [kind for kind in switched_on if kind not in config.tracking.wanted]:
            kinds = " and ".join(unwanted)
            what = f"Resend tracks {kinds} in all mail of the domain; a message cannot switch it off"
            yield Finding(_TRACKING, "error", what, f"switch it off in the domain's configuration: {DOMAINS}")
        else:
            yield Finding(_TRACKING, "ok", "the domain tracks neither opens nor clicks")

    def _domain(self, config: Config) -> dict[str, Any] | Response | NotSent | None:
        """Return the sender's domain; None if the account has none, or the response without domains."""
        domain_id = self._domain_id(config.sender.domain)
        if not isinstance(domain_id, str):
            return domain_id
        response = self._request(f"/domains/{quote(domain_id, safe='')}")
        if isinstance(response, NotSent):
            return response
        domain = json_object(response)
        return domain if response.status == 200 and as_text(domain.get("name")) else response

    def _domain_id(self, name: str) -> str | Response | NotSent | None:
        """Return the id of a domain; None if the account has none of this name.

        A subdomain of a verified domain is a domain of its own (docs, Managing Domains).
        """
        after = ""
        for _ in range(_MAX_PAGES):
            response = self._request(f"/domains?limit={_PAGE_SIZE}{after}")
            if isinstance(response, NotSent):
                return response
            page = json_object(response)
            listed = page.get("data")
            if response.status != 200 or not isinstance(listed, list):
                return response
            ids = {
                as_text(domain.get("name")).lower(): as_text(domain.get("id"))
                for domain in listed
                if isinstance(domain, dict)
            }
            if name in ids:
                return ids[name]
            if page.get("has_more") is not True or not ids:
                break
            after = f"&after={quote(list(ids.values())[-1], safe='')}"
        return None

    def _request(self, path: str) -> Response | NotSent:
        """Return the response to a GET; remember what its headers say about the limits and the clock."""
        response = self._get(path)
        if isinstance(response, Response):
            self._clocks = clock_of(_NAME, response.headers)
            limit = response.headers.get("ratelimit-limit", "").strip()
            if _NUMBER.fullmatch(limit):
                self._requests_per_second = int(limit)
        return response


def _tracking(domain: Mapping[str, Any]) -> tuple[TrackingKind, ...] | None:
    """Return the kinds of tracking that a domain has switched on; None if Resend does not say it of each."""
    values = {kind: domain.get(field) for kind, field in _FIELDS.items()}
    switched_on = tuple(kind for kind in TRACKING_KINDS if values[kind] is True)
    is_known = all(isinstance(value, bool) for value in values.values())
    return switched_on if switched_on or is_known else None


def _unread(response: Response) -> Finding:
    """Return the finding for domains that could not be read, with the reason."""
    if is_restricted(response):
        what = (
            "Resend accepts the key, which may only send: it is not known whether the domain is verified and"
            " tracks readers"
        )
        fix = f"look at {DOMAINS}, or run this once with a key with full access ({API_KEYS})"
        return Finding(KEY_VARIABLE, "skipped", what, fix)
    if response.status in (400, 401, 403):
        what, fix = (
            f"Resend does not accept the key: {error_text(response)}",
            f"create a new key at {API_KEYS}",
        )
        return Finding(KEY_VARIABLE, "error", what, fix)
    return unusable(_NAME, error_text(response))


def _about_domain(domain: Mapping[str, Any]) -> Finding:
    name, status = printable(as_text(domain.get("name")), 200), as_text(domain.get("status"))
    capabilities = domain.get("capabilities")
    if isinstance(capabilities, dict) and capabilities.get("sending") == "disabled":
        what = f"{name} is set up to receive mail only"
        return Finding(_DOMAIN, "error", what, f"switch sending on for it at {DOMAINS}")
    if status in _DOUBTFUL:
        what = f"Resend no longer finds all DNS records of {name}: its state is {status}"
        return Finding(_DOMAIN, "warning", what, f"compare its DNS records (below) with {DOMAINS}")
    if status != "verified":
        what = f"Resend has not verified {name} yet: its state is {printable(status, 40) or '?'}"
        fix = f"publish its DNS records (below), then press Verify at {DOMAINS}"
        return Finding(_DOMAIN, "error", what, fix)
    return Finding(_DOMAIN, "ok", f"Resend sends and signs mail for {name}")


def _about_rate(rates: list[Rate], requests: int) -> Iterator[Finding]:
    """Compare `send.rate` with the number of requests that Resend accepts in a second."""
    per_second = [rate.count / rate.period.total_seconds() for rate in rates]
    highest = requests * _RECIPIENTS_PER_REQUEST
    if per_second and min(per_second) > highest:
        what = f"is higher than {highest}/s: Resend accepts {requests} requests a second from a team"
        yield Finding("send.rate", "warning", what, f'write `rate: "{highest}/s"`')


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
        if not isinstance(record, dict) or as_text(record.get("record")).startswith(_UNNEEDED):
            continue
        host, data = as_text(record.get("name")).lower().rstrip("."), as_text(record.get("value")).strip('"')
        kind = as_text(record.get("type")).lower()
        if not (host and data and kind in ("txt", "cname", "mx")):
            continue
        use = "DKIM key" if "_domainkey" in host else "SPF" if kind == "txt" else "return path"
        yield DnsRecord(use, cast(Literal["txt", "cname", "mx"], kind), _full_host(host, domain), data)
