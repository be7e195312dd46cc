"""Send every issue that is due, as automation does with `news send --ready`."""

import os
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from newsletter.cli import output, progress, terminal
from newsletter.cli.deliver import send_issue
from newsletter.constants import INCOMPLETE, REFUSED
from newsletter.errors import Problem, SaveLost, SendRefused

if TYPE_CHECKING:
    from newsletter.config.loader import Newsletter
    from newsletter.sending.model import SendOptions
    from newsletter.services.send import SendService

_TRIES = 3


@dataclass(frozen=True)
class ReadyOptions:
    """The options of `news send --ready`: only the issue that is named, and no more than so many issues."""

    issue: str | None
    at_most: int
    provider: str | None
    send: "SendOptions"
    yes: bool
    dry_run: bool


def send_ready(newsletter: "Newsletter", options: ReadyOptions) -> int:
    """Send every due issue, the oldest first; return the worst exit code.

    An issue that is refused or cannot be read makes the code REFUSED, or INCOMPLETE if any other issue was
    not refused. If another machine saves its state first, wait for it, and look again for due issues.
    """
    for _ in range(_TRIES - 1):
        with suppress(SaveLost):
            return _send_ready(newsletter, options)
        output.echo(
            "Another machine saved its state first. It is taken, and news looks again for due issues."
        )
    return _send_ready(newsletter, options, is_last=True)


def _send_ready(newsletter: "Newsletter", options: ReadyOptions, *, is_last: bool = False) -> int:
    """Send the due issues; raise SaveLost if another machine saved first, unless `is_last`."""
    from newsletter.services.send import SendService

    to_send = not options.dry_run
    opened = SendService.open(newsletter, options.provider, to_send=to_send, on_wait=progress.show_wait)
    with opened as service:
        code = _send_due(service, options, raise_lost=not is_last)
        _show_upcoming(service)
        return code


def _send_due(service: "SendService", options: ReadyOptions, *, raise_lost: bool) -> int:
    from newsletter.cli import logs
    from newsletter.services.due import due_issues

    due, broken = terminal.collect_due(due_issues(service, options.issue, options.at_most))
    if not due and not broken:
        output.echo("No issue is due: each issue marked ready was sent, or its date is in the future.")
    codes = []
    for prepared in due:
        try:
            code = send_issue(
                service, prepared, options.send, options.yes, options.dry_run, raise_lost=raise_lost
            )
        except SendRefused as refused:
            terminal.show_problems(refused.problems)
            logs.failed(refused)
            code = REFUSED
        codes.append(code)
    if not broken and REFUSED not in codes:
        return max(codes, default=0)
    return INCOMPLETE if any(code != REFUSED for code in codes) else REFUSED


def _show_upcoming(service: "SendService") -> None:
    """Show the issues that are ready and not due yet; on GitHub, in the summary of the run."""
    from newsletter.cli.check_formats import github_command
    from newsletter.config.loader import is_on_github
    from newsletter.services.due import upcoming_issues
    from newsletter.services.github_limits import DAILY_RUN

    for issue in upcoming_issues(service.newsletter, service.clock.now().date()):
        what = f"{issue.name} is marked ready and not due yet; it is sent by a run on that day, or later"
        if is_on_github(os.environ):
            output.echo_commands(github_command(Problem(issue.path, what, DAILY_RUN, "note"), "Not due yet"))
        else:
            terminal.show_problems([Problem(issue.path, what, severity="note")])
