"""Run checks on a proof, with the severities that newsletter.yml gives them."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from newsletter.checks.proof import Proof
from newsletter.checks.registry import CONTENT, MAIL, Check
from newsletter.checks.settings import WITH_FIXED_ERRORS, refuse_invalid
from newsletter.errors import Problem


def run(proof: Proof, chosen: Mapping[str, Check] | None = None) -> list[Problem]:
    """Return every problem that these checks find; by default, run all checks that need no connection.

    Raise ConfigError if newsletter.yml has an invalid setting of a check.
    """
    refuse_invalid(proof.newsletter)
    return list(_problems(proof, {**CONTENT, **MAIL} if chosen is None else chosen))


def _problems(proof: Proof, chosen: Mapping[str, Check]) -> Iterator[Problem]:
    settings = proof.newsletter.config.checks
    for name, check in chosen.items():
        severity = settings[name].severity if name in settings else None
        if severity == "off" and name not in WITH_FIXED_ERRORS:
            continue
        # A template may show a link several times: report its problem once.
        for problem in dict.fromkeys(check(proof)):
            if problem.fixed_severity:
                yield replace(problem, check=name)
            elif severity != "off":
                yield replace(problem, check=name, severity=severity or problem.severity)
