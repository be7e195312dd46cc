"""A send with the ledger switched off: `delivery` and a provider as `news send` uses them, nothing written.

`python benchmarks/ours.py FOLDER RECIPIENTS` sends the issue in a newsletter's folder to people who are made
up as they are needed, each with links of their own signed; prints the seconds, and how many were accepted.
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
from newsletter.sending.model import ChunkResult, ClaimedChunk, HeldBatch, Send
from newsletter.sending.outcomes import Accepted, Outcome
from newsletter.subscribers.model import Subscriber


def main(folder: Path, recipients: int) -> None:
    newsletter = loader.load(folder, os.environ)
    issue = files.load(folder / "issues" / f"{letter.ISSUE}.yml")
    mailing = message.mailing(issue, render(issue, newsletter.site), newsletter)
    provider = open_provider(newsletter)
    started = datetime.now(UTC)
    send = Send(1, issue.name, "", mailing.sha256, provider.name, recipients, "open", 0, started)
    ledger: Any = Forgetful(provider.capabilities.recipients_per_call)
    manner = DeliverySettings(in_flight=provider.capabilities.in_flight)
    tune_gc()
    start = time.perf_counter()
    for _ in Delivery(send, mailing, ledger, provider, letter.SECRET, SystemClock(), manner).run():
        pass
    provider.close()
    print(json.dumps({"seconds": time.perf_counter() - start, "accepted": ledger.accepted}))


class Forgetful:
    """A ledger (`sending.interfaces.Ledger`) that writes nothing down, and makes people up."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._last = 0
        self.accepted = 0

    def claim(
        self, of: Send, most: int, room: int, into: HeldBatch | None, lease: timedelta, *, noted: bool
    ) -> list[ClaimedChunk]:
        claimed: list[ClaimedChunk] = []
        while self._last < of.recipients and len(claimed) < most:
            first, self._last = self._last + 1, min(self._last + self._size, of.recipients)
            numbers = range(first, self._last + 1)
            recipients = tuple([Subscriber(n, f"reader{n}@example.com", f"Reader {n}", n) for n in numbers])
            claimed.append(ClaimedChunk(of.id, first, self._last, 0, 0, recipients))
        return claimed

    def next_retry_at(self, of: Send) -> datetime | None:
        return of.started_at if self._last < of.recipients else None

    def settle(self, results: Sequence[ChunkResult]) -> None:
        for one in results:
            if isinstance(one.outcome, Accepted):
                self.accepted += len(one.claimed.recipients)

    def journal(self, of: ClaimedChunk) -> "Forgetful":
        return self

    def starting(self, number: int) -> None: ...
    def finished(self, number: int, outcome: Outcome) -> None: ...
    def renew_lease(self, of: Send, lease: timedelta) -> None: ...
    def finish(self, of: Send) -> None: ...

    def __getattr__(self, name: str) -> Callable[..., list[Any]]:
        """Whatever else it is asked for, there is none of it."""
        return lambda *_: []


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
