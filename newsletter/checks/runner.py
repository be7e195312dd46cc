"""Run checks on a proof, with the severities that newsletter.yml gives them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Literal

from newsletter.checks.proof import Proof
from newsletter.checks.registry import CONTENT, FILES, MAIL, Check
from newsletter.checks.settings import refuse_invalid
from newsletter.errors import SEVERITIES, Problem, Severity

MAX_PROBLEMS_PER_CHECK = 100
# A template may show a link several times, so a check may find a problem several times.
_MAX_LOCATED_PER_CHECK = 1_000


def run(proof: Proof, chosen: Mapping[str, Check] | None = None) -> list[Problem]:
    """Return the problems that these checks find; by default, run all checks that need no connection.

    Of a check that finds more than MAX_PROBLEMS_PER_CHECK, the last problem is the number of the others.
    Raise ConfigError if newsletter.yml has an invalid setting of a check.
    """
    refuse_invalid(proof.newsletter)
    return list(_problems(proof, {**CONTENT, **MAIL, **FILES} if chosen is None else chosen))


def _problems(proof: Proof, chosen: Mapping[str, Check]) -> Iterator[Problem]:
    settings = proof.newsletter.config.checks
    for name, check in chosen.items():
        severity = settings[name].severity if name in settings else None
        if severity == "off" and not check.has_fixed_errors:
            continue
        try:
            yield from _limited(proof, name, _configured(check.find(proof), name, severity))
        finally:
            proof.locator.paused = False


def _configured(
    problems: Iterable[Problem], name: str, severity: Severity | Literal["off"] | None
) -> Iterator[Problem]:
    """Yield the problems of a check with the severity that newsletter.yml gives them."""
    for problem in problems:
        if problem.fixed_severity:
            yield replace(problem, check=name)
        elif severity != "off":
            yield replace(problem, check=name, severity=severity or problem.severity)


def _limited(proof: Proof, name: str, problems: Iterable[Problem]) -> Iterator[Problem]:
    """Yield the first problems, each once, and a problem that says how many more there are.

    The others are counted only: to find the place of each would take long.
    """
    reported: dict[Problem, None] = {}
    more, severest = 0, SEVERITIES[-1]
    for located, problem in enumerate(problems, 1):
        if proof.locator.paused:
            more, severest = more + 1, min(severest, problem.severity, key=SEVERITIES.index)
        elif problem not in reported:
            reported[problem] = None
            yield problem
        full = len(reported) >= MAX_PROBLEMS_PER_CHECK or located >= _MAX_LOCATED_PER_CHECK
        proof.locator.paused = full
    if more:
        what = f"and {more:,} more like these"
        fix = "correct those that are listed, then check again"
        yield Problem(proof.issue.path, what, fix, severest, name)
