"""`news status`: how sends stand."""

import gc
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from newsletter import terminal
from newsletter.names import RECIPIENT_STATES, REFUSED

if TYPE_CHECKING:
    from newsletter.models import Send
    from newsletter.sending import Sending
    from newsletter.store.ledger import Ledger


@click.command()
@click.option("--issue", metavar="DATE", help="Only this issue.")
@click.option(
    "--list", "state", type=click.Choice(RECIPIENT_STATES), help="Name the recipients in this state."
)
@click.option("--due", is_flag=True, help="Name the issues that `news send --ready` would send.")
@click.option("--json", "as_json", is_flag=True, help="With --due: as a JSON list.")
@click.pass_obj
def status(folder: Path, issue: str | None, state: str | None, due: bool, as_json: bool) -> None:
    """Say how sends stand, and who is in which state.

    With --list, one recipient a line: address, tab, reason.
    """
    from newsletter import config, issues
    from newsletter.sending import Sending

    if state and not issue:
        raise click.UsageError("--list names the recipients of one issue: add --issue DATE")
    if as_json and not due:
        raise click.UsageError("--json goes with --due")
    if issue and (issue := issues.named(issue)) is None:
        raise click.UsageError("an issue is named by its date: --issue 2026-04-27")
    gc.enable()
    with Sending.open(config.load(folder), to_send=due) as sending:
        if due:
            sys.exit(_show_due(sending, as_json))
        _show_sends(sending.ledger, issue, state)


def _show_due(sending: "Sending", as_json: bool) -> int:
    due, broken = terminal.sort_out(sending.due())
    names = [one.issue.name for one in due]
    if as_json:
        click.echo(json.dumps(names))
    elif names:
        click.echo("\n".join(names))
    else:
        click.echo("Nothing is due.", err=True)
    return REFUSED if broken else 0


def _show_sends(ledger: "Ledger", issue: str | None, state: str | None) -> None:
    sends = ledger.sends(issue)
    if not sends:
        click.echo(f"{issue} was never sent." if issue else "Nothing was ever sent.")
    elif state:
        for address, reason in ledger.people(_the_one(sends), state):
            click.echo(f"{address}\t{reason}".rstrip("\t"))
    elif issue:
        one = _the_one(sends)
        terminal.show_counts(one, ledger.counts(one), whole=True)
    else:
        terminal.show_sends((one, ledger.counts(one)) for one in sends)


def _the_one(sends: "list[Send]") -> "Send":
    """The send to the list where there is one, or else the newest rehearsal."""
    from newsletter.delivery import SUBSCRIBERS

    return next((one for one in sends if one.list == SUBSCRIBERS), sends[-1])
