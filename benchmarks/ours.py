"""A send without a ledger: `delivery` and a provider as in `news send`, but nothing is recorded.

`python benchmarks/ours.py FOLDER RECIPIENTS` sends the issue in a newsletter's folder to generated
recipients, each with their own signed links, and prints the seconds and the number of accepted messages.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import letter

from newsletter.cli.gc_tuning import tune_gc
from newsletter.config import loader
from newsletter.issue import files
from newsletter.mail import message
from newsletter.providers.factory import open_provider
from newsletter.render.pipeline import render
from newsletter.sending.clock import SystemClock
from newsletter.sending.delivery import Delivery, DeliverySettings
from newsletter.sending.model import ChunkResult, ClaimedChunk, Counts, HeldBatch, Send
from newsletter.sending.outcomes import Accepted, Outcome
from newsletter.subscribers.model import Subscriber


def main(folder: Path, recipients: int) -> None:
    newsletter = loader.load(folder, os.environ)
    issue = files.load(folder / "issues" / f"{letter.ISSUE}.yml")
    mailing = message.mailing(issue, render(issue, newsletter.site), newsletter)
    provider = open_provider(newsletter)
    started = datetime.now(UTC)
    send = Send(1, issue.name, "", mailing.sha256, provider.name, recipients, "open", 0, started)
    ledger: Any = NullLedger(provider.capabilities.recipients_per_call)
    settings = DeliverySettings(max_calls=provider.capabilities.max_calls)
    tune_gc()
    start = time.perf_counter()
    for _ in Delivery(send, mailing, ledger, provider, letter.SECRET, SystemClock(), settings).run():
        pass
    provider.close()
    print(json.dumps({"seconds": time.perf_counter() - start, "accepted": ledger.accepted}))


class NullLedger:
    """A ledger (`sending.interfaces.Ledger`) that records nothing and generates recipients."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._last = 0
        self.accepted = 0

    def claim(
        self,
        send: Send,
        limit: int,
        room: int,
        batch: HeldBatch | None,
        lease: timedelta,
        *,
        with_journal: bool,
        lookahead: int = 1,
    ) -> list[ClaimedChunk]:
        claimed: list[ClaimedChunk] = []
        while self._last < send.recipients and len(claimed) < limit:
            first, self._last = self._last + 1, min(self._last + self._size, send.recipients)
            numbers = range(first, self._last + 1)
            recipients = tuple([Subscriber(n, f"reader{n}@example.com", f"Reader {n}", n) for n in numbers])
            claimed.append(ClaimedChunk(send.id, first, self._last, 0, 0, recipients))
        return claimed

    def counts(self, send: Send) -> Counts:
        return Counts(send.recipients, accepted=self.accepted)

    def next_retry_at(self, send: Send) -> datetime | None:
        return send.started_at if self._last < send.recipients else None

    def settle(self, results: Sequence[ChunkResult]) -> None:
        for result in results:
            if isinstance(result.outcome, Accepted):
                self.accepted += len(result.claimed.recipients)

    def journal(self, claimed: ClaimedChunk) -> "NullLedger":
        return self

    def starting(self, number: int) -> None: ...
    def finished(self, number: int, outcome: Outcome) -> None: ...
    def renew_lease(self, send: Send, lease: timedelta) -> None: ...
    def finish(self, send: Send) -> None: ...

    def __getattr__(self, name: str) -> Callable[..., list[Any]]:
        """Return a method that returns an empty list, for all other methods of a ledger."""
        return lambda *_: []


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
