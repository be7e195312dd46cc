"""What was found, for programs: JSON, GitHub's annotations, SARIF."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from newsletter import __version__
from newsletter.checks import registry
from newsletter.errors import Problem
from newsletter.services.check import Checked

# What stands for a check where a file cannot be read as what it is.
_FILE = "file"


def as_json(found: Sequence[Checked]) -> str:
    """An object with every issue, its problems, and how many there are of each severity."""
    counted = Counter(problem.severity for one in found for problem in one.problems)
    return _dumped(
        {
            "issues": [
                {"path": one.path, "html_bytes": one.weight, "problems": list(map(_described, one.problems))}
                for one in found
            ],
            "errors": counted["error"],
            "warnings": counted["warning"],
            "notes": counted["note"],
        }
    )


def _described(problem: Problem) -> dict[str, Any]:
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


def as_github(found: Sequence[Checked]) -> str:
    """A workflow command a problem, which GitHub shows beside the line of the file.

    https://docs.github.com/actions/reference/workflow-commands-for-github-actions
    """
    return "".join(f"{_command(problem)}\n" for problem in _each(found))


def _command(problem: Problem) -> str:
    file, line = problem.place
    level = {"error": "error", "warning": "warning", "note": "notice"}[problem.severity]
    given = {"file": file, "line": line, "title": problem.check or _FILE}
    properties = ",".join(f"{name}={_escaped(str(value), ':,')}" for name, value in given.items() if value)
    message = "\n".join(filter(None, (problem.what, problem.fix, *problem.details)))
    return f"::{level} {properties}::{_escaped(message)}"


def _escaped(text: str, also: str = "") -> str:
    for character in ("%", "\r", "\n", *also):
        text = text.replace(character, f"%{ord(character):02X}")
    return text


def as_sarif(found: Sequence[Checked]) -> str:
    """SARIF 2.1.0, which code scanning and editors read.

    https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
    """
    rules = [
        {"id": name, "shortDescription": {"text": registry.summary(check)}}
        for name, check in registry.CHECKS.items()
    ]
    rules += [{"id": _FILE, "shortDescription": {"text": "A file that cannot be read as what it is."}}]
    driver = {"name": "news", "version": __version__, "rules": rules}
    run = {"tool": {"driver": driver}, "results": list(map(_result, _each(found)))}
    schema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
    return _dumped({"$schema": schema, "version": "2.1.0", "runs": [run]})


def _result(problem: Problem) -> dict[str, Any]:
    file, line = problem.place
    place: dict[str, Any] = {"artifactLocation": {"uri": quote(file)}}
    place |= {"region": {"startLine": line}} if line else {}
    return {
        "ruleId": problem.check or _FILE,
        "level": problem.severity,
        "message": {"text": "\n".join(filter(None, (problem.what, problem.fix, *problem.details)))},
        "locations": [{"physicalLocation": place}] if file else [],
    }


def _each(found: Sequence[Checked]) -> Iterator[Problem]:
    """Every problem once: several issues may have that of a template."""
    return iter(dict.fromkeys(problem for one in found for problem in one.problems))


def _dumped(content: object) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


FORMATS: Mapping[str, Callable[[Sequence[Checked]], str]] = {
    "json": as_json,
    "github": as_github,
    "sarif": as_sarif,
}
