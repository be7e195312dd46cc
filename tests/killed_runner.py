"""`news` with short waits, to be killed on a runner: `python -m tests.killed_runner LATE ARGUMENT…`.

As `tests.killed`; besides, the state on the ref says for seconds only that its process may send, so that
another runner takes over soon.
"""

import sys
from datetime import timedelta
from functools import partial

from newsletter.cli import main as cli
from newsletter.providers.sendgrid import provider
from newsletter.sending.hold_policy import SendTimings
from newsletter.services import open_state, send, state_sync
from tests.killed import RECIPIENTS_PER_CALL, TIMEOUT_SECONDS

# Long, for a busy machine: a send stops if it cannot save its state in this time.
HOLD_SECONDS = 12.0


def main() -> None:
    late = timedelta(seconds=float(sys.argv.pop(1)))
    vars(send)["SendTimings"] = partial(
        SendTimings,
        request_ttl=late,
        heartbeat=timedelta(seconds=0.2),
        first_back_off=timedelta(seconds=0.05),
        lease=timedelta(seconds=2),
        longest_call=timedelta(seconds=TIMEOUT_SECONDS),
        publish_hold=timedelta(seconds=HOLD_SECONDS),
        publish_margin=timedelta(seconds=0.5),
    )
    vars(provider)["SendGridProvider"] = partial(
        provider.SendGridProvider, timeout=TIMEOUT_SECONDS, recipients_per_call=RECIPIENTS_PER_CALL
    )
    vars(state_sync)["CLOCK_MARGIN"] = timedelta(seconds=0.5)
    vars(open_state)["POLL"] = timedelta(seconds=0.2)
    cli.run()


if __name__ == "__main__":
    main()
