"""What a person sees in the terminal: problems, what is about to be sent, how it goes, how it went.

Messages go to standard error and results to standard output, so that both can be read by programs too.
"""

import re
import shutil
import signal
import sys
import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, redirect_stdout
from datetime import UTC, datetime, timedelta
from types import FrameType
from typing import TYPE_CHECKING

import click

from newsletter.display import shown_path, visible
from newsletter.errors import NewsError, Problem

if TYPE_CHECKING:
    from newsletter.sending.events import Delivered, Event
    from newsletter.sending.model import Counts, Send
    from newsletter.sending.outcomes import Outcome
    from newsletter.sending.start import Wishes
    from newsletter.services.prepare import Prepared
    from newsletter.services.send import Sending
    from newsletter.store.subscribers import Imported

_STATES = {
    "accepted": "Accepted",
    "refused": "Refused",
    "unknown": "Unknown",
    "waiting": "Waiting",
    "cancelled": "Called back",
    "left": "Left",
}
COLOURS = {"error": "red", "warning": "yellow", "note": "blue"}
REASONS = 5
_ADDRESS = re.compile(r"[<(\"]*[^\s<>()]+(?:@|%40|\" ?@| at (?=\S+\.))[^\s<>(),;:]+[>)]*", re.IGNORECASE)


@contextmanager
def aside(apart: bool) -> Iterator[None]:
    """What is printed in the block goes to standard error, if a program reads standard output."""
    if apart:
        with redirect_stdout(sys.stderr):
            yield
    else:
        yield


def show_problems(problems: Iterable[Problem]) -> None:
    """One problem, three things: where, what, and below it what to do."""
    for problem in problems:
        click.echo(worded(problem), err=True)


def show_findings(prepared: "Prepared") -> None:
    """What checks found in an issue that is about to be sent, without what is only to be noted."""
    show_problems(problem for problem in prepared.problems if problem.severity != "note")


def worded(problem: Problem, *, always: bool = False) -> str:
    """A problem in lines that fit the terminal.

    What stands at a place and names no severity is an error, unless it is `always` to be named.
    """
    where = f"{problem.where}: " if problem.where else ""
    plain = problem.where and problem.severity == "error" and not always
    kind = "" if plain else f"{problem.severity}: "
    name = f" [{problem.check}]" if problem.check else ""
    first, *rest = _wrapped(f"{where}{kind}{problem.what}{name}", "    ")
    if first.startswith(where + kind):
        styled = click.style(where, bold=True) + click.style(kind, fg=COLOURS[problem.severity])
        first = styled + first.removeprefix(where + kind)
    fix = _wrapped(f"    {problem.fix}", "    ") if problem.fix else []
    return "\n".join((first, *rest, *fix, *(f"    {line}" for line in problem.details)))


def _wrapped(line: str, indent: str) -> list[str]:
    """A line in lines of a terminal's width; whole where a program reads it."""
    if not sys.stdout.isatty():
        return [line]
    width = max(40, shutil.get_terminal_size().columns)
    return textwrap.wrap(
        line, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


def sort_out(found: Iterable["Prepared | NewsError"]) -> tuple[list["Prepared"], bool]:
    """The issues that are due, and whether others could not be read; why is shown."""
    due: list[Prepared] = []
    broken = False
    for one in found:
        if isinstance(one, NewsError):
            show_problems(one.problems)
            broken = True
        else:
            due.append(one)
    return due, broken


def show_outcome(outcome: "Outcome") -> None:
    """What came of a single message."""
    reason = getattr(outcome, "reason", None)
    if reason is None:
        click.echo("Accepted.")
    else:
        show_problems([Problem("", f"{outcome.state.replace('_', ' ')}: {visible(reason, 300)}")])


def show_send(
    prepared: "Prepared",
    started: "Send | None",
    waiting: int,
    sending: "Sending",
    wishes: "Wishes | None" = None,
) -> None:
    """What is about to be sent, before anybody is asked."""
    name, email = prepared.mailing.sender
    since = started and f", started {started.started_at:%Y-%m-%d %H:%M} UTC"
    tracking = prepared.mailing.track_opens or prepared.mailing.track_clicks
    config, provider = sending.newsletter.config, sending.provider.name
    _pairs(
        ("Issue", f"{prepared.issue.name}{since or ''}"),
        ("Subject", prepared.rendered.subject),
        ("From", f"{name} <{email}>"),
        ("Through", f"{provider} ({config.outbox.path}/)" if provider == "outbox" else provider),
        ("Recipients", f"{waiting:,}" + (" still waiting" if started else "")),
        *((("Canary", f"the first {wishes.canary:,}, then a go-ahead"),) if wishes and wishes.canary else ()),
        *((("At most", config.send.rate),) if config.send.rate else ()),
        ("Undo", _undo(started, wishes, sending)),
        ("Tracking", "on, as newsletter.yml says" if tracking else "off"),
    )


def _undo(started: "Send | None", wishes: "Wishes | None", sending: "Sending") -> str:
    """For how long it can be called back."""
    canary = started.hold_after if started else wishes and wishes.canary
    if canary and sending.provider.holding:
        return "none for the canary, which leaves at once"
    window = started.window if started else wishes.window if wishes else 0
    at = started.send_at if started else wishes.send_at if wishes else None
    if at and at - sending.timing.cancel < sending.clock.now():
        return f"none: it leaves in a few minutes, at {at:%H:%M} UTC"
    if at:
        return f"news cancel; it leaves on {at:%Y-%m-%d at %H:%M} UTC"
    if window:
        until = (timedelta(seconds=window) - sending.timing.cancel).total_seconds()
        return f"news cancel, for {until // 60:.0f} minutes; it leaves after {window // 60}"
    if sending.provider.holding:
        return "none: it leaves at once"
    if not sending.provider.capabilities.leaves_machine:
        return "nothing leaves this machine"
    return f"none: {sending.provider.name} cannot hold mail back"


def show_counts(
    send: "Send",
    counts: "Counts",
    leaves: "tuple[datetime, datetime] | None" = None,
    joined: int = 0,
    *,
    whole: bool = False,
) -> None:
    """How a send stands, with what to do about each number that is not as it should be.

    `whole` says as well which send it is. `leaves`: when the first and the last leaves of what is held back.
    `joined` came after its plan.
    """
    finished = f", finished {send.finished_at:%Y-%m-%d %H:%M} UTC" if send.finished_at else ""
    about = (
        ("Issue", send.issue),
        ("Through", send.provider),
        ("Started", f"{send.started_at:%Y-%m-%d %H:%M} UTC{finished}"),
    )
    rest = [name for name in _STATES if name != "accepted" and getattr(counts, name)]
    _pairs(
        *(about if whole else ()),
        ("Accepted", f"{counts.accepted:,} of {counts.recipients:,}"),
        *((_STATES[name], f"{getattr(counts, name):,}") for name in rest),
        *((("Held back", _held(counts, leaves)),) if counts.held and leaves else ()),
        *((("Joined since", f"{joined:,}, who are not in this send"),) if joined else ()),
    )
    if send.holder and send.held_until and send.held_until > datetime.now(UTC):
        host, process, _ = send.holder.rsplit("_", 2)
        click.echo(f"Process {process} on {host} is at it; what is unknown may only be under way.")
        return
    for line in _advice(send, counts, leaves):
        click.echo(line)


def _held(counts: "Counts", leaves: "tuple[datetime, datetime]") -> str:
    first, last = (f"{moment:%Y-%m-%d %H:%M}" for moment in leaves)
    until = f"until {first} UTC" if first == last else f"until {first} to {last[11:]} UTC"
    return f"{counts.held:,} of the accepted, {until}"


def _advice(send: "Send", counts: "Counts", leaves: "tuple[datetime, datetime] | None") -> Iterator[str]:
    from newsletter.sending.hold_policy import Timing

    where, issue = f"news status --issue {send.issue} --list", f"--issue {send.issue}"
    until = leaves[0] - Timing().cancel if counts.held and leaves else None
    if until and until > datetime.now(UTC):
        yield f"To call it back, until {until:%H:%M} UTC:\n  news cancel {issue}"
    if counts.under_way:
        yield f"Under way when it stopped: {counts.under_way:,}. Most clears up:\n  news resume {issue}"
    elif counts.unknown:
        yield f"Unknown ones may have arrived, and are never sent again by themselves:\n  {where} unknown"
        yield f"When you have found out:\n  news resolve {issue} --assume sent|unsent [ADDRESS]…"
    if counts.refused:
        yield f"The provider refused some:\n  {where} refused"
        yield f"When the cause is mended:\n  news retry {issue} --refused [ADDRESS]…"
    if counts.waiting and send.hold_after is not None:
        yield f"The others wait for a go-ahead, behind {send.hold_after:,}:\n  news resume {issue}"
    elif counts.waiting:
        yield f"Waiting ones are certainly unsent. To go on:\n  news resume {issue}"
    if counts.cancelled:
        if counts.nobody_has_it:
            yield f"Nobody gets it. When the issue is corrected:\n  news send {issue}"
        yield f"To send it after all, as it was:\n  news resume {issue}"
    if counts.left:
        yield "Left: unsubscribed before their turn."


def show_rehearsal(sending: "Sending") -> None:
    """Where the mail is that did not leave this machine."""
    if not sending.provider.capabilities.leaves_machine:
        outbox = shown_path(sending.newsletter.folder / sending.newsletter.config.outbox.path)
        click.echo(f"Nothing left this machine: the mail is in {outbox}/new/.", err=True)


def show_stopped(send: "Send", failure: BaseException) -> None:
    """That a send ended before its end, why, and where to look."""
    if isinstance(failure, NewsError):
        show_problems(failure.problems)
    click.echo(f"Stopped. How it stands:\n  news status --issue {send.issue}", err=True)


def show_sends(sends: Iterable[tuple["Send", "Counts"]]) -> None:
    """A table, a line a send."""
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 1))
    rows = list(sends)
    if not rows:
        click.echo("Nothing was ever sent.")
        return
    for heading in ("Issue", "Through", "Started"):
        table.add_column(heading, no_wrap=True)
    # All of them together do not fit into 80 columns; as a rule most are empty.
    told = [name for name in _STATES if name == "accepted" or any(getattr(c, name) for _, c in rows)]
    for name in told:
        table.add_column(_STATES[name], justify="right")
    for send, counts in rows:
        shown = (f"{number:,}" if (number := getattr(counts, name)) else "-" for name in told)
        table.add_row(send.issue, send.provider, f"{send.started_at:%Y-%m-%d %H:%M}", *shown)
    Console().print(table)


def watch(events: Iterable["Event"], total: int) -> None:
    """A progress bar while a send runs, what happens to it, and why some were not accepted, counted."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from newsletter.sending.events import Delivered, Recalled, Waiting

    reasons: Counter[str] = Counter()
    columns = (TextColumn("Sending"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    hidden = not console.is_terminal or not total
    waits_for = ""
    with Progress(*columns, console=console, transient=True, disable=hidden) as progress:
        task = progress.add_task("", total=total)
        for event in events:
            if isinstance(event, Delivered):
                done = [fate for fate in event.fates if fate.state != "waiting"]
                progress.advance(task, sum(fate.last - fate.first + 1 for fate in done) or not event.fates)
                reasons.update(_reasons(event))
                continue
            if isinstance(event, Recalled):
                progress.advance(task, -event.recipients)
            if isinstance(event, Waiting):
                if event.why == waits_for:
                    continue
                waits_for = event.why
            if said := _happening(event):
                progress.console.print(said, highlight=False, markup=False)
    for reason, count in reasons.most_common(REASONS):
        click.echo(f"{count:,} {reason}", err=True)
    if len(reasons) > REASONS:
        click.echo(f"… and {len(reasons) - REASONS} more reasons", err=True)


def _reasons(delivered: "Delivered") -> Counter[str]:
    """Why some of a chunk were not accepted, and how many."""
    from newsletter.sending.outcomes import NOT_BEGUN

    found: Counter[str] = Counter()
    for fate in delivered.fates:
        if fate.state != "accepted" and fate.reason not in ("", NOT_BEGUN.reason):
            word = "not sent" if fate.state == "waiting" else fate.state
            size = min(fate.last - fate.first + 1, delivered.recipients)
            found[f"{word}: {_masked(fate.reason)}"] += size
    return found


def _masked(reason: str) -> str:
    """This may be the public log of a workflow, and servers like to name the recipient."""
    return _ADDRESS.sub("<recipient>", visible(reason, 300))


def _happening(event: "Event") -> str:
    """What else happens to a send."""
    from newsletter.sending.events import NotRecalled, Recalled, Stopped, Waiting

    match event:
        case Waiting(until, why):
            return f"Waiting until {until:%H:%M:%S} UTC: {_masked(why)}."
        case Recalled(recipients, "waiting"):
            return f"Called back what {recipients:,} recipients were to get, to send it again."
        case NotRecalled(recipients, why):
            return f"Not called back, for {recipients:,} recipients: {_masked(why)}."
        case Stopped(why):
            return f"Stopped: {_masked(why)}"
    return ""


def show_import(changes: Iterable["Imported | Problem"]) -> int:
    """What became of a file's lines: the unusual ones named, the others counted; how many were refused."""
    counted: Counter[str] = Counter()
    for change in changes:
        if isinstance(change, Problem):
            counted["refused"] += change.severity == "error"
            show_problems([change])
            continue
        counted[change.change] += 1
        if change.change in _UNUSUAL:
            click.echo(f"{change.where}: {change.address} {_UNUSUAL[change.change]}", err=True)
    words = {"added": "added", "renamed": "renamed", "known": "on the list already"}
    words |= {"left": "stay off the list", "twice": "listed twice", "refused": "lines left out"}
    told = [f"{counted[key]:,} {word}" for key, word in words.items() if counted[key]]
    click.echo(", ".join(told) or "The file names nobody.")
    return counted["refused"]


_UNUSUAL = {"left": "has left, and stays off the list", "twice": "stands further up as well"}


class Interrupt:
    """Ctrl-C while a send runs: the first ends it after the call in flight, the second at once."""

    def __init__(self) -> None:
        self.asked = False

    def __call__(self) -> bool:
        return self.asked

    @contextmanager
    def listening(self) -> Iterator[None]:
        before = {number: signal.signal(number, self._ask) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
        click.echo("\nStopping after the calls in flight. Once more stops at once.", err=True)


def _pairs(*pairs: tuple[str, str]) -> None:
    width = max(len(name) for name, _ in pairs)
    for name, value in pairs:
        click.echo(f"{name:<{width}}  {value}")
