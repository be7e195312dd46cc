"""`news status`: print the status of sends, or the due issues."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from newsletter.cli import output, send_summary, terminal
from newsletter.cli.command import command
from newsletter.cli.gc_tuning import tune_gc
from newsletter.cli.issue_name import names_issue
from newsletter.cli.newsletter import load, open_to_read
from newsletter.cli.not_due import show_misnamed, show_not_due
from newsletter.cli.report import ReportOptions, report, report_options
from newsletter.constants import REFUSED
from newsletter.display import display_path

if TYPE_CHECKING:
    from newsletter.config.loader import Newsletter


@command()
@names_issue(required=False)
@click.option("--due", is_flag=True, help="Name the issues that `news send --ready` would send.")
@report_options
@click.pass_obj
def status(folder: Path, issue: str | None, due: bool, options: ReportOptions) -> None:
    """Show the status of sends, and the recipients in each state.

    With --list, one recipient a line: address, tab, reason.
    """
    from newsletter.issue import files

    if not issue and (options.state or options.file or (options.as_json and not due)):
        raise click.UsageError("--list, --csv and --json name the recipients of one issue: name it")
    if issue and (issue := files.issue_name(issue)) is None:
        raise click.UsageError("an issue is named by its date: 2026-04-27")
    tune_gc()
    newsletter = load(folder)
    if due:
        sys.exit(_show_due(newsletter, options.as_json))
    _show(newsletter, issue, options)


def _show_due(newsletter: "Newsletter", as_json: bool) -> int:
    from newsletter.services.due import due_issues
    from newsletter.services.open_send import open_service

    with open_service(newsletter, on_wait=None) as service:
        due, broken = terminal.collect_due(due_issues(service))
        is_misnamed = False
        if not (due or as_json):
            is_misnamed = show_misnamed(newsletter)
            show_not_due(service)
    names = [prepared.issue.name for prepared in due]
    if as_json:
        import json

        output.echo_json(json.dumps(names))
    elif names:
        for name in names:
            output.echo(name)
    else:
        output.echo(f"No {'other ' if is_misnamed else ''}issue is due.", err=True)
    return REFUSED if broken or is_misnamed else 0


def _show(newsletter: "Newsletter", issue: str | None, options: ReportOptions) -> None:
    from newsletter.config.provider_facts import REPEAT_WINDOWS
    from newsletter.sending.model import SUBSCRIBERS
    from newsletter.services.status import send_status
    from newsletter.store.ledger_queries import LedgerQueries

    with open_to_read(newsletter) as database:
        queries = LedgerQueries(database)
        if issue is None:
            send_summary.show_sends((send, queries.counts(send)) for send in queries.sends())
            _show_place(newsletter)
        elif send := queries.newest(issue, SUBSCRIBERS):
            repeat_window = REPEAT_WINDOWS.get(send.provider)
            status = send_status(newsletter, queries, send, datetime.now(UTC), repeat_window=repeat_window)
            report(status, queries, options, identify=True)
            if not (options.as_json or options.state or options.file):
                _show_place(newsletter)
        elif options.as_json:
            output.echo_json("null")
        else:
            output.echo(f"{issue} was never sent.")


def _show_place(newsletter: "Newsletter") -> None:
    output.echo(f"The state of this newsletter is in {display_path(newsletter.state)}/")
