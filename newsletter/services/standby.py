"""Wait while another process delivers a send, and plan its continuation by this one.

A process that is gone (killed, suspended, its machine lost) does not renew its lease. A process that fails,
or that is terminated because its machine is shut down, hands its lease over. In both cases the send names it
as the holder of a lease that has ended. A process that stopped by itself, or by Ctrl-C, has released its
lease: a person decides whether its send is continued, also if this process starts later.
"""

import logging
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from newsletter.config.loader import Newsletter
from newsletter.display import counted
from newsletter.errors import SendBusy, SendRefused, StoreError
from newsletter.sending import guards, log_fields
from newsletter.sending.events import StandingBy, Waiting
from newsletter.sending.model import Send
from newsletter.services.send import SendService
from newsletter.services.send_plan import SendPlan, StartedSend
from newsletter.store.journal import Holder, lease_holder, parse_holder

log = logging.getLogger(__name__)

# A function that waits until the function that it gets returns True.
Wait = Callable[[Callable[[], bool]], Iterator[StandingBy | Waiting]]

_POLL = timedelta(seconds=1)


def refuse_state_ref(newsletter: Newsletter) -> None:
    """Raise SendRefused if the state is on a Git ref: each send waits for another machine there."""
    if newsletter.config.state is not None:
        raise SendRefused(
            "--wait is for processes that share a database, and this newsletter keeps its state on a Git ref",
            "leave out --wait: while another machine may be sending, the command waits by itself",
        )


def refuse_stopped(service: SendService, plan: SendPlan) -> None:
    """Raise SendRefused if a process has stopped the started send of a plan, and released its lease.

    A send of which nothing was tried may be one that another process has claimed just now.
    """
    send, counts = plan.send, plan.counts
    if send is None or send.state != "open" or send.lease_holder or not counts.waiting:
        return
    was_tried = counts.waiting < counts.recipients
    if was_tried or any(reason for reason, _ in service.queries.reasons(send, "waiting")):
        raise _stopped(f"the send of {send.issue} was stopped", plan)


class Standby:
    """A process that waits to continue the send of its plan."""

    def __init__(self, service: SendService, plan: SendPlan, *, exact: bool = True) -> None:
        """Take the plan; with `exact`, a person agreed to its number of recipients.

        Raise SendRefused as `refuse_state_ref` does, which a caller may ask before anything is opened.
        """
        refuse_state_ref(service.newsletter)
        self._service, self._plan, self._exact = service, plan, exact
        # The send as it was before the wait; None if nobody had started it when it was planned.
        self._before = plan.send
        # The process that delivered the send at last; None if none was seen.
        self.holder: Holder | None = None
        self.has_waited = False

    def start(
        self, run_wait: Callable[[Wait], None], on_taken_over: Callable[[Holder, SendPlan], None]
    ) -> StartedSend:
        """Start the send of the plan, as soon as no other process delivers it; return the started send.

        After a wait, plan again. `run_wait` gets `wait`, and runs it to its end or raises its error.
        `on_taken_over` is called with the process that delivered the send, and the new plan, whose recipients
        may be nobody. Raise what `wait`, `plan_again`, `note_busy`, `refuse_stopped` and `SendService.start`
        raise.
        """
        plan = self._plan
        if plan.action != "resume":
            refuse_stopped(self._service, plan)
        while True:
            # A look comes first: a process that is suspended in a transaction blocks `start`, and not a look.
            run_wait(self.wait)
            if self.has_waited:
                plan = self.plan_again()
                if self.holder:
                    on_taken_over(self.holder, plan)
            try:
                return self._service.start(plan, exact=self._exact)
            except SendBusy as busy:
                self.note_busy(busy)

    def note_busy(self, busy: SendBusy) -> None:
        """Take note that another process was faster; raise `busy` again if its send cannot be continued.

        `start` then waits for that process. Raise SendRefused if the send was started with other content,
        through another provider or with another key.
        """
        self.has_waited = True
        self._before = self._before or self._service.find_started(self._plan.prepared)[0]
        if self._before is None:
            raise busy

    def wait(self, stopped: Callable[[], bool]) -> Iterator[StandingBy | Waiting]:
        """Wait until no other process holds the lease on the send; yield each holder, and each outage.

        Raise SendRefused if `stopped`, and StoreError if the database gives no reply for `max_outage`.
        """
        service, send, shown, outage_until = self._service, self._before, None, None
        if send is None:
            return
        while True:
            try:
                send = service.reread(send)
                outage_until = None
            except StoreError as failure:
                now, shown = service.clock.now(), None
                if outage_until is None:
                    outage_until = now + service.timing.max_outage
                    yield _outage(send, failure, outage_until)
                if now >= outage_until:
                    raise
            else:
                if not self._is_held(send):
                    return
                if shown != self.holder:
                    shown = self.holder
                    yield self._standing_by(send)
            self.has_waited = True
            if stopped():
                hint = f"see: news status {send.issue}"
                raise SendRefused(f"the wait was ended; this process has sent nothing of {send.issue}", hint)
            service.clock.wait(service.clock.now() + _POLL, stopped)

    def plan_again(self) -> SendPlan:
        """Plan the continuation of the send after the wait; every guard is checked again.

        Raise SendRefused as `SendPlanner.plan` and `plan_resume` do, if the send was replaced or cancelled
        meanwhile, if it has other recipients than a person agreed to, or if its process has stopped it.
        """
        assert self._before
        service, first = self._service, self._plan
        if first.action == "resume":
            plan = service.plan_resume(first.prepared, self._before)
        else:
            plan = service.plan(first.prepared)  # options of the start apply no more: the send has started
        guards.refuse_replaced(self._before, plan.send)
        assert plan.send
        guards.refuse_cancelled(self._before, plan.send)
        if self._exact and first.send is None:
            guards.refuse_other_recipients(plan.send.recipients, first.recipients)
        self._refuse_stopped(plan)
        fields = {"holder": plan.send.lease_holder, "waiting": plan.counts.waiting}
        log.info("wait ended", extra=log_fields.of_send(plan.send) | fields)
        return plan

    def _is_held(self, send: Send) -> bool:
        """Return True if another process holds the lease on a send; remember that process."""
        if send.lease_holder is None:
            return False
        held = lease_holder(send, self._service.newsletter.runs, self._service.clock.now())
        self.holder = parse_holder(send.lease_holder, has_ended=held is None or held.has_ended)
        return not self.holder.has_ended

    def _standing_by(self, send: Send) -> StandingBy:
        assert self.holder and send.lease_until
        fields = {"holder": send.lease_holder, "until": send.lease_until}
        log.info("standing by", extra=log_fields.of_send(send) | fields)
        return StandingBy(send.issue, self.holder.process, self.holder.host, send.lease_until)

    def _refuse_stopped(self, plan: SendPlan) -> None:
        """Raise SendRefused if the other process has stopped the send before its end."""
        is_released = plan.send is not None and plan.send.lease_holder is None
        if is_released and self.holder and plan.counts.waiting:
            who = f"process {self.holder.process} on host {self.holder.host}"
            raise _stopped(f"{who} has stopped the send of {plan.prepared.issue.name}", plan)
        if plan.action != "resume":
            refuse_stopped(self._service, plan)


def _stopped(what: str, plan: SendPlan) -> SendRefused:
    return SendRefused(
        f"{what}, and {counted(plan.counts.waiting, 'recipient')} did not get it",
        "a standby does not continue a send that stopped by itself or by Ctrl-C, or that news resolve has "
        f"changed: read the output of that command, then run: news resume {plan.prepared.issue.name}",
    )


def _outage(send: Send, failure: StoreError, until: datetime) -> Waiting:
    log.warning("the database gives no reply", extra=log_fields.of_send(send) | {"until": until})
    return Waiting(until, f"the database gives no reply ({failure})")
