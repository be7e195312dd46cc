"""Helpers of the doctor's tests for findings."""

from collections.abc import Iterable, Sequence

from newsletter.findings import Finding


def states(findings: Iterable[Finding]) -> list[str]:
    return [finding.state for finding in findings]


def as_text(findings: Iterable[Finding]) -> str:
    """Return the findings as text, one per line."""
    return "\n".join(
        f"{finding.state} {finding.looked_at}: {finding.what}; {finding.fix}" for finding in findings
    )


def only(findings: Sequence[Finding], state: str) -> Finding:
    """Return the only finding of a state."""
    (finding,) = [finding for finding in findings if finding.state == state]
    return finding
