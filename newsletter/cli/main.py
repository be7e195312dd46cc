"""The command line: its root, and where its errors are told. The main job:

news send -> cli.send -> services.send.SendService -> sending.delivery.Delivery.run -> a provider's submit.

Each command imports what it needs, so that `news --help` is quick.
"""

import atexit
import gc
import io
import os
import sys
from pathlib import Path
from typing import Any, Literal

import click

from newsletter import __version__
from newsletter.cli import terminal
from newsletter.cli.check import check
from newsletter.cli.doctor import doctor
from newsletter.cli.issue import new, preview, render, schema
from newsletter.cli.recover import cancel, resolve, retry
from newsletter.cli.send import resume, send
from newsletter.cli.status import status
from newsletter.cli.subscribers import subscribers
from newsletter.constants import REFUSED
from newsletter.errors import NewsError, Problem

_VERBOSE = "Log each step to standard error, without addresses, and what caused an error; twice: in detail."
_LOG_FORMAT = "Log as text, or as JSON, one object a line; the same steps as with -v."


class News(click.Group):
    """Turns the core's errors into what a person reads, in one place."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except NewsError as error:
            terminal.show_problems(error.problems)
            _log(error)
            ctx.exit(REFUSED)
        except (click.ClickException, OSError) as failure:  # click prints the one, `run` the other
            _log(failure)
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
    """Publishes an email newsletter from a Git repository.

    One file an issue, sent once to everyone on the list, with no tracking.
    """
    from newsletter.cli import logs

    ctx.with_resource(logs.shown(verbose, log_format))
    ctx.obj = folder


for command in (
    new,
    preview,
    check,
    doctor,
    render,
    send,
    resume,
    cancel,
    status,
    retry,
    resolve,
    subscribers,
    schema,
):
    main.add_command(command)


def run() -> None:
    """The command `news`.

    Starting makes a hundred thousand objects that stay; looking for garbage among them time and again costs
    6 % of a short command. Commands that go on for long switch it on again. Python would look once more when
    it ends, in 4 % of the time; it leaves out frozen objects. Pydantic would look for plug-ins in every
    installed package: this project has none, and another one's must not change what is valid here.
    """
    gc.disable()
    atexit.register(gc.freeze)
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that cannot show an emoji still shows the rest
    try:
        main()
    except OSError as failure:  # a full disk behind the standard output, say
        terminal.show_problems([Problem("", f"cannot go on: {failure}")])
        sys.exit(REFUSED)
