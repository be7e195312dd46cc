"""`news send` and `news resume`: an issue to its list, once."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from newsletter.cli import progress, send_summary, terminal
from newsletter.cli.gc_tuning import tune_gc
from newsletter.cli.issue_name import names_issue
from newsletter.cli.report import ReportOptions, report, report_options
from newsletter.constants import INCOMPLETE, PROVIDERS, REFUSED
from newsletter.errors import NewsError, SendRefused

if TYPE_CHECKING:
    from newsletter.sending.events import Event
    from newsletter.sending.model import Send
    from newsletter.sending.start import SendOptions
    from newsletter.services.prepare import Prepared
    from newsletter.services.send import Sending

_CANARY = "Send to the first so many, then wait for a go-ahead (news resume)."
_AT = "Schedule it: '2026-05-04 09:00 Europe/Berlin', 2026-05-04T07:00Z; at most 72 hours ahead (SendGrid)."


@click.command()
@names_issue(required=False)
@click.option("--ready", is_flag=True, help="Send every issue that is marked ready, due and not yet sent.")
@click.option(
    "--at-most",
    default=3,
    show_default=True,
    type=click.IntRange(min=1),
    help="Refuse --ready for more issues than this.",
)
@click.option(
    "--to",
    "addresses",
    metavar="ADDRESS",
    multiple=True,
    help="Send one message, marked as a test, to this address; may be repeated.",
)
@click.option("--now", is_flag=True, help="Without the undo window: what has left cannot be called back.")
@click.option("--at", metavar="TIME", help=_AT)
@click.option("--canary", metavar="N", type=click.IntRange(min=1), help=_CANARY)
@click.option("--list-changed", is_flag=True, help="The list did grow or shrink that much.")
@click.option(
    "--provider", type=click.Choice(PROVIDERS), help="Send through this one, not the configured one."
)
@click.option("--yes", is_flag=True, help="Do not ask; for automation.")
@click.option("--dry-run", is_flag=True, help="Show what would be sent, and send nothing.")
@click.pass_obj
def send(
    folder: Path,
    issue: str | None,
    ready: bool,
    at_most: int,
    addresses: tuple[str, ...],
    now: bool,
    at: str | None,
    canary: int | None,
    list_changed: bool,
    provider: str | None,
    yes: bool,
    dry_run: bool,
) -> None:
    """Send an issue, once, to everyone on the list.

    Run it again after an interruption: it sends what is certainly unsent, and names what is unknown. Ctrl-C
    finishes the calls in flight; a second one stops at once.

    Exit codes: 0 all accepted; 1 refused to start; 3 something is unknown, refused or still waiting.
    """
    from newsletter.config import loader
    from newsletter.services.send import Sending

    if issue is None and not ready:
        raise click.UsageError("name an issue (news send 2026-04-27), or use --ready")
    if ready and addresses:
        raise click.UsageError("--to sends one issue: name it, without --ready")
    if now and at:
        raise click.UsageError("--now and --at exclude each other")
    if canary and at:
        raise click.UsageError("--canary and --at exclude each other: a canary leaves at once")
    moment = _parse_at(at) if at else None
    tune_gc()
    with Sending.open(loader.load(folder), provider, to_send=not addresses and not dry_run) as sending:
        if addresses:
            sys.exit(_send_tests(sending, sending.prepare(issue), addresses, yes, dry_run))
        options = sending.options(now=now, at=moment, canary=canary)
        sender = Sender(sending, options, yes, dry_run, list_changed)
        sys.exit(sender.ready(issue, at_most) if ready else sender.one(sending.prepare(issue)))


@click.command()
@names_issue()
@click.option("--yes", is_flag=True, help="Do not ask; for automation.")
@report_options
@click.pass_obj
def resume(folder: Path, issue: str, yes: bool, named: ReportOptions) -> None:
    """Go on with a send that was started.

    After an interruption, after a canary, or with one that was called back. The same people get the same
    content; who has joined since is not among them.
    """
    with started(folder, issue) as (sending, found):
        with terminal.stdout_to_stderr(named.as_json):
            prepared = checked(sending, found)
            counts = sending.queries.counts(found)
            if rest := counts.waiting + counts.cancelled:
                send_summary.show_send(prepared, found, rest, sending)
                confirm(rest, yes)
                found = sending.resume(found)
            elif not counts.unknown:
                click.echo("Nothing is waiting; nothing was sent now.")
        sys.exit(deliver(sending, prepared, found, named))


def started(folder: Path, issue: str) -> "AbstractContextManager[tuple[Sending, Send]]":
    """A send that was started, with its provider, while the block lasts."""
    from newsletter.config import loader
    from newsletter.issue import files
    from newsletter.services.send import Sending

    if (name := files.issue_name(issue)) is None:
        raise click.UsageError("an issue is named by its date: 2026-04-27")
    tune_gc()
    return Sending.open_for(loader.load(folder), name)


def checked(sending: "Sending", found: "Send") -> "Prepared":
    """The issue of a send that was started, as it was then and without errors; raises SendRefused."""
    prepared = sending.prepare(found.issue)
    terminal.show_findings(prepared)
    prepared.refuse_errors()
    sending.refuse_difference(prepared, found)
    return prepared


def deliver(
    sending: "Sending", prepared: "Prepared", found: "Send", named: ReportOptions | None = None
) -> int:
    """Sends what is certainly unsent; the exit code.

    From here something may have left, so whatever goes wrong is no refusal any more.
    """
    waiting = sending.queries.counts(found).waiting
    run_out = watch(found, lambda stop: sending.deliver(found, prepared, stop), waiting)
    counts = sending.queries.counts(found)
    if run_out:
        report(sending.newsletter, sending.queries, found, named or ReportOptions())
        send_summary.show_rehearsal(sending, counts.accepted)
    return 0 if run_out and counts.complete else INCOMPLETE


def watch(found: "Send", events: "Callable[[Callable[[], bool]], Iterator[Event]]", total: int) -> bool:
    """Shows how something goes, ends it at Ctrl-C, and says whether it came to its end."""
    interrupt = progress.Interrupt()
    try:
        with interrupt.listening():
            progress.watch(events(interrupt), total)
        return True
    except SendRefused:
        raise
    except (NewsError, KeyboardInterrupt, OSError) as failure:
        _log(failure)
        # An OSError is the terminal's or a pipe's: then nobody reads this either.
        with suppress(OSError):
            send_summary.show_stopped(found, failure)
        return False


def _log(failure: BaseException) -> None:
    from newsletter.cli import logs

    logs.failed(failure)


class Sender:
    """Issues to the list: shown, asked about, delivered, counted."""

    def __init__(
        self, sending: "Sending", options: "SendOptions", yes: bool, dry_run: bool, list_changed: bool
    ) -> None:
        self._sending, self._options = sending, options
        self._yes, self._dry_run, self._list_changed = yes, dry_run, list_changed

    def one(self, prepared: "Prepared") -> int:
        """One issue; the exit code."""
        from newsletter.sending import start

        sending, options = self._sending, self._options
        terminal.show_findings(prepared)
        prepared.refuse_errors()
        outlook = sending.outlook(prepared)
        counts = outlook.counts
        send_summary.show_send(prepared, outlook.send, counts.waiting, sending, options)
        if not self._list_changed:
            sending.refuse_list(outlook, prepared.issue.name)
        if self._dry_run:
            click.echo("A dry run: nothing was sent.")
            return 0
        if not counts.recipients:
            hint = "news subscribers import FILE, or news subscribers add ADDRESS"
            raise SendRefused("there is nobody on the list", hint)
        start.refuse_halted(outlook.send, counts)
        start.refuse_wishes(outlook.send, options)
        if counts.waiting:
            confirm(counts.waiting, self._yes)
        elif not counts.unknown:
            click.echo("Nothing is waiting; nothing was sent now.")
        claimed = sending.start(prepared, options, None if self._yes else outlook)
        code = deliver(sending, prepared, claimed)
        return self._after_canary(prepared, claimed, code) if claimed.canary_size and not self._yes else code

    def ready(self, only: str | None, at_most: int) -> int:
        """Every issue that is due, oldest first, or only the one named; the worst exit code."""
        if only is not None:
            from newsletter.issue import files

            only = files.find(self._sending.newsletter.issues, only).stem
        due, broken = terminal.collect_due(self._sending.due())
        if len(due) > at_most:
            names = ", ".join(one.issue.name for one in due)
            raise SendRefused(
                f"{len(due)} issues are marked ready and not yet sent: {names}",
                f"if all of them are to go out now, say so: news send --ready --at-most {len(due)}",
            )
        chosen = [one for one in due if only in (None, one.issue.name)]
        if not chosen and not broken:
            click.echo("Nothing is due: each issue marked ready is sent, or lies in the future.")
        codes = []
        for one in chosen:
            try:
                codes.append(self.one(one))
            except SendRefused as refused:
                terminal.show_problems(refused.problems)
                _log(refused)
                codes.append(REFUSED)
        worst = max(codes, default=0)
        if not broken:
            return worst
        return INCOMPLETE if any(code != REFUSED for code in codes) else REFUSED

    def _after_canary(self, prepared: "Prepared", claimed: "Send", code: int) -> int:
        """Asks for the go-ahead, where the canary is through and somebody is there to give it."""
        counts = self._sending.queries.counts(claimed)
        through = counts.recipients - counts.waiting >= (claimed.canary_size or 0)
        if not (counts.waiting and through) or not click.confirm(f"Go on with the other {counts.waiting:,}?"):
            return code
        return deliver(self._sending, prepared, self._sending.resume(claimed))


def confirm(count: int, yes: bool) -> None:
    """Asks for the number of recipients to be typed; raises SendRefused where it is not."""
    if yes:
        return
    typed = click.prompt(f"Type the number of recipients ({count}) to send", default="", show_default=False)
    if typed.replace(",", "").strip() != str(count):
        hint = f"run it again and type {count}, or look first: --dry-run"
        raise SendRefused("that is not the number of recipients; nothing was sent", hint)


def _send_tests(
    sending: "Sending", prepared: "Prepared", addresses: Sequence[str], yes: bool, dry_run: bool
) -> int:
    """Send one test message to each address; return the exit code. The list and the ledger stay as they are.

    Raises SubscriberError before the first message if any address is none.
    """
    recipients = _distinct(addresses)
    terminal.show_findings(prepared)
    prepared.refuse_errors()
    through = f"through {sending.provider.name}"
    click.echo(f"A test of {prepared.issue.name} to {', '.join(recipients)}, {through}.")
    if dry_run:
        click.echo("A dry run: nothing was sent.")
        return 0
    if not yes:
        click.confirm("Send it?", abort=True)
    accepted = sum(_send_test(sending, prepared, one, named=len(recipients) > 1) for one in recipients)
    send_summary.show_rehearsal(sending, accepted)
    return 0 if accepted == len(recipients) else INCOMPLETE


def _send_test(sending: "Sending", prepared: "Prepared", address: str, *, named: bool) -> bool:
    """Send a test message, show its outcome (`named`: with its address); return whether it was accepted."""
    from newsletter.sending.outcomes import Accepted

    outcome = sending.test(prepared, address)
    terminal.show_outcome(outcome, address if named else "")
    return isinstance(outcome, Accepted)


def _distinct(addresses: Sequence[str]) -> list[str]:
    """Return each mailbox once, as it was given first; raise SubscriberError for what is no address."""
    from newsletter.subscribers.parsing import parse_subscriber

    distinct: dict[str, str] = {}
    for address in addresses:
        mailbox, _ = parse_subscriber(address)
        distinct.setdefault(mailbox.key, mailbox.given)
    return list(distinct.values())


def _parse_at(text: str) -> datetime:
    from newsletter.config import units

    try:
        return units.parse_datetime(text)
    except ValueError as problem:
        raise click.BadParameter(str(problem), param_hint="--at") from problem
