"""Mail that SendGrid holds back, and calls back: batches, their ids, and the slots for cancelling them.

A cancellation is documented to work until ten minutes before `send_at`, for ten batches of an account at
once (https://www.twilio.com/docs/sendgrid/api-reference/cancel-scheduled-sends). DELETE is never asked for:
it lifts a cancellation, and the mail goes out.
"""

import json
import logging
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from newsletter.providers.http import Response
from newsletter.providers.sendgrid.responses import error_text, errors, not_sent
from newsletter.sending.outcomes import Cancelled, CancelOutcome, NotCancelled, NotSent, Unknown

log = logging.getLogger(__name__)

SLOTS = 10
_BATCH_ID = re.compile(r"[!-~]{1,128}")
# "a status for this batch id exists, try PATCH to update the status"
_ALREADY = re.compile(r"exists|already", re.IGNORECASE)

Call = Callable[[Any], Any]


class SendGridScheduledSends:
    """The batches of an account. `ask` makes one call with SendGrid's client, `clock` is Unix time."""

    def __init__(self, ask: Callable[[Call], Response | NotSent], clock: Callable[[], float]) -> None:
        self._ask, self._clock = ask, clock

    def free_slots(self) -> int | NotSent:
        """How many more batches can be cancelled; those that are paused take a slot as well."""
        answer = self._ask(lambda client: client.user.scheduled_sends.get())
        if isinstance(answer, NotSent):
            return answer
        held = _statuses(answer)
        if held is None:
            return not_sent(answer, self._clock())
        log.debug("slots for recalls counted", extra={"taken": len(held), "slots": SLOTS})
        return max(0, SLOTS - len(held))

    def new_batch(self) -> str | NotSent:
        """A new batch id, good for ten days."""
        answer = self._ask(lambda client: client.mail.batch.post())
        if isinstance(answer, NotSent):
            return answer
        return _new_id(answer) or not_sent(answer, self._clock())

    def recall(self, batch_id: str) -> CancelOutcome:
        """Calls back the batch's mail and confirms it; again also what has arrived since it was cancelled."""
        order = {"batch_id": batch_id, "status": "cancel"}
        answer = self._ask(lambda client: client.user.scheduled_sends.post(request_body=order))
        if isinstance(answer, NotSent):
            return Unknown(answer.reason)
        if answer.status == 201:
            return self._confirmed(batch_id)
        if answer.status not in (400, 404):
            return Unknown(error_text(answer))
        held = self._status(batch_id)
        if isinstance(held, Unknown):
            return Unknown(f"{error_text(answer)}; {held.reason}")
        if held or _ALREADY.search(error_text(answer)):
            return self._renewed(batch_id)
        return NotCancelled(error_text(answer)) if errors(answer) else Unknown(error_text(answer))

    def _renewed(self, batch_id: str) -> CancelOutcome:
        status = {"status": "cancel"}
        answer = self._ask(lambda client: _path(client, batch_id).patch(request_body=status))
        if isinstance(answer, NotSent):
            return Unknown(answer.reason)
        return self._confirmed(batch_id) if answer.status == 204 else Unknown(error_text(answer))

    def _confirmed(self, batch_id: str) -> CancelOutcome:
        status = self._status(batch_id)
        if isinstance(status, Unknown):
            return status
        return Cancelled() if status == "cancel" else Unknown(f"not confirmed: {status or 'not on hold'}")

    def _status(self, batch_id: str) -> str | Unknown:
        """`cancel`, `pause`, or empty where the batch is not on hold."""
        answer = self._ask(lambda client: _path(client, batch_id).get())
        if isinstance(answer, NotSent):
            return Unknown(f"not confirmed: {answer.reason}")
        if answer.status == 404 and errors(answer):
            return ""
        held = _statuses(answer)
        return Unknown(f"not confirmed: {error_text(answer)}") if held is None else held.get(batch_id, "")


def _path(client: Any, batch_id: str) -> Any:
    return client.user.scheduled_sends._(quote(batch_id, safe=""))


def _statuses(answer: Response) -> dict[str, str] | None:
    """What is on hold, by batch id; None where the answer is not SendGrid's list."""
    if answer.status != 200:
        return None
    try:
        listed = json.loads(answer.content)
        return (
            {str(one["batch_id"]): str(one["status"]) for one in listed} if isinstance(listed, list) else None
        )
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _new_id(answer: Response) -> str | None:
    if answer.status not in (200, 201):
        return None
    try:
        found = json.loads(answer.content)["batch_id"]
        return str(found) if _BATCH_ID.fullmatch(found) else None
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
