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


def main() -> None:
    late = timedelta(seconds=float(sys.argv.pop(1)))
    vars(send)["SendTimings"] = partial(
        SendTimings,
        request_ttl=late,
        heartbeat=timedelta(seconds=0.2),
        first_back_off=timedelta(seconds=0.05),
    )
    vars(provider)["SendGridProvider"] = partial(
        provider.SendGridProvider, timeout=TIMEOUT_SECONDS, recipients_per_call=RECIPIENTS_PER_CALL
    )
    cli.run()


if __name__ == "__main__":
    main()
