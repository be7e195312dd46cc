"""`news` that suspends itself (SIGSTOP): `python -m tests.suspended MOMENT ARGUMENT…`.

MOMENT is `claim:N:LEASE`, in the N-th claim of recipients, while it has the send's row locked;
`call:N:LEASE`, at the end of the N-th call of the provider, before it is recorded; or `never`. LEASE are the
seconds of its lease. Its wait for a lock, and the time after which PostgreSQL ends its idle transaction, are
shorter.
"""

import os
import signal
import sys
from datetime import timedelta
from functools import partial

from sqlalchemy import Engine, event

from newsletter.cli import main as cli
from newsletter.mail.message import Batch
from newsletter.providers import outbox
from newsletter.sending.hold_policy import SendTimings
from newsletter.sending.interfaces import SubmissionLog
from newsletter.sending.outcomes import Outcome
from newsletter.services import send
from newsletter.store import ledger, postgresql

IDLE_SECONDS, LOCK_SECONDS = 1.0, 0.2


def main() -> None:
    moment, _, times = sys.argv.pop(1).partition(":")
    vars(ledger)["SEND_LOCK_SECONDS"] = LOCK_SECONDS
    if moment != "never":
        number, lease = times.split(":")
        vars(send)["SendTimings"] = partial(SendTimings, lease=timedelta(seconds=float(lease)))
        suspend = {"claim": suspend_in_claim, "call": suspend_in_call}[moment]
        suspend(int(number))
    cli.run()


def suspend_in_claim(number: int) -> None:
    claims = 0

    @event.listens_for(Engine, "after_cursor_execute")
    def _count(connection: object, cursor: object, statement: str, *_: object) -> None:
        nonlocal claims
        if not statement.startswith("INSERT INTO attempt"):
            return
        claims += 1
        if claims == number - 1:  # not earlier: a busy machine may pause the process in a transaction
            vars(postgresql)["IDLE_SECONDS"] = IDLE_SECONDS
        if claims == number:
            os.kill(os.getpid(), signal.SIGSTOP)


def suspend_in_call(number: int) -> None:
    class Outbox(outbox.OutboxProvider):
        calls = 0

        def submit(self, batch: Batch, submissions: SubmissionLog) -> Outcome:
            outcome = super().submit(batch, submissions)
            self.calls += 1
            if self.calls == number:
                os.kill(os.getpid(), signal.SIGSTOP)
            return outcome

    vars(outbox)["OutboxProvider"] = Outbox


if __name__ == "__main__":
    main()
