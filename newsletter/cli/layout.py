"""The layout of a summary in the terminal: rows of a label, a value and a note, and commands to copy."""

import textwrap
from collections.abc import Iterable
from datetime import datetime

import click

from newsletter.cli.terminal import columns

_MARGIN, _LABEL, _VALUE = 2, 13, 11


def show_heading(text: str, colour: str = "") -> None:
    """Show the heading of a summary, with a blank line on both sides."""
    lines = textwrap.wrap(text, columns() - 2 * _MARGIN, break_long_words=False, break_on_hyphens=False)
    click.echo()
    for line in lines:
        click.echo(" " * _MARGIN + click.style(line, bold=True, fg=colour or None))
    click.echo()


def show_text(label: str, text: str) -> None:
    """Show a label with a text, which wraps."""
    indent = " " * (_MARGIN + _LABEL)
    lines = textwrap.wrap(
        text, columns(), initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False
    ) or [indent]
    click.echo(f"{'':{_MARGIN}}{label:<{_LABEL}}{lines[0][len(indent) :]}".rstrip())
    for line in lines[1:]:
        click.echo(line)


def show_number(label: str, value: str, notes: Iterable[str] = ()) -> None:
    """Show a label with a short value and its notes, one a line."""
    indent = _MARGIN + _LABEL + _VALUE
    width = columns() - indent
    lines = [line for note in notes for line in textwrap.wrap(note, width, break_on_hyphens=False)] or [""]
    click.echo(f"{'':{_MARGIN}}{label:<{_LABEL}}{value:<{_VALUE}}{lines[0]}".rstrip())
    for line in lines[1:]:
        click.echo(" " * indent + line)


def show_command(purpose: str, command: str) -> None:
    """Show a command to copy, below the sentence that says what it is for; the command is never wrapped."""
    click.echo(f"{'':{_MARGIN}}{purpose}:\n{'':{_MARGIN + 4}}{command}")


def clock_time(moment: datetime, now: datetime) -> str:
    """Return a time in UTC, with its date unless it is today."""
    return f"{moment:%H:%M} UTC" if moment.date() == now.date() else f"{moment:%Y-%m-%d %H:%M} UTC"
