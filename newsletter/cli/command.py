"""The classes of all commands: they refuse an option that is given twice, and print their errors safely."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

from newsletter.cli import output


class Command(click.Command):
    """A command whose options may be given once, except those that are made to be repeated."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments; raise UsageError for an option with two values: click would take the last."""
        if not ctx.resilient_parsing:  # true while the shell completes an unfinished line
            self._refuse_second_values(ctx, args)
        return super().parse_args(ctx, args)

    def _refuse_second_values(self, ctx: click.Context, args: list[str]) -> None:
        _, _, given = self.make_parser(ctx).parse_args(args=list(args))
        for option, count in Counter(given).items():
            if not isinstance(option, click.Option) or option.multiple or option.count or option.is_flag:
                continue
            if count > 1:
                raise click.UsageError(f"{max(option.opts, key=len)} may be given only once", ctx)


class Group(Command, click.Group):
    """A group of such commands."""

    command_class = Command


def command() -> Callable[[Callable[..., Any]], Command]:
    """Return a decorator that makes a command of a function."""
    return click.command(cls=Command)


def listen_options(port: int) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return a decorator that adds the options of a command that listens: `--port` and `--host`."""
    where = click.option(
        "--host", metavar="ADDRESS", default="127.0.0.1", show_default=True, help="The address to listen on."
    )
    which = click.option(
        "--port",
        default=port,
        show_default=True,
        type=click.IntRange(0, 65535),
        help="The port to listen on.",
    )
    return lambda function: which(where(function))


@contextmanager
def printable_errors() -> Iterator[None]:
    """Replace errors of click by errors in one printable line: they quote arguments as they were given."""
    try:
        yield
    except click.exceptions.NoArgsIsHelpError:  # the help of a group, which has many lines
        raise
    except click.UsageError as failure:
        raise click.UsageError(_message(failure), failure.ctx) from failure
    except click.ClickException as failure:
        raise click.ClickException(_message(failure)) from failure


def _message(failure: click.ClickException) -> str:
    return output.line(" ".join(failure.format_message().split()))
