"""Explain why the newest issues are not due, for the report of `news send --ready`."""

from collections.abc import Iterator
from contextlib import suppress

from newsletter.errors import IssueError, LimitReached, Problem, TemplateError
from newsletter.issue import files
from newsletter.issue.model import Issue
from newsletter.sending.content_diff import differences
from newsletter.sending.model import SUBSCRIBERS, Send
from newsletter.services.due import upcoming_issues
from newsletter.services.github_limits import DAILY_RUN
from newsletter.services.send import SendService

# Only the mail of the newest issues can still be held back.
_NEWEST = 5


def not_due(service: SendService) -> Iterator[Problem]:
    """Yield a note on each of the newest issues that is not due for a reason that a person may overlook.

    The newest one is a draft, or was cancelled; others have a later date. A warning: the text of one has
    changed since its mail was given to the provider, which still holds it.
    """
    today = service.clock.now().date()
    past = [path for path in files.issue_files(service.newsletter.issues) if path.stem <= today.isoformat()]
    for path in past[-_NEWEST:]:
        # A broken issue or template is an error of an issue that is due, and must not fail a finished send.
        with suppress(IssueError, TemplateError, LimitReached):
            issue = files.load(path, service.newsletter.folder)
            yield from _past(service, issue, is_newest=path == past[-1])
    for issue in upcoming_issues(service.newsletter, today):
        what = f"{issue.name} is marked ready and not due yet: a run on that day, or later, sends it"
        yield Problem(issue.path, what, f"on GitHub, {DAILY_RUN}", "note")


def _past(service: SendService, issue: Issue, *, is_newest: bool) -> Iterator[Problem]:
    """Yield the notes on an issue whose date has come."""
    leaves_machine = service.provider.capabilities.leaves_machine
    send = service.queries.find(issue.name, SUBSCRIBERS) if leaves_machine else None
    if send is None:
        if is_newest and not issue.ready:
            where = files.where(issue, ("ready",))
            yield Problem(where, f"{issue.name} is a draft", "to send it, write `ready: true`", "note")
    elif send.state == "cancelled":
        if is_newest:
            fix = f"to send the same text: news resume {issue.name}; a corrected text is sent again by itself"
            yield Problem(issue.path, f"{issue.name} was cancelled", fix, "note")
    elif problem := _changed(service, issue, send):
        yield problem


def _changed(service: SendService, issue: Issue, send: Send) -> Problem | None:
    """Return a warning if the provider holds the mail of an earlier text."""
    held_until = service.status(send).held_until
    if not held_until or held_until[0] <= service.clock.now():
        return None
    mailing = service.prepare_issue(issue).mailing
    if mailing.sha256 == send.content_sha256:
        return None
    what = f"{issue.name} has changed since {send.provider} got its mail: readers get the earlier text"
    fix = (
        f"to replace it before {held_until[0]:%H:%M} UTC: news cancel {issue.name}, then run `news send "
        "--ready` again; on GitHub, Cancel an issue, then Send"
    )
    changes = differences(service.queries.content(send), mailing)
    return Problem(issue.path, what, fix, "warning", details=tuple(changes))
