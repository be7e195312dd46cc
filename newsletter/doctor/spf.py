"""Examine SPF: the DNS record of the servers that may send mail with a return path at a domain (RFC 7208)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from newsletter.display import printable
from newsletter.doctor.resolver import Resolver
from newsletter.findings import Finding

# The limit of DNS look-ups that receivers apply (RFC 7208, 4.6.4).
MAX_LOOKUPS = 10
# Look-ups beyond the limit are counted up to this number, to report how many the record needs.
_MAX_FOLLOWED_LOOKUPS = 3 * MAX_LOOKUPS
_VERSION = re.compile(r"v=spf1(?: |$)", re.IGNORECASE)
_TERM = re.compile(r"([+?~-]?)([a-z][a-z0-9_.-]*)([:=/].*)?", re.IGNORECASE)
_LOOKS_UP = ("include", "a", "mx", "ptr", "exists", "redirect")
_NEED_A_VALUE = ("include", "exists", "ip4", "ip6")
_MECHANISMS = (*_LOOKS_UP[:-1], "ip4", "ip6", "all")
_RETURN_PATH = "the return path of the mail is at this domain, and receivers look up there who may send"


@dataclass
class _Evaluation:
    """The evaluation of a record together with all records that it includes."""

    resolver: Resolver
    # The number of DNS look-ups in all these records.
    lookups: int = 0
    # The sign of the record's own `all`, or of the one in its redirect; None if there is none.
    all: str | None = None
    # True if a term permits a server to send, or has a macro, which is not evaluated.
    names_servers: bool = False
    faults: list[str] = field(default_factory=list)
    # The records that could not be read, each with the reason.
    unanswered: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def read(self, record: str, parents: tuple[str, ...], *, all_counts: bool) -> None:
        """Evaluate a record; `parents` are its domain and those that led to it.

        `all_counts` is False for an include: the `all` of an included record does not apply.
        """
        redirect = None
        for term in record.split()[1:]:
            sign, name, value = _parts(term)
            if value.startswith("="):
                redirect = value[1:] if name == "redirect" else redirect
            elif not name or name not in _MECHANISMS or (name in _NEED_A_VALUE and len(value) < 2):
                self.faults.append(f"`{printable(term)}` is not understood")
            elif name == "all":
                self.all = sign if all_counts else self.all
                return  # receivers ignore all terms after `all`, also a redirect
            else:
                self._mechanism(sign, name, value, parents)
        if redirect:
            self.lookups += 1
            self._follow("redirect", redirect, parents, all_counts=all_counts)

    def _mechanism(self, sign: str, name: str, value: str, parents: tuple[str, ...]) -> None:
        self.lookups += name in _LOOKS_UP
        if name == "include":
            self._follow(name, value[1:], parents, all_counts=False)
        elif sign in ("+", "?"):
            self.names_servers = True
        if name == "ptr":
            self.notes.append("uses `ptr`, which is slow and which many receivers ignore")

    def _follow(self, word: str, target: str, parents: tuple[str, ...], *, all_counts: bool) -> None:
        target = target.lower().rstrip(".")
        if "%" in target:
            self.names_servers = True
            self.notes.append(f"has a macro in `{word}`, which only a real mail resolves: not followed")
        elif target in parents:
            self.faults.append(f"it includes {target} in a circle")
        elif self.lookups <= _MAX_FOLLOWED_LOOKUPS:
            answer = self.resolver.ask(target, "TXT")
            records = _records(answer.records)
            if answer.state == "unanswered":
                self.unanswered.append(f"{word} of {target}: {answer.reason}")
            elif len(records) == 1:
                self.read(records[0], (*parents, target), all_counts=all_counts)
            else:
                missing = (
                    "that domain does not exist" if answer.state == "no name" else "it has no SPF record"
                )
                reason = f"it has {len(records)} records" if records else missing
                self.faults.append(f"`{word}` names {target}, but {reason}")


def spf(domain: str, resolver: Resolver) -> Iterator[Finding]:
    """Yield findings on the SPF record of a return path's domain."""
    label = f"SPF of {domain}"
    answer = resolver.ask(domain, "TXT")
    if answer.state == "unanswered":
        yield Finding(label, "skipped", f"not looked at: {answer.reason}", "try again later, or --nameserver")
        return
    if answer.state == "no name":
        what = f"the DNS has no domain {domain}; {_RETURN_PATH}"
        yield Finding(label, "error", what, "check the spelling, or register the domain")
        return
    records = _records(answer.records)
    if not records:
        fix = "publish a TXT record at it that begins with v=spf1 and names your provider's servers"
        yield Finding(label, "warning", f"there is no record; {_RETURN_PATH}", fix)
        return
    if len(records) > 1:
        what = f"there are {len(records)} records; receivers then ignore all of them (permerror)"
        yield Finding(label, "error", what, "merge them into a single v=spf1 record")
        return
    evaluation = _Evaluation(resolver)
    evaluation.read(records[0], (domain,), all_counts=True)
    yield from _findings(label, records[0], evaluation)


def _findings(label: str, record: str, evaluation: _Evaluation) -> Iterator[Finding]:
    shown = printable(record, 120)
    findings = list(_faults(label, evaluation))
    if evaluation.unanswered:
        what = f"cannot be read completely: {evaluation.unanswered[0]}"
        findings.append(Finding(label, "skipped", what, "try again later"))
    findings += _verdict(label, shown, evaluation, valid=not findings)
    findings += (Finding(label, "note", note) for note in evaluation.notes)
    yield from findings


def _faults(label: str, evaluation: _Evaluation) -> Iterator[Finding]:
    for fault in dict.fromkeys(evaluation.faults):
        what = f"is not valid, and receivers ignore it (permerror): {fault}"
        yield Finding(label, "error", what, "correct the record")
    if evaluation.lookups > MAX_LOOKUPS:
        what = f"needs {evaluation.lookups} DNS look-ups; receivers stop at {MAX_LOOKUPS} (permerror)"
        yield Finding(
            label, "error", what, "remove the parts that are not used; the look-ups of each include count too"
        )


def _verdict(label: str, shown: str, evaluation: _Evaluation, *, valid: bool) -> Iterator[Finding]:
    if evaluation.all == "+":
        what = "ends with +all: every server in the world may send in your name"
        yield Finding(label, "error", what, "end it with -all or ~all")
    elif not valid:
        return
    elif not evaluation.names_servers and evaluation.all in ("-", "~"):
        what = f"names no server, so that no server may send ({shown})"
        yield Finding(label, "error", what, "name your provider's servers in it, before the all")
    elif evaluation.all in ("?", None):
        ending = "ends with ?all" if evaluation.all else "has no all at its end"
        what = f"{ending}: it does not exclude servers that it does not name"
        yield Finding(label, "warning", what, "end it with ~all, or -all when you are sure")
    else:
        others = "are refused" if evaluation.all == "-" else "are suspicious"
        yield Finding(label, "ok", f"names the servers that may send; others {others} ({shown})")


def _parts(term: str) -> tuple[str, str, str]:
    """Return a term's sign, its name, and its value with the `:`, `/` or `=`; three "" if it is malformed."""
    match = _TERM.fullmatch(term)
    return (match[1] or "+", match[2].lower(), match[3] or "") if match else ("", "", "")


def _records(texts: tuple[str, ...]) -> list[str]:
    return [text for text in texts if _VERSION.match(text)]
