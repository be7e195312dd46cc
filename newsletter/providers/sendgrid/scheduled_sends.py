"""Hold mail back with SendGrid's scheduled sends: create batch ids, recall batches, count free slots.

SendGrid documents that a batch can be cancelled until ten minutes before `send_at`, and that an account can
have ten cancelled or paused batches
(https://www.twilio.com/docs/sendgrid/api-reference/cancel-scheduled-sends). No request is a DELETE: it would
lift a cancellation, and SendGrid would send the mail.
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

# Batches of an account that can be cancelled or paused at the same time.
MAX_SLOTS = 10
_BATCH_ID = re.compile(r"[!-~]{1,128}")
# SendGrid's text: "a status for this batch id exists, try PATCH to update the status"
_STATUS_EXISTS = re.compile(r"exists|already", re.IGNORECASE)

Call = Callable[[Any], Any]


class SendGridScheduledSends:
    """Create and recall the held batches of an account.

    `request` makes one call with SendGrid's client; `clock` returns Unix time, in seconds.
    """

    def __init__(self, request: Callable[[Call], Response | NotSent], clock: Callable[[], float]) -> None:
        self._request, self._clock = request, clock

    def free_slots(self) -> int | NotSent:
        """Return the number of further batches that can be cancelled; a paused batch takes a slot too."""
        response = self._request(lambda client: client.user.scheduled_sends.get())
        if isinstance(response, NotSent):
            return response
        statuses = _statuses(response)
        if statuses is None:
            return not_sent(response, self._clock())
        log.debug("slots for recalls counted", extra={"taken": len(statuses), "slots": MAX_SLOTS})
        return max(0, MAX_SLOTS - len(statuses))

    def new_batch(self) -> str | NotSent:
        """Create a batch; return its id, which is valid for ten days."""
        response = self._request(lambda client: client.mail.batch.post())
        if isinstance(response, NotSent):
            return response
        return _new_id(response) or not_sent(response, self._clock())

    def recall(self, batch_id: str) -> CancelOutcome:
        """Recall a batch's mail, and confirm the recall with another request.

        A repeated call also recalls mail that SendGrid has received since the batch was cancelled.
        """
        body = {"batch_id": batch_id, "status": "cancel"}
        response = self._request(lambda client: client.user.scheduled_sends.post(request_body=body))
        if isinstance(response, NotSent):
            return Unknown(response.reason)
        if response.status == 201:
            return self._confirm(batch_id)
        if response.status not in (400, 404):
            return Unknown(error_text(response))
        status = self._status(batch_id)
        if isinstance(status, Unknown):
            return Unknown(f"{error_text(response)}; {status.reason}")
        if status or _STATUS_EXISTS.search(error_text(response)):
            return self._cancel_again(batch_id)
        return NotCancelled(error_text(response)) if errors(response) else Unknown(error_text(response))

    def _cancel_again(self, batch_id: str) -> CancelOutcome:
        body = {"status": "cancel"}
        response = self._request(lambda client: _path(client, batch_id).patch(request_body=body))
        if isinstance(response, NotSent):
            return Unknown(response.reason)
        return self._confirm(batch_id) if response.status == 204 else Unknown(error_text(response))

    def _confirm(self, batch_id: str) -> CancelOutcome:
        status = self._status(batch_id)
        if isinstance(status, Unknown):
            return status
        return (
            Cancelled()
            if status == "cancel"
            else Unknown(f"not confirmed: {status or 'neither cancelled nor paused'}")
        )

    def _status(self, batch_id: str) -> str | Unknown:
        """Return `cancel`, `pause`, or an empty string for a batch that is neither cancelled nor paused."""
        response = self._request(lambda client: _path(client, batch_id).get())
        if isinstance(response, NotSent):
            return Unknown(f"not confirmed: {response.reason}")
        if response.status == 404 and errors(response):
            return ""
        statuses = _statuses(response)
        if statuses is None:
            return Unknown(f"not confirmed: {error_text(response)}")
        return statuses.get(batch_id, "")


def _path(client: Any, batch_id: str) -> Any:
    return client.user.scheduled_sends._(quote(batch_id, safe=""))


def _statuses(response: Response) -> dict[str, str] | None:
    """Return `cancel` or `pause` by batch id; None if the response is not SendGrid's list."""
    if response.status != 200:
        return None
    try:
        listed = json.loads(response.content)
        return (
            {str(item["batch_id"]): str(item["status"]) for item in listed}
            if isinstance(listed, list)
            else None
        )
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _new_id(response: Response) -> str | None:
    if response.status not in (200, 201):
        return None
    try:
        batch_id = json.loads(response.content)["batch_id"]
        return str(batch_id) if _BATCH_ID.fullmatch(batch_id) else None
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
