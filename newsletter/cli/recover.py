"""`news cancel`, `news retry`, `news resolve`: when a send was a mistake, or did not reach everybody."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from newsletter.cli import send_summary, terminal
from newsletter.cli.issue_name import names_issue
from newsletter.cli.report import ReportOptions, report, report_options
from newsletter.cli.send import checked, confirm, deliver, started, watch
from newsletter.constants import INCOMPLETE
from newsletter.errors import SendRefused

if TYPE_CHECKING:
    from newsletter.sending.model import ChunkState

_yes = click.option("--yes", is_flag=True, help="Do not ask; for automation.")


@click.command()
@names_issue()
@_yes
@report_options
@click.pass_obj
def cancel(folder: Path, issue: str, yes: bool, named: ReportOptions) -> None:
    """Call back what has not left yet, and begin nothing more.

    Says exactly what could be called back and what could not. Exit code 3: somebody has it, or may.
    """
    from newsletter.store.journal import lease_holder

    with started(folder, issue) as (sending, found):
        with terminal.stdout_to_stderr(named.as_json):
            counts, leaves = sending.queries.counts(found), sending.queries.leaves(found)
            if done := not (counts.waiting or counts.under_way or leaves):
                click.echo("Nothing of it can be called back any more.")
            else:
                process = lease_holder(found, sending.newsletter.runs, sending.clock.now())
                send_summary.show_counts(found, counts, leaves, lease_holder=process, whole=True)
                if not yes:
                    click.confirm("Call it back?", abort=True)
                done = watch(found, lambda stop: sending.cancel(found, stop), 0)
        report(sending.newsletter, sending.queries, found, named)
        sys.exit(0 if done and sending.queries.counts(found).nobody_has_it else INCOMPLETE)


@click.command()
@names_issue(addresses=True)
@click.option("--refused", is_flag=True, required=True, help="Those whom the provider refused.")
@_yes
@report_options
@click.pass_obj
def retry(
    folder: Path, issue: str, refused: bool, addresses: tuple[str, ...], yes: bool, named: ReportOptions
) -> None:
    """Try those again whom the provider refused.

    All of them or those named, once the cause is mended.
    """
    from newsletter.sending.start import refuse_halted

    with started(folder, issue) as (sending, found):
        refuse_halted(found, sending.queries.counts(found))
        with terminal.stdout_to_stderr(named.as_json):
            prepared = checked(sending, found)
            if not (count := sending.count(found, "refused", list(addresses))):
                raise SendRefused(
                    f"nobody was refused in the send of {issue}", f"news status --issue {issue}"
                )
            count += sending.queries.counts(found).waiting
            send_summary.show_send(prepared, found, count, sending)
            confirm(count, yes)
            sending.override_state(found, "refused", "waiting", "to be tried again", list(addresses))
        sys.exit(deliver(sending, prepared, found, named))


@click.command()
@names_issue(addresses=True)
@click.option(
    "--assume", type=click.Choice(["sent", "unsent"]), required=True, help="What you have found out."
)
@_yes
@report_options
@click.pass_obj
def resolve(
    folder: Path, issue: str, assume: str, addresses: tuple[str, ...], yes: bool, named: ReportOptions
) -> None:
    """Settle what is unknown, by what you have found out.

    For all or those named. Look people up in your provider's log first: `news status --list unknown` names
    them. Who is assumed unsent waits from then on; `news resume` sends to them, and twice if the assumption
    was wrong.
    """
    with started(folder, issue) as (sending, found):
        sending.settle_adrift(found)
        if not (unknown := sending.count(found, "unknown", list(addresses))):
            raise SendRefused(f"nothing is unknown in the send of {issue}", f"news status --issue {issue}")
        if not yes:
            risk = "they are never tried again" if assume == "sent" else "who has it after all gets it twice"
            click.confirm(f"Assume {assume} for {unknown:,} ({risk})?", abort=True, err=named.as_json)
        to: ChunkState = "accepted" if assume == "sent" else "waiting"
        sending.override_state(found, "unknown", to, f"assumed {assume}", list(addresses))
        report(sending.newsletter, sending.queries, found, named)
