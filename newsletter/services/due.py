"""The due issues: those that `news send --ready` may send now."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import date

from newsletter.config.loader import Newsletter
from newsletter.errors import IssueError, NewsError, SendRefused
from newsletter.issue import files
from newsletter.issue.model import Issue
from newsletter.sending.model import SUBSCRIBERS, Counts, Send
from newsletter.services.prepare import Prepared
from newsletter.services.send import SendService
from newsletter.services.status import can_repeat


def due_issues(
    service: SendService, name: str | None = None, at_most: int | None = None
) -> list[Prepared | NewsError]:
    """Return the due issues, oldest first, or only the named one.

    An issue is due if it is marked ready, its date is not in the future, and it has recipients that are
    waiting, in flight, or unknown in a held batch. The list has the error of an issue that cannot be read,
    rendered or continued, so that the other issues can still be sent. A person has to resume a send that was
    cancelled or waits for a go-ahead; only a corrected issue whose send was cancelled completely is due
    again. Raise SendRefused if more than `at_most` issues are due: a new database makes every issue due.
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


def upcoming_issues(newsletter: Newsletter, today: date) -> list[Issue]:
    """Return the issues that are marked ready and have a date after today, the oldest first.

    An issue that cannot be read is left out: it is an error when it is due.
    """
    upcoming = []
    for path in files.issue_files(newsletter.issues):
        with suppress(IssueError):
            if files.issue_date(path) > today and (issue := files.load(path, newsletter.folder)).ready:
                upcoming.append(issue)
    return upcoming


def _due(service: SendService) -> Iterator[Prepared | NewsError]:
    today = service.clock.now().date()
    for path in files.issue_files(service.newsletter.issues):
        try:
            if files.issue_date(path) > today:
                continue
            issue = files.load(path, service.newsletter.folder)
            if not issue.ready or _is_done(service, issue.name):
                continue
            prepared = service.prepare_issue(issue)
            send, counts = service.find_started(prepared)
            # A new send is due also if nobody is on the list: its plan refuses that.
            if send is None or _is_unfinished(service, send, counts):
                yield prepared
        except NewsError as error:
            yield error


def _is_done(service: SendService, issue: str) -> bool:
    """Return True if an issue's started send leaves no work to automation.

    Such an issue is not rendered again, so that a later edit of it is not an error.
    """
    if not service.provider.capabilities.leaves_machine:
        return False
    send = service.queries.find(issue, SUBSCRIBERS)
    if send is None:
        return False
    counts = service.queries.counts(send)
    if send.state == "cancelled":
        return not counts.nobody_has_it
    return send.canary_size is not None or not _is_unfinished(service, send, counts)


def _is_unfinished(service: SendService, send: Send, counts: Counts) -> bool:
    """Return True if recipients wait, or if unknown ones may be settled by a recall or a repetition."""
    if counts.waiting or counts.in_flight or _has_recallable_unknown(service, send):
        return True
    repeat_window = service.provider.capabilities.repeat_window
    return can_repeat(service.queries, send, service.clock.now(), repeat_window)


def _has_recallable_unknown(service: SendService, send: Send) -> bool:
    """Return True if a batch with unknown or intended recipients has not left: a recall may settle them."""
    now = service.clock.now()
    batches = service.queries.held_batches(send)
    return any(
        status.batch.state != "kept" and status.batch.send_at > now and (status.unknown or status.intended)
        for status in batches
    )
