"""Send every issue that is due, as automation does with `news send --ready`."""

import os
from contextlib import suppress
from datetime import UTC, datetime
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


def send_ready(
    newsletter: "Newsletter",
    provider: str | None,
    issue: str | None,
    at_most: int,
    options: "SendOptions",
    yes: bool,
    dry_run: bool,
) -> int:
    """Send every due issue, the oldest first, or only the named one; return the worst exit code.

    An issue that is refused or cannot be read makes the code REFUSED, or INCOMPLETE if any other issue was
    not refused. If another machine saves its state first, wait for it, and look again for what is due.
    """
    from newsletter.services.send import SendService

    for tries in range(_TRIES, 0, -1):
        opened = SendService.open(newsletter, provider, to_send=not dry_run, on_wait=progress.show_wait)
        with opened as service, suppress(SaveLost):
            code = _send_due(service, issue, at_most, options, yes, dry_run, raise_lost=tries > 1)
            _show_upcoming(newsletter)
            return code
        output.echo(
            "Another machine saved its state first; it is taken, and what is due is looked for again."
        )
    raise AssertionError("the last try raises no SaveLost")


def _show_upcoming(newsletter: "Newsletter") -> None:
    """Show the issues that are ready and not due yet; on GitHub, in the summary of the run."""
    from newsletter.cli.check_formats import github_command
    from newsletter.services.due import upcoming_issues
    from newsletter.services.github_setup import DAILY_RUN

    on_github = os.environ.get("GITHUB_ACTIONS") == "true"
    for issue in upcoming_issues(newsletter, datetime.now(UTC).date()):
        fix = DAILY_RUN if on_github else "run the same command on that day"
        what = f"{issue.name} is marked ready, and its date is in the future"
        problem = Problem(issue.path, what, fix, "note", check="not due yet")
        if on_github:
            output.echo_commands(github_command(problem))
        else:
            terminal.show_problems([problem])


def _send_due(
    service: "SendService",
    issue: str | None,
    at_most: int,
    options: "SendOptions",
    yes: bool,
    dry_run: bool,
    *,
    raise_lost: bool,
) -> int:
    """Send the due issues once; `raise_lost` is that of `deliver`."""
    from newsletter.cli import logs
    from newsletter.services.due import due_issues

    due, broken = terminal.collect_due(due_issues(service, issue, at_most))
    if not due and not broken:
        output.echo("No issue is due: each issue marked ready was sent, or its date is in the future.")
    codes = []
    for prepared in due:
        try:
            codes.append(send_issue(service, prepared, options, yes, dry_run, raise_lost=raise_lost))
        except SendRefused as refused:
            terminal.show_problems(refused.problems)
            logs.failed(refused)
            codes.append(REFUSED)
    if not broken and REFUSED not in codes:
        return max(codes, default=0)
    return INCOMPLETE if any(code != REFUSED for code in codes) else REFUSED
