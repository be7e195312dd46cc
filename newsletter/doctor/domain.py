"""The sender's domain in the DNS: SPF, DKIM, DMARC, and whether they speak of the same domain."""

from collections.abc import Iterator

from newsletter.doctor.dkim import dkim
from newsletter.doctor.dmarc import Policy, dmarc, policy, walk
from newsletter.doctor.resolver import Resolver
from newsletter.doctor.spf import spf
from newsletter.findings import Finding, ProviderReport


def domain(sender: str, examined: ProviderReport | None, resolver: Resolver) -> Iterator[Finding]:
    """All of it for the domain of a sender's address; `examined` is what the provider says of itself."""
    if examined and examined.return_path:
        yield from spf(examined.return_path, resolver)
    else:
        what = "not looked at: the provider does not say which domain the return path of its mail is in"
        yield Finding("SPF", "skipped", what)
    yield from dkim(sender, examined, resolver)
    yield from dmarc(sender, resolver)
    yield from alignment(sender, examined, resolver)


def alignment(sender: str, examined: ProviderReport | None, resolver: Resolver) -> Iterator[Finding]:
    """Whether SPF or DKIM speaks of the domain that readers see: DMARC passes with one of them."""
    label = f"alignment with {sender}"
    seen = walk(sender, resolver)
    if seen.unanswered:
        yield Finding(label, "skipped", f"not looked at: {seen.unanswered.why}")
        return
    if examined and examined.sender and not examined.sender.verified:
        what = f"not looked at: the provider does not sign for {examined.sender.domain} yet"
        yield Finding(label, "skipped", what)
        return
    found = policy(seen)
    signed = examined.sender.domain if examined and examined.sender else None
    by = {
        "spf": ("the return path", examined and examined.return_path),
        "dkim": ("the DKIM signature", signed),
    }
    known = [(kind, name, other) for kind, (name, other) in by.items() if other]
    fit = [(name, other) for kind, name, other in known if aligned(kind, sender, other, found, resolver)]
    if fit:
        what = " and ".join(f"{name} is of {other}" for name, other in fit)
        rest = "" if signed else "; of the signature nothing is known here"
        yield Finding(label, "ok", f"{what}: one with the sender's, as DMARC wants it{rest}")
    elif not known:
        yield Finding(label, "skipped", "not looked at: it is not known what the provider signs for")
    else:
        yield _misaligned(label, sender, [f"{name} is of {other}" for _, name, other in known], found, signed)


def _misaligned(
    label: str, sender: str, others: list[str], found: Policy | None, signed: str | None
) -> Finding:
    what = f"{' and '.join(others)}, not of {sender}: DMARC fails"
    if signed is None:
        what += " unless a DKIM signature is of it, which is not known here"
    wanted = found.wanted if found else "none"
    hard = wanted in ("quarantine", "reject") and signed is not None
    if wanted != "none":
        what += f", and your own policy ({wanted}) then hits your own mail"
    fix = f"have the provider sign with DKIM for {sender}, or send from a domain that it signs for"
    return Finding(label, "error" if hard else "warning", what, fix)


def aligned(kind: str, sender: str, other: str, found: Policy | None, resolver: Resolver) -> bool:
    """Whether two domains count as one (RFC 9989, 5.1): the very same, or relaxed, of one organisation."""
    if sender == other:
        return True
    if found and found.strict(kind):
        return False
    if found is None:  # nobody has said where an organisation begins
        return other.endswith(f".{sender}") or sender.endswith(f".{other}")
    return walk(sender, resolver).organisation == walk(other, resolver).organisation
