"""The layout of a summary in the terminal: rows of a label, a value and a note, and commands to copy."""

from collections.abc import Iterable
from datetime import datetime

from newsletter.cli import output
from newsletter.cli.output import Styled
from newsletter.cli.terminal import columns

_MARGIN, _LABEL, _VALUE, _GAP = 2, 13, 9, 2


def show_heading(text: str, colour: str = "") -> None:
    """Show the heading of a summary between two blank lines."""
    lines = output.wrap(text, columns() - 2 * _MARGIN, first="", indent="", long_words=False)
    output.echo()
    for line in lines:
        output.echo(" " * _MARGIN, Styled(line, colour or None, bold=True))
    output.echo()


def show_text(label: str, text: str) -> None:
    """Show a label and its text, wrapped to the width of the terminal."""
    indent = " " * (_MARGIN + _LABEL)
    lines = output.wrap(text, columns(), first=indent, indent=indent) or [indent]
    output.echo(f"{'':{_MARGIN}}{label:<{_LABEL}}{lines[0][len(indent) :]}".rstrip())
    for line in lines[1:]:
        output.echo(line)


def show_number(label: str, value: str, notes: Iterable[str] = ()) -> None:
    """Show a label, its short value, and notes on it; each note begins on its own line."""
    start = f"{'':{_MARGIN}}{label:<{_LABEL}}{value:<{_VALUE}}{'':{_GAP}}"
    indent = len(start)
    width = columns() - indent
    lines = [line for note in notes for line in output.wrap(note, width, first="", indent="")] or [""]
    output.echo(f"{start}{lines[0]}".rstrip())
    for line in lines[1:]:
        output.echo(" " * indent + line)


def show_command(purpose: str, *commands: str) -> None:
    """Show the purpose of commands and, below it, each command, unwrapped so that it can be copied."""
    output.echo(f"{'':{_MARGIN}}{purpose}:")
    for command in commands:
        output.echo(f"{'':{_MARGIN + 4}}{command}")


def clock_time(moment: datetime, now: datetime) -> str:
    """Format a time, which is in UTC; include its date unless `now` has the same date."""
    return f"{moment:%H:%M} UTC" if moment.date() == now.date() else f"{moment:%Y-%m-%d %H:%M} UTC"
