"""The layout of a summary in the terminal: rows of a label, a value and a note, and commands to copy."""

import textwrap
from collections.abc import Iterable
from datetime import datetime

import click

from newsletter.cli.terminal import columns

_MARGIN, _LABEL, _VALUE = 2, 13, 11


def show_heading(text: str, colour: str = "") -> None:
    """Show the heading of a summary between two blank lines."""
    lines = textwrap.wrap(text, columns() - 2 * _MARGIN, break_long_words=False, break_on_hyphens=False)
    click.echo()
    for line in lines:
        click.echo(" " * _MARGIN + click.style(line, bold=True, fg=colour or None))
    click.echo()


def show_text(label: str, text: str) -> None:
    """Show a label and its text, wrapped to the width of the terminal."""
    indent = " " * (_MARGIN + _LABEL)
    lines = textwrap.wrap(
        text, columns(), initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False
    ) or [indent]
    click.echo(f"{'':{_MARGIN}}{label:<{_LABEL}}{lines[0][len(indent) :]}".rstrip())
    for line in lines[1:]:
        click.echo(line)


def show_number(label: str, value: str, notes: Iterable[str] = ()) -> None:
    """Show a label, its short value, and notes on it; each note begins on its own line."""
    indent = _MARGIN + _LABEL + _VALUE
    width = columns() - indent
    lines = [line for note in notes for line in textwrap.wrap(note, width, break_on_hyphens=False)] or [""]
    click.echo(f"{'':{_MARGIN}}{label:<{_LABEL}}{value:<{_VALUE}}{lines[0]}".rstrip())
    for line in lines[1:]:
        click.echo(" " * indent + line)


def show_command(purpose: str, command: str) -> None:
    """Show the purpose of a command and, below it, the command, unwrapped so that it can be copied."""
    click.echo(f"{'':{_MARGIN}}{purpose}:\n{'':{_MARGIN + 4}}{command}")


def clock_time(moment: datetime, now: datetime) -> str:
    """Format a time, which is in UTC; include its date unless `now` has the same date."""
    return f"{moment:%H:%M} UTC" if moment.date() == now.date() else f"{moment:%Y-%m-%d %H:%M} UTC"
