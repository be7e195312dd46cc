"""What a person sees in the terminal: problems, what is about to be sent, how it goes, how it went.

Messages go to standard error and results to standard output, so that both can be read by programs too.
"""

import re
import signal
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

import click

from newsletter.errors import NewsError, Problem
from newsletter.shown import shown_path, visible

if TYPE_CHECKING:
    from newsletter.config import Newsletter
    from newsletter.delivery import Delivered
    from newsletter.models import Counts, Outcome, Send
    from newsletter.preparing import Prepared
    from newsletter.sending import Outlook, Sending
    from newsletter.store.subscribers import Imported

_COLOURS = {"error": "red", "warning": "yellow", "note": "blue"}
REASONS = 5
_ADDRESS = re.compile(r"[<(\"]*[^\s<>()]+(?:@|%40|\" ?@| at (?=\S+\.))[^\s<>(),;:]+[>)]*", re.IGNORECASE)


def show_problems(problems: Sequence[Problem]) -> None:
    """One problem, three things: where, what, and below it what to do.

    What stands at a place and names no severity is an error.
    """
    for problem in problems:
        where = click.style(f"{problem.where}: ", bold=True) if problem.where else ""
        plain = problem.where and problem.severity == "error"
        kind = "" if plain else click.style(f"{problem.severity}: ", fg=_COLOURS[problem.severity])
        click.echo(f"{where}{kind}{problem.what}", err=True)
        if problem.fix:
            click.echo(f"    {problem.fix}", err=True)


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
        show_problems([Problem("", f"{_WORDS[type(outcome).__name__]}: {reason}")])


def show_send(prepared: "Prepared", outlook: "Outlook", newsletter: "Newsletter", provider: str) -> None:
    """What is about to be sent, before anybody is asked."""
    name, email = prepared.mailing.sender
    started = outlook.send and f", started {outlook.send.started_at:%Y-%m-%d %H:%M} UTC"
    tracking = prepared.mailing.track_opens or prepared.mailing.track_clicks
    _pairs(
        ("Issue", f"{prepared.issue.name}{started or ''}"),
        ("Subject", prepared.rendered.subject),
        ("From", f"{name} <{email}>"),
        ("Through", f"{provider} ({newsletter.config.outbox.path}/)" if provider == "outbox" else provider),
        ("Recipients", f"{outlook.counts.waiting:,}" + (" still waiting" if outlook.send else "")),
        ("Tracking", "on, as newsletter.yml says" if tracking else "off"),
    )


def show_counts(send: "Send", counts: "Counts", *, whole: bool = False) -> None:
    """How a send stands, with what to do about each number that is not as it should be.

    `whole` says as well which send it is.
    """
    finished = f", finished {send.finished_at:%Y-%m-%d %H:%M} UTC" if send.finished_at else ""
    about = (
        ("Issue", send.issue),
        ("Through", send.provider),
        ("Started", f"{send.started_at:%Y-%m-%d %H:%M} UTC{finished}"),
    )
    rest = ("refused", "unknown", "waiting", "left")
    _pairs(
        *(about if whole else ()),
        ("Accepted", f"{counts.accepted:,} of {counts.recipients:,}"),
        *((name.capitalize(), f"{getattr(counts, name):,}") for name in rest if getattr(counts, name)),
    )
    where = f"news status --issue {send.issue} --list"
    if counts.unknown:
        click.echo(
            f"Unknown ones may have arrived, and are never sent again by themselves:\n  {where} unknown"
        )
    if counts.refused:
        click.echo(f"The provider refused some for good:\n  {where} refused")
    if counts.waiting:
        again = f"news send --issue {send.issue} --provider {send.provider}"
        click.echo(f"Waiting ones are certainly unsent. To go on:\n  {again}")
    if counts.left:
        click.echo("Left: unsubscribed before their turn.")


def show_rehearsal(sending: "Sending") -> None:
    """Where the mail is that did not leave this machine."""
    if not sending.provider.capabilities.leaves_machine:
        outbox = shown_path(sending.newsletter.folder / sending.newsletter.config.outbox.path)
        click.echo(f"Nothing left this machine: the mail is in {outbox}/new/.")


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
    for heading in ("Issue", "Through", "Started"):
        table.add_column(heading, no_wrap=True)
    for heading in ("Accepted", "Refused", "Unknown", "Waiting", "Left"):
        table.add_column(heading, justify="right")
    for send, counts in sends:
        numbers = (counts.accepted, counts.refused, counts.unknown, counts.waiting, counts.left)
        shown = (f"{number:,}" if number else "-" for number in numbers)
        table.add_row(send.issue, send.provider, f"{send.started_at:%Y-%m-%d}", *shown)
    Console().print(table)


def watch(deliveries: Iterator["Delivered"], total: int) -> None:
    """A progress bar while a send runs, and the reasons of whatever was not accepted, counted."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    reasons: Counter[str] = Counter()
    columns = (TextColumn("Sending"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=total)
        for delivered in deliveries:
            progress.advance(task, delivered.chunk.last - delivered.chunk.first + 1)
            if reason := getattr(delivered.outcome, "reason", None):
                # This may be the public log of a workflow, and servers like to name the recipient.
                masked = _ADDRESS.sub("<recipient>", visible(reason, 300))
                reasons[f"{_WORDS[type(delivered.outcome).__name__]}: {masked}"] += delivered.recipients
    for reason, count in reasons.most_common(REASONS):
        click.echo(f"{count:,} {reason}", err=True)
    if len(reasons) > REASONS:
        click.echo(f"… and {len(reasons) - REASONS} more reasons", err=True)


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
_WORDS = {"Refused": "refused", "NotSent": "not sent", "Unknown": "unknown"}


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
        click.echo("\nStopping after the call in flight. Once more stops at once.", err=True)


def _pairs(*pairs: tuple[str, str]) -> None:
    width = max(len(name) for name, _ in pairs)
    for name, value in pairs:
        click.echo(f"{name:<{width}}  {value}")
