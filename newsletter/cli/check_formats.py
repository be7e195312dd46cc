"""The output of `news check` for programs: JSON, GitHub annotations, SARIF."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from newsletter import __version__
from newsletter.checks import registry
from newsletter.checks.settings import LoweredCheck
from newsletter.cli.output import MAX_TEXT_LENGTH
from newsletter.display import escaped, shortened
from newsletter.errors import Problem, Severity, by_severity
from newsletter.services.check import Checked

# The rule name of a problem that no check found: a file is invalid.
_FILE = "file"
# The rule name of a check that newsletter.yml switches off or lowers.
_LOWERED = "lowered-check"


def as_json(results: Sequence[Checked]) -> str:
    """Return a JSON object: the problems of each issue, the number of each severity, the lowered checks."""
    counted = Counter(problem.severity for result in results for problem in result.problems)
    return _dump(
        {
            "issues": [
                {
                    "path": result.path,
                    "html_bytes": result.weight,
                    "problems": list(map(_as_object, result.problems)),
                }
                for result in results
            ],
            "errors": counted["error"],
            "warnings": counted["warning"],
            "notes": counted["note"],
            "lowered_checks": list(map(_as_setting, _each_lowered(results))),
        }
    )


def _as_setting(check: LoweredCheck) -> dict[str, Any]:
    file, line = check.problem.place
    return {
        "check": check.name,
        "severity": check.severity,
        "default": check.default,
        "reason": check.reason or None,
        "file": file,
        "line": line,
    }


def _as_object(problem: Problem) -> dict[str, Any]:
    file, line = problem.place
    return {
        "check": problem.check or None,
        "severity": problem.severity,
        "file": file or None,
        "line": line,
        "what": problem.what,
        "fix": problem.fix or None,
        "details": list(problem.details),
    }


def as_github(results: Sequence[Checked]) -> str:
    """Return one workflow command per problem and lowered check; GitHub shows it at the line of the file.

    The severest are the first: of a step, GitHub shows ten errors, ten warnings and ten notices.
    https://docs.github.com/actions/reference/workflow-commands-for-github-actions
    """
    lowered = (check.problem for check in _each_lowered(results))
    return "\n".join(map(github_command, by_severity((*_each(results), *lowered))))


def github_command(problem: Problem, title: str = "") -> str:
    """Return the workflow command that shows a problem in the summary of a run, and at its line.

    `title` is by default the check that found it.
    """
    file, line = problem.place
    level = {"error": "error", "warning": "warning", "note": "notice"}[problem.severity]
    parameters = {"file": file, "line": line, "title": title or problem.check or _FILE}
    properties = ",".join(
        f"{name}={_escaped(str(value), ':,')}" for name, value in parameters.items() if value
    )
    message = "\n".join(filter(None, (problem.what, problem.fix, *problem.details)))
    return f"::{level} {properties}::{_escaped(shortened(message, MAX_TEXT_LENGTH))}"


def _escaped(text: str, also: str = "") -> str:
    """Return text as the value of a workflow command; `also` are further characters to encode."""
    for character in ("%", "\r", "\n", *also):
        text = text.replace(character, f"%{ord(character):02X}")
    return escaped(text)


def as_sarif(results: Sequence[Checked]) -> str:
    """Return SARIF 2.1.0, which code scanning and editors read.

    https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
    A lowered check is a configuration override (3.20.5), and a note because code scanning shows only results.
    """
    lowered = _each_lowered(results)
    rules = [_rule(name, check.summary, check.default) for name, check in registry.CHECKS.items()]
    rules.append(_rule(_FILE, "An invalid file.", "error"))
    rules.append(_rule(_LOWERED, "A check that is switched off or lowered.", "note"))
    run = {
        "tool": {"driver": {"name": "news", "version": __version__, "rules": rules}},
        "invocations": [
            {"executionSuccessful": True, "ruleConfigurationOverrides": list(map(_override, lowered))}
        ],
        "results": list(map(_result, (*_each(results), *(_lowered_problem(check) for check in lowered)))),
    }
    schema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
    return _dump({"$schema": schema, "version": "2.1.0", "runs": [run]})


def _rule(name: str, summary: str, level: Severity) -> dict[str, Any]:
    return {"id": name, "shortDescription": {"text": summary}, "defaultConfiguration": {"level": level}}


def _override(check: LoweredCheck) -> dict[str, Any]:
    off = check.severity == "off"
    return {
        "descriptor": {"id": check.name},
        "configuration": {"enabled": False} if off else {"level": check.severity},
    }


def _lowered_problem(check: LoweredCheck) -> Problem:
    return replace(check.problem, check=_LOWERED)


def _result(problem: Problem) -> dict[str, Any]:
    file, line = problem.place
    location: dict[str, Any] = {"artifactLocation": {"uri": quote(file)}}
    location |= {"region": {"startLine": line}} if line else {}
    return {
        "ruleId": problem.check or _FILE,
        "level": problem.severity,
        "message": {"text": "\n".join(filter(None, (problem.what, problem.fix, *problem.details)))},
        "locations": [{"physicalLocation": location}] if file else [],
    }


def _each(results: Sequence[Checked]) -> Iterator[Problem]:
    """Yield each distinct problem once: a problem of a template is found in several issues."""
    return iter(dict.fromkeys(problem for result in results for problem in result.problems))


def _each_lowered(results: Sequence[Checked]) -> list[LoweredCheck]:
    """Return each lowered check once: all issues have the same newsletter.yml."""
    return list(dict.fromkeys(check for result in results for check in result.lowered))


def _dump(content: object) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False)


FORMATS: Mapping[str, Callable[[Sequence[Checked]], str]] = {
    "json": as_json,
    "github": as_github,
    "sarif": as_sarif,
}
