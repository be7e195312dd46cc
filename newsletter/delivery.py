"""The send protocol. It knows two seams, `Ledger` and `Provider`, and no concrete one of either.

An issue is claimed for a list, its recipients are planned into chunks, and each chunk goes to the provider in
one call: written down before, tried once, written down after. Whatever happens in between, what is `waiting`
is certainly unsent and may be tried; what is unknown is named and never tried again by itself.

    waiting --intend--> intended --+-- Accepted --> accepted
       ^                           +-- Refused ---> refused
       |                           +-- Unknown ---> unknown     (so is what stays intended after a crash)
       +--------- NotSent ---------+
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from newsletter.errors import Problem, SendRefused
from newsletter.message import Addresser, Batch, Mailing
from newsletter.models import (
    Capabilities,
    Chunk,
    Counts,
    NotSent,
    Outcome,
    Refused,
    Send,
    Subscriber,
    Unknown,
)

# So many calls in a row without one that was accepted are no bad luck: the rest is left waiting.
DOUBTFUL_IN_A_ROW = 5

# Mail that stays on this machine is a rehearsal and does not count as the issue's send.
SUBSCRIBERS = "subscribers"
REHEARSAL = "rehearsal"


class Provider(Protocol):
    """Takes mail."""

    name: str
    capabilities: Capabilities

    def check(self) -> list[Problem]:
        """What would keep it from taking mail, as far as can be seen without a connection."""

    def submit(self, batch: Batch) -> Outcome:
        """One try, never repeated; an answer for whatever happens on the way, never an exception."""

    def close(self) -> None:
        """Ends what was kept open."""


@dataclass(frozen=True)
class Delivered:
    """What came of one chunk; `recipients` is how many it was tried for."""

    chunk: Chunk
    recipients: int
    outcome: Outcome | None


class Ledger(Protocol):
    """Remembers, durably, what was planned, tried and answered."""

    def find(self, issue: str, to: str) -> Send | None: ...
    def plan(
        self, issue: str, to: str, content_sha256: str, provider: str, chunk_size: int
    ) -> Send | None: ...
    def withdraw(self, of: Send) -> bool: ...
    def waiting(self, of: Send) -> Iterator[Chunk]: ...
    def intend(self, of: Chunk) -> list[tuple[int, Subscriber]] | None: ...
    def settle(self, of: Chunk, outcome: Outcome) -> None: ...
    def finish(self, of: Send) -> None: ...
    def counts(self, of: Send) -> Counts: ...


def list_for(mailing: Mailing, provider: Provider) -> str:
    """The list that a send is claimed for; a rehearsal's is its content's own, so that edits can follow."""
    if provider.capabilities.leaves_machine:
        return SUBSCRIBERS
    return f"{REHEARSAL}-{mailing.sha256[:12]}"


def started(mailing: Mailing, ledger: Ledger, provider: Provider) -> Send | None:
    """The send that goes on, None where one begins; refuses to mix two contents or two providers in one.

    A plan of which certainly nothing has left (the host was down, the sender not verified) stands in nobody's
    way: `start` takes it back, so that the mistake can be mended.
    """
    found = ledger.find(mailing.issue, list_for(mailing, provider))
    if found is None or (found.content_sha256 == mailing.sha256 and found.provider == provider.name):
        return found
    counts = ledger.counts(found)
    if counts.waiting + counts.left == counts.recipients:
        return None
    if found.content_sha256 != mailing.sha256:
        raise SendRefused(
            f"{mailing.issue} was started on {found.started_at:%Y-%m-%d %H:%M} UTC with another content",
            "put issue, templates and newsletter.yml back as they were then; a correction is a new issue",
        )
    raise SendRefused(
        f"{mailing.issue} was started through {found.provider}, not {provider.name}",
        f"go on with it: news send --issue {mailing.issue} --provider {found.provider}",
    )


def start(mailing: Mailing, ledger: Ledger, provider: Provider) -> Send:
    """Claims the issue and plans its recipients, or takes up what was started before."""
    if found := started(mailing, ledger, provider):
        return found
    to, size = list_for(mailing, provider), provider.capabilities.recipients_per_call
    stale = ledger.find(mailing.issue, to)
    planned = None
    if stale is None or ledger.withdraw(stale):
        planned = ledger.plan(mailing.issue, to, mailing.sha256, provider.name, size)
    if planned is None:
        raise SendRefused(
            f"another send of {mailing.issue} started just now", f"see: news status --issue {mailing.issue}"
        )
    return planned


def deliver(
    send: Send,
    mailing: Mailing,
    ledger: Ledger,
    provider: Provider,
    secret: str,
    stopped: Callable[[], bool] = lambda: False,
) -> Iterator[Delivered]:
    """Hands each waiting chunk to the provider, and yields what came of it, until all are done.

    Ends early when the provider takes no mail (`NotSent` with `stop`), when one call after another is refused
    or unknown, and between two chunks once `stopped` says so; the rest is waiting then, for another run.
    """
    mailing = replace(mailing, date=send.started_at)
    addresser, doubtful = Addresser(mailing, secret), 0
    for chunk in ledger.waiting(send):
        if stopped():
            return
        people = ledger.intend(chunk)
        if people is None:
            continue
        if not people:
            yield Delivered(chunk, 0, None)
            continue
        recipients = tuple(addresser(number, subscriber) for number, subscriber in people)
        outcome = provider.submit(Batch(mailing, recipients))
        ledger.settle(chunk, outcome)
        yield Delivered(chunk, len(recipients), outcome)
        doubtful = doubtful + 1 if isinstance(outcome, Refused | Unknown) else 0
        if (isinstance(outcome, NotSent) and outcome.stop) or doubtful == DOUBTFUL_IN_A_ROW:
            return
    ledger.finish(send)


def deliver_test(mailing: Mailing, to: Subscriber, provider: Provider, secret: str, now: datetime) -> Outcome:
    """One message, marked as a test, to somebody who need not be a subscriber, past the ledger."""
    mailing = replace(mailing.as_test(), date=now)
    return provider.submit(Batch(mailing, (Addresser(mailing, secret)(0, to),)))
