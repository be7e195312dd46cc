"""Settle the attempts that a process began and did not end."""

import logging
from dataclasses import replace
from datetime import datetime

from newsletter.sending import log_fields
from newsletter.sending.hold_policy import SendTimings
from newsletter.sending.interfaces import Ledger
from newsletter.sending.model import Send
from newsletter.sending.outcomes import NOT_BEGUN, Unknown
from newsletter.sending.transitions import chunk_result

log = logging.getLogger(__name__)


def settle_abandoned(ledger: Ledger, send: Send, now: datetime, timing: SendTimings) -> None:
    """Settle the attempts that were in flight when an earlier process ended.

    Without a journal, all recipients of such an attempt are unknown. With a journal, each message has the
    outcome that was noted; a message without one is unknown, and a message that was not begun is waiting.
    If the process was on another machine, it may have begun calls until its deadline: an unknown outcome
    counts from this deadline, which may still be to come.
    """
    for claimed, notes in ledger.abandoned_attempts(send):
        lost = Unknown("the process ended during the attempt")
        by_recipient = {number: outcome or lost for number, outcome in (notes or {}).items()}
        default = lost if notes is None else NOT_BEGUN
        result = chunk_result(claimed, default, by_recipient, now + timing.back_off(claimed.tries))
        result = replace(result, at=ledger.abandoned_until)
        ledger.settle([result])
        log.warning("abandoned attempt settled", extra=log_fields.of_result(result))
