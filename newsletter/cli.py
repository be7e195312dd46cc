"""The command line: options, wiring, and what is printed. The work is done elsewhere:

news send -> `_send` below -> delivery.deliver -> a provider's submit.

Each command imports what it needs, so that `news --help` is quick.
"""

import gc
import json
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from newsletter import __version__, terminal
from newsletter.cli_subscribers import subscribers
from newsletter.errors import NewsError, Problem, SendRefused

if TYPE_CHECKING:
    from newsletter.models import Send
    from newsletter.preparing import Prepared
    from newsletter.sending import Sending
    from newsletter.store.ledger import Ledger

# Starting makes a hundred thousand objects that stay; looking for garbage among them time and again costs 6 %
# of a short command. Commands that go on for long switch it on again.
gc.disable()

REFUSED, INCOMPLETE = 1, 3
PROVIDERS = ("outbox", "smtp", "sendgrid")
STATES = ("accepted", "refused", "unknown", "waiting", "left")


class News(click.Group):
    """Turns the core's errors into what a person reads, in one place."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except NewsError as error:
            terminal.show_problems(error.problems)
            ctx.exit(REFUSED)


@click.group(cls=News, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="news")
@click.option("-C", "folder", type=click.Path(path_type=Path), default=".", help="The newsletter's folder.")
@click.pass_context
def main(ctx: click.Context, folder: Path) -> None:
    """Publishes an email newsletter from a Git repository.

    One file an issue, sent once to everyone on the list, with no tracking.
    """
    ctx.obj = folder


@main.command()
@click.argument("date", type=click.DateTime(["%Y-%m-%d"]))
@click.pass_obj
def new(folder: Path, date: datetime) -> None:
    """Start an issue: a commented file to fill in."""
    from newsletter import config, issues

    path = issues.create(config.load(folder).issues, date.date())
    click.echo(f"Wrote {path}. See it as you write: news preview {path.stem}")


@main.command()
def schema() -> None:
    """Print the JSON Schema, for your editor."""
    from newsletter import issues

    click.echo(issues.schema(), nl=False)


@main.command()
@click.argument("issue", required=False)
@click.option("--port", default=8025, show_default=True, help="Where to listen on 127.0.0.1.")
@click.pass_obj
def preview(folder: Path, issue: str | None, port: int) -> None:
    """Show an issue in the browser, as you write.

    The newest one, unless another is named.
    """
    from newsletter.preview import serve

    gc.enable()
    serve(folder, issue, port=port, ready=lambda url: click.echo(f"{url}  (Ctrl-C ends it)"))


@main.command()
@click.argument("issue", required=False)
@click.option("-o", "--output", type=click.Path(path_type=Path), default="build", show_default=True)
@click.pass_obj
def render(folder: Path, issue: str | None, output: Path) -> None:
    """Write an issue as .html, .txt and .eml.

    The newest one, unless another is named.
    """
    from newsletter import config, export, issues
    from newsletter.render import render as rendered

    newsletter = config.load(folder)
    loaded = issues.load(issues.find(newsletter.issues, issue))
    for path, size in export.write(loaded, rendered(loaded, newsletter.site), newsletter, output):
        click.echo(f"{path}  {size:,} bytes")


@main.command()
@click.argument("names", metavar="[ISSUE]...", nargs=-1)
@click.pass_obj
def check(folder: Path, names: tuple[str, ...]) -> None:
    """Find what would embarrass the newsletter.

    In the newest issue, unless others are named.
    """
    from newsletter import config, issues
    from newsletter.preparing import prepare

    newsletter, found = config.load(folder), []
    for name in names or (None,):
        try:
            prepared = prepare(newsletter, issues.find(newsletter.issues, name))
            found += prepared.problems
            if not prepared.problems:
                click.echo(f"{prepared.issue.path}: no problems found")
        except NewsError as error:
            found += error.problems
    terminal.show_problems(found)
    sys.exit(REFUSED if any(problem.severity == "error" for problem in found) else 0)


@main.command()
@click.option("--issue", metavar="DATE", help="The issue to send, such as 2026-04-27.")
@click.option("--ready", is_flag=True, help="Send every issue that is marked ready, due and not yet sent.")
@click.option("--at-most", default=3, show_default=True, help="Refuse --ready for more issues than this.")
@click.option(
    "--to", "address", metavar="ADDRESS", help="Send one message, marked as a test, to this address."
)
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
    address: str | None,
    provider: str | None,
    yes: bool,
    dry_run: bool,
) -> None:
    """Send an issue, once, to everyone on the list.

    Run it again after an interruption: it sends what is certainly unsent, and names what is unknown.

    Exit codes: 0 all accepted; 1 refused to start; 3 something is unknown, refused or still waiting.
    """
    from newsletter import config
    from newsletter.sending import Sending

    if (issue is None and not ready) or (ready and address):
        raise click.UsageError("name an issue (--issue 2026-04-27), or use --ready")
    gc.enable()
    with Sending.open(config.load(folder), provider, to_send=address is None) as sending:
        if ready:
            sys.exit(_send_ready(sending, issue, at_most, yes, dry_run))
        prepared = sending.prepare(issue)
        if address:
            sys.exit(_send_test(sending, prepared, address, yes, dry_run))
        sys.exit(_send(sending, prepared, yes, dry_run))


def _send(sending: "Sending", prepared: "Prepared", yes: bool, dry_run: bool) -> int:
    """One issue to the list: shown, asked about, delivered, counted; the exit code."""
    terminal.show_problems(prepared.problems)
    prepared.refuse_errors()
    outlook = sending.outlook(prepared)
    terminal.show_send(prepared, outlook, sending.newsletter, sending.provider.name)
    if dry_run:
        click.echo("A dry run: nothing was sent.")
        return 0
    if outlook.send is None and not outlook.counts.recipients:
        hint = "news subscribers import FILE, or news subscribers add ADDRESS"
        raise SendRefused("there is nobody on the list", hint)
    if outlook.counts.waiting:
        _confirm(outlook.counts.waiting, yes)
        interrupt = terminal.Interrupt()
        with interrupt.listening():
            terminal.watch(sending.run(prepared, interrupt), outlook.counts.waiting)
    else:
        click.echo("Nothing is waiting; nothing was sent now.")
    after = sending.outlook(prepared)
    if after.send is None:
        raise SendRefused("stopped before anything was planned; nothing was sent")
    terminal.show_counts(after.send, after.counts)
    if not sending.provider.capabilities.leaves_machine:
        click.echo(f"Nothing left this machine: the mail is in {sending.newsletter.config.outbox.path}/new/.")
    return 0 if after.counts.complete else INCOMPLETE


def _send_ready(sending: "Sending", only: str | None, at_most: int, yes: bool, dry_run: bool) -> int:
    """Every issue that is due, oldest first, or only the one named; the worst exit code."""
    broken: list[NewsError] = []
    due = [one for one in sending.due(broken.append) if only in (None, one.issue.name)]
    for error in broken:
        terminal.show_problems(error.problems)
    if len(due) > at_most:
        names = ", ".join(one.issue.name for one in due)
        raise SendRefused(
            f"{len(due)} issues are marked ready and not yet sent: {names}",
            f"if all of them are to go out now, say so: news send --ready --at-most {len(due)}",
        )
    if not due and not broken:
        click.echo("Nothing is due: each issue marked ready is sent, or lies in the future.")
    codes = [REFUSED] if broken else []
    for one in due:
        try:
            codes.append(_send(sending, one, yes, dry_run))
        except SendRefused as refused:
            terminal.show_problems(refused.problems)
            codes.append(REFUSED)
    return max(codes, default=0)


def _send_test(sending: "Sending", prepared: "Prepared", address: str, yes: bool, dry_run: bool) -> int:
    """One message to one address; the list and the ledger are not touched."""
    from newsletter.models import Accepted

    terminal.show_problems(prepared.problems)
    prepared.refuse_errors()
    click.echo(f"A test of {prepared.issue.name} to {address}, through {sending.provider.name}.")
    if dry_run:
        click.echo("A dry run: nothing was sent.")
        return 0
    if not yes:
        click.confirm("Send it?", abort=True)
    outcome = sending.test(prepared, address)
    if isinstance(outcome, Accepted):
        click.echo("Accepted.")
        return 0
    terminal.show_problems([Problem("", f"{type(outcome).__name__}: {outcome.reason}")])
    return INCOMPLETE


def _confirm(count: int, yes: bool) -> None:
    if yes:
        return
    typed = click.prompt(f"Type the number of recipients ({count}) to send", default="", show_default=False)
    if typed.replace(",", "").strip() != str(count):
        raise SendRefused("that is not the number of recipients; nothing was sent", "--yes does not ask")


@main.command()
@click.option("--issue", metavar="DATE", help="Only this issue.")
@click.option("--list", "state", type=click.Choice(STATES), help="Name the recipients in this state.")
@click.option("--due", is_flag=True, help="Name the issues that `news send --ready` would send.")
@click.option("--json", "as_json", is_flag=True, help="With --due: as a JSON list.")
@click.pass_obj
def status(folder: Path, issue: str | None, state: str | None, due: bool, as_json: bool) -> None:
    """Say how sends stand, and who is in which state.

    With --list, one recipient a line: address, tab, reason.
    """
    from newsletter import config
    from newsletter.sending import Sending

    if state and not issue:
        raise click.UsageError("--list names the recipients of one issue: add --issue DATE")
    if as_json and not due:
        raise click.UsageError("--json goes with --due")
    gc.enable()
    with Sending.open(config.load(folder), to_send=due) as sending:
        if due:
            _show_due(sending, as_json)
        else:
            _show_sends(sending.ledger, issue, state)


def _show_due(sending: "Sending", as_json: bool) -> None:
    broken: list[NewsError] = []
    names = [one.issue.name for one in sending.due(broken.append)]
    click.echo(json.dumps(names) if as_json else "\n".join(names), nl=bool(names) or as_json)
    for error in broken:
        terminal.show_problems(error.problems)
    if broken:
        sys.exit(REFUSED)


def _show_sends(ledger: "Ledger", issue: str | None, state: str | None) -> None:
    sends = ledger.sends(issue)
    if not sends:
        click.echo(f"{issue} was never sent." if issue else "Nothing was ever sent.")
    elif state:
        for address, reason in ledger.people(_the_one(sends), state):
            click.echo(f"{address}\t{reason}".rstrip("\t"))
    elif issue:
        one = _the_one(sends)
        terminal.show_counts(one, ledger.counts(one), whole=True)
    else:
        terminal.show_sends((one, ledger.counts(one)) for one in sends)


def _the_one(sends: "list[Send]") -> "Send":
    """The send to the list where there is one, or else the newest rehearsal."""
    from newsletter.delivery import SUBSCRIBERS

    return next((one for one in sends if one.list == SUBSCRIBERS), sends[-1])


main.add_command(subscribers)
