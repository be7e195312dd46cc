"""What tests of the doctor say about findings."""

from collections.abc import Iterable, Sequence

from newsletter.findings import Finding


def states(findings: Iterable[Finding]) -> list[str]:
    return [one.state for one in findings]


def told(findings: Iterable[Finding]) -> str:
    """All of it as one text, a finding a line."""
    return "\n".join(f"{one.state} {one.looked_at}: {one.what}; {one.fix}" for one in findings)


def only(findings: Sequence[Finding], state: str) -> Finding:
    """The one finding of a state."""
    (found,) = [one for one in findings if one.state == state]
    return found
