"""Examine DKIM: the keys for the signatures of the mail, at the DNS names that the provider reports.

No other names are tried, because the names of keys (selectors) are arbitrary.
"""

import re
from collections.abc import Iterator

from newsletter.display import printable
from newsletter.doctor.resolver import DnsResponse, Resolver
from newsletter.findings import DnsRecord, Finding, ProviderReport

_KEY = re.compile(r"(?:^|;)\s*p\s*=\s*([A-Za-z0-9+/=\s]*)")


def dkim(sender: str, report: ProviderReport | None, resolver: Resolver) -> Iterator[Finding]:
    """Yield a finding on each DNS record that the provider requires; a skipped finding if it reports none."""
    if report is None or report.sender is None:
        what = "not looked at: only the provider knows the DNS names of its keys (selectors)"
        fix = (
            "send yourself a test (news send --to ADDRESS) and look at its source: "
            f"DKIM-Signature should have d={sender}, and Authentication-Results dkim=pass"
        )
        yield Finding("DKIM", "skipped", what, fix)
        return
    for record in report.sender.records:
        yield _record(record, resolver)


def _record(record: DnsRecord, resolver: Resolver) -> Finding:
    label = f"{record.use} {record.host}"
    kind = record.type.upper()
    answer = resolver.ask(record.host, "CNAME" if kind == "CNAME" else "MX" if kind == "MX" else "TXT")
    if answer.state == "unanswered":
        return Finding(
            label, "skipped", f"not looked at: {answer.reason}", "try again later, or --nameserver"
        )
    publish = f"publish: {record.host} {kind} {record.data}"
    if answer.state == "no name":
        return Finding(label, "error", "does not exist: the DNS has no such name", publish)
    if answer.state == "no record":
        return Finding(label, "error", f"has no {kind} record", publish)
    if not _has(record, answer):
        published = printable(answer.records[0], 100)
        return Finding(
            label, "error", f"differs from the record that the provider asks for: {published}", publish
        )
    return _key(label, record, answer, resolver) if record.use == "DKIM key" else _matching(label, record)


def _matching(label: str, record: DnsRecord) -> Finding:
    state = f"points to {record.data.rstrip('.')}" if record.type == "cname" else "exists"
    return Finding(label, "ok", f"{state}, as the provider asks")


def _key(label: str, record: DnsRecord, answer: DnsResponse, resolver: Resolver) -> Finding:
    """Return a finding on the published key; an empty key means that it was revoked (RFC 6376, 3.6.1)."""
    texts = answer if record.type == "txt" else resolver.ask(record.host, "TXT")
    if texts.state == "unanswered":
        return Finding(
            label, "skipped", f"points to the right name, but its key cannot be read: {texts.reason}"
        )
    keys = [match[1].strip() for text in texts.records if (match := _KEY.search(text))]
    if not keys:
        what = f"points to {record.data.rstrip('.')}, which has no key"
        return Finding(
            label, "error", what, "ask the provider to verify the domain again, which creates the key"
        )
    if not any(keys):
        return Finding(label, "error", "holds an empty key: it was revoked", "ask the provider for a new one")
    return _matching(label, record)


def _has(record: DnsRecord, answer: DnsResponse) -> bool:
    wanted = record.data.strip().rstrip(".")
    if record.type == "txt":
        return any(_normalized(text) == _normalized(wanted) for text in answer.records)
    names = (text.rpartition(" ")[2] if record.type == "mx" else text for text in answer.records)
    return any(name == wanted.lower() for name in names)


def _normalized(text: str) -> str:
    """Return the text without white space and final semicolons, which DNS servers and forms add or remove."""
    return re.sub(r"\s+", "", text).rstrip(";")
