"""`news` with short waits, to be killed: `python -m tests.killed LATE ARGUMENT…` is `news ARGUMENT…`.

A send that holds mail back waits five minutes before it recalls a held batch, because a lost request may
arrive until then. Here that takes LATE seconds, and other waits are shorter in proportion: otherwise fifty
seeds would take a day. Nothing else is replaced: the code under test is the code that users run.
"""

import sys
from datetime import timedelta
from functools import partial

from newsletter.cli import main as cli
from newsletter.providers.sendgrid import provider
from newsletter.sending import transitions
from newsletter.sending.hold_policy import SendTimings
from newsletter.services import send

# A request's time-out; shorter than LATE, as the real 30 seconds are shorter than the five minutes.
TIMEOUT_SECONDS = 1.5


def main() -> None:
    late = timedelta(seconds=float(sys.argv.pop(1)))
    vars(send)["SendTimings"] = partial(SendTimings, request_ttl=late, heartbeat=timedelta(seconds=0.2))
    vars(provider)["SendGridProvider"] = partial(provider.SendGridProvider, timeout=TIMEOUT_SECONDS)
    vars(transitions)["_FIRST_BACK_OFF"] = 0.05
    cli.run()


if __name__ == "__main__":
    main()
