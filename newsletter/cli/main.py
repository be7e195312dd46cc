"""The root command, `news`, which prints the errors of all commands. The call path of a send:

news send -> cli.send -> services.send.SendService -> sending.delivery.Delivery.run -> a provider's submit.

A command is imported when it is used, and imports its modules when it runs, so that each starts fast.
"""

import atexit
import gc
import io
import os
import sys
import threading
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

import click

from newsletter import __version__
from newsletter.cli import output, terminal
from newsletter.cli.command import Group, printable_errors
from newsletter.constants import REFUSED
from newsletter.disk.programs import no_programs_of
from newsletter.errors import NewsError, Problem

_FOLDER = "The newsletter's folder; files that a command names are relative to the current one."
_VERBOSE = "Log each step and the causes of an error to standard error, without addresses; -vv: details too."
_LOG_FORMAT = "Log each step, like -v, as text or as JSON with one object per line."

_MODULES = {
    "init": "init",
    "new": "issue",
    "preview": "issue",
    "check": "check",
    "review": "review",
    "doctor": "doctor",
    "render": "issue",
    "archive": "archive",
    "send": "send",
    "resume": "send",
    "cancel": "recover",
    "status": "status",
    "retry": "recover",
    "resolve": "recover",
    "subscribers": "subscribers",
    "unsubscribes": "pull",
    "signups": "pull",
    "bounces": "bounces",
    "serve": "serve",
    "state": "state",
    "db": "database",
    "schema": "issue",
    "theme": "theme",
}
"""The module of each command, which is a function of the command's name."""


class _Commands(Mapping[str, click.Command]):
    """The commands by name; each is imported when it is used, because all of them take 15 ms."""

    def __getitem__(self, name: str) -> click.Command:
        found: click.Command = getattr(import_module(f"newsletter.cli.{_MODULES[name]}"), name)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(_MODULES)

    def __len__(self) -> int:
        return len(_MODULES)


class News(Group):
    """A click group that prints the NewsError of any of its commands."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.commands = _Commands()  # type: ignore[assignment]  # click only reads it

    def make_context(self, *args: Any, **options: Any) -> click.Context:
        """Parse the options of `news` itself."""
        with printable_errors():
            return super().make_context(*args, **options)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; print a NewsError and exit with 1."""
        try:
            with printable_errors():
                return super().invoke(ctx)
        except NewsError as error:
            terminal.show_problems(error.problems)
            _log(error, ctx)
            ctx.exit(REFUSED)
        except (click.ClickException, OSError) as failure:
            _log(failure, ctx)  # click prints a ClickException, and `run` an OSError
            raise


def _log(failure: Exception, ctx: click.Context) -> None:
    """Log a failure if logs are asked for; the default logs of `news serve` would only repeat its message."""
    from newsletter.cli import logs

    if ctx.params["verbose"] or ctx.params["log_format"]:
        logs.failed(failure)


@click.group(cls=News, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="news")
@click.option("-C", "folder", type=click.Path(path_type=Path), default=".", help=_FOLDER)
@click.option("-v", "--verbose", count=True, help=_VERBOSE)
@click.option("--log-format", type=click.Choice(["text", "json"]), help=_LOG_FORMAT)
@click.pass_context
def main(ctx: click.Context, folder: Path, verbose: int, log_format: Literal["text", "json"] | None) -> None:
    """Publish an email newsletter from a Git repository.

    An issue is one file. It is sent once to every subscriber, without tracking.
    """
    from newsletter.cli import logs

    # A server runs for months, and nobody sees its mistakes elsewhere.
    verbosity = max(verbose, 1) if ctx.invoked_subcommand == "serve" else verbose
    ctx.with_resource(logs.enabled(verbosity, log_format))
    ctx.with_resource(no_programs_of(folder))
    ctx.obj = folder


def print_crashes_safely() -> None:
    """Print the traceback of a mistake in news without the control characters of the text that it quotes."""

    def show(kind: type[BaseException], failure: BaseException, trace: TracebackType | None) -> None:
        from newsletter.cli import logs

        for line in logs.traceback_lines(failure):
            output.echo(line, err=True)

    def show_of_thread(crash: threading.ExceptHookArgs) -> None:
        if crash.exc_value and not issubclass(crash.exc_type, SystemExit):
            show(crash.exc_type, crash.exc_value, crash.exc_traceback)

    sys.excepthook, threading.excepthook = show, show_of_thread


def run() -> None:
    """Run the command `news`.

    The imports create a hundred thousand objects that stay alive. Garbage collection takes 6 % of the time of
    a short command, so it is disabled; long commands enable it again (`tune_gc`). The collection at exit
    would take another 4 %, but it skips frozen objects. Pydantic plug-ins are disabled: pydantic would search
    every installed package for them, and they could change the validation.
    """
    gc.disable()
    atexit.register(gc.freeze)
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    print_crashes_safely()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # for characters that a terminal cannot show
    if isinstance(sys.stdin, io.TextIOWrapper):
        # An answer in another encoding is then refused like any wrong one.
        sys.stdin.reconfigure(errors="surrogateescape")
    try:
        main()
    except OSError as failure:  # for example, standard output is a file on a full disk
        terminal.show_problems([Problem("", f"the command failed: {failure}")])
        sys.exit(REFUSED)
