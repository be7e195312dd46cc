"""The argument or option of a command that names an issue, such as `news send 2026-05-04`."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import click

from newsletter.display import shortened

Command = Callable[..., Any]


def names_issue(*, required: bool = True, addresses: bool = False) -> Callable[[Command], Command]:
    """Return a decorator that adds the argument ISSUE and the equivalent option --issue, passed as `issue`.

    With `addresses`, the other arguments are passed as `addresses`. A date is never an address, so the issue
    may be at any position among them.
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
    """Return the issues and the addresses among the words; raise UsageError for any other word."""
    from newsletter.issue import files

    issues = [word for word in words if files.issue_name(word)]
    others = tuple(word for word in words if not files.issue_name(word))
    if invalid := next((word for word in others if "@" not in word), None):
        raise click.UsageError(
            f'"{shortened(invalid, 60)}" is neither an issue, such as 2026-04-27, nor an email address'
        )
    return issues, others


def _only(names: Sequence[str]) -> str | None:
    """Return the name of the issue as given, or None; raise UsageError if two issues are named."""
    from newsletter.issue import files

    if len({files.issue_name(name) or name for name in names}) > 1:
        listed = " and ".join(shortened(name, 60) for name in names)
        raise click.UsageError(f"name only one issue, not {listed}")
    return names[0] if names else None
