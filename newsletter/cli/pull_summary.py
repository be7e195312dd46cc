"""Show what a pull has read, in numbers; never an address, nor a token."""

from typing import TYPE_CHECKING

from newsletter.cli import output, terminal
from newsletter.display import counted

if TYPE_CHECKING:
    from newsletter.services.pull import PullReport, SourceResult


def show_pull(report: "PullReport") -> None:
    """Show a line for each place that was read, and the error of each that was not."""
    width = max((len(result.source) for result in report.results), default=0)
    for result in report.results:
        output.echo(f"{result.source:{width}}  {_counts(result)}")
    for result in report.failures:
        if result.failure:
            terminal.show_problems(result.failure.problems)
    if people := sum(result.needs_person for result in report.results):
        verb = "needs" if people == 1 else "need"
        output.echo(f"{counted(people, 'message')} {verb} a person: unread in the mailbox.")


def _counts(result: "SourceResult") -> str:
    parts = [f"{result.read:,} read", f"{result.left:,} left the list"]
    parts += [counted(result.noise, "token") + " of another list or forged"] if result.noise else []
    parts += [counted(result.tests, "test")] if result.tests else []
    parts += [f"{counted(result.automatic, 'automatic message')} skipped"] if result.automatic else []
    return ", ".join([*parts, "not read to the end"] if result.failure else parts)
