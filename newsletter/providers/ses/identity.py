"""Examine the identity of SES that covers the sender: a domain, a domain above it, or the address alone."""

from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import quote

from newsletter.findings import DnsRecord, Finding, SenderDomain
from newsletter.providers.account_findings import Get, not_examined
from newsletter.providers.http import Response
from newsletter.providers.responses import as_text, json_object
from newsletter.providers.ses.responses import error_text
from newsletter.sending.outcomes import NotSent

_LABEL = "sender's domain"
_MAX_PARENTS = 3


class IdentityReport(NamedTuple):
    """The findings on the sender's identity, and what follows from it for DNS and for the mail.

    `configuration_set` is the one that mail of this identity has if a request names none.
    """

    findings: tuple[Finding, ...]
    return_path: str | None = None
    sender: SenderDomain | None = None
    configuration_set: str = ""


def examine_identity(get: Get, address: str, region: str) -> IdentityReport:
    """Return the report on the identity that covers an address; make one call for each candidate."""
    domain = address.rpartition("@")[2].lower()
    for name in _candidates(address, domain):
        response = get(f"/v2/email/identities/{quote(name, safe='')}")
        if isinstance(response, Response) and response.status == 200:
            return _report(name, json_object(response), region)
        if isinstance(response, NotSent) or response.status != 404:
            return IdentityReport((not_examined(_LABEL, response, error_text, "ses:GetEmailIdentity"),))
    what = f"neither {domain} nor {address} is an identity in the region {region}: SES refuses the mail"
    fix = f"create the identity {domain} in this region, or correct `ses.region`"
    return IdentityReport((Finding(_LABEL, "error", what, fix),))


def _candidates(address: str, domain: str) -> Iterator[str]:
    """Yield the domain, the domains above it but no top-level domain, and the address."""
    labels = domain.split(".")
    for start in range(min(len(labels) - 1, _MAX_PARENTS)):
        yield ".".join(labels[start:])
    yield address


def _report(name: str, identity: dict[str, Any], region: str) -> IdentityReport:
    domain = name.rpartition("@")[2]
    verified = identity.get("VerifiedForSendingStatus") is True
    dkim = identity.get("DkimAttributes")
    dkim = dkim if isinstance(dkim, dict) else {}
    signs = dkim.get("SigningEnabled") is True and dkim.get("Status") == "SUCCESS"
    findings = [_about_verification(name, identity, verified), *_about_dkim(domain, dkim, signs)]
    mail_from, records, about = _mail_from(identity, region)
    records = [*_dkim_records(domain, dkim), *records]
    sender = SenderDomain(domain, tuple(records), verified and signs)
    return IdentityReport(
        (*findings, *about), mail_from, sender, as_text(identity.get("ConfigurationSetName"))
    )


def _about_verification(name: str, identity: dict[str, Any], verified: bool) -> Finding:
    if not verified:
        status = as_text(identity.get("VerificationStatus")) or "not verified"
        fix = "publish its DNS records (below); SES looks for them for 72 hours"
        return Finding(_LABEL, "error", f"SES has not verified {name} yet ({status})", fix)
    if "@" in name:
        what = f"SES has verified the address {name} and not its domain: the mail has no DKIM signature of it"
        fix = f"create the identity {name.rpartition('@')[2]}, with Easy DKIM"
        return Finding(_LABEL, "warning", what, fix)
    return Finding(_LABEL, "ok", f"SES has verified {name}")


def _about_dkim(domain: str, dkim: dict[str, Any], signs: bool) -> Iterator[Finding]:
    if signs:
        yield Finding("DKIM of SES", "ok", f"SES signs mail for {domain}")
    else:
        status = as_text(dkim.get("Status")) or "off"
        fix = "publish the DNS records of Easy DKIM (below), and switch DKIM signing on"
        yield Finding("DKIM of SES", "error", f"SES does not sign mail for {domain} ({status})", fix)


def _dkim_records(domain: str, dkim: dict[str, Any]) -> list[DnsRecord]:
    """Return the CNAME records of Easy DKIM; none for a key of one's own, whose record SES does not know.

    `SigningHostedZone` is the zone of the keys; older regions do not name it.
    """
    tokens = dkim.get("Tokens")
    if not isinstance(tokens, list) or dkim.get("SigningAttributesOrigin") == "EXTERNAL":
        return []
    zone = as_text(dkim.get("SigningHostedZone")).rstrip(".") or "dkim.amazonses.com"
    names = [token for token in tokens if isinstance(token, str)]
    return [
        DnsRecord("DKIM key", "cname", f"{token}._domainkey.{domain}", f"{token}.{zone}") for token in names
    ]


def _mail_from(identity: dict[str, Any], region: str) -> tuple[str, list[DnsRecord], list[Finding]]:
    """Return the domain of the envelope sender, its DNS records, and the findings on it.

    Without a MAIL FROM domain of its own, mail has one of SES: then SPF does not align with the sender, and
    DMARC passes because of DKIM alone. Source: https://docs.aws.amazon.com/ses/latest/dg/mail-from.html.
    """
    attributes = identity.get("MailFromAttributes")
    own = as_text(attributes.get("MailFromDomain")) if isinstance(attributes, dict) else ""
    default = "amazonses.com" if region == "us-east-1" else f"{region}.amazonses.com"
    if not own or not isinstance(attributes, dict):
        return default, [], []
    status = as_text(attributes.get("MailFromDomainStatus"))
    records = [
        DnsRecord("return path", "mx", own, f"feedback-smtp.{region}.amazonses.com"),
        DnsRecord("SPF", "txt", own, "v=spf1 include:amazonses.com ~all"),
    ]
    if status == "SUCCESS":
        return own, records, [Finding("MAIL FROM domain", "ok", f"SES uses {own}")]
    refuses = attributes.get("BehaviorOnMxFailure") == "REJECT_MESSAGE"
    what = f"SES has not verified {own} ({status or 'unknown'})"
    what += " and refuses mail until then" if refuses else f" and uses {default} until then"
    finding = Finding(
        "MAIL FROM domain", "error" if refuses else "warning", what, "publish its DNS records (below)"
    )
    return default, records, [finding]
