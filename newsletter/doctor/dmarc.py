"""Examine DMARC: the policy of receivers for mail that forges a domain (RFC 9989, RFC 7489)."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from newsletter.display import printable
from newsletter.doctor.resolver import DnsResponse, Resolver
from newsletter.findings import Finding

_VERSION = re.compile(r"v\s*=\s*DMARC1\s*(?:;|$)", re.IGNORECASE)
_TAG = re.compile(r"([a-z]{1,10})\s*=\s*(.*)", re.IGNORECASE)
_POLICIES = ("none", "quarantine", "reject")
_VALUES = {"p": _POLICIES, "sp": _POLICIES, "np": _POLICIES, "adkim": ("r", "s"), "aspf": ("r", "s")}
_POLICY_EFFECTS = {
    "quarantine": "forged mail from your domain is put into the spam folder",
    "reject": "forged mail from your domain is refused",
}
# The largest number of names that one tree walk queries (RFC 9989, 4.10).
_MAX_WALK_NAMES = 8


@dataclass(frozen=True)
class Policy:
    """A DMARC record that is published at `domain`; `wanted` is the policy that applies to the sender."""

    domain: str
    tags: Mapping[str, str]
    wanted: str

    def strict(self, kind: str) -> bool:
        """Return True if the alignment of `kind` (`dkim` or `spf`) requires the sender's exact domain."""
        return self.tags.get(f"a{kind}", "r").lower() == "s"


@dataclass(frozen=True)
class Walk:
    """The DMARC records of a domain and its parent domains: `records` has the tags of each.

    `unanswered` is the DNS response that ended the walk early, None if it is complete.
    """

    domain: str
    records: Mapping[str, Mapping[str, str]]
    unanswered: DnsResponse | None = None

    @property
    def organisation(self) -> str:
        """Return the organisational domain (RFC 9989, 4.10.2).

        It is the name with psd=n, the name one label below psd=y, or else the name with a record and the
        fewest labels. Without any record it is the domain itself.
        """
        for name, tags in self.records.items():
            if tags.get("psd") == "n":
                return name
            if tags.get("psd") == "y" and name != self.domain:
                below = len(name.split(".")) + 1
                return ".".join(self.domain.split(".")[-below:])
        return min(self.records, key=lambda name: name.count("."), default=self.domain)


def walk(domain: str, resolver: Resolver) -> Walk:
    """Query `_dmarc` at a domain and its parents; ignore names with several records, as receivers do."""
    labels = domain.split(".")
    names = [".".join(labels[start:]) for start in range(len(labels))]
    if len(names) > _MAX_WALK_NAMES:
        names = [names[0], *names[1 - _MAX_WALK_NAMES :]]
    tags: dict[str, Mapping[str, str]] = {}
    for name in names:
        answer = resolver.ask(f"_dmarc.{name}", "TXT")
        if answer.state == "unanswered":
            return Walk(domain, tags, answer)
        if len(records := _records(answer)) == 1:
            tags[name] = _tags(records[0])[0]
            if tags[name].get("psd") in ("n", "y"):
                break
    return Walk(domain, tags)


def policy(walked: Walk) -> Policy | None:
    """Return the policy of the walk's domain, or else of its organisational domain, or None."""
    at = walked.domain if walked.domain in walked.records else walked.organisation
    if at not in walked.records:
        return None
    tags = walked.records[at]
    wanted = tags.get("p", "none").lower()
    if at != walked.domain:
        wanted = tags.get("sp", wanted).lower()
    return Policy(at, tags, wanted)


def dmarc(domain: str, resolver: Resolver) -> Iterator[Finding]:
    """Yield findings on the DMARC record that applies to a sender's domain."""
    label = f"DMARC of {domain}"
    answer = resolver.ask(f"_dmarc.{domain}", "TXT")
    if len(records := _records(answer)) > 1:
        what = f"there are {len(records)} records; receivers then ignore all of them"
        yield Finding(label, "error", what, f"keep one of them at _dmarc.{domain}, delete the others")
        return
    if not records and (almost := _malformed(answer)):
        what = f'"{printable(almost, 100)}" is not a DMARC record: it must begin with v=DMARC1;'
        yield Finding(label, "error", what, f"correct it at _dmarc.{domain}")
        return
    walked = walk(domain, resolver)
    if walked.unanswered and domain not in walked.records:
        what = f"not looked at: {walked.unanswered.reason}"
        yield Finding(label, "skipped", what, "try again later, or --nameserver")
        return
    published = policy(walked)
    if published is None:
        what = "there is no record; large mailbox providers require one from senders of newsletters"
        fix = f"publish a TXT record at _dmarc.{domain}: v=DMARC1; p=none; rua=mailto:…"
        yield Finding(label, "warning", what, fix)
        return
    yield from _policy_findings(label, published, domain, resolver)


def _policy_findings(label: str, published: Policy, domain: str, resolver: Resolver) -> Iterator[Finding]:
    record = _records(resolver.ask(f"_dmarc.{published.domain}", "TXT"))[0]
    faults = list(_faults(record))
    for fault in faults:
        yield Finding(label, "error", fault, f"correct it at _dmarc.{published.domain}")
    where = "" if published.domain == domain else f", by the record of {published.domain}"
    if not faults:
        yield _effect(label, published, where)
    yield from _details(label, published)


def _effect(label: str, published: Policy, where: str) -> Finding:
    wanted = published.wanted
    if published.tags.get("t") == "y" and wanted != "none":
        what = f"requests {wanted}{where}, but only as a test (t=y)"
        return Finding(label, "note", what, "delete t=y when the reports show that your own mail passes")
    if wanted == "none":
        what = f"only collects reports (p=none){where}: forged mail from your domain is delivered"
        fix = "change to p=quarantine when the reports show that all your own mail passes"
        return Finding(label, "note", what, fix)
    return Finding(label, "ok", f"{_POLICY_EFFECTS[wanted]} ({wanted}{where})")


def _details(label: str, published: Policy) -> Iterator[Finding]:
    if not published.tags.get("rua"):
        what = "names no address for reports (rua): you do not learn who sends mail in your name"
        fix = f"add rua=mailto:… to _dmarc.{published.domain}"
        yield Finding(label, "note", what, fix)
    pct = published.tags.get("pct", "100")
    if _is_percentage(pct) and int(pct) < 100 and published.wanted != "none":
        what = f"applies to {pct} % of the mail only (pct), which newer receivers ignore"
        yield Finding(label, "note", what, "delete pct, which RFC 9989 has removed")


def _faults(record: str) -> Iterator[str]:
    tags, invalid = _tags(record)
    for piece in invalid:
        yield f'"{printable(piece)}" is not valid: tags are name=value, each once, separated by ;'
    if "p" not in tags:
        yield "has no p= (the policy), so that many receivers ignore the record"
    for name, allowed in _VALUES.items():
        if name in tags and tags[name].lower() not in allowed:
            yield f'{name}="{printable(tags[name])}" is not valid: use one of {", ".join(allowed)}'
    pct = tags.get("pct", "100")
    if not _is_percentage(pct):
        yield f'pct="{printable(pct)}" is not a number from 0 to 100'
    for address in filter(None, map(str.strip, tags.get("rua", "").split(","))):
        if not re.fullmatch(r"mailto:[^@\s]+@[^@\s]+", address, re.IGNORECASE):
            yield f'rua="{printable(address)}" is not an address for reports: write mailto:name@example.com'


def _is_percentage(text: str) -> bool:
    return bool(re.fullmatch(r"0*(?:[0-9]{1,2}|100)", text))


def _tags(record: str) -> tuple[dict[str, str], list[str]]:
    """Return a record's tags by name, and its invalid pieces: those that are no tag, or repeat a name."""
    tags: dict[str, str] = {}
    invalid = []
    for piece in filter(None, map(str.strip, record.split(";"))):
        match = _TAG.fullmatch(piece)
        if match and match[1].lower() not in tags:
            tags[match[1].lower()] = match[2].strip()
        else:
            invalid.append(piece)
    return tags, invalid


def _records(answer: DnsResponse) -> list[str]:
    return [text for text in answer.records if _VERSION.match(text.strip())]


def _malformed(answer: DnsResponse) -> str | None:
    """Return a TXT record that mentions DMARC, to report that receivers ignore it; None if there is none."""
    return next((text for text in answer.records if "dmarc" in text.lower()), None)
