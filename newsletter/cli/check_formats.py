"""The output of `news check` for programs: JSON, GitHub annotations, SARIF."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from newsletter import __version__
from newsletter.checks import registry
from newsletter.cli.output import MAX_TEXT_LENGTH
from newsletter.display import escaped, shortened
from newsletter.errors import Problem
from newsletter.services.check import Checked

# The rule name of a problem that no check found: a file is invalid.
_FILE = "file"


def as_json(results: Sequence[Checked]) -> str:
    """Return a JSON object with the problems of each issue, and the number of problems of each severity."""
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
        }
    )


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
    """Return one workflow command per problem, which GitHub shows at the line of the file.

    https://docs.github.com/actions/reference/workflow-commands-for-github-actions
    """
    return "\n".join(map(_command, _each(results)))


def _command(problem: Problem) -> str:
    file, line = problem.place
    level = {"error": "error", "warning": "warning", "note": "notice"}[problem.severity]
    parameters = {"file": file, "line": line, "title": problem.check or _FILE}
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
    """
    rules = [
        {"id": name, "shortDescription": {"text": registry.summary(check)}}
        for name, check in registry.CHECKS.items()
    ]
    rules += [{"id": _FILE, "shortDescription": {"text": "An invalid file."}}]
    driver = {"name": "news", "version": __version__, "rules": rules}
    run = {"tool": {"driver": driver}, "results": list(map(_result, _each(results)))}
    schema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
    return _dump({"$schema": schema, "version": "2.1.0", "runs": [run]})


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


def _dump(content: object) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False)


FORMATS: Mapping[str, Callable[[Sequence[Checked]], str]] = {
    "json": as_json,
    "github": as_github,
    "sarif": as_sarif,
}
