"""The issues that automation may send now."""

from collections.abc import Iterator
from datetime import UTC, datetime

from newsletter.errors import NewsError, SendRefused
from newsletter.issue import files
from newsletter.sending.model import SUBSCRIBERS, Send
from newsletter.services.prepare import Prepared
from newsletter.services.send import SendService


def due_issues(
    service: SendService, name: str | None = None, at_most: int | None = None
) -> list[Prepared | NewsError]:
    """Return the issues that may be sent now, the oldest first, or only the named one.

    They are ready, not in the future, and have waiting recipients. An issue that cannot be read, rendered or
    continued is in the list as its error, and keeps no other from being sent. A send that was cancelled or
    waits for a go-ahead is left to a person. Raise SendRefused where more than `at_most` issues are due: with
    a new database the whole archive would be.
    """
    only = files.find(service.newsletter.issues, name).stem if name is not None else None
    due = list(_due(service))
    names = [prepared.issue.name for prepared in due if isinstance(prepared, Prepared)]
    if at_most is not None and len(names) > at_most:
        raise SendRefused(
            f"{len(names)} issues are marked ready and not yet sent: {', '.join(names)}",
            f"to send all of them now: news send --ready --at-most {len(names)}",
        )
    return [issue for issue in due if isinstance(issue, NewsError) or only in (None, issue.issue.name)]


def _due(service: SendService) -> Iterator[Prepared | NewsError]:
    for path in files.issue_files(service.newsletter.issues):
        try:
            issue = files.load(path)
            if not issue.ready or issue.date > datetime.now(UTC).date() or _is_done(service, issue.name):
                continue
            prepared = service.prepare_issue(issue)
            send, counts = service.find_started(prepared)
            if counts.waiting or counts.under_way or (send and _has_recallable_unknown(service, send)):
                yield prepared
        except NewsError as error:
            yield error


def _is_done(service: SendService, issue: str) -> bool:
    """Return True if no recipient waits; later edits of the issue do not matter then."""
    if not service.provider.capabilities.leaves_machine:
        return False
    send = service.queries.find(issue, SUBSCRIBERS)
    if send is None:
        return False
    counts = service.queries.counts(send)
    if send.state == "cancelled":
        return not counts.nobody_has_it
    unfinished = counts.waiting or counts.under_way or _has_recallable_unknown(service, send)
    return send.canary_size is not None or not unfinished


def _has_recallable_unknown(service: SendService, send: Send) -> bool:
    """Return True if something unknown is still held back, so that a recall can make it certain."""
    now = service.clock.now()
    batches = service.queries.held_batches(send)
    return any(status.batch.send_at > now and (status.unknown or status.intended) for status in batches)
