"""A newsletter's parts put together for sending: prepared issues, store, provider, secret, clock."""

import logging
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property

from newsletter.config import loader
from newsletter.config.loader import Newsletter
from newsletter.display import counted
from newsletter.errors import NewsError, SendRefused
from newsletter.issue import files
from newsletter.issue.model import Issue
from newsletter.providers.factory import open_provider
from newsletter.sending import delivery, start
from newsletter.sending.cancel import cancel
from newsletter.sending.clock import SystemClock
from newsletter.sending.delivery import Delivery, DeliverySettings
from newsletter.sending.events import Event
from newsletter.sending.hold_policy import SendTimings
from newsletter.sending.interfaces import Clock, Provider
from newsletter.sending.model import SUBSCRIBERS, ChunkState, Counts, Send
from newsletter.sending.outcomes import NotSent, Outcome
from newsletter.sending.start import SendOptions
from newsletter.services.prepare import Prepared, prepare
from newsletter.state.secret_key import secret_key
from newsletter.store.database import Database
from newsletter.store.journal import SendProcess
from newsletter.store.ledger import Ledger
from newsletter.store.ledger_queries import LedgerQueries
from newsletter.store.process_lock import require_locks
from newsletter.store.subscribers import Subscribers
from newsletter.subscribers.model import Subscriber

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outlook:
    """Where a send stands before it goes on: what was started, and how many are still to get it."""

    send: Send | None
    counts: Counts


class Sending:
    """One newsletter with its store and a provider; use `Sending.open`."""

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
    def open_for(cls, newsletter: Newsletter, issue: str) -> Iterator[tuple["Sending", Send]]:
        """A send that was started, with the provider that it was started through; raises SendRefused."""
        with closing(Database.open(newsletter)) as database:
            found = LedgerQueries(database).newest(issue, SUBSCRIBERS)
        if found is None or found.state == "superseded":
            raise SendRefused(f"{issue} was never sent", f"news send --issue {issue}")
        with cls.open(newsletter, found.provider) as sending:
            yield sending, found

    @classmethod
    @contextmanager
    def open(
        cls, newsletter: Newsletter, provider_name: str | None = None, *, to_send: bool = True
    ) -> Iterator["Sending"]:
        """Opens the store and the provider, and closes both.

        Raises SendRefused where a send would leave the machine and its ledger would not outlive it, and
        Unavailable on a system without the locks that keep two processes from sending at once.
        """
        require_locks()
        newsletter = loader.with_provider(newsletter, provider_name)
        provider = open_provider(newsletter)
        database = Database.open(newsletter, to_last=to_send and provider.capabilities.leaves_machine)
        clock_offset = database.clock_offset()
        log.info(
            "provider opened", extra={"provider": provider.name, "clock_offset": clock_offset.total_seconds()}
        )
        sending = cls(newsletter, database, provider, SystemClock(clock_offset))
        try:
            yield sending
        finally:
            sending.close()

    def close(self) -> None:
        """Ends the run, and gives back what was opened."""
        if self._process:
            self._process.close()
        self.provider.close()
        self._database.close()

    @cached_property
    def ledger(self) -> Ledger:
        """The ledger to write to, as a run of this process."""
        self._process = SendProcess(self.newsletter.runs)
        return Ledger(self._database, self._process, self.clock.now)

    @cached_property
    def secret(self) -> str:
        """The key that signs this newsletter's links; raises SendRefused where there is none to rely on."""
        return secret_key(self.newsletter, leaves_machine=self.provider.capabilities.leaves_machine)

    def options(self, *, now: bool, at: datetime | None, canary: int | None) -> SendOptions:
        """How the configuration and somebody's options want a send to be started.

        Raises SendRefused for a moment that mail cannot be scheduled for.
        """
        start.refuse_time(at, self.clock.now(), self.provider)
        settings = self.newsletter.config.send
        window = 0 if now or self.provider.recallable is None else settings.undo_window_seconds
        return SendOptions(max(window, 1) if at else window, at, canary, settings.rates, now)

    def prepare(self, name: str | None) -> Prepared:
        """An issue by its name, with what the provider has to say against being used."""
        return self._prepared(files.load(files.find(self.newsletter.issues, name)))

    def due(self) -> Iterator[Prepared | NewsError]:
        """The issues that automation may send now: ready, not in the future, somebody waiting; oldest first.

        What cannot be read, rendered or gone on with comes as its error, and keeps no other from going out.
        What was called back, or waits for a go-ahead, is for a person to go on with.
        """
        for path in files.issue_files(self.newsletter.issues):
            try:
                issue = files.load(path)
                if issue.ready and issue.date <= datetime.now(UTC).date() and not self._done(issue.name):
                    prepared = self._prepared(issue)
                    outlook = self.outlook(prepared)
                    counts = outlook.counts
                    if counts.waiting or counts.under_way or (outlook.send and self._mendable(outlook.send)):
                        yield prepared
            except NewsError as error:
                yield error

    def outlook(self, prepared: Prepared) -> Outlook:
        """Who would get it now; raises SendRefused where the send must not start or go on."""
        if send := start.find_started(prepared.mailing, self.queries, self.provider):
            return Outlook(send, self.queries.counts(send))
        active = self.subscribers.count_active()
        return Outlook(None, Counts(recipients=active, waiting=active))

    def refuse_list(self, outlook: Outlook, issue: str) -> None:
        """Raises SendRefused where the list has changed much since the last issue, before a send starts."""
        if outlook.send or not self.provider.capabilities.leaves_machine:
            return
        last = self.queries.before(issue, SUBSCRIBERS)
        share = self.newsletter.config.send.change_share
        start.refuse_list(last.recipients if last else None, outlook.counts.recipients, share)

    def refuse_difference(self, prepared: Prepared, send: Send) -> None:
        """Raises SendRefused where an issue is not what a send was started with any more."""
        start.refuse_difference(send, prepared.mailing, self.queries, self.provider)

    def start(self, prepared: Prepared, options: SendOptions, agreed: Outlook | None = None) -> Send:
        """Claims the issue and plans who gets it, if these are as many as somebody has `agreed` to.

        Raises SendRefused, and nothing is claimed then.
        """
        _ = self.secret  # before the claim: without it nothing can be sent
        if options.undo_window_seconds and self.provider.recallable:
            slots = self.provider.recallable.free_slots()
            if isinstance(slots, NotSent):
                what = f"{self.provider.name} said, before anything was sent: {slots.reason}"
                raise SendRefused(what, "mend that, then run the same command again")
            if slots <= self.queries.held_batches_in_use(self.clock.now()):
                hint = "wait until what is held back has left, or send without the undo window: --now"
                raise SendRefused("the account could call back no more batches of mail", hint)
        send = start.start(prepared.mailing, self.ledger, self.provider, options)
        if agreed and agreed.send is None and send.recipients != agreed.counts.recipients:
            self.ledger.delete_unsent_plan(send)
            recipients = counted(send.recipients, "recipient")
            what = f"the list has changed meanwhile: {recipients} now; nothing was sent"
            raise SendRefused(what, "run it again")
        return send

    def deliver(self, send: Send, prepared: Prepared, stopped: Callable[[], bool]) -> Iterator[Event]:
        """Sends what is certainly unsent, and says how it goes; raises SendRefused while another run does."""
        settings = self.newsletter.config.send
        manner = DeliverySettings(
            rates=settings.rates if self.provider.capabilities.leaves_machine else (),
            stop_when_refused=settings.refused_share,
            in_flight=self.provider.capabilities.in_flight,
            timing=self.timing,
        )
        with self._leased(send):
            parts = (prepared.mailing, self.ledger, self.provider, self.secret, self.clock)
            yield from Delivery(send, *parts, manner, stopped).run()

    def cancel(self, send: Send, stopped: Callable[[], bool]) -> Iterator[Event]:
        """Calls a send back."""
        with self._released(send):
            yield from cancel(send, self.ledger, self.provider.recallable, self.clock, self.timing, stopped)

    def resume(self, send: Send) -> Send:
        """A send that was called back, or waits for a go-ahead, may go on."""
        with self._leased(send):
            self.ledger.resume(send)
        return self.queries.find(send.issue, send.list) or send

    def settle_adrift(self, send: Send) -> None:
        """Settles what was under way when an earlier run ended, as far as its notes say what came of it."""
        with self._leased(send):
            delivery.settle_abandoned(self.ledger, send, self.clock.now())

    def count(self, send: Send, state: ChunkState, addresses: list[str] | None = None) -> int:
        """How many are in a state, all or those named; raises SendRefused where somebody named is not."""
        if addresses:
            return len(self._numbers(send, state, addresses))
        return int(getattr(self.queries.counts(send), state))

    def override_state(
        self, send: Send, found: ChunkState, to: ChunkState, reason: str, addresses: list[str] | None = None
    ) -> int:
        """Puts recipients who are in one state into another, all or those named; says how many."""
        with self._leased(send):
            delivery.settle_abandoned(self.ledger, send, self.clock.now())
            if any(one.batch.state == "cancelling" for one in self.queries.held_batches(send)):
                hint = f"finish that first: news cancel --issue {send.issue}, or news resume"
                raise SendRefused("some of it is being called back, and not yet known to be", hint)
            only = None if not addresses else self._numbers(send, found, addresses)
            return self.ledger.override_state(send, found, to, reason, only)

    def test(self, prepared: Prepared, address: str) -> Outcome:
        """One message, marked as a test, to an address that need not be a subscriber's."""
        to = Subscriber(0, address, number=1)
        return delivery.deliver_test(prepared.mailing, to, self.provider, self.secret, self.clock.now())

    @contextmanager
    def _leased(self, send: Send) -> Iterator[None]:
        """This process alone goes on with a send while the block lasts; raises SendRefused."""
        self.ledger.acquire_lease(send, self.timing.lease)
        with self._released(send):
            yield

    @contextmanager
    def _released(self, send: Send) -> Iterator[None]:
        """Others may go on with a send after the block."""
        try:
            yield
        except KeyboardInterrupt:
            raise  # what is under way is not over: the claim ends with this process
        except BaseException:
            self.ledger.release_lease(send)
            raise
        self.ledger.release_lease(send)

    def _numbers(self, send: Send, state: ChunkState, addresses: list[str]) -> set[int]:
        wanted = {one.lower() for one in addresses}
        found = {
            a.lower(): number for number, a, _ in self.queries.recipients(send, state) if a.lower() in wanted
        }
        if missing := sorted(wanted - set(found)):
            raise SendRefused(
                f"not {state} in the send of {send.issue}: {', '.join(missing)}",
                f"see: news status --issue {send.issue} --list {state}",
            )
        return set(found.values())

    def _prepared(self, issue: Issue) -> Prepared:
        prepared = prepare(self.newsletter, issue)
        return replace(prepared, problems=(*prepared.problems, *self.provider.check()))

    def _done(self, issue: str) -> bool:
        """Nobody is waiting for it; what was edited since then is of no interest any more."""
        if not self.provider.capabilities.leaves_machine:
            return False
        send = self.queries.find(issue, SUBSCRIBERS)
        if send is None:
            return False
        counts = self.queries.counts(send)
        if send.state == "cancelled":
            return not counts.nobody_has_it
        rest = counts.waiting or counts.under_way or self._mendable(send)
        return send.canary_size is not None or not rest

    def _mendable(self, send: Send) -> bool:
        """Whether something unknown is held back that can still be called back."""
        now = self.clock.now()
        batches = self.queries.held_batches(send)
        return any(one.batch.send_at > now and (one.unknown or one.intended) for one in batches)
