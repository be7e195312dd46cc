"""Stand by while another process delivers a send, and continue it if that process is gone (`--wait`)."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from newsletter.cli import output, progress, terminal
from newsletter.display import counted
from newsletter.errors import SendBusy

if TYPE_CHECKING:
    from newsletter.services.send import SendService
    from newsletter.services.send_plan import SendPlan, StartedSend
    from newsletter.services.standby import Wait
    from newsletter.store.journal import Holder


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

    def run_wait(wait: "Wait") -> None:
        if failure := progress.run(wait, 0, interrupt, stopping="").failure:  # the error says it
            raise failure

    standby = Standby(service, plan, exact=exact)
    while True:
        with terminal.stdout_to_stderr(True):  # standard output is for the report
            started = standby.start(run_wait, _show_end)
        try:
            return deliver(started)
        except SendBusy as busy:
            standby.note_busy(busy)


def _show_end(holder: "Holder", plan: "SendPlan") -> None:
    """Show that this process takes over a send from its holder, or that nothing is left to do."""
    issue, counts = plan.prepared.issue.name, plan.counts
    who = f"process {holder.process} on host {holder.host}"
    if not (counts.waiting or counts.in_flight):
        output.echo(f"The send of {issue} by {who} has ended: no recipient is waiting.", err=True)
        return
    waiting = f"{counted(counts.waiting, 'recipient')} {'is' if counts.waiting == 1 else 'are'} waiting"
    lost = f", and {counts.in_flight:,} had no outcome yet" if counts.in_flight else ""
    output.echo(f"Taking over the send of {issue} from {who}: {waiting}{lost}.", err=True)
