"""`news check`: print the problems of issues, for people or for programs."""

import sys
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from newsletter.cli import output, terminal
from newsletter.cli.command import command
from newsletter.cli.output import Styled
from newsletter.constants import CHECK_FORMATS, CLIPPED_BYTES, REFUSED
from newsletter.display import counted

if TYPE_CHECKING:
    from newsletter.errors import Severity
    from newsletter.services.check_summary import CheckSummary


@command()
@click.argument("names", metavar="[ISSUE]...", nargs=-1)
@click.option(
    "--online", is_flag=True, help="Request every link and picture too; results are kept for a day."
)
@click.option("--spam", is_flag=True, help="Ask SpamAssassin too, if it is installed.")
@click.option("--strict", is_flag=True, help="Exit with 1 for warnings too.")
@click.option(
    "--format",
    "form",
    type=click.Choice(CHECK_FORMATS),
    default=CHECK_FORMATS[0],
    help="Output for people (text) or for programs.",
)
@click.pass_obj
def check(folder: Path, names: tuple[str, ...], online: bool, spam: bool, strict: bool, form: str) -> None:
    """Check an issue for problems.

    Check the text of the issue and the finished mail. Without ISSUE, check the newest issue.

    Exit codes: 0 clean; 1 errors, or warnings with --strict.
    """
    show = _show_all if form == "text" else partial(_show_to_programs, form)
    severities = show(folder, names, online=online, spam=spam)
    failing = ("error", "warning") if strict else ("error",)
    sys.exit(REFUSED if severities.intersection(failing) else 0)


def _show_all(folder: Path, names: Sequence[str], *, online: bool, spam: bool) -> set["Severity"]:
    """Print each result when it is there; return the severities of the problems."""
    from newsletter.services.check_summary import check

    severities: set[Severity] = set()
    for summary in check(folder, names, online=online, spam=spam):
        severities |= _show(summary).keys()
    return severities


def _show_to_programs(
    form: str, folder: Path, names: Sequence[str], *, online: bool, spam: bool
) -> set["Severity"]:
    """Print the results for programs; return the severities of the problems."""
    from newsletter.cli.check_formats import FORMATS
    from newsletter.services.check import check

    results = list(check(folder, names, online=online, spam=spam))
    show = output.echo_commands if form == "github" else output.echo_json
    show(FORMATS[form](results))
    return {problem.severity for result in results for problem in result.problems}


def _show(result: "CheckSummary") -> Counter["Severity"]:
    """Print an issue's problems by group, then a summary and the lowered checks; return the numbers."""
    for heading, problems in result.groups:
        output.echo(Styled(heading, bold=True, underline=True))
        for problem in problems:
            terminal.show_problem(problem)
        output.echo()
    numbers = Counter(problem.severity for _, problems in result.groups for problem in problems)
    counts: list[str | Styled] = []
    for severity, colour in terminal.COLOURS.items():
        if number := numbers[severity]:
            counts += [*([", "] if counts else []), Styled(counted(number, severity), colour)]
    output.echo(f"{result.path}: ", *(counts or ["no problems found"]), _weight(result))
    for lowered in result.lowered:
        output.echo(f"    {lowered}")
    return numbers


def _weight(result: "CheckSummary") -> str:
    if result.weight is None:
        return ""
    return f" ({result.weight / 1000:.0f} of the {CLIPPED_BYTES // 1000} KB that Gmail shows)"
