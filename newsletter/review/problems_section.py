"""Write the problems of a review, the most important first, each with a link to its line."""

from collections.abc import Iterable, Sequence

from newsletter.display import counted
from newsletter.errors import Problem, by_severity
from newsletter.review.collect import Review
from newsletter.review.markdown import escape, folded, table
from newsletter.review.source_links import SourceLinks
from newsletter.review.verdict import problem_counts
from newsletter.services.check import Checked

_SIGNS = {"error": "🔴&nbsp;error", "warning": "🟡&nbsp;warning", "note": "⚪&nbsp;note"}
_MAX_DETAILS = 8


def problems_section(review: Review, sources: SourceLinks) -> list[str]:
    """Return the problems of the issue: a table, below which notes and lowered checks are folded."""
    problems = by_severity(review.checked.problems)
    if not problems and not review.checked.lowered:
        return []
    path = review.checked.path
    lines = ["", "### Problems"]
    if serious := [problem for problem in problems if problem.severity != "note"]:
        lines += ["", *_table(serious, path, sources)]
    notes = [problem for problem in problems if problem.severity == "note"]
    lowered = [check.problem for check in review.checked.lowered]
    for kind, folding in (("note", notes), ("lowered check", lowered)):
        if folding:
            lines += ["", *folded(counted(len(folding), kind), _table(folding, path, sources))]
    return lines


def further_section(review: Review, sources: SourceLinks) -> list[str]:
    """Return the other issues that the branch changes, with their problems, and those that it deletes."""
    lines: list[str] = []
    if review.further:
        rows = [[sources.place(checked.path), problem_counts(checked)] for checked in review.further]
        lines += [
            "",
            "### Other issues of this branch",
            "",
            *table(("Issue", "Problems"), (":--", ":--"), rows),
        ]
        for checked in review.further:
            lines += _problems_of(checked, sources)
    if review.branch and review.branch.deleted:
        names = ", ".join(f"`{path.stem}`" for path in review.branch.deleted)
        lines += ["", f"Deleted: {names}."]
    return lines


def _problems_of(checked: Checked, sources: SourceLinks) -> list[str]:
    problems = by_severity(checked.problems)
    if not problems:
        return []
    return ["", *folded(f"Problems of {escape(checked.path)}", _table(problems, checked.path, sources))]


def _table(problems: Sequence[Problem], file: str, sources: SourceLinks) -> list[str]:
    rows = [
        [_SIGNS[problem.severity], sources.place(problem.where, file), _what(problem), escape(problem.fix)]
        for problem in problems
    ]
    return table(("", "Where", "What", "Do"), [":--"] * 4, rows)


def _what(problem: Problem) -> str:
    details: Iterable[str] = map(escape, problem.details[:_MAX_DETAILS])
    return "<br>".join([escape(problem.what), *details])
