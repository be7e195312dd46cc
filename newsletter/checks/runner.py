"""Run checks on a proof, with the severities that newsletter.yml gives them."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from newsletter.checks.proof import Proof
from newsletter.checks.registry import CONTENT, FILES, MAIL, Check, refuse_unknown
from newsletter.errors import Problem


def run(proof: Proof, chosen: Mapping[str, Check] | None = None) -> list[Problem]:
    """Return every problem that these checks find; by default, run all checks that need no connection.

    Raise ConfigError if newsletter.yml names a check that does not exist.
    """
    refuse_unknown(proof.newsletter)
    return list(_problems(proof, {**CONTENT, **MAIL, **FILES} if chosen is None else chosen))


def _problems(proof: Proof, chosen: Mapping[str, Check]) -> Iterator[Problem]:
    settings = proof.newsletter.config.checks
    for name, check in chosen.items():
        severity = settings[name].severity if name in settings else None
        if severity == "off":
            continue
        # A template may show a link several times: report its problem once.
        for problem in dict.fromkeys(check(proof)):
            yield replace(problem, check=name, severity=severity or problem.severity)
