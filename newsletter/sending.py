"""A newsletter's parts put together for sending: prepared issues, store, provider, secret."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property

from newsletter import config, delivery, issues
from newsletter.config import Newsletter
from newsletter.delivery import Delivered, Provider
from newsletter.errors import NewsError, SendRefused
from newsletter.models import Counts, Issue, Outcome, Send, Subscriber
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
        """The key that signs this newsletter's links; raises SendRefused where there is none to rely on."""
        return secret_key(self.newsletter, leaves_machine=self.provider.capabilities.leaves_machine)

    def prepare(self, name: str | None) -> Prepared:
        """An issue by its name, with what the provider has to say against being used."""
        return self._prepared(issues.load(issues.find(self.newsletter.issues, name)))

    def due(self) -> Iterator[Prepared | NewsError]:
        """The issues that automation may send now: ready, not in the future, somebody waiting; oldest first.

        What cannot be read, rendered or gone on with comes as its error, and keeps no other from going out.
        """
        for path in issues.every(self.newsletter.issues):
            try:
                issue = issues.load(path)
                if issue.ready and issue.date <= datetime.now(UTC).date() and not self._done(issue.name):
                    prepared = self._prepared(issue)
                    if self.outlook(prepared).counts.waiting:
                        yield prepared
            except NewsError as error:
                yield error

    def outlook(self, prepared: Prepared) -> Outlook:
        """Who would get it now; raises SendRefused where the send must not start or go on."""
        if send := delivery.started(prepared.mailing, self.ledger, self.provider):
            return Outlook(send, self.ledger.counts(send))
        active = self.subscribers.active()
        return Outlook(None, Counts(recipients=active, waiting=active))

    def start(self, prepared: Prepared, agreed: Outlook | None = None) -> Send:
        """Claims the issue and plans who gets it, if these are as many as somebody has `agreed` to.

        Raises SendRefused, and nothing is claimed then.
        """
        _ = self.secret  # before the claim: without it nothing can be sent
        send = delivery.start(prepared.mailing, self.ledger, self.provider)
        if agreed and agreed.send is None and send.recipients != agreed.counts.recipients:
            self.ledger.withdraw(send)
            what = f"the list has changed meanwhile: {send.recipients:,} recipients now; nothing was sent"
            raise SendRefused(what, "run it again")
        return send

    def deliver(self, send: Send, prepared: Prepared, stopped: Callable[[], bool]) -> Iterator[Delivered]:
        """Sends what is certainly unsent, and yields what came of each call."""
        return delivery.deliver(send, prepared.mailing, self.ledger, self.provider, self.secret, stopped)

    def test(self, prepared: Prepared, address: str) -> Outcome:
        """One message, marked as a test, to an address that need not be a subscriber's."""
        now = datetime.now(UTC)
        return delivery.deliver_test(
            prepared.mailing, Subscriber(0, address), self.provider, self.secret, now
        )

    def _prepared(self, issue: Issue) -> Prepared:
        prepared = prepare(self.newsletter, issue)
        return replace(prepared, problems=(*prepared.problems, *self.provider.check()))

    def _done(self, issue: str) -> bool:
        """Nobody is waiting for it; what was edited since then is of no interest any more."""
        if not self.provider.capabilities.leaves_machine:
            return False
        send = self.ledger.find(issue, delivery.SUBSCRIBERS)
        return send is not None and not self.ledger.counts(send).waiting
