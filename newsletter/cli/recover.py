"""`news cancel`, `news retry`, `news resolve`: recall mail, retry refused recipients, settle unknown ones."""

import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from newsletter.cli import output, progress, terminal
from newsletter.cli.command import command
from newsletter.cli.deliver import confirm_plan, deliver, show_failure
from newsletter.cli.issue_name import names_issue
from newsletter.cli.report import ReportOptions, report, report_options
from newsletter.cli.send import open_issue_send
from newsletter.constants import INCOMPLETE
from newsletter.errors import SaveLost, SendRefused

if TYPE_CHECKING:
    from newsletter.sending.model import Send
    from newsletter.services.send import SendService

# A machine that sends saves its state each two minutes at most, and more often while it opens held batches.
_CANCEL_TRIES = 10
_yes = click.option("--yes", is_flag=True, help="Do not ask; for automation.")


@command()
@names_issue()
@_yes
@report_options
@click.pass_obj
def cancel(folder: Path, issue: str, yes: bool, options: ReportOptions) -> None:
    """Cancel a send and recall the mail that has not left yet.

    No further mail is sent. The summary says how many recipients the recall covers, and how many it does not.
    Exit code 3: somebody has the mail, or may have it.
    """
    for _ in range(_CANCEL_TRIES - 1):
        # A send that goes on elsewhere may save its state between ours; nothing was recalled then.
        with suppress(SaveLost):
            sys.exit(_cancel(folder, issue, yes, options))
    sys.exit(_cancel(folder, issue, yes, options, is_last=True))


def _cancel(folder: Path, issue: str, yes: bool, options: ReportOptions, *, is_last: bool = False) -> int:
    """Cancel a send and report it; return the exit code.

    Raise SaveLost if another machine saved first, unless `is_last`: then that failure is shown.
    """
    with open_issue_send(folder, issue, waits=False) as (service, send):
        with terminal.stdout_to_stderr(options.as_json):
            failure = _recall(service, send, yes)
            if isinstance(failure, SaveLost) and not is_last:
                raise failure
            if failure:
                show_failure(send, failure)
        status = service.status(send)
        report(status, service.queries, options)
        nobody_has_it = send.is_rehearsal or status.counts.nobody_has_it
        return 0 if failure is None and nobody_has_it else INCOMPLETE


def _recall(service: "SendService", send: "Send", yes: bool) -> BaseException | None:
    """Recall the mail of a send, if it has some that can be recalled; return the failure that ended it early.

    Unless `yes`, show the send and ask first.
    """
    status = service.status(send)
    counts = status.counts
    if not (counts.waiting or counts.in_flight or status.held_until or status.can_repeat):
        if send.is_rehearsal:
            output.echo("This was a rehearsal: no mail left this machine, so there is nothing to cancel.")
        elif send.state == "cancelled":
            output.echo("This send was cancelled already.")
        else:
            output.echo("No mail of this send can be recalled any more.")
        return None
    if not yes:
        report(status, service.queries, ReportOptions(), identify=True)
        output.echo()
        terminal.confirm("Cancel this send?", "nothing was cancelled")
    return progress.run(lambda stopped: service.cancel(send, stopped), 0).failure


@command()
@names_issue(addresses=True)
@click.option("--refused", is_flag=True, required=True, help="The recipients that the provider refused.")
@_yes
@report_options
@click.pass_obj
def retry(
    folder: Path, issue: str, refused: bool, addresses: tuple[str, ...], yes: bool, options: ReportOptions
) -> None:
    """Try refused recipients again.

    All of them or the named ones, once the cause is removed.
    """
    with open_issue_send(folder, issue) as (service, send):
        with terminal.stdout_to_stderr(options.as_json):
            prepared = service.prepare(send.issue)
            terminal.show_findings(prepared)
            plan = service.plan_retry(prepared, send, addresses)
            confirm_plan(plan, service, yes)
            started = service.start(plan)
        sys.exit(deliver(service, started, options))


@command()
@names_issue(addresses=True)
@click.option(
    "--assume", type=click.Choice(["sent", "unsent"]), required=True, help="The outcome that you found out."
)
@_yes
@report_options
@click.pass_obj
def resolve(
    folder: Path, issue: str, assume: str, addresses: tuple[str, ...], yes: bool, options: ReportOptions
) -> None:
    """Settle unknown recipients by the outcome that you found out.

    All of them or the named ones. First look for them in your provider's log: `news status --list unknown`
    names them. Recipients assumed unsent wait from then on, and `news resume` sends to them: twice if the
    assumption was wrong.
    """
    with open_issue_send(folder, issue) as (service, send):
        service.settle_abandoned(send)
        unknown = service.count(send, "unknown", addresses)
        if not unknown:
            hint = f"news status {send.issue}"
            raise SendRefused(f"nobody is unknown in the send of {send.issue}", hint)
        if not yes:
            risk = (
                "they are never tried again"
                if assume == "sent"
                else "a recipient who has the mail gets it twice"
            )
            question = f"Assume {assume} for {unknown:,} ({risk})?"
            terminal.confirm(question, "nothing was changed", err=options.as_json)
        service.resolve(send, sent=assume == "sent", addresses=addresses)
        report(service.status(send), service.queries, options)
