"""SPF: which servers may send with a return path at a domain (RFC 7208), explained."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from newsletter.display import printable
from newsletter.doctor.resolver import Resolver
from newsletter.findings import Finding

MOST_LOOKUPS = 10
_ENOUGH = 3 * MOST_LOOKUPS  # for whoever counts
_VERSION = re.compile(r"v=spf1(?: |$)", re.IGNORECASE)
_TERM = re.compile(r"([+?~-]?)([a-z][a-z0-9_.-]*)([:=/].*)?", re.IGNORECASE)
_LOOKS_UP = ("include", "a", "mx", "ptr", "exists", "redirect")
_NEED_A_VALUE = ("include", "exists", "ip4", "ip6")
_MECHANISMS = (*_LOOKS_UP[:-1], "ip4", "ip6", "all")
_RETURN_PATH = "the return path of the mail is there, and receivers ask it who may send"


@dataclass
class _Reading:
    """A record and all that it leads to, as it is read; look-ups are counted over all (RFC 7208, 4.6.4).

    `all` is the sign of the `all` that counts: the record's own, or that of where it redirects to.
    """

    resolver: Resolver
    lookups: int = 0
    all: str | None = None
    names_servers: bool = False
    faults: list[str] = field(default_factory=list)
    unanswered: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def read(self, record: str, above: tuple[str, ...], *, own: bool) -> None:
        """One record; `above` are the domains that led to it, `own` is whether its `all` counts."""
        redirect = None
        for term in record.split()[1:]:
            sign, name, rest = _parts(term)
            if rest.startswith("="):
                redirect = rest[1:] if name == "redirect" else redirect
            elif not name or name not in _MECHANISMS or (name in _NEED_A_VALUE and len(rest) < 2):
                self.faults.append(f"`{printable(term)}` is not understood")
            elif name == "all":
                self.all = sign if own else self.all
                return  # what follows is never read, a redirect included
            else:
                self._mechanism(sign, name, rest, above)
        if redirect:
            self.lookups += 1
            self._follow("redirect", redirect, above, own=own)

    def _mechanism(self, sign: str, name: str, rest: str, above: tuple[str, ...]) -> None:
        self.lookups += name in _LOOKS_UP
        if name == "include":
            self._follow(name, rest[1:], above, own=False)
        elif sign in ("+", "?"):
            self.names_servers = True
        if name == "ptr":
            self.notes.append("uses `ptr`, which is slow, and which many receivers pass over")

    def _follow(self, word: str, target: str, above: tuple[str, ...], *, own: bool) -> None:
        target = target.lower().rstrip(".")
        if "%" in target:
            self.names_servers = True
            self.notes.append(f"has a macro in `{word}`, which only a real mail fills: not looked at further")
        elif target in above:
            self.faults.append(f"it leads back to {target}, in a circle")
        elif self.lookups <= _ENOUGH:
            answer = self.resolver.ask(target, "TXT")
            records = _records(answer.records)
            if answer.state == "unanswered":
                self.unanswered.append(f"{word} of {target}: {answer.why}")
            elif len(records) == 1:
                self.read(records[0], (*above, target), own=own)
            else:
                missing = "there is no such domain" if answer.state == "no name" else "there is no SPF record"
                why = f"there are {len(records)} records" if records else missing
                self.faults.append(f"`{word}` leads to {target}, where {why}")


def spf(domain: str, resolver: Resolver) -> Iterator[Finding]:
    """What the record of a return path's domain says, and what is wrong with it."""
    label = f"SPF of {domain}"
    answer = resolver.ask(domain, "TXT")
    if answer.state == "unanswered":
        yield Finding(label, "skipped", f"not looked at: {answer.why}", "try again later, or --nameserver")
        return
    if answer.state == "no name":
        what = f"there is no domain {domain} in the DNS; {_RETURN_PATH}"
        yield Finding(label, "error", what, "check the spelling, or register the domain")
        return
    records = _records(answer.records)
    if not records:
        fix = "publish a TXT record there that begins with v=spf1 and names your provider's servers"
        yield Finding(label, "warning", f"there is none; {_RETURN_PATH}", fix)
        return
    if len(records) > 1:
        what = f"there are {len(records)} records, and receivers then go by none (permerror)"
        yield Finding(label, "error", what, "make one of them: a single v=spf1 with all that both name")
        return
    reading = _Reading(resolver)
    reading.read(records[0], (domain,), own=True)
    yield from _said(label, records[0], reading)


def _said(label: str, record: str, reading: _Reading) -> Iterator[Finding]:
    shown = printable(record, 120)
    found = list(_faults(label, reading))
    if reading.unanswered:
        what = f"cannot be read to its end: {reading.unanswered[0]}"
        found.append(Finding(label, "skipped", what, "try again later"))
    found += _verdict(label, shown, reading, sound=not found)
    found += (Finding(label, "note", one) for one in reading.notes)
    yield from found


def _faults(label: str, reading: _Reading) -> Iterator[Finding]:
    for fault in dict.fromkeys(reading.faults):
        what = f"is broken, and receivers then go by none (permerror): {fault}"
        yield Finding(label, "error", what, "correct the record")
    if reading.lookups > MOST_LOOKUPS:
        what = f"needs {reading.lookups} look-ups, and receivers stop at {MOST_LOOKUPS} (permerror)"
        yield Finding(label, "error", what, "take out what is not used any more; each include counts its own")


def _verdict(label: str, shown: str, reading: _Reading, *, sound: bool) -> Iterator[Finding]:
    if reading.all == "+":
        what = "ends with +all: it lets anybody in the world send in your name"
        yield Finding(label, "error", what, "end it with -all or ~all")
    elif not sound:
        return
    elif not reading.names_servers and reading.all in ("-", "~"):
        what = f"names no server, and so says that nobody may send ({shown})"
        yield Finding(label, "error", what, "name your provider's servers in it, before the all")
    elif reading.all in ("?", None):
        ending = "ends with ?all" if reading.all else "has no all at its end"
        what = f"{ending}: it says nothing about servers that it does not name"
        yield Finding(label, "warning", what, "end it with ~all, or -all when you are sure")
    else:
        others = "are to be refused" if reading.all == "-" else "are suspicious"
        yield Finding(label, "ok", f"names who may send, and others {others} ({shown})")


def _parts(term: str) -> tuple[str, str, str]:
    """A term's sign, name, and what follows the name; no name where it is none."""
    match = _TERM.fullmatch(term)
    return (match[1] or "+", match[2].lower(), match[3] or "") if match else ("", "", "")


def _records(texts: tuple[str, ...]) -> list[str]:
    return [text for text in texts if _VERSION.match(text)]
