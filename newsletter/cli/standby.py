"""Stand by while another process delivers a send, and continue it if that process is gone (`--wait`)."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from newsletter.cli import output, progress, terminal
from newsletter.display import counted
from newsletter.errors import SendBusy

if TYPE_CHECKING:
    from newsletter.services.send import SendService
    from newsletter.services.send_plan import SendPlan, StartedSend
    from newsletter.services.standby import Standby

_STOPPING = "The wait ends."


def deliver_when_free(
    service: "SendService",
    plan: "SendPlan",
    deliver: "Callable[[StartedSend], int]",
    *,
    exact: bool = True,
    interrupt: progress.Interrupt | None = None,
) -> int:
    """Start a plan and deliver it with `deliver`; return the exit code.

    While another process delivers the send, wait, and then plan again. `exact` is that of
    `SendService.start`, and `interrupt` that of `progress.run`. Raise what `Standby` raises.
    """
    from newsletter.services.standby import Standby

    standby = Standby(service, plan, exact=exact)
    while True:
        # A look comes first: a process that is suspended in a transaction blocks `start`, and not a look.
        ending = progress.run(standby.wait, 0, interrupt, _STOPPING)
        if ending.failure:
            raise ending.failure
        if standby.has_waited:
            with terminal.stdout_to_stderr(True):  # standard output is for the report
                plan = standby.plan_again()
            _show_end(standby, plan)
        try:
            return deliver(service.start(plan, exact=exact))
        except SendBusy as busy:
            standby.refused(busy)


def _show_end(standby: "Standby", plan: "SendPlan") -> None:
    """Show that this process takes over the send, or that nothing is left to do; nothing if nobody had it."""
    if standby.holder is None:
        return
    issue, counts = plan.prepared.issue.name, plan.counts
    who = f"process {standby.holder.process} on host {standby.holder.host}"
    if not (counts.waiting or counts.in_flight):
        output.echo(f"The send of {issue} by {who} has ended: no recipient is waiting.", err=True)
        return
    waiting = f"{counted(counts.waiting, 'recipient')} {'is' if counts.waiting == 1 else 'are'} waiting"
    lost = f", and {counts.in_flight:,} had no outcome yet" if counts.in_flight else ""
    output.echo(f"Taking over the send of {issue} from {who}: {waiting}{lost}.", err=True)
