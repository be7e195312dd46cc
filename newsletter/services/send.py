"""Send an issue: prepare it, plan the send if every guard permits it, start it, and deliver it."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import cached_property

from newsletter.config import loader
from newsletter.config.loader import Newsletter
from newsletter.display import counted
from newsletter.errors import SendRefused
from newsletter.issue import files
from newsletter.issue.model import Issue
from newsletter.providers.factory import open_provider
from newsletter.sending import delivery, guards
from newsletter.sending.cancel import cancel
from newsletter.sending.clock import SystemClock
from newsletter.sending.delivery import Delivery, DeliverySettings
from newsletter.sending.events import Event
from newsletter.sending.hold_policy import SendTimings
from newsletter.sending.interfaces import Clock, Provider
from newsletter.sending.model import SUBSCRIBERS, ChunkState, Counts, Send, SendOptions, StartSettings
from newsletter.sending.outcomes import NotSent, Outcome
from newsletter.sending.start import claim_send, find_started
from newsletter.services.prepare import Prepared, prepare
from newsletter.services.send_plan import ListChange, SendPlan, StartedSend
from newsletter.services.status import SendStatus, send_status
from newsletter.state.secret_key import secret_key
from newsletter.store.database import Database
from newsletter.store.journal import SendProcess
from newsletter.store.ledger import Ledger
from newsletter.store.ledger_queries import LedgerQueries
from newsletter.store.process_lock import require_locks
from newsletter.store.subscribers import Subscribers
from newsletter.subscribers.model import Subscriber

log = logging.getLogger(__name__)


class SendService:
    """The sends of one newsletter, over its store and a provider; use `SendService.open`."""

    def __init__(
        self,
        newsletter: Newsletter,
        database: Database,
        provider: Provider,
        clock: Clock,
        timing: SendTimings | None = None,
    ) -> None:
        self.newsletter, self.provider, self.clock = newsletter, provider, clock
        self.queries = LedgerQueries(database, clock.now)
        self.subscribers = Subscribers(database)
        self._database = database
        self.timing = timing or SendTimings()
        self._process: SendProcess | None = None

    @classmethod
    @contextmanager
    def open_for(cls, newsletter: Newsletter, issue: str) -> Iterator[tuple["SendService", Send]]:
        """Open the service with the provider that an issue's send was started through; yield both.

        Raise SendRefused where the issue was never sent.
        """
        with closing(Database.open(newsletter)) as database:
            send = LedgerQueries(database).newest(issue, SUBSCRIBERS)
        if send is None or send.state == "superseded":
            raise SendRefused(f"{issue} was never sent", f"news send {issue}")
        with cls.open(newsletter, send.provider) as service:
            yield service, send

    @classmethod
    @contextmanager
    def open(
        cls, newsletter: Newsletter, provider_name: str | None = None, *, to_send: bool = True
    ) -> Iterator["SendService"]:
        """Open the store and the provider; close both after the block.

        Raise SendRefused if mail would leave the machine but the ledger would be deleted with it (in CI), and
        Unavailable on a system without the locks that prevent two processes from sending the same issue.
        """
        require_locks()
        newsletter = loader.with_provider(newsletter, provider_name)
        provider = open_provider(newsletter)
        database = Database.open(newsletter, to_last=to_send and provider.capabilities.leaves_machine)
        clock_offset = database.clock_offset()
        log.info(
            "provider opened", extra={"provider": provider.name, "clock_offset": clock_offset.total_seconds()}
        )
        service = cls(newsletter, database, provider, SystemClock(clock_offset))
        try:
            yield service
        finally:
            service.close()

    def close(self) -> None:
        """End this process's part in sends, and close the provider and the store."""
        if self._process:
            self._process.close()
        self.provider.close()
        self._database.close()

    def prepare(self, name: str | None) -> Prepared:
        """Load, render and check an issue, the newest without a name; the provider's problems are added."""
        return self.prepare_issue(files.load(files.find(self.newsletter.issues, name)))

    def prepare_issue(self, issue: Issue) -> Prepared:
        """Render and check a loaded issue; the provider's problems are added."""
        prepared = prepare(self.newsletter, issue)
        return replace(prepared, problems=(*prepared.problems, *self.provider.check()))

    def find_started(self, prepared: Prepared) -> tuple[Send | None, Counts]:
        """Return the started send of an issue with its counts, or None with the counts of a new send.

        Raise SendRefused if it was started with different content or through another provider.
        """
        if send := find_started(prepared.mailing, self.queries, self.provider):
            return send, self.queries.counts(send)
        active = self.subscribers.count_active()
        return None, Counts(recipients=active, waiting=active)

    def plan(self, prepared: Prepared, options: SendOptions | None = None) -> SendPlan:
        """Plan the send of an issue, or the continuation of its started send.

        Raise SendRefused for an issue with errors, different content than the send was started with, an empty
        list, a list that changed too much, a halted send, options that come too late, and a time that mail
        cannot be scheduled for.
        """
        options = options or SendOptions()
        self.refuse_errors(prepared)
        guards.refuse_schedule(options.send_at, self.clock.now(), self.provider)
        send, counts = self.find_started(prepared)
        guards.refuse_late_options(send, options)
        change = None
        if send is None:
            guards.refuse_empty_list(counts.recipients)
            previous = self._previous_send(prepared.issue.name)
            if previous and not options.list_changed:
                max_share = self.newsletter.config.send.change_share
                guards.refuse_list_change(previous.recipients, counts.recipients, max_share)
            change = self._list_change(previous, counts.recipients) if previous else None
        guards.refuse_halted(send, counts)
        settings = self._settings(options)
        return SendPlan("start", prepared, settings, send, counts, counts.waiting, list_change=change)

    def plan_resume(self, prepared: Prepared, send: Send) -> SendPlan:
        """Plan to continue a started send, also one that was cancelled or waits for a go-ahead.

        Raise SendRefused for an issue with errors, or different content than the send was started with.
        """
        send = self._reread(send)
        self._refuse_continuation(prepared, send)
        counts = self.queries.counts(send)
        rest = counts.waiting + counts.cancelled
        return SendPlan("resume", prepared, StartSettings(), send, counts, rest)

    def plan_retry(self, prepared: Prepared, send: Send, addresses: Sequence[str] = ()) -> SendPlan:
        """Plan to try refused recipients again, the named ones or all, together with those who wait.

        Raise SendRefused as `plan_resume` does, for a halted send, and where nobody was refused.
        """
        send = self._reread(send)
        counts = self.queries.counts(send)
        guards.refuse_halted(send, counts)
        self._refuse_continuation(prepared, send)
        refused = self.count(send, "refused", addresses)
        if not refused:
            hint = f"news status {send.issue}"
            raise SendRefused(f"nobody was refused in the send of {send.issue}", hint)
        rest = refused + counts.waiting
        return SendPlan("retry", prepared, StartSettings(), send, counts, rest, addresses=tuple(addresses))

    def start(self, plan: SendPlan, *, exact: bool = True) -> StartedSend:
        """Carry out a plan: claim the issue and plan its recipients into chunks, or reopen the started send.

        Raise SendRefused where the key or a slot for held mail is missing, and, if `exact`, where the number
        of recipients is not the planned one any more. Nothing is claimed then.
        """
        _ = self.secret  # before the claim: without it nothing can be sent
        mailing = plan.prepared.mailing
        if plan.send and plan.action == "resume":
            return StartedSend(self._reopen(plan.send) if plan.recipients else plan.send, mailing)
        if plan.send and plan.action == "retry":
            self._override_state(plan.send, "refused", "waiting", "to be tried again", plan.addresses)
            return StartedSend(plan.send, mailing)
        self._refuse_missing_slots(plan.settings)
        send = claim_send(mailing, self.ledger, self.provider, plan.settings)
        if exact and plan.send is None and send.recipients != plan.counts.recipients:
            self.ledger.delete_unsent_plan(send)
            recipients = counted(send.recipients, "recipient")
            raise SendRefused(f"the list has changed: {recipients} now; nothing was sent", "run it again")
        return StartedSend(send, mailing)

    def deliver(self, started: StartedSend, stopped: Callable[[], bool]) -> Iterator[Event]:
        """Deliver to the waiting recipients; yield the events.

        Raise SendRefused if another process holds the lease.
        """
        settings = self.newsletter.config.send
        delivery_settings = DeliverySettings(
            rates=settings.rates if self.provider.capabilities.leaves_machine else (),
            stop_when_refused=settings.refused_share,
            in_flight=self.provider.capabilities.in_flight,
            timing=self.timing,
        )
        with self._leased(started.send):
            parts = (started.mailing, self.ledger, self.provider, self.secret, self.clock)
            yield from Delivery(started.send, *parts, delivery_settings, stopped).run()

    def cancel(self, send: Send, stopped: Callable[[], bool]) -> Iterator[Event]:
        """Cancel a send: begin nothing more and recall its held batches; yield the events."""
        with self._released(send):
            yield from cancel(send, self.ledger, self.provider.recallable, self.clock, self.timing, stopped)

    def resolve(self, send: Send, *, sent: bool, addresses: Sequence[str] = ()) -> int:
        """Record the unknown recipients, all or the named ones, as accepted or waiting; return how many."""
        state: ChunkState = "accepted" if sent else "waiting"
        reason = "assumed sent" if sent else "assumed unsent"
        return self._override_state(send, "unknown", state, reason, addresses)

    def refuse_errors(self, prepared: Prepared) -> None:
        """Raise SendRefused for an issue with errors, as `plan` and `test` do."""
        guards.refuse_errors(prepared.issue.name, prepared.problems)

    def test(self, prepared: Prepared, address: str) -> Outcome:
        """Send one message, marked as a test, to an address that need not be a subscriber's.

        Raise SendRefused for an issue with errors.
        """
        self.refuse_errors(prepared)
        recipient = Subscriber(0, address, number=1)
        return delivery.deliver_test(
            prepared.mailing, recipient, self.provider, self.secret, self.clock.now()
        )

    def settle_abandoned(self, send: Send) -> None:
        """Settle the attempts that were under way when an earlier process ended, by its notes."""
        with self._leased(send):
            delivery.settle_abandoned(self.ledger, send, self.clock.now(), self.timing)

    def status(self, send: Send) -> SendStatus:
        """Return the status of a send, read again from the ledger."""
        return send_status(self.newsletter, self.queries, send, self.clock.now(), self.timing)

    def count(self, send: Send, state: ChunkState, addresses: Sequence[str] = ()) -> int:
        """Count the recipients in a state, all or the named ones.

        Raise SendRefused where a named one is not in that state.
        """
        if addresses:
            return len(self._numbers(send, state, addresses))
        return int(getattr(self.queries.counts(send), state))

    @cached_property
    def ledger(self) -> Ledger:
        """Return the ledger through which this process writes."""
        self._process = SendProcess(self.newsletter.runs)
        return Ledger(self._database, self._process, self.clock.now)

    @cached_property
    def secret(self) -> str:
        """Return the key that signs unsubscribe links; raise SendRefused if a send must not rely on it."""
        return secret_key(self.newsletter, leaves_machine=self.provider.capabilities.leaves_machine)

    def _settings(self, options: SendOptions) -> StartSettings:
        """Combine the configuration with the options; a scheduled send is always held back."""
        config = self.newsletter.config.send
        held = self.provider.recallable is not None and not options.now
        window = config.undo_window_seconds if held else 0
        window = max(window, 1) if options.send_at else window
        return StartSettings(window, options.send_at, options.canary_size, config.rates)

    def _previous_send(self, issue: str) -> Send | None:
        """Return the send of the issue before this one; a rehearsal has none."""
        leaves_machine = self.provider.capabilities.leaves_machine
        return self.queries.before(issue, SUBSCRIBERS) if leaves_machine else None

    def _list_change(self, previous: Send, recipients: int) -> ListChange:
        joined = self.queries.joined(previous)
        return ListChange(previous.issue, joined, max(previous.recipients + joined - recipients, 0))

    def _refuse_continuation(self, prepared: Prepared, send: Send) -> None:
        self.refuse_errors(prepared)
        guards.refuse_changed_content(send, prepared.mailing, self.queries, self.provider)

    def _refuse_missing_slots(self, settings: StartSettings) -> None:
        """Refuse to hold mail back that the account could not recall."""
        if not settings.undo_window_seconds or not self.provider.recallable:
            return
        slots = self.provider.recallable.free_slots()
        if isinstance(slots, NotSent):
            what = f"{self.provider.name} said, before anything was sent: {slots.reason}"
            raise SendRefused(what, "correct this, then run the same command again")
        if slots <= self.queries.held_batches_in_use(self.clock.now()):
            hint = "wait until held mail has left, or send without the undo window: --now"
            raise SendRefused("the account can recall no more batches of mail", hint)

    def _reopen(self, send: Send) -> Send:
        """Reopen a send that was cancelled or that waits for a go-ahead."""
        with self._leased(send):
            self.ledger.resume(send)
        return self._reread(send)

    def _reread(self, send: Send) -> Send:
        """Return a send as the ledger has it now: another process may have cancelled it meanwhile."""
        return self.queries.find(send.issue, send.list) or send

    def _override_state(
        self, send: Send, before: ChunkState, after: ChunkState, reason: str, addresses: Sequence[str]
    ) -> int:
        """Move recipients from one state to another, all or the named ones; return how many."""
        with self._leased(send):
            delivery.settle_abandoned(self.ledger, send, self.clock.now(), self.timing)
            if any(status.batch.state == "cancelling" for status in self.queries.held_batches(send)):
                hint = f"finish that first: news cancel {send.issue}, or news resume {send.issue}"
                raise SendRefused("a recall of held mail was requested and is not confirmed yet", hint)
            only = self._numbers(send, before, addresses) if addresses else None
            return self.ledger.override_state(send, before, after, reason, only)

    def _numbers(self, send: Send, state: ChunkState, addresses: Sequence[str]) -> set[int]:
        """Return the numbers of the named recipients; raise SendRefused where one is not in the state."""
        wanted = {address.lower() for address in addresses}
        numbers = {
            address.lower(): number
            for number, address, _ in self.queries.recipients(send, state)
            if address.lower() in wanted
        }
        if missing := sorted(wanted - set(numbers)):
            raise SendRefused(
                f"not {state} in the send of {send.issue}: {', '.join(missing)}",
                f"see: news status {send.issue} --list {state}",
            )
        return set(numbers.values())

    @contextmanager
    def _leased(self, send: Send) -> Iterator[None]:
        """Hold the lease on a send for the block; raise SendRefused where another process has it."""
        self.ledger.acquire_lease(send, self.timing.lease)
        with self._released(send):
            yield

    @contextmanager
    def _released(self, send: Send) -> Iterator[None]:
        """Release the lease on a send after the block."""
        try:
            yield
        except KeyboardInterrupt:
            raise  # attempts are under way still: the lease ends with this process
        except BaseException:
            self.ledger.release_lease(send)
            raise
        self.ledger.release_lease(send)
