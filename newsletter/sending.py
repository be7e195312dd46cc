"""A newsletter's parts put together for sending: prepared issues, store, provider, secret."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

from newsletter import config, delivery, issues
from newsletter.address import BadAddress, parse
from newsletter.config import Newsletter
from newsletter.delivery import Delivered, Provider
from newsletter.errors import NewsError, SendRefused
from newsletter.models import Counts, Outcome, Send, Subscriber
from newsletter.preparing import Prepared, prepare
from newsletter.providers import open_provider
from newsletter.secret import secret_key
from newsletter.store.database import Database
from newsletter.store.ledger import Ledger
from newsletter.store.subscribers import Subscribers


@dataclass(frozen=True)
class Outlook:
    """Where a send stands before it goes on: what was started, and how many are still to get it."""

    send: Send | None
    counts: Counts


class Sending:
    """One newsletter with its store and a provider; use `Sending.open`."""

    def __init__(self, newsletter: Newsletter, database: Database, provider: Provider) -> None:
        self.newsletter = newsletter
        self.provider = provider
        self.ledger = Ledger(database)
        self.subscribers = Subscribers(database)

    @classmethod
    @contextmanager
    def open(
        cls, newsletter: Newsletter, provider_name: str | None = None, *, to_send: bool = True
    ) -> Iterator["Sending"]:
        """Opens the store and the provider, and closes both.

        Raises SendRefused where a send would leave the machine and its ledger would not outlive it.
        """
        newsletter = config.with_provider(newsletter, provider_name)
        provider = open_provider(newsletter)
        database = Database.open(newsletter, to_last=to_send and provider.capabilities.leaves_machine)
        try:
            yield cls(newsletter, database, provider)
        finally:
            provider.close()
            database.close()

    @cached_property
    def secret(self) -> str:
        """The key that signs this newsletter's links."""
        return secret_key(self.newsletter, leaves_machine=self.provider.capabilities.leaves_machine)

    def prepare(self, name: str | None) -> Prepared:
        """An issue by its name, with what the provider has to say against being used."""
        prepared = prepare(self.newsletter, issues.find(self.newsletter.issues, name))
        prepared.problems.extend(self.provider.check())
        return prepared

    def due(self, broken: Callable[[NewsError], None]) -> list[Prepared]:
        """The issues that automation may send now: ready, not in the future, not finished; oldest first.

        A file that cannot be read or rendered is told to `broken` and keeps no other issue from going out.
        """
        today, due = datetime.now(UTC).date(), []
        for path in issues.every(self.newsletter.issues):
            try:
                issue = issues.load(path)
                if issue.ready and issue.date <= today and not self._finished(issue.name):
                    due.append(self.prepare(issue.name))
            except NewsError as error:
                broken(error)
        return [one for one in due if not self.outlook(one).counts.complete]

    def outlook(self, prepared: Prepared) -> Outlook:
        """Who would get it now; raises SendRefused where the send must not start or go on."""
        send = delivery.resumable(prepared.mailing, self.ledger, self.provider)
        if send:
            return Outlook(send, self.ledger.counts(send))
        active = self.subscribers.active()
        return Outlook(None, Counts(recipients=active, waiting=active))

    def run(self, prepared: Prepared, stopped: Callable[[], bool]) -> Iterator[Delivered]:
        """Sends what is certainly unsent, and yields what came of each call."""
        send = delivery.start(prepared.mailing, self.ledger, self.provider)
        yield from delivery.deliver(send, prepared.mailing, self.ledger, self.provider, self.secret, stopped)

    def test(self, prepared: Prepared, address: str) -> Outcome:
        """One message, marked as a test, to an address of any kind."""
        try:
            to = Subscriber(0, parse(address).given)
        except BadAddress as problem:
            raise SendRefused(f'no email address ("{address}"): {problem}', "correct it") from None
        now = datetime.now(UTC)
        return delivery.deliver_test(prepared.mailing, to, self.provider, self.secret, now)

    def _finished(self, issue: str) -> bool:
        send = self.ledger.find(issue, delivery.SUBSCRIBERS)
        return bool(send and send.finished_at and self.provider.capabilities.leaves_machine)
