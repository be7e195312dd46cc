"""Show what a pull has read, in numbers; never an address, nor a token."""

from typing import TYPE_CHECKING

from newsletter.cli import output, terminal
from newsletter.display import counted

if TYPE_CHECKING:
    from newsletter.services.mail_sign_up import SignUpReport
    from newsletter.services.pull import PullReport, SourceResult
    from newsletter.services.pull_sign_ups import SignUpResult


def show_pull(report: "PullReport") -> None:
    """Show a line for each place that was read, and the error of each that was not."""
    if report.sign_ups:
        show_sign_ups(report.sign_ups)
    width = max((len(result.source) for result in report.results), default=0)
    for result in report.results:
        output.echo(f"{result.source:{width}}  {_counts(result)}")
    for _, failure in report.failures:
        terminal.show_problems(failure.problems)
    _show_unread(sum(result.needs_person for result in report.results))


def show_sign_ups(result: "SignUpResult") -> None:
    """Show the numbers of sign-ups in a line."""
    parts = [f"{result.read:,} read", f"{result.asked:,} asked to sign up", f"{result.confirmed:,} confirmed"]
    parts += [f"{counted(result.late, 'answer')} after more than seven days"] if result.late else []
    parts += [f"{counted(result.automatic, 'automatic message')} skipped"] if result.automatic else []
    parts += ["not read to the end"] if result.failure else []
    output.echo(f"sign-ups by mail  {', '.join(parts)}")


def show_sign_up_report(report: "SignUpReport") -> None:
    """Show the numbers of sign-ups and of the mails that were sent, and the error if there was one."""
    show_sign_ups(report.result)
    if report.sent:
        output.echo(f"{counted(report.sent, 'mail')} about sign-ups sent.")
    if report.result.failure:
        terminal.show_problems(report.result.failure.problems)
    _show_unread(report.result.needs_person)


def _show_unread(messages: int) -> None:
    if messages:
        verb = "needs" if messages == 1 else "need"
        output.echo(f"{counted(messages, 'message')} {verb} a person: unread in the mailbox.")


def _counts(result: "SourceResult") -> str:
    parts = [f"{result.read:,} read", f"{result.left:,} left the list"]
    parts += [counted(result.noise, "token") + " of another list or forged"] if result.noise else []
    parts += [counted(result.tests, "test")] if result.tests else []
    parts += [f"{counted(result.automatic, 'automatic message')} skipped"] if result.automatic else []
    return ", ".join([*parts, "not read to the end"] if result.failure else parts)
