"""Send the mail about subscriptions that waits in the database, each at most once.

A mail is recorded as intended before its call. If the process ends during the call, the mail becomes unknown
at the next start, and nobody sends it again: the person asks for another one.
"""

import logging
from collections import deque
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Protocol, TypeVar

from newsletter.constants import ServiceMailKind
from newsletter.mail.message import Batch, Recipient
from newsletter.mail.service_mail import ServiceMailings
from newsletter.sending.interfaces import Provider
from newsletter.sending.outcomes import NOT_BEGUN, NotSent, Outcome, Refused, Unknown
from newsletter.services.service_mail_results import confirmed_calls, result_of
from newsletter.store import service_mails
from newsletter.store.service_mails import ServiceMail, ServiceMailResult

if TYPE_CHECKING:
    from sqlalchemy import Connection

log = logging.getLogger(__name__)

Result = TypeVar("Result")

# A batch that is refused for an unnamed recipient is divided, which takes twice as many calls as recipients.
_MAX_BATCH = 100
_HOUR = timedelta(hours=1)
# Mail that confirms comes last: a flood of it must not keep people from their data.
_TURNS: tuple[tuple[ServiceMailKind, ...], ...] = (("already", "data"), ("confirm",))
# Failed calls in a row before a pause; a mail server may put off the mail to single addresses.
_MAX_FAILURES = 5


class Write(Protocol):
    """A function that makes a change in a transaction of its own, and returns its result after the commit."""

    def __call__(self, change: "Callable[[Connection], Result]", /) -> Result: ...


class ServiceMailer:
    """Send what waits, once for each call of `run_once`; `BackgroundLoop` calls it again and again.

    At most `max_per_hour` mails that strangers can cause, those that confirm a sign-up, leave in an hour.
    """

    def __init__(
        self,
        mailings: ServiceMailings,
        provider: Provider,
        write: Write,
        *,
        max_per_hour: int,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._mailings, self._provider, self._write, self._now = mailings, provider, write, now
        self._max_per_hour = max_per_hour
        self._batch_size = min(provider.capabilities.recipients_per_call, _MAX_BATCH)
        self._has_begun = False
        # The times of the calls for mail that confirms, and the results that could not be recorded yet.
        self._confirm_calls: deque[datetime] = deque()
        self._unrecorded: dict[int, ServiceMailResult] = {}
        self._is_capped = False
        self._is_stopped: Callable[[], bool] = lambda: False

    def run_once(self, is_stopped: Callable[[], bool] = lambda: False) -> int:
        """Send the mail that is due; return the number of mails that were given to the provider.

        It ends early once `is_stopped` returns True, or if the provider takes no mail. Raise TemplateError if
        a template fails, and StoreError if the database cannot be written; the next call continues.
        """
        self._is_stopped = is_stopped
        self._mailings.render()  # before a mail is claimed, so that a mistake in a template loses none
        self._begin()
        calls = failures = 0
        for kinds in _TURNS:
            while not is_stopped() and failures < _MAX_FAILURES and (mails := self._claim(kinds)):
                outcomes = self._submit(mails)
                self._record(mails, outcomes)
                calls += len(mails)
                failures = _failures_after(failures, outcomes.values())
        return calls

    def _begin(self) -> None:
        """Record the results of earlier calls; at the start, those of a process that ended during a call."""
        if not self._has_begun:
            now = self._now()
            abandoned, recent = self._write(
                lambda connection: (
                    service_mails.settle_abandoned(connection, now),
                    service_mails.settled_since(connection, "confirm", now - _HOUR),
                )
            )
            self._confirm_calls.extend(recent)
            self._has_begun = True
            if abandoned:
                log.warning(
                    "mails marked unknown: the last process ended during their calls",
                    extra={"mails": abandoned},
                )
        self._flush()

    def _claim(self, kinds: Collection[ServiceMailKind]) -> list[ServiceMail]:
        """Record the next mails of one kind as intended, durably, and return them."""
        now, limit = self._now(), self._batch_size
        if "confirm" in kinds:
            limit = min(limit, self._room(now))

        def change(connection: "Connection") -> tuple[list[ServiceMail], bool]:
            due = service_mails.waiting(connection, now, max(limit, 1), kinds)
            if not limit:
                return [], bool(due)
            same_kind = [mail for mail in due if mail.kind == due[0].kind]
            return service_mails.claim(connection, same_kind), False

        claimed, is_capped = self._write(change)
        if "confirm" in kinds:
            self._tell_cap(is_capped)
        return claimed

    def _room(self, now: datetime) -> int:
        """Return the number of mails that confirm and may leave now."""
        while self._confirm_calls and self._confirm_calls[0] <= now - _HOUR:
            self._confirm_calls.popleft()
        return max(0, self._max_per_hour - len(self._confirm_calls))

    def _tell_cap(self, is_capped: bool) -> None:
        """Log once that the limit is reached, until mail leaves again."""
        if is_capped and not self._is_capped:
            log.warning(
                "too many sign-ups: mail to confirm them waits, because the limit of an hour is reached",
                extra={"max_per_hour": self._max_per_hour},
            )
        self._is_capped = is_capped

    def _submit(self, mails: Sequence[ServiceMail]) -> dict[int, Outcome]:
        """Submit mails of one kind; return the outcome of each by its id.

        A batch that was refused reached nobody: without its rejected recipients, or in halves, it is
        submitted again.
        """
        now = self._now()
        mailing = self._mailings.mailing(mails[0].kind, now)
        recipients = [self._mailings.recipient(mail, number, now) for number, mail in enumerate(mails)]
        submissions = _Submissions(self._is_stopped)
        outcome = self._call(Batch(mailing, recipients), submissions)
        if not isinstance(outcome, Refused) or len(mails) == 1 or submissions.outcomes:
            return {mail.id: submissions.outcomes.get(number, outcome) for number, mail in enumerate(mails)}
        rejected = [mails[index] for index in outcome.rejected_indexes if 0 <= index < len(mails)]
        outcomes: dict[int, Outcome] = {mail.id: Refused(outcome.reason) for mail in rejected}
        others = [mail for mail in mails if mail.id not in outcomes]
        middle = len(others) if rejected else len(others) // 2
        for part in (others[:middle], others[middle:]):
            if part:
                outcomes |= self._submit(part)
        return outcomes

    def _call(self, batch: Batch, submissions: "_Submissions") -> Outcome:
        if self._is_stopped():
            return NOT_BEGUN
        try:
            return self._provider.submit(batch, submissions)
        except Exception as failure:  # providers return failures; after another one, mail may have left
            log.exception("the provider failed")
            return Unknown(f"the provider failed: {type(failure).__name__}")

    def _record(self, mails: Sequence[ServiceMail], outcomes: dict[int, Outcome]) -> None:
        now = self._now()
        results = {mail.id: result_of(mail, outcomes[mail.id], now) for mail in mails}
        self._confirm_calls.extend([now] * confirmed_calls(mails, outcomes))
        self._unrecorded |= results
        for state in dict.fromkeys(result.state for result in results.values()):
            found = [result for result in results.values() if result.state == state]
            level = logging.INFO if state == "accepted" else logging.WARNING
            fields = {"kind": mails[0].kind, "mails": len(found), "state": state}
            log.log(level, "service mail", extra={**fields, "reason": found[0].reason})
        self._flush()

    def _flush(self) -> None:
        """Record the results of calls; they are kept if the database cannot be written."""
        if results := dict(self._unrecorded):
            now = self._now()
            self._write(lambda connection: service_mails.settle(connection, results, now))
            self._unrecorded.clear()


def _failures_after(failures: int, outcomes: Collection[Outcome]) -> int:
    """Return the number of failed calls in a row; the most if the next call would fail too."""
    not_sent = [outcome for outcome in outcomes if isinstance(outcome, NotSent)]
    if len(not_sent) < len(outcomes):
        return 0
    is_down = any(outcome.stop or outcome.wait is not None for outcome in not_sent)
    return _MAX_FAILURES if is_down else failures + 1


class _Submissions:
    """The outcomes of single messages, by the number of their recipient."""

    def __init__(self, is_stopped: Callable[[], bool]) -> None:
        self._is_stopped = is_stopped
        self.outcomes: dict[int, Outcome] = {}

    def starting(self, recipient: Recipient) -> bool:
        """Return False if the server is stopping. The mail is recorded as intended already."""
        return not self._is_stopped()

    def finished(self, recipient: Recipient, outcome: Outcome) -> None:
        self.outcomes[recipient.number] = outcome
