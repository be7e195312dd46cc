"""Send an issue: prepare it, start its planned send, deliver it, and settle or cancel it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path

from newsletter.config.loader import Newsletter
from newsletter.errors import ConfigError, SendRefused
from newsletter.issue import files
from newsletter.issue.model import Issue
from newsletter.limits.process import Limiter, run_limited
from newsletter.sending import abandoned, guards, submission
from newsletter.sending.cancel import cancel
from newsletter.sending.delivery import Delivery, DeliverySettings
from newsletter.sending.events import Event, TrackingNotKnown
from newsletter.sending.hold_policy import SendTimings
from newsletter.sending.interfaces import Clock, Provider
from newsletter.sending.lock_wait import acquire_lease, never, when_unlocked
from newsletter.sending.model import ChunkState, Send
from newsletter.sending.outcomes import Outcome
from newsletter.sending.publisher import Publisher
from newsletter.sending.start import claim_send
from newsletter.services.open_state import OnWait, ignore_wait
from newsletter.services.plan_send import SendPlanner
from newsletter.services.prepare import Prepared, prepare, tracking_problems
from newsletter.services.pull import PullReport, refuse_failed, refuse_old
from newsletter.services.send_lease import SendLeases
from newsletter.services.send_plan import SendPlan, StartedSend
from newsletter.services.start_guards import check_account_tracking, refuse_missing_slots, refuse_wrong_clock
from newsletter.services.state_sync import StateSync
from newsletter.services.status import ASSUMED_UNSENT, SendStatus, send_status
from newsletter.state.secret_key import secret_key
from newsletter.store.database import Database
from newsletter.store.journal import SendProcess
from newsletter.store.ledger import Ledger
from newsletter.store.published_ledger import PublishedLedger
from newsletter.subscribers.model import Subscriber


class SendService(SendPlanner):
    """The sends of one newsletter through one provider; `services.open_send` opens them.

    It makes plans as a `SendPlanner`, and carries them out.
    """

    def __init__(
        self,
        newsletter: Newsletter,
        database: Database,
        provider: Provider,
        clock: Clock,
        timing: SendTimings | None = None,
        limited: Limiter = run_limited,
        sync: StateSync | None = None,
        pull: Callable[[], PullReport] | None = None,
        on_wait: OnWait = ignore_wait,
    ) -> None:
        """Take the parts; `pull` reads who left elsewhere, before the recipients of a send are counted.

        `on_wait` is called with each wait for a lock in the database.
        """
        timing = timing or SendTimings()
        super().__init__(newsletter, database, provider, clock, timing, self._read_departures)
        self._database = database
        self._limited = limited
        self._sync = sync
        self._pull = pull
        # `deliver` and `cancel` yield their waits, and do not report them to `on_wait`.
        self.leases = SendLeases(lambda: self.ledger, clock, self.timing, on_wait)
        self._process: SendProcess | None = None

    def close(self) -> None:
        """Close the provider and the store, and unlock this process's folder of journals."""
        if self._process:
            self._process.close()
        self.provider.close()
        self._database.close()

    def prepare(self, name: str | None) -> Prepared:
        """Load, render and check the named issue, or the newest; add the provider's problems.

        Raise LimitReached if that takes too much time or memory.
        """
        return self.prepare_issue(files.find(self.newsletter.issues, name))

    def prepare_issue(self, issue: Issue | Path) -> Prepared:
        """Render and check an issue, or the issue of a file; add the provider's problems."""
        prepared = self._limited(prepare, self.newsletter, issue)
        name, tracking = self.provider.name, self.provider.capabilities.tracking
        problems = tracking_problems(name, tracking, self.newsletter.config.tracking.wanted)
        return replace(prepared, problems=(*prepared.problems, *problems, *self.provider.check()))

    def _read_departures(self, prepared: Prepared) -> None:
        """Read those who unsubscribed elsewhere, unless the issue has errors and is refused anyway.

        Raise SendRefused if a place cannot be read.
        """
        if self._pull and not any(problem.severity == "error" for problem in prepared.problems):
            refuse_failed(self._pull())

    def start(self, plan: SendPlan, *, exact: bool = True) -> StartedSend:
        """Carry out a plan: claim the issue and plan its recipients into chunks, or reopen the started send.

        Raise SendBusy if another process holds the lease or was the first to claim the issue, and SendRefused
        if the provider's account tracks readers unasked, its clock differs from this one, the last pull is
        too old, the key or a slot for held mail is missing, and, with `exact`, if the number of recipients
        differs from the plan. The issue is not claimed then.
        """
        tracking_is_known = check_account_tracking(self.provider, self.newsletter.config)
        refuse_wrong_clock(self.provider, self.clock.now())
        if self._pull:
            refuse_old(self.newsletter, self._database, self.clock.now())
        if self._sync:
            self._sync.begin_sending()
        if plan.send:
            guards.refuse_other_key(plan.send, self.key_fingerprint(plan.prepared))
        _ = self.secret  # before the claim: no mail can be sent without the key
        if plan.send and plan.action == "resume":
            is_halted = plan.recipients or plan.send.state == "cancelled"
            send = self._reopen(plan.send) if is_halted else plan.send
        elif plan.send and plan.action == "retry":
            self._override_state(plan.send, "refused", "waiting", "to be tried again", plan.addresses)
            send = plan.send
        else:
            send = self._claim(plan, exact=exact)
        return StartedSend(send, plan.prepared.mailing, tracking_is_known)

    def _claim(self, plan: SendPlan, *, exact: bool) -> Send:
        """Claim the issue of a plan for the list, and plan its recipients into chunks; return the send."""
        refuse_missing_slots(self.provider, plan.settings, self.queries, self.clock.now())
        agreed = plan.counts.recipients if exact and plan.send is None else None
        fingerprint = self.key_fingerprint(plan.prepared)
        settings = replace(plan.settings, agreed_recipients=agreed, key_fingerprint=fingerprint)
        claim = partial(claim_send, plan.prepared.mailing, self.ledger, self.provider, settings)
        send = self.leases.when_unlocked(when_unlocked(claim, self.clock, self.timing))
        if agreed is not None:
            guards.refuse_other_recipients(send.recipients, agreed)  # of another process's send
        return send

    def deliver(
        self, started: StartedSend, stopped: Callable[[], bool], hands_over: Callable[[], bool] = never
    ) -> Iterator[Event]:
        """Deliver a started send to its waiting recipients; yield the events.

        If `hands_over` returns True at the end, a standby continues the send. Raise SendBusy if another
        process holds the lease, and DatabaseBusy if it has locked the send for too long, or until `stopped`.
        """
        settings = self.newsletter.config.send
        delivery_settings = DeliverySettings(
            rates=settings.rates if self.provider.capabilities.leaves_machine else (),
            stop_when_refused=settings.refused_share,
            max_calls=self.provider.capabilities.max_calls,
            timing=self.timing,
        )
        if not started.tracking_is_known:
            yield TrackingNotKnown(self.provider.name)
        yield from acquire_lease(started.send, self.ledger, self.clock, self.timing, stopped)
        with self.leases.released(started.send, hands_over):
            yield from Delivery(
                started.send,
                started.mailing,
                self.ledger,
                self.provider,
                self.secret,
                self.clock,
                delivery_settings,
                stopped,
            ).run()

    def cancel(self, send: Send, stopped: Callable[[], bool]) -> Iterator[Event]:
        """Cancel a send: begin no further attempt, and recall its held batches; return the events.

        Raise ConfigError, and change nothing, if the provider cannot be asked to recall.
        """
        if self.provider.recallable and (problems := self.provider.check()):
            raise ConfigError(problems)
        return self._cancel(send, stopped)

    def _cancel(self, send: Send, stopped: Callable[[], bool]) -> Iterator[Event]:
        with self.leases.released(send):
            yield from cancel(
                send,
                self.ledger,
                self.provider.recallable,
                self.clock,
                self.timing,
                stopped,
                can_repeat=self.provider.capabilities.repeat_window is not None,
            )

    def resolve(self, send: Send, *, sent: bool, addresses: Sequence[str] = ()) -> int:
        """Change unknown recipients, all or the named ones, to accepted if `sent`, else to waiting.

        Return their number. Raise SendRefused if a named recipient is not unknown, or a recall is not
        confirmed yet.
        """
        state: ChunkState = "accepted" if sent else "waiting"
        reason = "assumed sent" if sent else ASSUMED_UNSENT
        return self._override_state(send, "unknown", state, reason, addresses)

    def test(self, prepared: Prepared, address: str) -> Outcome:
        """Send one message, marked as a test, to an address; return its outcome.

        The address need not be a subscriber's. Raise SendRefused if the issue has errors.
        """
        self.refuse_errors(prepared)
        recipient = Subscriber(0, address, number=1)
        return submission.deliver_test(
            prepared.mailing, recipient, self.provider, self.secret, self.clock.now()
        )

    def settle_abandoned(self, send: Send) -> None:
        """Settle the attempts that were in flight when an earlier process ended, from its journals."""
        with self.leases.held(send):
            abandoned.settle_abandoned(self.ledger, send, self.clock.now(), self.timing)

    def status(self, send: Send) -> SendStatus:
        """Return the status of a send, read again from the ledger."""
        repeat_window = self.provider.capabilities.repeat_window
        return send_status(self.newsletter, self.queries, send, self.clock.now(), self.timing, repeat_window)

    @cached_property
    def ledger(self) -> Ledger:
        """Create the folder of this process, and return the ledger that the process writes.

        With a state ref, the ledger is published there before its process acts.
        """
        self._process = SendProcess(self.newsletter.runs)
        if self._sync:
            rates = self.newsletter.config.send.rates
            publisher = Publisher(self._sync, self.clock.now, self.timing, rates)
            return PublishedLedger(self._database, self._process, self.clock.now, publisher)
        return Ledger(self._database, self._process, self.clock.now)

    @cached_property
    def secret(self) -> str:
        """Return the key that signs unsubscribe links; `secret_key` names the errors that it raises."""
        return secret_key(self.newsletter, leaves_machine=self.provider.capabilities.leaves_machine)

    def _reopen(self, send: Send) -> Send:
        """Reopen a send that was cancelled or that waits for a go-ahead; return the reopened send."""
        with self.leases.held(send):
            self.ledger.resume(send)
        return self.reread(send)

    def _override_state(
        self, send: Send, before: ChunkState, after: ChunkState, reason: str, addresses: Sequence[str]
    ) -> int:
        """Change recipients, all or the named ones, from one state to another; return their number.

        Raise SendRefused if a recall of held mail is not confirmed yet.
        """
        with self.leases.held(send):
            abandoned.settle_abandoned(self.ledger, send, self.clock.now(), self.timing)
            if any(status.batch.state == "cancelling" for status in self.queries.held_batches(send)):
                hint = f"finish that first: news cancel {send.issue}, or news resume {send.issue}"
                raise SendRefused("a recall of held mail was requested and is not confirmed yet", hint)
            only = self.numbers_in_state(send, before, addresses) if addresses else None
            return self.ledger.override_state(send, before, after, reason, only)
