"""The command line: options, wiring, and what is printed. The work is done elsewhere:

news send -> `_send` and `_deliver` below -> sending.Sending -> delivery.deliver -> a provider's submit.

Each command imports what it needs, so that `news --help` is quick.
"""

import gc
import io
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from newsletter import __version__, terminal
from newsletter.cli_issues import check, new, preview, render, schema
from newsletter.cli_status import status
from newsletter.cli_subscribers import subscribers
from newsletter.errors import NewsError, Problem, SendRefused
from newsletter.names import INCOMPLETE, PROVIDERS, REFUSED

if TYPE_CHECKING:
    from newsletter.models import Send
    from newsletter.preparing import Prepared
    from newsletter.sending import Sending


class News(click.Group):
    """Turns the core's errors into what a person reads, in one place."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except NewsError as error:
            terminal.show_problems(error.problems)
            ctx.exit(REFUSED)


@click.group(cls=News, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="news")
@click.option("-C", "folder", type=click.Path(path_type=Path), default=".", help="The newsletter's folder.")
@click.pass_context
def main(ctx: click.Context, folder: Path) -> None:
    """Publishes an email newsletter from a Git repository.

    One file an issue, sent once to everyone on the list, with no tracking.
    """
    ctx.obj = folder


@main.command()
@click.option("--issue", metavar="DATE", help="The issue to send, such as 2026-04-27.")
@click.option("--ready", is_flag=True, help="Send every issue that is marked ready, due and not yet sent.")
@click.option(
    "--at-most",
    default=3,
    show_default=True,
    type=click.IntRange(min=1),
    help="Refuse --ready for more issues than this.",
)
@click.option(
    "--to", "address", metavar="ADDRESS", help="Send one message, marked as a test, to this address."
)
@click.option(
    "--provider", type=click.Choice(PROVIDERS), help="Send through this one, not the configured one."
)
@click.option("--yes", is_flag=True, help="Do not ask; for automation.")
@click.option("--dry-run", is_flag=True, help="Show what would be sent, and send nothing.")
@click.pass_obj
def send(
    folder: Path,
    issue: str | None,
    ready: bool,
    at_most: int,
    address: str | None,
    provider: str | None,
    yes: bool,
    dry_run: bool,
) -> None:
    """Send an issue, once, to everyone on the list.

    Run it again after an interruption: it sends what is certainly unsent, and names what is unknown.

    Exit codes: 0 all accepted; 1 refused to start; 3 something is unknown, refused or still waiting.
    """
    from newsletter import config
    from newsletter.sending import Sending

    if issue is None and not ready:
        raise click.UsageError("name an issue (--issue 2026-04-27), or use --ready")
    if ready and address is not None:
        raise click.UsageError("--to sends one issue: name it with --issue, without --ready")
    gc.enable()
    with Sending.open(config.load(folder), provider, to_send=address is None and not dry_run) as sending:
        if ready:
            sys.exit(_send_ready(sending, issue, at_most, yes, dry_run))
        prepared = sending.prepare(issue)
        if address is not None:
            sys.exit(_send_test(sending, prepared, address, yes, dry_run))
        sys.exit(_send(sending, prepared, yes, dry_run))


def _send(sending: "Sending", prepared: "Prepared", yes: bool, dry_run: bool) -> int:
    """One issue to the list: shown, asked about, delivered, counted; the exit code."""
    terminal.show_problems(prepared.problems)
    prepared.refuse_errors()
    outlook = sending.outlook(prepared)
    terminal.show_send(prepared, outlook, sending.newsletter, sending.provider.name)
    if dry_run:
        click.echo("A dry run: nothing was sent.")
        return 0
    if not outlook.counts.recipients:
        hint = "news subscribers import FILE, or news subscribers add ADDRESS"
        raise SendRefused("there is nobody on the list", hint)
    if outlook.counts.waiting:
        _confirm(outlook.counts.waiting, yes)
    else:
        click.echo("Nothing is waiting; nothing was sent now.")
    claimed = sending.start(prepared, None if yes else outlook)
    return _deliver(sending, prepared, claimed)


def _deliver(sending: "Sending", prepared: "Prepared", claimed: "Send") -> int:
    """From here something may have left, so whatever goes wrong is no refusal any more."""
    interrupt, counts = terminal.Interrupt(), None
    try:
        with interrupt.listening():
            waiting = sending.ledger.counts(claimed).waiting
            terminal.watch(sending.deliver(claimed, prepared, interrupt), waiting)
        counts = sending.ledger.counts(claimed)
        terminal.show_counts(claimed, counts)
        terminal.show_rehearsal(sending)
    except (NewsError, KeyboardInterrupt, OSError) as failure:
        # An OSError is the terminal's or a pipe's: then nobody reads this either.
        with suppress(OSError):
            terminal.show_stopped(claimed, failure)
    return 0 if counts and counts.complete else INCOMPLETE


def _send_ready(sending: "Sending", only: str | None, at_most: int, yes: bool, dry_run: bool) -> int:
    """Every issue that is due, oldest first, or only the one named; the worst exit code."""
    if only is not None:
        from newsletter import issues

        only = issues.find(sending.newsletter.issues, only).stem
    due, broken = terminal.sort_out(sending.due())
    if len(due) > at_most:
        names = ", ".join(one.issue.name for one in due)
        raise SendRefused(
            f"{len(due)} issues are marked ready and not yet sent: {names}",
            f"if all of them are to go out now, say so: news send --ready --at-most {len(due)}",
        )
    chosen = [one for one in due if only in (None, one.issue.name)]
    if not chosen and not broken:
        click.echo("Nothing is due: each issue marked ready is sent, or lies in the future.")
    codes = []
    for one in chosen:
        try:
            codes.append(_send(sending, one, yes, dry_run))
        except SendRefused as refused:
            terminal.show_problems(refused.problems)
            codes.append(REFUSED)
    worst = max(codes, default=0)
    if not broken:
        return worst
    return INCOMPLETE if any(code != REFUSED for code in codes) else REFUSED


def _send_test(sending: "Sending", prepared: "Prepared", address: str, yes: bool, dry_run: bool) -> int:
    """One message to one address; the list and the ledger are not touched."""
    from newsletter.models import Accepted
    from newsletter.person import as_typed

    mailbox, _ = as_typed(address)
    terminal.show_problems(prepared.problems)
    prepared.refuse_errors()
    click.echo(f"A test of {prepared.issue.name} to {mailbox.given}, through {sending.provider.name}.")
    if dry_run:
        click.echo("A dry run: nothing was sent.")
        return 0
    if not yes:
        click.confirm("Send it?", abort=True)
    outcome = sending.test(prepared, mailbox.given)
    terminal.show_outcome(outcome)
    if not isinstance(outcome, Accepted):
        return INCOMPLETE
    terminal.show_rehearsal(sending)
    return 0


def _confirm(count: int, yes: bool) -> None:
    if yes:
        return
    typed = click.prompt(f"Type the number of recipients ({count}) to send", default="", show_default=False)
    if typed.replace(",", "").strip() != str(count):
        hint = f"run it again and type {count}, or look first: --dry-run"
        raise SendRefused("that is not the number of recipients; nothing was sent", hint)


for command in (new, preview, check, render, status, subscribers, schema):
    main.add_command(command)


def run() -> None:
    """The command `news`.

    Starting makes a hundred thousand objects that stay; looking for garbage among them time and again costs
    6 % of a short command. Commands that go on for long switch it on again.
    """
    gc.disable()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that cannot show an emoji still shows the rest
    try:
        main()
    except OSError as failure:  # a full disk behind the standard output, say
        terminal.show_problems([Problem("", f"cannot go on: {failure}")])
        sys.exit(REFUSED)
