"""Ask for a send, deliver it, and show its progress and its report."""

from contextlib import suppress
from typing import TYPE_CHECKING

from newsletter.cli import output, plan_summary, progress, send_summary, terminal
from newsletter.cli.report import ReportOptions, report
from newsletter.cli.standby import deliver_when_free
from newsletter.constants import INCOMPLETE
from newsletter.display import counted
from newsletter.errors import NewsError, SaveLost, SendRefused

if TYPE_CHECKING:
    from newsletter.sending.model import Send, SendOptions
    from newsletter.services.prepare import Prepared
    from newsletter.services.send import SendService
    from newsletter.services.send_plan import SendPlan, StartedSend


def confirm_plan(plan: "SendPlan", service: "SendService", yes: bool) -> None:
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
    terminal.confirm_number(plan.recipients, "recipients", "nothing was sent", _look_first(plan))


def _look_first(plan: "SendPlan") -> str:
    """Return the advice to show the plan again; "" if `news send` makes no such plan."""
    return "or look first: add --dry-run to the same command" if plan.action == "start" else ""


def deliver(
    service: "SendService",
    started: "StartedSend",
    options: ReportOptions | None = None,
    *,
    interrupt: progress.Interrupt | None = None,
    raise_lost: bool = False,
) -> int:
    """Deliver a started send, show its progress and its report; return the exit code.

    Return INCOMPLETE after a failure too, not REFUSED: mail may have left. Raise SendBusy if another process
    holds the lease; with `raise_lost`, raise SaveLost if another machine saved its state first,
    unless Ctrl-C was pressed. `interrupt` is that of `progress.run`.
    """
    waiting = service.queries.counts(started.send).waiting
    interrupt = interrupt or progress.Interrupt()
    ending = progress.run(
        lambda stopped: service.deliver(started, stopped, lambda: interrupt.terminated), waiting, interrupt
    )
    if raise_lost and not ending.interrupted and isinstance(ending.failure, SaveLost):
        raise ending.failure
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


def send_issue(
    service: "SendService",
    prepared: "Prepared",
    options: "SendOptions",
    yes: bool,
    dry_run: bool,
    *,
    wait: bool = False,
    interrupt: progress.Interrupt | None = None,
    raise_lost: bool = False,
) -> int:
    """Plan, confirm, start and deliver the send of an issue; return the exit code.

    `wait`: while another process delivers the send, wait, and continue it if that process is gone.
    `interrupt` and `raise_lost` are those of `deliver`.
    """
    from newsletter.services.standby import refuse_stopped

    terminal.show_findings(prepared)
    plan = service.plan(prepared, options)
    if wait:
        refuse_stopped(service, plan)  # before a person is asked; `Standby.start` looks again
    if dry_run:
        plan_summary.show_plan(plan, service)
        output.echo("This was a dry run: nothing was sent.")
        return 0
    confirm_plan(plan, service, yes)

    def run(started: "StartedSend") -> int:
        return deliver(service, started, interrupt=interrupt, raise_lost=raise_lost)

    if wait:
        return deliver_when_free(service, plan, run, exact=not yes, interrupt=interrupt)
    started = service.start(plan, exact=not yes)
    code = run(started)
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
