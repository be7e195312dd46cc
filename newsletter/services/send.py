"""Send an issue: prepare it, start its planned send, deliver it, and settle or cancel it."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import NoReturn

from newsletter.config import loader
from newsletter.config.loader import Newsletter
from newsletter.errors import ConfigError, SendRefused
from newsletter.issue import files
from newsletter.issue.model import Issue
from newsletter.limits.process import Limiter, run_limited
from newsletter.providers.factory import open_provider
from newsletter.sending import delivery, guards
from newsletter.sending.cancel import cancel
from newsletter.sending.clock import SystemClock
from newsletter.sending.delivery import Delivery, DeliverySettings
from newsletter.sending.events import Event, TrackingNotKnown
from newsletter.sending.hold_policy import SendTimings
from newsletter.sending.interfaces import Clock, Provider, TracksByAccount
from newsletter.sending.lock_wait import acquire_lease, never, when_unlocked
from newsletter.sending.model import SUBSCRIBERS, ChunkState, Send, SendOptions, StartSettings
from newsletter.sending.outcomes import NotSent, Outcome
from newsletter.sending.publisher import Publisher
from newsletter.sending.start import claim_send
from newsletter.services.open_state import OnWait, OpenState, ignore_wait, open_local, open_state
from newsletter.services.plan_send import SendPlanner
from newsletter.services.prepare import Prepared, prepare, tracking_problems
from newsletter.services.pull import PullReport, pull_into, refuse_failed, refuse_old
from newsletter.services.pull_sources import has_sources
from newsletter.services.send_lease import SendLeases
from newsletter.services.send_plan import SendPlan, StartedSend
from newsletter.services.state_sync import StateSync
from newsletter.services.status import SendStatus, send_status
from newsletter.state.process_lock import require_locks
from newsletter.state.secret_key import secret_key
from newsletter.store.database import Database, refuse_lost_with_machine
from newsletter.store.journal import SendProcess
from newsletter.store.ledger import Ledger
from newsletter.store.ledger_queries import LedgerQueries
from newsletter.store.published_ledger import PublishedLedger
from newsletter.subscribers.model import Subscriber

log = logging.getLogger(__name__)

OnPull = Callable[[PullReport], None]


def ignore_pull(report: PullReport) -> None:
    """Do nothing about a pull."""


def _pull_of(newsletter: Newsletter, state: OpenState, on_pull: OnPull) -> Callable[[], PullReport] | None:
    """Return the pull of the newsletter, which reports itself; None if no place is configured."""
    if not has_sources(newsletter):
        return None

    def pull() -> PullReport:
        report = pull_into(newsletter, state)
        on_pull(report)
        return report

    return pull


class SendService(SendPlanner):
    """The sends of one newsletter through one provider; create it with `open` or `open_for`.

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
        """Take the parts; `pull` reads who left outside, before the recipients of a send are counted.

        `on_wait` is called with each wait for a lock in the database.
        """
        super().__init__(newsletter, database, provider, clock)
        self._database = database
        self._limited = limited
        self._sync = sync
        self._pull = pull
        self.timing = timing or SendTimings()
        # `deliver` and `cancel` yield their waits, and do not report them to `on_wait`.
        self.leases = SendLeases(lambda: self.ledger, clock, self.timing, on_wait)
        self._process: SendProcess | None = None

    @classmethod
    @contextmanager
    def open_for(
        cls,
        newsletter: Newsletter,
        issue: str,
        on_wait: OnWait | None = ignore_wait,
        on_pull: OnPull = ignore_pull,
    ) -> Iterator[tuple["SendService", Send]]:
        """Open the service with the provider of an issue's send; yield the service and the send.

        `on_wait` and `on_pull` are those of `open`. Raise SendRefused if the issue was never sent.
        """
        require_locks()
        with open_state(newsletter) as state:
            send = LedgerQueries(state.database).newest(issue, SUBSCRIBERS)
            if send is None or send.state == "superseded":
                raise SendRefused(f"{issue} was never sent", f"news send {issue}")
            newsletter = loader.with_provider(newsletter, send.provider)
            with closing(open_provider(newsletter)) as provider:
                if provider.capabilities.leaves_machine:
                    if state.sync is None:
                        refuse_lost_with_machine(newsletter)
                    if on_wait:
                        state.wait_until_free(on_wait)
                with cls._over(newsletter, state, provider, on_wait, on_pull=on_pull) as service:
                    yield service, service.reread(send)  # another machine may have changed it meanwhile

    @classmethod
    @contextmanager
    def open(
        cls,
        newsletter: Newsletter,
        provider_name: str | None = None,
        *,
        to_send: bool = True,
        for_test: bool = False,
        limited: Limiter = run_limited,
        on_wait: OnWait | None = ignore_wait,
        on_pull: OnPull = ignore_pull,
    ) -> Iterator["SendService"]:
        """Open the store and the provider; yield the service, and close it after the block.

        If newsletter.yml names a state ref and mail would leave this machine, the state is taken from there
        first. While another machine may be sending, wait and call `on_wait`; with None, do not wait. Before a
        send is planned, those who left outside are read, and `on_pull` is called with the counts.

        `to_send`: raise SendRefused if mail would leave this machine while the ledger would be deleted with
        the machine (in CI). `for_test`: only test messages are sent, which need no list. Raise Unavailable on
        a system without the locks that prevent two processes from sending the same issue. `limited` runs the
        build and the checks of an issue.
        """
        require_locks()
        newsletter = loader.with_provider(newsletter, provider_name)
        with closing(open_provider(newsletter)) as provider:
            leaves_machine = provider.capabilities.leaves_machine
            if newsletter.config.state and leaves_machine and not for_test:
                opened = open_state(newsletter, for_test=not to_send)
            else:
                opened = open_local(newsletter, to_last=to_send and leaves_machine, for_test=not to_send)
            with opened as state:
                if to_send and on_wait:
                    state.wait_until_free(on_wait)
                pulls = on_pull if to_send else None
                with cls._over(newsletter, state, provider, on_wait, limited, pulls) as service:
                    yield service

    @classmethod
    @contextmanager
    def _over(
        cls,
        newsletter: Newsletter,
        state: OpenState,
        provider: Provider,
        on_wait: OnWait | None,
        limited: Limiter = run_limited,
        on_pull: OnPull | None = None,
    ) -> Iterator["SendService"]:
        """Yield the service over an open state and provider; a rehearsal uses no state ref and no pull."""
        clock_offset = state.database.clock_offset()
        fields = {"provider": provider.name, "clock_offset": clock_offset.total_seconds()}
        log.info("provider opened", extra=fields)
        is_real = provider.capabilities.leaves_machine
        pull = _pull_of(newsletter, state, on_pull) if on_pull and is_real else None
        service = cls(
            newsletter,
            state.database,
            provider,
            SystemClock(clock_offset),
            limited=limited,
            sync=state.sync if is_real else None,
            pull=pull,
            on_wait=on_wait or ignore_wait,
        )
        with closing(service):
            yield service

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

    def plan(self, prepared: Prepared, options: SendOptions | None = None) -> SendPlan:
        """Plan as `SendPlanner.plan`, after those who left outside were read; raise as `_pull_first` does."""
        self._pull_first(prepared)
        return super().plan(prepared, options)

    def plan_resume(self, prepared: Prepared, send: Send) -> SendPlan:
        """Plan as `SendPlanner.plan_resume`, after a pull as in `plan`."""
        self._pull_first(prepared)
        return super().plan_resume(prepared, send)

    def plan_retry(self, prepared: Prepared, send: Send, addresses: Sequence[str] = ()) -> SendPlan:
        """Plan as `SendPlanner.plan_retry`, after a pull as in `plan`."""
        self._pull_first(prepared)
        return super().plan_retry(prepared, send, addresses)

    def _pull_first(self, prepared: Prepared) -> None:
        """Read those who left outside, unless the issue has errors and is refused anyway.

        Raise SendRefused if a place cannot be read.
        """
        if self._pull and not any(problem.severity == "error" for problem in prepared.problems):
            refuse_failed(self._pull())

    def start(self, plan: SendPlan, *, exact: bool = True) -> StartedSend:
        """Carry out a plan: claim the issue and plan its recipients into chunks, or reopen the started send.

        Raise SendBusy if another process holds the lease or was the first to claim the issue, and SendRefused
        if the provider's account tracks readers unasked, the last pull is too old, the key or a slot for held
        mail is missing, and, with `exact`, if the number of recipients differs from the plan. The issue is
        not claimed then.
        """
        tracking_is_known = self._refuse_account_tracking()
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
        self._refuse_missing_slots(plan.settings)
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
            in_flight=self.provider.capabilities.in_flight,
            timing=self.timing,
        )
        if not started.tracking_is_known:
            yield TrackingNotKnown(self.provider.name)
        yield from acquire_lease(started.send, self.ledger, self.clock, self.timing, stopped)
        with self.leases.released(started.send, hands_over):
            parts = (started.mailing, self.ledger, self.provider, self.secret, self.clock)
            yield from Delivery(started.send, *parts, delivery_settings, stopped).run()

    def cancel(self, send: Send, stopped: Callable[[], bool]) -> Iterator[Event]:
        """Cancel a send: begin no further attempt, and recall its held batches; return the events.

        Raise ConfigError, and change nothing, if the provider cannot be asked to recall.
        """
        if self.provider.recallable and (problems := self.provider.check()):
            raise ConfigError(problems)
        return self._cancel(send, stopped)

    def _cancel(self, send: Send, stopped: Callable[[], bool]) -> Iterator[Event]:
        with self.leases.released(send):
            repeatable = self.provider.capabilities.repeatable is not None
            parts = (self.ledger, self.provider.recallable, self.clock, self.timing, stopped)
            yield from cancel(send, *parts, repeatable=repeatable)

    def resolve(self, send: Send, *, sent: bool, addresses: Sequence[str] = ()) -> int:
        """Change unknown recipients, all or the named ones, to accepted if `sent`, else to waiting.

        Return their number. Raise SendRefused if a named recipient is not unknown, or a recall is not
        confirmed yet.
        """
        state: ChunkState = "accepted" if sent else "waiting"
        reason = "assumed sent" if sent else "assumed unsent"
        return self._override_state(send, "unknown", state, reason, addresses)

    def test(self, prepared: Prepared, address: str) -> Outcome:
        """Send one message, marked as a test, to an address; return its outcome.

        The address need not be a subscriber's. Raise SendRefused if the issue has errors.
        """
        self.refuse_errors(prepared)
        recipient = Subscriber(0, address, number=1)
        return delivery.deliver_test(
            prepared.mailing, recipient, self.provider, self.secret, self.clock.now()
        )

    def settle_abandoned(self, send: Send) -> None:
        """Settle the attempts that were in flight when an earlier process ended, from its journals."""
        with self.leases.held(send):
            delivery.settle_abandoned(self.ledger, send, self.clock.now(), self.timing)

    def status(self, send: Send) -> SendStatus:
        """Return the status of a send, read again from the ledger."""
        repeatable = self.provider.capabilities.repeatable
        return send_status(self.newsletter, self.queries, send, self.clock.now(), self.timing, repeatable)

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

    def _refuse_at_provider(self, answer: NotSent) -> NoReturn:
        """Raise SendRefused because of an answer of the provider to a question before the send."""
        what = f"{self.provider.name} said, before anything was sent: {answer.reason}"
        raise SendRefused(what, "correct this, then run the same command again")

    def _refuse_account_tracking(self) -> bool:
        """Raise SendRefused if the account tracks readers in a way that newsletter.yml does not ask for.

        Return False if the key cannot read it. A key that may only send is not refused: `news doctor` tells
        what to look at.
        """
        if not isinstance(self.provider, TracksByAccount):
            return True
        switched_on = self.provider.account_tracking(self.newsletter.config)
        if switched_on is None:
            return False
        if isinstance(switched_on, NotSent):
            self._refuse_at_provider(switched_on)
        wanted = self.newsletter.config.tracking.wanted
        guards.refuse_account_tracking(self.provider.name, switched_on, wanted)
        return True

    def _refuse_missing_slots(self, settings: StartSettings) -> None:
        """Raise SendRefused if mail would be held back and the account has no free slot for its recall."""
        if not settings.undo_window_seconds or not self.provider.recallable:
            return
        slots = self.provider.recallable.free_slots()
        if isinstance(slots, NotSent):
            self._refuse_at_provider(slots)
        if slots <= self.queries.held_batches_in_use(self.clock.now()):
            hint = "wait until held mail has left, or send without the undo window: --now"
            raise SendRefused("the account can recall no more batches of mail", hint)

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
            delivery.settle_abandoned(self.ledger, send, self.clock.now(), self.timing)
            if any(status.batch.state == "cancelling" for status in self.queries.held_batches(send)):
                hint = f"finish that first: news cancel {send.issue}, or news resume {send.issue}"
                raise SendRefused("a recall of held mail was requested and is not confirmed yet", hint)
            only = self.numbers_in_state(send, before, addresses) if addresses else None
            return self.ledger.override_state(send, before, after, reason, only)
