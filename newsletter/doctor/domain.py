"""Examine the sender's domain in the DNS: SPF, DKIM, DMARC, and their alignment."""

from collections.abc import Iterator

from newsletter.doctor.dkim import dkim
from newsletter.doctor.dmarc import Policy, dmarc, policy, walk
from newsletter.doctor.resolver import Resolver
from newsletter.doctor.spf import spf
from newsletter.findings import Finding, ProviderReport


def domain(sender: str, report: ProviderReport | None, resolver: Resolver) -> Iterator[Finding]:
    """Yield the findings on a sender's domain; `report` is that of the provider, None if there is none."""
    if report and report.return_path:
        yield from spf(report.return_path, resolver)
    else:
        what = "not looked at: the provider does not tell the domain of its mail's return path"
        yield Finding("SPF", "skipped", what)
    yield from dkim(sender, report, resolver)
    yield from dmarc(sender, resolver)
    yield from alignment(sender, report, resolver)


def alignment(sender: str, report: ProviderReport | None, resolver: Resolver) -> Iterator[Finding]:
    """Yield a finding on alignment: DMARC requires SPF or DKIM to align with the sender's domain."""
    label = f"alignment with {sender}"
    walked = walk(sender, resolver)
    if walked.unanswered:
        yield Finding(label, "skipped", f"not looked at: {walked.unanswered.reason}")
        return
    if report and report.sender and not report.sender.verified:
        what = f"not looked at: the provider does not sign for {report.sender.domain} yet"
        yield Finding(label, "skipped", what)
        return
    published = policy(walked)
    signed = report.sender.domain if report and report.sender else None
    domains = {
        "spf": ("the return path", report and report.return_path),
        "dkim": ("the DKIM signature", signed),
    }
    known = [(kind, name, other) for kind, (name, other) in domains.items() if other]
    aligned_domains = [
        (name, other) for kind, name, other in known if aligned(kind, sender, other, published, resolver)
    ]
    if aligned_domains:
        what = " and ".join(f"{name} is at {other}" for name, other in aligned_domains)
        unknown = "" if signed else "; the domain of the DKIM signature is not known here"
        yield Finding(
            label, "ok", f"{what}: this aligns with the sender's domain, as DMARC needs it{unknown}"
        )
    elif not known:
        yield Finding(label, "skipped", "not looked at: the domain that the provider signs for is not known")
    else:
        yield _misaligned(
            label, sender, [f"{name} is at {other}" for _, name, other in known], published, signed
        )


def _misaligned(
    label: str, sender: str, others: list[str], published: Policy | None, signed: str | None
) -> Finding:
    what = f"{' and '.join(others)}, not at {sender}: DMARC fails"
    if signed is None:
        what += f" unless a DKIM signature is at {sender}, which is not known here"
    wanted = published.wanted if published else "none"
    certain = wanted in ("quarantine", "reject") and signed is not None
    if wanted != "none":
        what += f", and your own policy ({wanted}) then applies to your own mail"
    fix = f"set up DKIM for {sender} at the provider, or send from a domain that it signs for"
    return Finding(label, "error" if certain else "warning", what, fix)


def aligned(kind: str, sender: str, other: str, published: Policy | None, resolver: Resolver) -> bool:
    """Return True if two domains align (RFC 9989, 5.1); `kind` is `dkim` or `spf`.

    They must be equal or, if the policy is not strict, have the same organisational domain.
    """
    if sender == other:
        return True
    if published and published.strict(kind):
        return False
    if published is None:  # the organisational domain is unknown without a record
        return other.endswith(f".{sender}") or sender.endswith(f".{other}")
    return walk(sender, resolver).organisation == walk(other, resolver).organisation
