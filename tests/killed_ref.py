"""`news` with short waits on a machine with its state on a Git ref: as `tests.killed`, for several machines.

`python -m tests.killed_ref LATE FAULT ARGUMENT…` is `news ARGUMENT…`. FAULT is `none`, or one of `FAULTS`,
which the stories must find.
"""

import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from newsletter.cli import main as cli
from newsletter.errors import StoreError
from newsletter.sending.delivery import Delivery
from newsletter.sending.publisher import Publisher
from newsletter.sending.synced_ledger import SyncedLedger
from newsletter.services import open_state, state_sync
from newsletter.services.state_sync import StateSync
from tests.killed import hurry

# A twelfth of the people, so that a send has as many requests as one with thousands.
RECIPIENTS_PER_CALL = 20
# Of mail that is not held back: as many as five requests have.
PUBLISHED_RECIPIENTS = 100
# In proportion as in SendTimings: the deadline is longer than lease, request (`TIMEOUT_SECONDS`) and margin.
TIMINGS = {
    "lease": timedelta(seconds=2),
    "longest_call": timedelta(seconds=1.6),
    "publish_hold": timedelta(seconds=5),
    "publish_margin": timedelta(seconds=0.5),
    "publish_recipients": PUBLISHED_RECIPIENTS,
}
POLL, CLOCK_MARGIN = timedelta(seconds=1), timedelta(seconds=0.5)


def publish_nothing_before_a_claim() -> None:
    """Claim chunks that are not intended in any copy."""
    setattr(SyncedLedger, "_has_unpublished", lambda *_: False)  # noqa: B010  # the type checker forbids it
    setattr(SyncedLedger, "is_published", lambda *_: True)  # noqa: B010


def obey_no_deadline() -> None:
    """Begin calls after the deadline, and publish no new one."""
    setattr(Publisher, "renew", lambda *_: None)  # noqa: B010
    setattr(Delivery, "_may_start", lambda *_: True)  # noqa: B010


def publish_no_recall() -> None:
    """Recall a batch without a copy in which it is recalled."""
    setattr(Publisher, "publish_recall", lambda *_: None)  # noqa: B010


def take_older_states() -> None:
    """Take any state that is on the ref."""
    setattr(StateSync, "_refuse_older", lambda *_: None)  # noqa: B010


def trust_each_push() -> None:
    """Go on as if the state was saved, if the remote has not confirmed it."""
    publish = Publisher._save

    def save(publisher: Publisher, *arguments: object) -> None:
        try:
            publish(publisher, *arguments)  # type: ignore[arg-type]
        except StoreError:
            chunks, publisher._failed, publisher._lost = arguments[0], False, None
            publisher._published = tuple(chunks)  # type: ignore[arg-type]
            publisher._deadline = datetime.now(UTC) + timedelta(hours=1)

    setattr(Publisher, "_save", save)  # noqa: B010


FAULTS: dict[str, Callable[[], None]] = {
    fault.__name__: fault
    for fault in (
        publish_nothing_before_a_claim,
        obey_no_deadline,
        publish_no_recall,
        take_older_states,
        trust_each_push,
    )
}


def main() -> None:
    late, fault = float(sys.argv.pop(1)), sys.argv.pop(1)
    hurry(timedelta(seconds=late), RECIPIENTS_PER_CALL, **TIMINGS)
    vars(open_state)["POLL"], vars(state_sync)["CLOCK_MARGIN"] = POLL, CLOCK_MARGIN
    if fault != "none":
        FAULTS[fault]()
    cli.run()


if __name__ == "__main__":
    main()
