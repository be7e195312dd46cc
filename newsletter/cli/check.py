"""`news check`: what would embarrass the newsletter, for a person at a terminal or for a program."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from newsletter.cli import terminal
from newsletter.constants import CHECK_FORMATS, REFUSED
from newsletter.display import counted

if TYPE_CHECKING:
    from newsletter.errors import Problem
    from newsletter.services.check import Checked


@click.command()
@click.argument("names", metavar="[ISSUE]...", nargs=-1)
@click.option("--online", is_flag=True, help="Ask every link and picture as well; answers keep for a day.")
@click.option("--spam", is_flag=True, help="Ask SpamAssassin as well, where it is installed.")
@click.option("--strict", is_flag=True, help="Exit with 1 for warnings too.")
@click.option(
    "--format", "form", type=click.Choice(CHECK_FORMATS), default=CHECK_FORMATS[0], help="For programs."
)
@click.pass_obj
def check(folder: Path, names: tuple[str, ...], online: bool, spam: bool, strict: bool, form: str) -> None:
    """Find what would embarrass the newsletter.

    In the newest issue, unless others are named: in what was written, and in the mail that it becomes.

    Exit codes: 0 clean; 1 errors, or warnings with --strict.
    """
    from newsletter.cli.check_formats import FORMATS
    from newsletter.services.check import check as checked

    found = []
    for one in checked(folder, names, online=online, spam=spam):
        found.append(one)
        if form == "text":
            _show(one)
    if form != "text":
        click.echo(FORMATS[form](found), nl=False)
    failing = ("error", "warning") if strict else ("error",)
    problems = [problem for one in found for problem in one.problems]
    sys.exit(REFUSED if any(problem.severity in failing for problem in problems) else 0)


def _show(found: "Checked") -> None:
    """An issue's problems in their groups, the worst first, and a line that sums them up."""
    for heading, problems in _grouped(found.problems):
        click.secho(heading, bold=True, underline=True)
        for problem in problems:
            click.echo(terminal.format_problem(problem, always=True))
        click.echo()
    counts = [
        click.style(counted(number, severity), fg=terminal.COLOURS[severity])
        for severity in terminal.COLOURS
        if (number := sum(problem.severity == severity for problem in found.problems))
    ]
    click.echo(f"{found.path}: {', '.join(counts) or 'no problems found'}{_weight(found)}")
    for name, reason in found.off.items():
        click.echo(f"    {name} is switched off: {reason}")


def _grouped(problems: Sequence["Problem"]) -> Iterator[tuple[str, list["Problem"]]]:
    from newsletter.checks import registry

    severities = list(terminal.COLOURS)
    for heading, names in (("Files", {"": None}), *registry.GROUPS.items()):
        if group := [problem for problem in problems if problem.check in names]:
            yield heading, sorted(group, key=lambda problem: severities.index(problem.severity))


def _weight(found: "Checked") -> str:
    from newsletter.checks.mail.weight import CLIPPED_BYTES

    if found.weight is None:
        return ""
    return f" ({found.weight / 1000:.0f} of the {CLIPPED_BYTES // 1000} KB that Gmail shows)"
