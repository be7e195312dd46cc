"""Check issues and summarize the results, for a report to a person.

A single issue is checked in a fork that imports the checks itself: the system copies each page of memory
that a fork changes, so the process that forks should be small.
"""

from collections.abc import Iterator, Sequence
from operator import call
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from newsletter.errors import LimitReached, Problem, by_severity
from newsletter.limits.process import run_limited

if TYPE_CHECKING:
    from newsletter.services.check import Checked


class CheckSummary(NamedTuple):
    """The result of the check of an issue.

    `groups` are the problems, the severest of a group first, each with the heading of its group. `weight` is
    the size of the issue's HTML in bytes, None if it cannot be rendered; `lowered` has a sentence for each
    check that newsletter.yml switches off or lowers.
    """

    path: str
    groups: Sequence[tuple[str, Sequence[Problem]]]
    weight: int | None
    lowered: Sequence[str]


def check(
    folder: Path, names: Sequence[str] = (), *, online: bool = False, spam: bool = False
) -> Iterator[CheckSummary]:
    """Check issues as `services.check.check` does; yield the summary of each result."""
    if len(names) > 1 or online or spam:  # several processes: import once, and fork then
        from newsletter.services import check as checks

        yield from map(_summary, checks.check(folder, names, online=online, spam=spam))
        return
    try:
        yield run_limited(_check_one, folder, names)
    except LimitReached as failure:
        yield _check_one(folder, names, failure)


def _check_one(folder: Path, names: Sequence[str], failure: LimitReached | None = None) -> CheckSummary:
    """Check an issue without limits; or return its result if the check has failed at a limit."""
    from newsletter.services import check as checks

    def refuse(*_arguments: Any, **_options: Any) -> Any:
        raise failure or AssertionError

    (result,) = checks.check(folder, names, limited=refuse if failure else call)
    return _summary(result)


def _summary(result: "Checked") -> CheckSummary:
    from newsletter.checks import registry

    headings: dict[str, list[Problem]] = {"Files": [], **{heading: [] for heading in registry.GROUPS}}
    of_check = {name: heading for heading, names in registry.GROUPS.items() for name in names}
    for problem in result.problems:
        headings[of_check.get(problem.check, "Files")].append(problem)
    groups = [(heading, by_severity(problems)) for heading, problems in headings.items() if problems]
    return CheckSummary(result.path, groups, result.weight, tuple(map(str, result.lowered)))
