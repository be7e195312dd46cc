"""Plan a send: check every guard, and decide to whom it goes; nothing is written."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from newsletter.config.loader import Newsletter
from newsletter.errors import SendRefused
from newsletter.sending import guards
from newsletter.sending.hold_policy import SendTimings, cancel_deadline, leave_time
from newsletter.sending.interfaces import Clock, Provider
from newsletter.sending.model import SUBSCRIBERS, ChunkState, Counts, Send, SendOptions, StartSettings
from newsletter.sending.start import find_started
from newsletter.services.prepare import Prepared
from newsletter.services.send_plan import ListChange, SendPlan
from newsletter.state.secret_key import find_secret_key, fingerprint
from newsletter.store.database import Database
from newsletter.store.ledger_queries import LedgerQueries
from newsletter.store.subscribers import Subscribers


class SendPlanner:
    """The planner of one newsletter's sends through one provider; it only reads the database."""

    def __init__(
        self,
        newsletter: Newsletter,
        database: Database,
        provider: Provider,
        clock: Clock,
        timing: SendTimings,
        pull_first: Callable[[Prepared], None],
    ) -> None:
        """Take the parts; each plan first calls `pull_first`, which reads who left elsewhere, or refuses."""
        self.newsletter, self.provider, self.clock = newsletter, provider, clock
        self.timing, self._pull_first = timing, pull_first
        self.queries = LedgerQueries(database, clock.now)
        self.subscribers = Subscribers(database)

    def find_started(self, prepared: Prepared) -> tuple[Send | None, Counts]:
        """Return the started send of an issue with its counts, or None with the counts of a new send.

        Raise SendRefused if it was started with different content, through another provider or with another
        key, and a new send cannot replace it.
        """
        key_fingerprint = self.key_fingerprint(prepared)
        if send := find_started(prepared.mailing, self.queries, self.provider, key_fingerprint):
            return send, self.queries.counts(send)
        active = self.subscribers.count_active()
        return None, Counts(recipients=active, waiting=active)

    def plan(self, prepared: Prepared, options: SendOptions | None = None) -> SendPlan:
        """Plan the send of an issue, or the continuation of its started send.

        Raise SendRefused if `pull_first` does, the issue has errors, its content, provider or key differs
        from that of the started send, the list is another one, is empty or has changed too much, the send is
        halted, options exclude each other, one comes too late, or the provider cannot schedule mail for
        `send_at`.
        """
        self._pull_first(prepared)
        options = options or SendOptions()
        self.refuse_errors(prepared)
        if options.conflict:
            raise SendRefused(options.conflict, "leave out one of them")
        guards.refuse_schedule(options.send_at, self.clock.now(), self.provider)
        send, counts = self.find_started(prepared)
        guards.refuse_late_options(send, options)
        change = None
        if send is None:
            guards.refuse_empty_list(counts.recipients)
            previous = self._previous_send(prepared.issue.name)
            if previous:
                guards.refuse_other_list(previous, prepared.mailing, self.queries)
            if previous and not options.list_changed:
                max_share = self.newsletter.config.send.change_share
                guards.refuse_list_change(previous.recipients, counts.recipients, max_share)
            change = self._list_change(previous, counts.recipients) if previous else None
        guards.refuse_halted(send, counts)
        settings, now = self._settings(options), self.clock.now()
        plan = SendPlan("start", prepared, settings, send, counts, counts.waiting, now, list_change=change)
        return self._with_deadlines(plan)

    def plan_resume(self, prepared: Prepared, send: Send) -> SendPlan:
        """Plan the continuation of a started send, even if it was cancelled or waits for a go-ahead.

        Raise SendRefused if `pull_first` does, the issue has errors, or its content, provider or key differs
        from the send's.
        """
        self._pull_first(prepared)
        send = self.reread(send)
        self._refuse_continuation(prepared, send)
        counts = self.queries.counts(send)
        rest, now = counts.waiting + counts.cancelled, self.clock.now()
        return self._with_deadlines(SendPlan("resume", prepared, StartSettings(), send, counts, rest, now))

    def plan_retry(self, prepared: Prepared, send: Send, addresses: Sequence[str] = ()) -> SendPlan:
        """Plan another attempt for a send's refused recipients, all or the named ones, and its waiting ones.

        Raise SendRefused as `plan_resume` does, and if the send is halted, no recipient was refused, or a
        named one was not.
        """
        self._pull_first(prepared)
        send = self.reread(send)
        counts = self.queries.counts(send)
        guards.refuse_halted(send, counts)
        self._refuse_continuation(prepared, send)
        refused = self.count(send, "refused", addresses)
        if not refused:
            hint = f"news status {send.issue}"
            raise SendRefused(f"nobody was refused in the send of {send.issue}", hint)
        rest, now = refused + counts.waiting, self.clock.now()
        plan = SendPlan("retry", prepared, StartSettings(), send, counts, rest, now)
        return self._with_deadlines(replace(plan, addresses=tuple(addresses)))

    def refuse_errors(self, prepared: Prepared) -> None:
        """Raise SendRefused if the issue has errors."""
        guards.refuse_errors(prepared.issue.name, prepared.problems)

    def count(self, send: Send, state: ChunkState, addresses: Sequence[str] = ()) -> int:
        """Count the recipients in a state, all or the named ones.

        Raise SendRefused if a named recipient is not in that state.
        """
        if addresses:
            return len(self.numbers_in_state(send, state, addresses))
        return int(getattr(self.queries.counts(send), state))

    def _settings(self, options: SendOptions) -> StartSettings:
        """Combine the configuration and the options into settings; a scheduled send is always held back."""
        config = self.newsletter.config.send
        held = self.provider.recallable is not None and not options.now
        window = config.undo_window_seconds if held else 0
        window = max(window, 1) if options.send_at else window
        return StartSettings(window, options.send_at, options.canary_size, config.rates)

    def _with_deadlines(self, plan: SendPlan) -> SendPlan:
        """Return the plan with the times at which its mail leaves, and until which it can be cancelled."""
        start, now = plan.send or plan.settings, plan.planned_at
        if plan.action == "resume":
            start = replace(start, canary_size=None)  # its canary ends
        leaves_at = leave_time(start, now)
        if leaves_at is None:
            return plan
        deadline = cancel_deadline(leaves_at, self.timing)
        return replace(plan, leaves_at=leaves_at, cancellable_until=deadline if deadline > now else None)

    def _previous_send(self, issue: str) -> Send | None:
        """Return the newest send of another issue, if any; None for a rehearsal."""
        leaves_machine = self.provider.capabilities.leaves_machine
        return self.queries.before(issue, SUBSCRIBERS) if leaves_machine else None

    def _list_change(self, previous: Send, recipients: int) -> ListChange:
        joined = self.queries.joined(previous)
        return ListChange(previous.issue, joined, max(previous.recipients + joined - recipients, 0))

    def _refuse_continuation(self, prepared: Prepared, send: Send) -> None:
        self.refuse_errors(prepared)
        guards.refuse_changed_content(send, prepared.mailing, self.queries, self.provider)
        guards.refuse_other_key(send, self.key_fingerprint(prepared))

    def key_fingerprint(self, prepared: Prepared) -> str | None:
        """Return the fingerprint of this machine's key for an issue; None if it has no key yet."""
        secret = find_secret_key(self.newsletter)
        return fingerprint(secret, prepared.issue.name) if secret else None

    def reread(self, send: Send) -> Send:
        """Return a send, read again from the ledger: another process may have cancelled it meanwhile."""
        return self.queries.find(send.issue, send.list) or send

    def numbers_in_state(self, send: Send, state: ChunkState, addresses: Sequence[str]) -> set[int]:
        """Return the numbers of the named recipients; raise SendRefused if one is not in the state."""
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
