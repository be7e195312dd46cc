"""The output of commands in the terminal: problems, findings, and the results of an import.

Messages go to standard error and results to standard output, so that a program can read each of them.
"""

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from typing import TYPE_CHECKING

import click

from newsletter.cli import output
from newsletter.cli.output import Styled
from newsletter.errors import NewsError, Problem, SendRefused, Severity

if TYPE_CHECKING:
    from newsletter.sending.outcomes import Outcome
    from newsletter.services.prepare import Prepared

# Limits of the width of text, in columns: longer lines are hard to read.
_MIN_WIDTH, _MAX_WIDTH = 40, 100
# A command in a message, such as `news status 2026-04-27 --list unknown`, stays in one line: it is copied.
_COMMAND = re.compile(
    r"\bnews(?: subscribers| state| db)? [a-z]+"
    r"(?: (?:--list [a-z]+|-{1,2}[a-z-]+|\d{4}-\d\d-\d\d|[A-Z]{3,}\b))*"
)
_NO_BREAK = "\xa0"
COLOURS: Mapping[Severity, str] = {"error": "red", "warning": "yellow", "note": "blue"}


@contextmanager
def stdout_to_stderr(active: bool) -> Iterator[None]:
    """Print to standard error during the block, if `active`: standard output is then for JSON only."""
    if active:
        with redirect_stdout(sys.stderr):
            yield
    else:
        yield


def show_problems(problems: Iterable[Problem]) -> None:
    """Show each problem on standard error: its location, the problem, and below it the correction."""
    for problem in problems:
        show_problem(problem, err=True)


def show_findings(prepared: "Prepared") -> None:
    """Show the errors and warnings of an issue that is about to be sent, without its notes."""
    show_problems(problem for problem in prepared.problems if problem.severity != "note")


def show_problem(problem: Problem, *, err: bool = False) -> None:
    """Show a problem in lines that fit the terminal: its location, its severity, and what it is."""
    where, kind = f"{problem.where}: " if problem.where else "", f"{problem.severity}: "
    name = f" [{problem.check}]" if problem.check else ""
    first, *rest = wrapped(f"{where}{kind}{problem.what}{name}", 4, first=0)
    if first.startswith(where + kind):
        styled = Styled(where, bold=True), Styled(kind, COLOURS[problem.severity])
        output.echo(*styled, first.removeprefix(where + kind), err=err)
    else:
        output.echo(first, err=err)
    fix = wrapped(problem.fix, 4) if problem.fix else []
    for line in (*rest, *fix, *(f"    {detail}" for detail in problem.details)):
        output.echo(line, err=err)


def columns() -> int:
    """Return the width of text in columns: the terminal's width, limited to _MIN_WIDTH and _MAX_WIDTH."""
    import shutil

    return min(max(_MIN_WIDTH, shutil.get_terminal_size().columns), _MAX_WIDTH)


def wrapped(text: str, indent: int, *, first: int | None = None, always: bool = False) -> list[str]:
    """Return the text as indented lines that fit the terminal.

    If standard output is not a terminal, return one line, unless `always`. `first` is the indent of the first
    line, by default `indent`.
    """
    start = " " * (indent if first is None else first)
    if not (always or sys.stdout.isatty()):
        return [start + text]
    text = _COMMAND.sub(lambda command: command[0].replace(" ", _NO_BREAK), text)
    lines = output.wrap(text, columns(), first=start, indent=" " * indent, long_words=False)
    return [line.replace(_NO_BREAK, " ") for line in lines]


def confirm(question: str, otherwise: str, *, hint: str = "", err: bool = False) -> None:
    """Ask a question; raise SendRefused if the answer is not yes.

    `otherwise` says what was not done then, and `hint` how to do it later.
    """
    try:
        agreed = output.ask(question, err=err)
    except click.Abort as abort:
        raise unanswered(otherwise, hint or "for automation: --yes") from abort
    if not agreed:
        raise SendRefused(f"the answer was no; {otherwise}", hint)


def confirm_number(number: int, of: str, otherwise: str, hint: str = "") -> None:
    """Ask for a number, such as that of the recipients; raise SendRefused if another one is typed.

    `otherwise` says what was not done then, and `hint` what else the user can do.
    """
    try:
        typed = output.ask_for_text(f"  Type the number of {of} to continue")
    except click.Abort as abort:
        raise unanswered(otherwise) from abort
    if typed.replace(",", "").strip() != str(number):
        again = f"run it again and type {number}"
        raise SendRefused(
            f"that is not the number of {of}; {otherwise}", ", ".join(filter(None, [again, hint]))
        )


def unanswered(otherwise: str, hint: str = "for automation: --yes") -> SendRefused:
    """Return the error after Ctrl-C, or the end of the input, at a question."""
    output.echo(err=True)  # the line of the question is not complete
    return SendRefused(f"the question was not answered; {otherwise}", hint)


def collect_due(issues: Iterable["Prepared | NewsError"]) -> tuple[list["Prepared"], bool]:
    """Show the errors among due issues; return the valid issues, and True if there were errors."""
    due: list[Prepared] = []
    broken = False
    for issue in issues:
        if isinstance(issue, NewsError):
            show_problems(issue.problems)
            broken = True
        else:
            due.append(issue)
    return due, broken


def show_outcome(outcome: "Outcome", address: str = "") -> None:
    """Show the outcome of a single message, with the address if it is given."""
    reason = getattr(outcome, "reason", None)
    if reason is None:
        output.echo(f"{address}: accepted" if address else "Accepted.")
    else:
        show_problems([Problem(address, f"{outcome.state.replace('_', ' ')}: {reason}")])
