"""The ledger in SQLite of which copies are published."""

from collections.abc import Callable
from datetime import datetime

from newsletter.sending.publisher import Publisher
from newsletter.sending.synced_ledger import SyncedLedger
from newsletter.store.database import Database
from newsletter.store.journal import SendProcess
from newsletter.store.ledger import Ledger


class PublishedLedger(SyncedLedger, Ledger):
    """A ledger that is published before its process acts (`SyncedLedger`)."""

    def __init__(
        self, database: Database, process: SendProcess, clock: Callable[[], datetime], publisher: Publisher
    ) -> None:
        super().__init__(database, process, clock)
        self.publisher = publisher
