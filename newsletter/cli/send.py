"""`news send` and `news resume`: send an issue to its subscribers, once."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from newsletter.cli import output, progress, pull_summary, send_summary, terminal
from newsletter.cli.command import command
from newsletter.cli.deliver import confirm_plan, deliver, send_issue
from newsletter.cli.gc_tuning import tune_gc
from newsletter.cli.issue_name import names_issue
from newsletter.cli.newsletter import load
from newsletter.cli.report import ReportOptions, report_options
from newsletter.cli.send_ready import ReadyOptions, send_ready
from newsletter.cli.standby import deliver_when_free
from newsletter.constants import INCOMPLETE, PROVIDERS
from newsletter.errors import Problem

if TYPE_CHECKING:
    from newsletter.sending.model import Send
    from newsletter.services.prepare import Prepared
    from newsletter.services.send import SendService

_WAIT = "While another process sends the issue, wait; continue the send if that process is gone."
_AT = "Schedule it: '2026-05-04 09:00 Europe/Berlin', 2026-05-04T07:00Z; at most 72 hours ahead (SendGrid)."


@command()
@names_issue(required=False)
@click.option("--ready", is_flag=True, help="Send every issue that is marked ready, due and not yet sent.")
@click.option(
    "--at-most",
    default=3,
    show_default=True,
    type=click.IntRange(min=1),
    help="Refuse --ready for more issues than this.",
)
@click.option(
    "--to",
    "addresses",
    metavar="ADDRESS",
    multiple=True,
    help="Send one message, marked as a test, to this address; may be repeated.",
)
@click.option("--now", is_flag=True, help="Send without the undo window: the mail cannot be recalled.")
@click.option("--at", metavar="TIME", help=_AT)
@click.option(
    "--canary",
    metavar="N",
    type=click.IntRange(min=1),
    help="Send to the first N recipients, then wait for a go-ahead (news resume).",
)
@click.option("--list-changed", is_flag=True, help="Confirm that the list did grow or shrink that much.")
@click.option(
    "--provider", type=click.Choice(PROVIDERS), help="Send through this provider, not the configured one."
)
@click.option("--wait", is_flag=True, help=_WAIT)
@click.option("--yes", is_flag=True, help="Do not ask; for automation.")
@click.option("--dry-run", is_flag=True, help="Show what would be sent, and send nothing.")
@click.pass_obj
def send(
    folder: Path,
    issue: str | None,
    ready: bool,
    at_most: int,
    addresses: tuple[str, ...],
    now: bool,
    at: str | None,
    canary: int | None,
    list_changed: bool,
    provider: str | None,
    wait: bool,
    yes: bool,
    dry_run: bool,
) -> None:
    """Send an issue, once, to everyone on the list.

    Run it again after an interruption: it sends what is certainly unsent, and names what is unknown. Ctrl-C
    finishes the calls in flight; a second Ctrl-C stops at once.

    Exit codes: 0 all accepted; 1 refused to start; 3 somebody is unknown, refused or still waiting.
    """
    from newsletter.sending.model import SendOptions
    from newsletter.services.open_send import open_service
    from newsletter.services.standby import refuse_state_ref

    if issue is None and not ready:
        raise click.UsageError("name an issue (news send 2026-04-27), or use --ready")
    if ready and addresses:
        raise click.UsageError("--to sends one issue: name it, without --ready")
    if wait and addresses:
        raise click.UsageError("--wait is for the send to the list, and --to sends a test")
    if wait and canary:
        raise click.UsageError("--wait and --canary exclude each other: a person continues after a canary")
    options = SendOptions(now, _parse_at(at) if at else None, canary, list_changed)
    if options.conflict:
        raise click.UsageError(options.conflict)
    tune_gc()
    to_send = not addresses and not dry_run
    newsletter = load(folder)
    if wait:
        refuse_state_ref(newsletter)
    if ready:
        sys.exit(send_ready(newsletter, ReadyOptions(issue, at_most, provider, options, yes, dry_run, wait)))
    opened = open_service(
        newsletter,
        provider,
        to_send=to_send,
        for_test=bool(addresses),
        on_wait=progress.wait_shower(),
        on_pull=pull_summary.show_pull,
    )
    with opened as service:
        if addresses:
            sys.exit(_send_tests(service, service.prepare(issue), addresses, yes, dry_run))
        prepared = service.prepare(issue)
        sys.exit(send_issue(service, prepared, options, yes, dry_run, wait=wait))


@command()
@names_issue()
@click.option("--wait", is_flag=True, help=_WAIT)
@click.option("--yes", is_flag=True, help="Do not ask; for automation.")
@report_options
@click.pass_obj
def resume(folder: Path, issue: str, wait: bool, yes: bool, options: ReportOptions) -> None:
    """Continue a send that was started.

    After an interruption, after a canary, or after it was cancelled. The same recipients get the same
    content; subscribers who joined since then are not among them.
    """
    with open_issue_send(folder, issue, stands_by=wait) as (service, send):
        with terminal.stdout_to_stderr(options.as_json):
            prepared = service.prepare(send.issue)
            terminal.show_findings(prepared)
            plan = service.plan_resume(prepared, send)
            confirm_plan(plan, service, yes)
        if wait:
            sys.exit(deliver_when_free(service, plan, lambda started: deliver(service, started, options)))
        sys.exit(deliver(service, service.start(plan), options))


@contextmanager
def open_issue_send(
    folder: Path, issue: str, *, waits: bool = True, stands_by: bool = False
) -> "Iterator[tuple[SendService, Send]]":
    """Open an issue's started send with its own provider; raise UsageError if `issue` names no issue.

    `waits`: wait while another machine may be sending. `stands_by`: raise SendRefused if no `Standby` can
    wait for the send.
    """
    from newsletter.issue import files
    from newsletter.services.open_send import open_started
    from newsletter.services.standby import refuse_state_ref

    if (name := files.issue_name(issue)) is None:
        raise click.UsageError("an issue is named by its date: 2026-04-27")
    tune_gc()
    newsletter = load(folder)
    if stands_by:
        refuse_state_ref(newsletter)
    on_wait = progress.wait_shower() if waits else None
    with open_started(newsletter, name, on_wait, pull_summary.show_pull) as (service, started):
        yield service, started


def _send_tests(
    service: "SendService", prepared: "Prepared", addresses: Sequence[str], yes: bool, dry_run: bool
) -> int:
    """Send one test message to each address; return the exit code. The list and the ledger do not change.

    Before the first message, raise SubscriberError for an invalid address and SendRefused for an issue with
    errors.
    """
    recipients = _distinct(addresses)
    terminal.show_findings(prepared)
    service.refuse_errors(prepared)  # before the question; `service.test` is called after it
    through = f"through {service.provider.name}"
    output.echo(f"A test of {prepared.issue.name} to {', '.join(recipients)}, {through}.")
    if dry_run:
        output.echo("This was a dry run: nothing was sent.")
        return 0
    if not yes:
        terminal.confirm("Send it?", "nothing was sent")
    accepted = 0
    for address in recipients:
        try:
            accepted += _send_test(service, prepared, address, with_address=len(recipients) > 1)
        except KeyboardInterrupt:
            what = "interrupted; this test was perhaps sent, and no later one was"
            terminal.show_problems([Problem(address, what)])
            return INCOMPLETE
    send_summary.show_rehearsal(service, accepted)
    return 0 if accepted == len(recipients) else INCOMPLETE


def _send_test(service: "SendService", prepared: "Prepared", address: str, *, with_address: bool) -> bool:
    """Send a test message and show its outcome; return True if it was accepted."""
    from newsletter.sending.outcomes import Accepted

    outcome = service.test(prepared, address)
    terminal.show_outcome(outcome, address if with_address else "")
    return isinstance(outcome, Accepted)


def _distinct(addresses: Sequence[str]) -> list[str]:
    """Return each mailbox once, in the order given; raise SubscriberError for an invalid address."""
    from newsletter.subscribers.parsing import parse_subscriber

    distinct: dict[str, str] = {}
    for address in addresses:
        mailbox, _ = parse_subscriber(address)
        distinct.setdefault(mailbox.key, mailbox.given)
    return list(distinct.values())


def _parse_at(text: str) -> datetime:
    from newsletter.config import units

    try:
        return units.parse_datetime(text)
    except ValueError as problem:
        raise click.BadParameter(str(problem), param_hint="--at") from problem
