"""DMARC: what receivers do with mail that only claims to be from a domain (RFC 9989, RFC 7489), explained."""

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
_MEANS = {
    "quarantine": "mail that only claims to be from you is put into the spam folder",
    "reject": "mail that only claims to be from you is refused",
}
# The tree walk of RFC 9989, 4.10 asks at most so many names.
_STEPS = 8


@dataclass(frozen=True)
class Policy:
    """A domain's record, found at `domain`; `wanted` is what it asks of receivers for our sender."""

    domain: str
    tags: Mapping[str, str]
    wanted: str

    def strict(self, kind: str) -> bool:
        """Whether `dkim` or `spf` has to be of the very same domain."""
        return self.tags.get(f"a{kind}", "r").lower() == "s"


@dataclass(frozen=True)
class Walk:
    """The records from a domain upwards, one name each; `organisation` is the domain that they make one."""

    domain: str
    found: Mapping[str, Mapping[str, str]]
    unanswered: DnsResponse | None = None

    @property
    def organisation(self) -> str:
        """RFC 9989, 4.10.2: where it says psd=n, below psd=y, or the record with the fewest labels."""
        for name, tags in self.found.items():
            if tags.get("psd") == "n":
                return name
            if tags.get("psd") == "y" and name != self.domain:
                below = len(name.split(".")) + 1
                return ".".join(self.domain.split(".")[-below:])
        return min(self.found, key=lambda name: name.count("."), default=self.domain)


def walk(domain: str, resolver: Resolver) -> Walk:
    """Asks for `_dmarc` at a domain and above it; several records at one name count as none."""
    labels = domain.split(".")
    names = [".".join(labels[start:]) for start in range(len(labels))]
    if len(names) > _STEPS:
        names = [names[0], *names[1 - _STEPS :]]
    found: dict[str, Mapping[str, str]] = {}
    for name in names:
        answer = resolver.ask(f"_dmarc.{name}", "TXT")
        if answer.state == "unanswered":
            return Walk(domain, found, answer)
        if len(records := _records(answer)) == 1:
            found[name] = _tags(records[0])[0]
            if found[name].get("psd") in ("n", "y"):
                break
    return Walk(domain, found)


def policy(seen: Walk) -> Policy | None:
    """The one for mail from the walk's domain: its own record's, or else its organisation's."""
    at = seen.domain if seen.domain in seen.found else seen.organisation
    if at not in seen.found:
        return None
    tags = seen.found[at]
    wanted = tags.get("p", "none").lower()
    if at != seen.domain:
        wanted = tags.get("sp", wanted).lower()
    return Policy(at, tags, wanted)


def dmarc(domain: str, resolver: Resolver) -> Iterator[Finding]:
    """What is published for a sender's domain, and what is wrong with it."""
    label = f"DMARC of {domain}"
    own = resolver.ask(f"_dmarc.{domain}", "TXT")
    if len(records := _records(own)) > 1:
        what = f"there are {len(records)} records, and receivers then go by none"
        yield Finding(label, "error", what, f"leave one of them at _dmarc.{domain}")
        return
    if not records and (almost := _almost(own)):
        what = f'"{printable(almost, 100)}" is not read: a record begins with v=DMARC1;'
        yield Finding(label, "error", what, f"correct it at _dmarc.{domain}")
        return
    seen = walk(domain, resolver)
    if seen.unanswered and domain not in seen.found:
        what = f"not looked at: {seen.unanswered.why}"
        yield Finding(label, "skipped", what, "try again later, or --nameserver")
        return
    found = policy(seen)
    if found is None:
        what = "there is none, and large mailbox providers want one of whoever sends newsletters"
        fix = f"publish a TXT record at _dmarc.{domain}: v=DMARC1; p=none; rua=mailto:…"
        yield Finding(label, "warning", what, fix)
        return
    yield from _about(label, found, domain, resolver)


def _about(label: str, found: Policy, domain: str, resolver: Resolver) -> Iterator[Finding]:
    record = _records(resolver.ask(f"_dmarc.{found.domain}", "TXT"))[0]
    faults = list(_faults(record, found))
    for fault in faults:
        yield Finding(label, "error", fault, f"correct it at _dmarc.{found.domain}")
    where = "" if found.domain == domain else f", by the record of {found.domain}"
    if not faults:
        yield _explained(label, found, where)
    yield from _details(label, found)


def _explained(label: str, found: Policy, where: str) -> Finding:
    wanted = found.wanted
    if found.tags.get("t") == "y" and wanted != "none":
        what = f"asks for {wanted}{where}, but says with t=y that it is only tried out"
        return Finding(label, "note", what, "delete t=y when the reports show that your own mail passes")
    if wanted == "none":
        what = f"only watches (p=none){where}: mail that only claims to be from you is delivered"
        fix = "go on to p=quarantine when the reports show that all your own mail passes"
        return Finding(label, "note", what, fix)
    return Finding(label, "ok", f"{_MEANS[wanted]} ({wanted}{where})")


def _details(label: str, found: Policy) -> Iterator[Finding]:
    if not found.tags.get("rua"):
        what = "names nobody who gets reports (rua): you do not hear who sends in your name"
        fix = f"add rua=mailto:… to _dmarc.{found.domain}"
        yield Finding(label, "note", what, fix)
    pct = found.tags.get("pct", "100")
    if pct.isdecimal() and int(pct) < 100 and found.wanted != "none":
        what = f"asks it of {pct} % of the mail only (pct), which newer receivers pass over"
        yield Finding(label, "note", what, "delete pct, which RFC 9989 does not know any more")


def _faults(record: str, found: Policy) -> Iterator[str]:
    tags, unread = _tags(record)
    for piece in unread:
        yield f'"{printable(piece)}" is not understood: tags are name=value, with ; between them'
    if "p" not in tags:
        yield "has no p=, the policy, so that many receivers go by none of it"
    for name, allowed in _VALUES.items():
        if name in tags and tags[name].lower() not in allowed:
            yield f'{name}="{printable(tags[name])}" is not understood: it is one of {", ".join(allowed)}'
    pct = tags.get("pct", "100")
    if not (pct.isascii() and pct.isdecimal() and int(pct) <= 100):
        yield f'pct="{printable(pct)}" is no number from 0 to 100'
    for address in filter(None, re.split(r"\s*,\s*", tags.get("rua", ""))):
        if not re.fullmatch(r"mailto:[^@\s]+@[^@\s]+", address, re.IGNORECASE):
            yield f'rua="{printable(address)}" is no address for reports: write mailto:name@example.com'


def _tags(record: str) -> tuple[dict[str, str], list[str]]:
    """A record's tags, the first of each name, and what is none."""
    tags: dict[str, str] = {}
    unread = []
    for piece in filter(None, map(str.strip, record.split(";"))):
        match = _TAG.fullmatch(piece)
        if match and match[1].lower() not in tags:
            tags[match[1].lower()] = match[2].strip()
        else:
            unread.append(piece)
    return tags, unread


def _records(answer: DnsResponse) -> list[str]:
    return [text for text in answer.records if _VERSION.match(text.strip())]


def _almost(answer: DnsResponse) -> str | None:
    """What somebody meant to be a record: a receiver passes over it."""
    return next((text for text in answer.records if "dmarc" in text.lower()), None)
