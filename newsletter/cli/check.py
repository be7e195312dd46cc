"""`news check`: print the problems of issues, for people or for programs."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from newsletter.cli import output, terminal
from newsletter.cli.command import command
from newsletter.cli.output import Styled
from newsletter.constants import CHECK_FORMATS, REFUSED
from newsletter.display import counted

if TYPE_CHECKING:
    from newsletter.errors import Problem
    from newsletter.services.check import Checked


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
    from newsletter.cli.check_formats import FORMATS
    from newsletter.services.check import check as checked

    results = []
    for result in checked(folder, names, online=online, spam=spam):
        results.append(result)
        if form == "text":
            _show(result)
    if form != "text":
        show = output.echo_commands if form == "github" else output.echo_json
        show(FORMATS[form](results))
    failing = ("error", "warning") if strict else ("error",)
    problems = [problem for result in results for problem in result.problems]
    sys.exit(REFUSED if any(problem.severity in failing for problem in problems) else 0)


def _show(result: "Checked") -> None:
    """Print an issue's problems by group, most severe first, then a summary and the lowered checks."""
    for heading, problems in _grouped(result.problems):
        output.echo(Styled(heading, bold=True, underline=True))
        for problem in problems:
            terminal.show_problem(problem, always=True)
        output.echo()
    counts: list[str | Styled] = []
    for severity, colour in terminal.COLOURS.items():
        if number := sum(problem.severity == severity for problem in result.problems):
            counts += [*([", "] if counts else []), Styled(counted(number, severity), colour)]
    output.echo(f"{result.path}: ", *(counts or ["no problems found"]), _weight(result))
    for check in result.lowered:
        output.echo(f"    {check}")


def _grouped(problems: Sequence["Problem"]) -> Iterator[tuple[str, list["Problem"]]]:
    from newsletter.checks import registry

    severities = list(terminal.COLOURS)
    for heading, names in (("Files", {"": None}), *registry.GROUPS.items()):
        if group := [problem for problem in problems if problem.check in names]:
            yield heading, sorted(group, key=lambda problem: severities.index(problem.severity))


def _weight(result: "Checked") -> str:
    from newsletter.checks.mail.weight import CLIPPED_BYTES

    if result.weight is None:
        return ""
    return f" ({result.weight / 1000:.0f} of the {CLIPPED_BYTES // 1000} KB that Gmail shows)"
