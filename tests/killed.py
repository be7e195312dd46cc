"""`news` with short waits, to be killed: `python -m tests.killed LATE ARGUMENT…` is `news ARGUMENT…`.

A send that holds mail back waits five minutes before it recalls a held batch, because a lost request may
arrive until then. Here that takes LATE seconds, and other waits are shorter in proportion: otherwise fifty
seeds would take a day. A request carries a tenth of the recipients, since what happens hangs on the number of
requests. Nothing else is replaced: the code under test is the code that users run.
"""

import sys
from datetime import timedelta
from functools import partial

from newsletter.cli import main as cli
from newsletter.providers.sendgrid import provider
from newsletter.sending.hold_policy import SendTimings
from newsletter.services import send

# A request's time-out; shorter than LATE, as the real 30 seconds are shorter than the five minutes.
TIMEOUT_SECONDS = 1.5
RECIPIENTS_PER_CALL = 100


def hurry(late: timedelta, recipients_per_call: int = RECIPIENTS_PER_CALL, **timings: object) -> None:
    """Shorten the waits of this process; `timings` replace further fields of SendTimings."""
    short: dict[str, object] = {
        "request_ttl": late,
        "heartbeat": timedelta(seconds=0.2),
        "first_back_off": timedelta(seconds=0.05),
    }
    vars(send)["SendTimings"] = partial(SendTimings, **short | timings)
    vars(provider)["SendGridProvider"] = partial(
        provider.SendGridProvider, timeout=TIMEOUT_SECONDS, recipients_per_call=recipients_per_call
    )


def main() -> None:
    hurry(timedelta(seconds=float(sys.argv.pop(1))))
    cli.run()


if __name__ == "__main__":
    main()
