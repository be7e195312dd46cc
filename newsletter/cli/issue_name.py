"""The issue that a command works on, as an argument or as an option: `news send 2026-05-04`."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import click

from newsletter.display import printable

Command = Callable[..., Any]


def names_issue(*, required: bool = True, addresses: bool = False) -> Callable[[Command], Command]:
    """Declare the argument ISSUE and the option --issue, which mean the same; the command gets `issue`.

    With `addresses` the other arguments are the command's `addresses`. A date is never an address, so the
    issue may stand anywhere among them.
    """

    def declare(command: Command) -> Command:
        @click.argument("words", nargs=-1, metavar="[ISSUE] [ADDRESS]…" if addresses else "[ISSUE]")
        @click.option(
            "--issue", "options", metavar="DATE", multiple=True, help="The same as ISSUE, such as 2026-04-27."
        )
        @functools.wraps(command)
        def run(*args: Any, words: Sequence[str], options: Sequence[str], **others: Any) -> Any:
            if addresses:
                words, others["addresses"] = _separate(words)
            issue = _only((*words, *options))
            if issue is None and required:
                path = click.get_current_context().command_path
                raise click.UsageError(f"name the issue: {path} 2026-04-27")
            return command(*args, issue=issue, **others)

        return run

    return declare


def _separate(words: Sequence[str]) -> tuple[list[str], tuple[str, ...]]:
    """Return the issues and the addresses; raise UsageError for a word that is neither."""
    from newsletter.issue import files

    issues = [word for word in words if files.issue_name(word)]
    others = tuple(word for word in words if not files.issue_name(word))
    if wrong := next((word for word in others if "@" not in word), None):
        raise click.UsageError(
            f'"{printable(wrong)}" is neither an issue, such as 2026-04-27, nor an address'
        )
    return issues, others


def _only(given: Sequence[str]) -> str | None:
    """Return the one issue that was named, by its date or its file, or None; raise UsageError for two."""
    from newsletter.issue import files

    if len({files.issue_name(one) or one for one in given}) > 1:
        raise click.UsageError(f"one issue at a time, not {' and '.join(map(printable, given))}")
    return given[0] if given else None
