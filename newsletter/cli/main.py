"""The root command, `news`, which prints the errors of all commands. The call path of a send:

news send -> cli.send -> services.send.SendService -> sending.delivery.Delivery.run -> a provider's submit.

Each command imports its modules when it runs, so that `news --help` starts fast.
"""

import atexit
import gc
import io
import os
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

import click

from newsletter import __version__
from newsletter.cli import output, terminal
from newsletter.cli.check import check
from newsletter.cli.command import Group, printable_errors
from newsletter.cli.doctor import doctor
from newsletter.cli.init import init
from newsletter.cli.issue import new, preview, render, schema
from newsletter.cli.recover import cancel, resolve, retry
from newsletter.cli.review import review
from newsletter.cli.send import resume, send
from newsletter.cli.state import state
from newsletter.cli.status import status
from newsletter.cli.subscribers import subscribers
from newsletter.constants import REFUSED
from newsletter.disk.programs import no_programs_of
from newsletter.errors import NewsError, Problem

_VERBOSE = "Log each step and the causes of an error to standard error, without addresses; -vv: details too."
_LOG_FORMAT = "Log each step, like -v, as text or as JSON with one object per line."


class News(Group):
    """A click group that prints the NewsError of any of its commands."""

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
            _log(error)
            ctx.exit(REFUSED)
        except (click.ClickException, OSError) as failure:
            _log(failure)  # click prints a ClickException, and `run` an OSError
            raise


def _log(failure: Exception) -> None:
    from newsletter.cli import logs

    logs.failed(failure)


@click.group(cls=News, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="news")
@click.option("-C", "folder", type=click.Path(path_type=Path), default=".", help="The newsletter's folder.")
@click.option("-v", "--verbose", count=True, help=_VERBOSE)
@click.option("--log-format", type=click.Choice(["text", "json"]), help=_LOG_FORMAT)
@click.pass_context
def main(ctx: click.Context, folder: Path, verbose: int, log_format: Literal["text", "json"] | None) -> None:
    """Publish an email newsletter from a Git repository.

    An issue is one file. It is sent once to every subscriber, without tracking.
    """
    from newsletter.cli import logs

    ctx.with_resource(logs.enabled(verbose, log_format))
    ctx.with_resource(no_programs_of(folder))
    ctx.obj = folder


for command in (
    init,
    new,
    preview,
    check,
    review,
    doctor,
    render,
    send,
    resume,
    cancel,
    status,
    retry,
    resolve,
    subscribers,
    state,
    schema,
):
    main.add_command(command)


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
    try:
        main()
    except OSError as failure:  # for example, standard output is a file on a full disk
        terminal.show_problems([Problem("", f"the command failed: {failure}")])
        sys.exit(REFUSED)
