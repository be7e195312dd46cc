"""`news cancel`, `news retry`, `news resolve`: when a send was a mistake, or did not reach everybody."""

import sys
from pathlib import Path

import click

from newsletter import terminal
from newsletter.cli_report import Naming, naming, report
from newsletter.cli_send import go_on, started, watch
from newsletter.errors import SendRefused
from newsletter.names import INCOMPLETE

_issue = click.option("--issue", metavar="DATE", required=True, help="The issue, such as 2026-04-27.")
_yes = click.option("--yes", is_flag=True, help="Do not ask; for automation.")
_addresses = click.argument("addresses", nargs=-1, metavar="[ADDRESS]…")


@click.command()
@_issue
@_yes
@naming
@click.pass_obj
def cancel(folder: Path, issue: str, yes: bool, named: Naming) -> None:
    """Call back what has not left yet, and begin nothing more.

    Says exactly what could be called back and what could not. Exit code 3: somebody has it, or may.
    """
    with started(folder, issue) as (sending, found):
        counts = sending.standing.counts(found)
        terminal.show_counts(found, counts, sending.standing.leaves(found), whole=True)
        if not yes:
            click.confirm("Call it back?", abort=True)
        done = watch(sending, found, lambda stop: sending.undo(found, stop), 0)
        report(sending.standing, found, named)
        after = sending.standing.counts(found)
        sys.exit(0 if done and not (after.accepted or after.unknown) else INCOMPLETE)


@click.command()
@_issue
@click.option("--refused", is_flag=True, required=True, help="Those whom the provider refused.")
@_addresses
@_yes
@naming
@click.pass_obj
def retry(
    folder: Path, issue: str, refused: bool, addresses: tuple[str, ...], yes: bool, named: Naming
) -> None:
    """Try those again whom the provider refused.

    All of them or those named, once the cause is mended.
    """
    with started(folder, issue) as (sending, found):
        count = sending.decide(found, "refused", "waiting", "to be tried again", list(addresses) or None)
        if not count:
            raise SendRefused(f"nobody was refused in the send of {issue}", f"news status --issue {issue}")
        sys.exit(go_on(sending, found, yes, named))


@click.command()
@_issue
@click.option(
    "--assume", type=click.Choice(["sent", "unsent"]), required=True, help="What you have found out."
)
@_addresses
@_yes
@naming
@click.pass_obj
def resolve(
    folder: Path, issue: str, assume: str, addresses: tuple[str, ...], yes: bool, named: Naming
) -> None:
    """Settle what is unknown, by what you have found out.

    For all or those named. Look people up in your provider's log first: `news status --list unknown` names
    them. Who is assumed unsent waits from then on; `news resume` sends to them, and twice if the assumption
    was wrong.
    """
    with started(folder, issue) as (sending, found):
        unknown = len(addresses) or sending.standing.counts(found).unknown
        if not unknown:
            raise SendRefused(f"nothing is unknown in the send of {issue}", f"news status --issue {issue}")
        if not yes:
            risk = "they are never tried again" if assume == "sent" else "who has it after all gets it twice"
            click.confirm(f"Assume {assume} for {unknown:,} ({risk})?", abort=True)
        to, reason = ("accepted", "assumed sent") if assume == "sent" else ("waiting", "assumed unsent")
        sending.decide(found, "unknown", to, reason, list(addresses) or None)  # type: ignore[arg-type]
        report(sending.standing, found, named)
