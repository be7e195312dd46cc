"""The only module that writes to the terminal; it makes every word of every source printable.

Issues, templates, file names, replies of servers and arguments may hold escape sequences, line breaks, or
commands for GitHub's runner. `echo` prints one line, whatever its parts hold; only `Styled` has colours.
ruff refuses `print`, `click.echo` and the like in all other modules.
"""

import os
import re
from typing import NamedTuple

import click

from newsletter.display import escaped

# A longer text of somebody else would fill the terminal.
MAX_TEXT_LENGTH = 2000

_STYLE = r"\x1b\[\d+m"
# GitHub's runner executes lines that begin with `::`, and `##[` anywhere in a line. It ignores blanks at the
# start, and perhaps other characters (https://github.com/actions/runner, src/Runner.Common/ActionCommand.cs).
_IGNORED = rf"(?:{_STYLE}|[^\w\s:#\[\x1b])*"
_COMMAND = re.compile(rf"^((?:{_STYLE}|[^\w:\x1b])*):(?={_IGNORED}:)|#(?={_IGNORED}#{_IGNORED}\[)")
_UNSAFE_IN_JSON = re.compile(rf"[^\x20-\x7e\n]|#(?={_IGNORED}#{_IGNORED}\[)")


class Styled(NamedTuple):
    """A part of a line in a colour, bold or underlined."""

    text: str
    colour: str | None = None
    bold: bool = False
    underline: bool = False


def echo(*parts: str | Styled, err: bool = False) -> None:
    """Print one line of parts, without colours if NO_COLOR is set (https://no-color.org)."""
    click.echo(line(*parts), err=err, color=False if os.environ.get("NO_COLOR") else None)


def echo_row(*cells: str) -> None:
    """Print cells, separated by tabs, for people and for programs."""
    click.echo("\t".join(map(line, cells)).rstrip("\t"))


def echo_csv(row: str) -> None:
    """Print a row of a CSV file, which ends with CR LF (RFC 4180); it is escaped as `echo` does."""
    click.echo(line(row.removesuffix("\r\n"), max_length=None) + "\r\n", nl=False)


def echo_json(text: str, *, end: str = "\n") -> None:
    """Print JSON, or a part of it: its values stay, its characters are those that `json_text` leaves."""
    click.echo(json_text(text) + end, nl=False)


def echo_commands(text: str) -> None:
    """Print lines that are commands for GitHub's runner; the caller has escaped their values for it."""
    for command in text.splitlines():
        click.echo(escaped(command))


def ask(question: str, *, err: bool = False) -> bool:
    """Ask a question; return True if the answer is yes. Raise click.Abort without an answer."""
    return click.confirm(line(question), err=err)


def ask_for_text(question: str, default: str = "") -> str:
    """Ask for a text; an empty answer is the default. Raise click.Abort without an answer."""
    return str(click.prompt(line(question), default=default, show_default=False))


def line(*parts: str | Styled, max_length: int | None = MAX_TEXT_LENGTH) -> str:
    """Return parts, each cut to `max_length`, as one line: no control codes except colours, no command."""
    return _COMMAND.sub(_escaped_command, "".join(_styled(part, max_length) for part in parts))


def json_text(text: str) -> str:
    """Return JSON with each character that is not printable, or begins a command, as an escape of JSON."""
    return _UNSAFE_IN_JSON.sub(lambda character: _escaped_in_json(character[0]), text)


def wrap(text: str, width: int, *, first: str, indent: str, long_words: bool = True) -> list[str]:
    """Return a text, cut to MAX_TEXT_LENGTH, as lines of a width; `first` is the indent of the first line."""
    import textwrap

    return textwrap.wrap(
        escaped(text, MAX_TEXT_LENGTH),
        width,
        initial_indent=first,
        subsequent_indent=indent,
        break_long_words=long_words,
        break_on_hyphens=False,
    )


def _styled(part: str | Styled, max_length: int | None) -> str:
    if isinstance(part, str):
        return escaped(part, max_length)
    text = escaped(part.text, max_length)
    # click resets the style of an empty text too, and None keeps a style as it is.
    return click.style(text, part.colour, bold=part.bold or None, underline=part.underline or None)


def _escaped_command(start: re.Match[str]) -> str:
    return "\\u0023" if start[1] is None else f"{start[1]}\\u003a"


def _escaped_in_json(character: str) -> str:
    import json

    if character == "#":
        return "\\u0023"
    return character if character.isprintable() else json.dumps(character)[1:-1]
