"""What would embarrass the newsletter, found before it is sent: one function a check, one file each.

A check takes what is to be sent and returns every problem it finds; only the caller stops. Severities can be
changed by name in newsletter.yml (`checks: {weight: warning}`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from newsletter.checks.placeholders import placeholders
from newsletter.checks.tracking import tracking
from newsletter.checks.unsubscribe import unsubscribe
from newsletter.checks.weight import weight
from newsletter.errors import ConfigError, Problem
from newsletter.models import Issue, Rendered

Check = Callable[[Issue, Rendered], list[Problem]]

CHECKS: Mapping[str, Check] = {
    "placeholders": placeholders,
    "unsubscribe": unsubscribe,
    "weight": weight,
    "tracking": tracking,
}


@dataclass(frozen=True)
class Finding:
    """A problem, and the check that found it."""

    check: str
    problem: Problem


def run(issue: Issue, rendered: Rendered, severities: Mapping[str, str]) -> list[Finding]:
    """Every problem of an issue, by every check that is not switched off."""
    if unknown := sorted(set(severities) - set(CHECKS)):
        what = f"checks: there is no check `{unknown[0]}`"
        raise ConfigError([Problem("newsletter.yml", what, f"the checks: {', '.join(CHECKS)}")])
    return [
        Finding(name, _as(problem, severities.get(name)))
        for name, check in CHECKS.items()
        if severities.get(name) != "off"
        for problem in check(issue, rendered)
    ]


def _as(problem: Problem, severity: str | None) -> Problem:
    match severity:
        case "error" | "warning" | "note":
            return replace(problem, severity=severity)
    return problem
