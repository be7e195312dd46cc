"""`news` in a hurry, to be killed: `python -m tests.killed LATE ARGUMENT…` is `news ARGUMENT…`.

A send that holds mail back waits five minutes before it calls a lane back, because a lost request may arrive
so long. Here that takes LATE seconds, and what else is waited for is shorter in proportion: fifty seeds would
take a day. Nothing else is replaced; what decides is the code that everybody runs.
"""

import sys
from datetime import timedelta
from functools import partial

from newsletter.cli import main as cli
from newsletter.providers.sendgrid import provider
from newsletter.sending import transitions
from newsletter.sending.hold_policy import SendTimings
from newsletter.services import send

# So many seconds an answer may take; less than LATE, as half a minute is less than five.
TIMEOUT = 1.5


def main() -> None:
    late = timedelta(seconds=float(sys.argv.pop(1)))
    vars(send)["SendTimings"] = partial(SendTimings, request_ttl=late, heartbeat=timedelta(seconds=0.2))
    vars(provider)["SendGridProvider"] = partial(provider.SendGridProvider, timeout=TIMEOUT)
    vars(transitions)["_FIRST_BACK_OFF"] = 0.05
    cli.run()


if __name__ == "__main__":
    main()
