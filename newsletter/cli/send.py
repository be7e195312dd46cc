"""`news send` and `news resume`: send an issue to its subscribers, once."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from newsletter.cli import output, plan_summary, progress, send_summary, terminal
from newsletter.cli.command import command
from newsletter.cli.gc_tuning import tune_gc
from newsletter.cli.issue_name import names_issue
from newsletter.cli.newsletter import load
from newsletter.cli.report import ReportOptions, report, report_options
from newsletter.constants import INCOMPLETE, PROVIDERS, REFUSED
from newsletter.display import counted
from newsletter.errors import NewsError, Problem, SendRefused

if TYPE_CHECKING:
    from newsletter.sending.model import Send, SendOptions
    from newsletter.services.prepare import Prepared
    from newsletter.services.send import SendService
    from newsletter.services.send_plan import SendPlan, StartedSend

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
    yes: bool,
    dry_run: bool,
) -> None:
    """Send an issue, once, to everyone on the list.

    Run it again after an interruption: it sends what is certainly unsent, and names what is unknown. Ctrl-C
    finishes the calls in flight; a second Ctrl-C stops at once.

    Exit codes: 0 all accepted; 1 refused to start; 3 somebody is unknown, refused or still waiting.
    """
    from newsletter.sending.model import SendOptions
    from newsletter.services.send import SendService
    from newsletter.services.stale_run import stale_reason

    if issue is None and not ready:
        raise click.UsageError("name an issue (news send 2026-04-27), or use --ready")
    if ready and addresses:
        raise click.UsageError("--to sends one issue: name it, without --ready")
    if now and at:
        raise click.UsageError("--now and --at exclude each other")
    if canary and at:
        raise click.UsageError("--canary and --at exclude each other: a canary leaves at once")
    options = SendOptions(now, _parse_at(at) if at else None, canary, list_changed)
    tune_gc()
    to_send = not addresses and not dry_run
    newsletter = load(folder)
    if ready and (reason := stale_reason(newsletter, os.environ)):
        output.echo(f"Nothing was sent: {reason}.")
        return
    opened = SendService.open(
        newsletter, provider, to_send=to_send, for_test=bool(addresses), on_wait=progress.show_wait
    )
    with opened as service:
        if addresses:
            sys.exit(_send_tests(service, service.prepare(issue), addresses, yes, dry_run))
        if ready:
            sys.exit(_send_ready(service, issue, at_most, options, yes, dry_run))
        sys.exit(_send_issue(service, service.prepare(issue), options, yes, dry_run))


@command()
@names_issue()
@click.option("--yes", is_flag=True, help="Do not ask; for automation.")
@report_options
@click.pass_obj
def resume(folder: Path, issue: str, yes: bool, options: ReportOptions) -> None:
    """Continue a send that was started.

    After an interruption, after a canary, or after it was cancelled. The same recipients get the same
    content; subscribers who joined since then are not among them.
    """
    with open_send(folder, issue) as (service, started):
        with terminal.stdout_to_stderr(options.as_json):
            prepared = service.prepare(started.issue)
            terminal.show_findings(prepared)
            plan = service.plan_resume(prepared, started)
            agree(plan, service, yes)
            resumed = service.start(plan)
        sys.exit(deliver(service, resumed, options))


@contextmanager
def open_send(folder: Path, issue: str, *, waits: bool = True) -> "Iterator[tuple[SendService, Send]]":
    """Open an issue's started send with its own provider; raise UsageError if `issue` names no issue.

    `waits`: wait while another machine may be sending.
    """
    from newsletter.issue import files
    from newsletter.services.send import SendService

    if (name := files.issue_name(issue)) is None:
        raise click.UsageError("an issue is named by its date: 2026-04-27")
    tune_gc()
    on_wait = progress.show_wait if waits else None
    with SendService.open_for(load(folder), name, on_wait) as (service, started):
        yield service, started


def agree(plan: "SendPlan", service: "SendService", yes: bool) -> None:
    """Show a plan and, unless `yes`, ask for the number of recipients; raise SendRefused if it is wrong."""
    if not plan.recipients:
        if not plan.counts.unknown:
            output.echo("No recipient is waiting; nothing was sent now.")
        return
    plan_summary.show_plan(plan, service)
    if yes:
        return
    real = service.provider.capabilities.leaves_machine
    output.echo(
        f"  {'This is a real send.' if real else 'This is a rehearsal: no mail leaves this machine.'}"
    )
    try:
        typed = output.ask_for_text("  Type the number of recipients to continue")
    except click.Abort as abort:
        raise terminal.unanswered("nothing was sent") from abort
    if typed.replace(",", "").strip() != str(plan.recipients):
        hint = f"run it again and type {plan.recipients}, or look first: news send --dry-run"
        raise SendRefused("that is not the number of recipients; nothing was sent", hint)


def deliver(service: "SendService", started: "StartedSend", options: ReportOptions | None = None) -> int:
    """Deliver a started send, show its progress and its report; return the exit code.

    Return INCOMPLETE after a failure too, not REFUSED: mail may have left. Raise SendRefused if another
    process holds the lease.
    """
    waiting = service.queries.counts(started.send).waiting
    ending = progress.run(lambda stopped: service.deliver(started, stopped), waiting)
    if ending.failure:
        show_failure(started.send, ending.failure)
        return INCOMPLETE
    status = service.status(started.send)
    report(status, service.queries, options or ReportOptions(), interrupted=ending.interrupted)
    send_summary.show_rehearsal(service, status.counts.accepted)
    return 0 if status.counts.complete else INCOMPLETE


def show_failure(send: "Send", failure: BaseException) -> None:
    """Log and show the failure that ended a send early; raise it again if it is a SendRefused."""
    from newsletter.cli import logs

    if isinstance(failure, SendRefused):
        raise failure
    logs.failed(failure)
    # If the failure is an OSError of the terminal or of a pipe, this output fails too.
    with suppress(OSError):
        if isinstance(failure, NewsError):
            terminal.show_problems(failure.problems)
        output.echo("The send stopped. See its status:", err=True)
        output.echo(f"  news status {send.issue}", err=True)


def _send_issue(
    service: "SendService", prepared: "Prepared", options: "SendOptions", yes: bool, dry_run: bool
) -> int:
    """Plan, confirm, start and deliver the send of an issue; return the exit code."""
    terminal.show_findings(prepared)
    plan = service.plan(prepared, options)
    if dry_run:
        plan_summary.show_plan(plan, service)
        output.echo("This was a dry run: nothing was sent.")
        return 0
    agree(plan, service, yes)
    started = service.start(plan, exact=not yes)
    code = deliver(service, started)
    if yes or not started.send.canary_size or not service.status(started.send).waits_for_go_ahead:
        return code
    return _continue_after_canary(service, prepared, started.send)


def _continue_after_canary(service: "SendService", prepared: "Prepared", send: "Send") -> int:
    """Ask for the go-ahead after a canary, and deliver to the other recipients; return the exit code.

    Return INCOMPLETE, not REFUSED, if they are not sent to: the canary's mail has left.
    """
    from newsletter.cli import logs

    waiting = service.status(send).counts.waiting
    wait = f"{counted(waiting, 'recipient')} {'waits' if waiting == 1 else 'wait'}"
    hint = f"to continue: news resume {send.issue}"
    output.echo()
    try:
        terminal.confirm(f"Continue with the other {waiting:,}?", wait, hint=hint)
        return deliver(service, service.start(service.plan_resume(prepared, send)))
    except NewsError as failure:
        terminal.show_problems(failure.problems)
        logs.failed(failure)
        return INCOMPLETE


def _send_ready(
    service: "SendService",
    issue: str | None,
    at_most: int,
    options: "SendOptions",
    yes: bool,
    dry_run: bool,
) -> int:
    """Send every due issue, the oldest first, or only the named one; return the worst exit code.

    An issue that is refused or cannot be read makes the code REFUSED, or INCOMPLETE if any other issue was
    not refused.
    """
    from newsletter.cli import logs
    from newsletter.services.due import due_issues

    due, broken = terminal.collect_due(due_issues(service, issue, at_most))
    if not due and not broken:
        output.echo("No issue is due: each issue marked ready was sent, or its date is in the future.")
    codes = []
    for prepared in due:
        try:
            codes.append(_send_issue(service, prepared, options, yes, dry_run))
        except SendRefused as refused:
            terminal.show_problems(refused.problems)
            logs.failed(refused)
            codes.append(REFUSED)
    if not broken and REFUSED not in codes:
        return max(codes, default=0)
    return INCOMPLETE if any(code != REFUSED for code in codes) else REFUSED


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
