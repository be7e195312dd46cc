"""DKIM: the keys that mail is signed with, at the names that the provider gives; names are never guessed."""

import re
from collections.abc import Iterator

from newsletter.display import printable
from newsletter.doctor.resolver import DnsResponse, Resolver
from newsletter.findings import DnsRecord, Finding, ProviderReport

_KEY = re.compile(r"(?:^|;)\s*p\s*=\s*([A-Za-z0-9+/=\s]*)")


def dkim(sender: str, examined: ProviderReport | None, resolver: Resolver) -> Iterator[Finding]:
    """Each record that the provider wants, against what the DNS has."""
    if examined is None or examined.sender is None:
        what = "not looked at: only the provider knows under which names its keys are (selectors)"
        fix = (
            "send yourself a test (news send --to ADDRESS) and look at its source: "
            f"DKIM-Signature should have d={sender}, and Authentication-Results dkim=pass"
        )
        yield Finding("DKIM", "skipped", what, fix)
        return
    for record in examined.sender.records:
        yield _record(record, resolver)


def _record(record: DnsRecord, resolver: Resolver) -> Finding:
    label = f"{record.use} {record.host}"
    kind = record.type.upper()
    answer = resolver.ask(record.host, "CNAME" if kind == "CNAME" else "MX" if kind == "MX" else "TXT")
    if answer.state == "unanswered":
        return Finding(label, "skipped", f"not looked at: {answer.why}", "try again later, or --nameserver")
    publish = f"publish: {record.host} {kind} {printable(record.data, 4096)}"
    if answer.state == "no name":
        return Finding(label, "error", "is not there: the DNS has no such name", publish)
    if answer.state == "no record":
        return Finding(label, "error", f"has no {kind} record", publish)
    if not _has(record, answer):
        found = printable(answer.records[0], 100)
        return Finding(label, "error", f"is another one than the provider wants: {found}", publish)
    return _key(label, record, answer, resolver) if record.use == "DKIM key" else _fine(label, record)


def _fine(label: str, record: DnsRecord) -> Finding:
    leads = f"leads to {record.data.rstrip('.')}" if record.type == "cname" else "is there"
    return Finding(label, "ok", f"{leads}, as the provider wants it")


def _key(label: str, record: DnsRecord, answer: DnsResponse, resolver: Resolver) -> Finding:
    """A key that is there may be an empty one, which says that it is revoked (RFC 6376, 3.6.1)."""
    texts = answer if record.type == "txt" else resolver.ask(record.host, "TXT")
    if texts.state == "unanswered":
        return Finding(label, "skipped", f"leads where it should, and no key is read: {texts.why}")
    keys = [match[1].strip() for text in texts.records if (match := _KEY.search(text))]
    if not keys:
        what = f"leads to {record.data.rstrip('.')}, where there is no key"
        return Finding(label, "error", what, "ask the provider to verify the domain again; it makes the key")
    if not any(keys):
        return Finding(label, "error", "holds an empty key: it was revoked", "ask the provider for a new one")
    return _fine(label, record)


def _has(record: DnsRecord, answer: DnsResponse) -> bool:
    wanted = record.data.strip().rstrip(".")
    if record.type == "txt":
        return any(_squeezed(text) == _squeezed(wanted) for text in answer.records)
    names = (one.rpartition(" ")[2] if record.type == "mx" else one for one in answer.records)
    return any(name == wanted.lower() for name in names)


def _squeezed(text: str) -> str:
    """Without the spaces and the last mark that servers and their forms add or leave out."""
    return re.sub(r"\s+", "", text).rstrip(";")
