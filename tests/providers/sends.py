"""Whole sends through a provider over the real ledger."""

from collections.abc import Iterable
from contextlib import closing
from datetime import UTC, datetime

from newsletter.config.loader import Newsletter
from newsletter.providers.factory import open_provider
from newsletter.sending.events import Event, Stopped
from newsletter.sending.model import Counts
from newsletter.services.send import SendService
from newsletter.store.database import Database
from newsletter.store.subscribers import Subscribers
from newsletter.subscribers.parsing import parse_subscriber
from tests.fakes.provider import FakeClock


def reader(number: int) -> str:
    return f"reader{number}@example.com"


def send(newsletter: Newsletter, addresses: Iterable[str]) -> tuple[list[Event], Counts]:
    """Send the sample issue to these addresses; return the events, and the counts at the end."""
    provider, database = open_provider(newsletter), Database.open(newsletter)
    service = SendService(newsletter, database, provider, FakeClock(datetime.now(UTC)))
    with closing(service), closing(provider):
        subscribers = Subscribers(database)
        for address in addresses:
            subscribers.add(parse_subscriber(address)[0])
        started = service.start(service.plan(service.prepare("2026-04-27")))
        events = list(service.deliver(started, lambda: False))
        return events, service.queries.counts(started.send)


def stops(events: list[Event]) -> list[str]:
    """Return the reasons for which a send stopped."""
    return [event.reason for event in events if isinstance(event, Stopped)]
