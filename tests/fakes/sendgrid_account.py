"""The pages of a correctly set-up SendGrid account, for its fake; parameters change each part."""

from collections.abc import Iterable
from typing import Any

SCOPES = (
    "mail.send",
    "mail.batch.create",
    "user.scheduled_sends.create",
    "user.scheduled_sends.read",
    "user.scheduled_sends.update",
    "tracking_settings.read",
    "mail_settings.read",
    "whitelabel.read",
)
TRACKING = ("click", "google_analytics", "open", "subscription")
MAIL = (
    "address_whitelist",
    "bounce_purge",
    "event_notify",
    "footer",
    "forward_bounce",
    "forward_spam",
    "template",
    "plain_content",
    "spam_check",
)


def pages(
    *,
    without: Iterable[str] = (),
    on: Iterable[str] = (),
    domains: list[dict[str, Any]] | None = None,
) -> dict[str, object]:
    """Return the pages by path, `without` some scopes, with some settings `on`."""
    return {
        "/v3/scopes": {"scopes": [scope for scope in SCOPES if scope not in set(without)]},
        "/v3/tracking_settings": settings(TRACKING, on),
        "/v3/mail_settings": settings(MAIL, on),
        "/v3/whitelabel/domains": [automatic()] if domains is None else domains,
    }


def settings(names: Iterable[str], on: Iterable[str]) -> dict[str, object]:
    listed = [
        {"name": name, "title": name.title(), "description": ".", "enabled": name in on} for name in names
    ]
    return {"result": listed}


def automatic(domain: str = "example.com", *, valid: bool = True, default: bool = False) -> dict[str, Any]:
    """Return an authenticated domain with automatic security: SendGrid manages its keys."""
    hosts = {
        "mail_cname": (f"em7.{domain}", "u7.wl.sendgrid.example"),
        "dkim1": (f"s1._domainkey.{domain}", "s1.domainkey.u7.wl.sendgrid.example"),
        "dkim2": (f"s2._domainkey.{domain}", "s2.domainkey.u7.wl.sendgrid.example"),
    }
    dns = {
        key: {"valid": valid, "type": "cname", "host": host, "data": data}
        for key, (host, data) in hosts.items()
    }
    return {"id": 7, "domain": domain, "subdomain": "em7", "valid": valid, "default": default, "dns": dns}


def manual(domain: str = "example.com") -> dict[str, Any]:
    """Return an authenticated domain without automatic security: its owner manages the records."""
    records = {
        "mail_server": ("mx", f"em7.{domain}", "mx.sendgrid.example."),
        "subdomain_spf": ("txt", f"em7.{domain}", "v=spf1 include:sendgrid.example ~all"),
        "domain_spf": ("txt", domain, f"v=spf1 include:em7.{domain} -all"),
        "dkim": ("txt", f"m1._domainkey.{domain}", "k=rsa; t=s; p=MIGf"),
    }
    dns = {
        key: {"valid": True, "type": kind, "host": host, "data": data}
        for key, (kind, host, data) in records.items()
    }
    return {"id": 8, "domain": domain, "subdomain": "em7", "valid": True, "default": False, "dns": dns}


def zone(domain: str = "example.com") -> dict[str, dict[str, list[str]]]:
    """Return the DNS zone of a correct `automatic` domain."""
    return {
        f"em7.{domain}": {"CNAME": ["u7.wl.sendgrid.example."]},
        "u7.wl.sendgrid.example": {"TXT": ["v=spf1 ip4:192.0.2.7 -all"]},
        f"s1._domainkey.{domain}": {"CNAME": ["s1.domainkey.u7.wl.sendgrid.example."]},
        f"s2._domainkey.{domain}": {"CNAME": ["s2.domainkey.u7.wl.sendgrid.example."]},
        "s1.domainkey.u7.wl.sendgrid.example": {"TXT": ["k=rsa; t=s; p=MIGf1"]},
        "s2.domainkey.u7.wl.sendgrid.example": {"TXT": ["k=rsa; t=s; p=MIGf2"]},
        f"_dmarc.{domain}": {"TXT": [f"v=DMARC1; p=reject; rua=mailto:dmarc@{domain}"]},
    }
