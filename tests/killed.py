"""`news` in a hurry, to be killed: `python -m tests.killed LATE ARGUMENT…` is `news ARGUMENT…`.

A send that holds mail back waits five minutes before it calls a lane back, because a lost request may arrive
so long. Here that takes LATE seconds, and what else is waited for is shorter in proportion: fifty seeds would
take a day. Nothing else is replaced; what decides is the code that everybody runs.
"""

import sys
from datetime import timedelta
from functools import partial

from newsletter import cli, fates, sending
from newsletter.lanes import Timing
from newsletter.providers import sendgrid

# So many seconds an answer may take; less than LATE, as half a minute is less than five.
TIMEOUT = 1.5


def main() -> None:
    late = timedelta(seconds=float(sys.argv.pop(1)))
    vars(sending)["Timing"] = partial(Timing, late=late, sign=timedelta(seconds=0.2))
    vars(sendgrid)["SendGridProvider"] = partial(sendgrid.SendGridProvider, timeout=TIMEOUT)
    vars(fates)["_FIRST_BACK_OFF"] = 0.05
    cli.run()


if __name__ == "__main__":
    main()
