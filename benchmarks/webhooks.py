"""Print the speed at which signed events of SendGrid's webhook are verified, stored and judged.

Each argument is a number of events a request. All events are posted twice, and so are those of a few people
who bounce; the database must have each exactly once. The command fails if one is lost or doubled.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import measure
from sqlalchemy import func, insert, select
from year import Year

from newsletter.providers.sendgrid.webhook import parse, verify
from newsletter.store.database import Database, open_database
from newsletter.store.delivery_events import record
from newsletter.store.schema import delivery_event_table, send_table
from tests import samples
from tests.fakes.sendgrid_webhook import LIST, WebhookSigner, body, event

SIZES, EVENTS, AIM = (1000, 100), 100_000, 5_000
# The events about the messages of an issue, by the position of the recipient.
KINDS: dict[int, dict[str, Any]] = {
    1: {"name": "bounce", "type": "bounce", "status": "5.1.1"},
    2: {"name": "bounce", "type": "blocked", "status": "4.7.1"},
    3: {"name": "spamreport"},
}
_BOUNCED_OF = 100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sizes", nargs="*", type=int, default=SIZES, metavar="EVENTS_A_REQUEST")
    parser.add_argument("--events", type=int, default=EVENTS, help="events, each about a person (100000)")
    arguments = parser.parse_args()
    other_load = measure.OtherLoad()
    exact = [post(size, arguments.events) for size in arguments.sizes]
    busy = f"{other_load.cores():.1f} of {os.cpu_count()} cores"
    print(f"Meanwhile other processes kept {busy} busy; under high load, the times are too long.")
    sys.exit(not all(exact))


def post(size: int, number: int) -> bool:
    """Post events in requests of a size, and then again; return False if the database has not each once."""
    # A request of SendGrid has up to 768 KB, about 2,000 events; each small one waits for the disk.
    aim = f">= {AIM:,}" if size >= SIZES[0] else ""
    measure.row(f"{number:,} events, {size:,} a request", "events/s", "aim")
    with tempfile.TemporaryDirectory() as folder:
        newsletter = samples.newsletter(Path(folder))
        with open_database(newsletter) as database:
            now = datetime.now(UTC)
            Year(newsletter, database, now - timedelta(days=1)).add(number)
            with database.writing() as connection:
                connection.execute(insert(send_table), _send(number, now))
            signer = WebhookSigner()
            requests = list(_requests(signer, number, size, now))
            new = _seconds(database, signer, requests, now)
            stored = _stored(database)
            again = _seconds(database, signer, requests, now)
            lost, doubled = number - stored, _stored(database) - stored
    measure.row("  new: verified, parsed, stored, states changed", f"{number / new:,.0f}", aim)
    measure.row("  the same again", f"{number / again:,.0f}", aim)
    measure.row("  lost, doubled", f"{lost}, {doubled}", "0, 0")
    print()
    return not (lost or doubled)


def _requests(
    signer: WebhookSigner, number: int, size: int, now: datetime
) -> Iterator[tuple[str, str, bytes]]:
    """Yield the signature, the timestamp and the body of each request."""
    for first in range(1, number + 1, size):
        people = range(first, min(first + size, number + 1))
        posted = body(
            [
                event(at=now, subscriber=person, **KINDS.get(person % _BOUNCED_OF, {"name": "delivered"}))
                for person in people
            ]
        )
        yield *signer.sign(posted, now), posted


def _seconds(
    database: Database, signer: WebhookSigner, requests: Sequence[tuple[str, str, bytes]], now: datetime
) -> float:
    begin = time.perf_counter()
    for signature, timestamp, posted in requests:
        verify(signer.public_key, signature, timestamp, posted, now)
        with database.writing() as connection:
            record(connection, parse(posted, LIST).events, now)
    return time.perf_counter() - begin


def _stored(database: Database) -> int:
    with database.reading() as connection:
        return connection.scalar(select(func.count()).select_from(delivery_event_table)) or 0


def _send(recipients: int, now: datetime) -> dict[str, Any]:
    sent = {"issue": "2026-04-27", "list": "subscribers", "content_sha256": "", "provider": "sendgrid"}
    return {**sent, "recipients": recipients, "started_at": now}


if __name__ == "__main__":
    main()
