"""Submit chunks and test messages to the provider, and collect the outcome of each recipient."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from newsletter.mail.message import Batch, Mailing, Personalizer, Recipient, ScheduledSend
from newsletter.sending import log_fields
from newsletter.sending.circuit_breaker import CircuitBreaker
from newsletter.sending.interfaces import Journal, Ledger, Provider
from newsletter.sending.model import ClaimedChunk, Send
from newsletter.sending.outcomes import NOT_BEGUN, Outcome, Unknown
from newsletter.subscribers.model import Subscriber

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CallResult:
    """The result of one call."""

    claimed: ClaimedChunk
    # Outcome of the recipients that are not in `by_recipient`.
    outcome: Outcome
    by_recipient: Mapping[int, Outcome]
    # Exception that the call raised, if any.
    failure: BaseException | None = None


class SubmissionRecord:
    """Record the messages of a batch in the journal, and their outcomes in the circuit breaker."""

    def __init__(
        self,
        journal: Journal | None,
        may_start: Callable[[], bool],
        count: Callable[[Outcome], None] = lambda _: None,
        claimed: ClaimedChunk | None = None,
    ) -> None:
        self._journal, self._may_start, self._count = journal, may_start, count
        self._logged = claimed if log.isEnabledFor(logging.DEBUG) else None
        self.begun: set[int] = set()
        self.by_recipient: dict[int, Outcome] = {}

    def starting(self, recipient: Recipient) -> bool:
        if not self._may_start():
            return False
        if self._journal:
            self._journal.starting(recipient.number)
        self.begun.add(recipient.number)
        return True

    def finished(self, recipient: Recipient, outcome: Outcome) -> None:
        self.by_recipient[recipient.number] = outcome
        self._count(outcome)
        if self._journal:
            self._journal.finished(recipient.number, outcome)
        if self._logged:
            fields = {**log_fields.of_chunk(self._logged), "recipient": recipient.number}
            log.debug("message ended", extra=fields | log_fields.of_outcome(outcome))


class Submitter:
    """Submit the chunks of one send; several threads may do so at once.

    `may_start` returns False once no further message may start.
    """

    def __init__(
        self,
        send: Send,
        mailing: Mailing,
        ledger: Ledger,
        provider: Provider,
        secret: str,
        breaker: CircuitBreaker,
        may_start: Callable[[], bool],
    ) -> None:
        self._send, self._ledger, self._provider = send, ledger, provider
        self._mailing = replace(mailing, date=send.started_at)
        self._personalize = Personalizer(self._mailing, secret, token_version=send.token_version)
        self._may_start = may_start
        # The provider reports an outcome for each message, so a journal notes each message.
        self.per_message = provider.capabilities.recipients_per_call == 1
        self._count = breaker.record if self.per_message else breaker.record_named

    def submit(self, claimed: ClaimedChunk) -> CallResult:
        """Make the call of a chunk; return its result, also if it raised an exception."""
        journal = self._ledger.journal(claimed) if self.per_message else None
        record = SubmissionRecord(journal, self._may_start, self._count, claimed)
        try:
            batch = self._batch(claimed)
            _log_attempt(claimed)  # before the lease is checked: writing a log may take long
            if not (self.per_message or self._may_start()):
                return CallResult(claimed, NOT_BEGUN, {})
            outcome = self._provider.submit(batch, record)
            return CallResult(claimed, outcome, record.by_recipient)
        except BaseException as failure:  # raised again after the ledger has recorded the outcome
            lost = Unknown(f"the call broke off: {type(failure).__name__}")
            by_recipient = dict.fromkeys(record.begun, lost) | record.by_recipient
            return CallResult(claimed, NOT_BEGUN if self.per_message else lost, by_recipient, failure)

    def repeat(self, claimed: ClaimedChunk) -> CallResult:
        """Make the call of a chunk again, with the same key and the same bytes; return its result."""
        record, batch = SubmissionRecord(None, self._may_start), self._batch(claimed)
        outcome = self._provider.submit(batch, record) if self._may_start() else NOT_BEGUN
        return CallResult(claimed, outcome, record.by_recipient)

    def _batch(self, claimed: ClaimedChunk) -> Batch:
        held = claimed.held_batch
        scheduled = ScheduledSend(held.batch_id, held.send_at) if held else None
        recipients = tuple(map(self._personalize, claimed.recipients))
        return Batch(self._mailing, recipients, scheduled, self._key(claimed))

    def _key(self, claimed: ClaimedChunk) -> str | None:
        """Return the key with which the call of a chunk can be repeated; None if it cannot.

        A send of an older ledger has no nonce.
        """
        if self._provider.capabilities.repeat_window is None or not self._send.nonce:
            return None
        return f"news/{self._send.nonce}/{claimed.first}-{claimed.last}"


def deliver_test(
    mailing: Mailing, recipient: Subscriber, provider: Provider, secret: str, now: datetime
) -> Outcome:
    """Send one message, marked as a test, without the ledger; return its outcome."""
    mailing = replace(mailing.as_test(), date=now)
    record = SubmissionRecord(None, lambda: True)
    personalized = Personalizer(mailing, secret)(recipient)
    default = provider.submit(Batch(mailing, (personalized,)), record)
    outcome = record.by_recipient.get(recipient.number, default)
    log.info("test message ended", extra=log_fields.of_outcome(outcome))
    return outcome


def _log_attempt(claimed: ClaimedChunk) -> None:
    if log.isEnabledFor(logging.INFO):
        batch = claimed.held_batch.number if claimed.held_batch else None
        fields = {**log_fields.of_chunk(claimed), "recipients": len(claimed.recipients), "batch": batch}
        log.info("attempt begun", extra=fields)
