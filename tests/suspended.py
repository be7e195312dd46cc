"""`news` that suspends itself inside a transaction: `python -m tests.suspended CLAIM ARGUMENT…`.

It stops itself (SIGSTOP) in its CLAIM-th claim of recipients, while it has the send's row locked; 0: never.
Its lease, its wait for a lock, and the time after which PostgreSQL ends its idle transaction are shorter.
"""

import os
import signal
import sys
from datetime import timedelta
from functools import partial

from sqlalchemy import Engine, event

from newsletter.cli import main as cli
from newsletter.sending.hold_policy import SendTimings
from newsletter.services import send
from newsletter.store import ledger, postgresql

IDLE_SECONDS, LEASE_SECONDS, LOCK_SECONDS = 1.0, 2.0, 0.2


def main() -> None:
    suspend_at, claims = int(sys.argv.pop(1)), 0
    vars(ledger)["SEND_LOCK_SECONDS"] = LOCK_SECONDS
    if suspend_at:
        vars(send)["SendTimings"] = partial(SendTimings, lease=timedelta(seconds=LEASE_SECONDS))

    @event.listens_for(Engine, "after_cursor_execute")
    def _count(connection: object, cursor: object, statement: str, *_: object) -> None:
        nonlocal claims
        if not statement.startswith("INSERT INTO attempt"):
            return
        claims += 1
        if claims == suspend_at - 1:  # not earlier: a busy machine may pause the process in a transaction
            vars(postgresql)["IDLE_SECONDS"] = IDLE_SECONDS
        if claims == suspend_at:
            os.kill(os.getpid(), signal.SIGSTOP)

    cli.run()


if __name__ == "__main__":
    main()
