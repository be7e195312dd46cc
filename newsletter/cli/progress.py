"""How a send goes: a progress bar, what happens to it, and Ctrl-C."""

import signal
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

import click

from newsletter.display import masked, printable

if TYPE_CHECKING:
    from newsletter.sending.events import Delivered, Event

REASONS = 5


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
                done = [transition for transition in event.transitions if transition.state != "waiting"]
                progress.advance(
                    task,
                    sum(transition.last - transition.first + 1 for transition in done)
                    or not event.transitions,
                )
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
    for transition in delivered.transitions:
        if transition.state != "accepted" and transition.reason not in ("", NOT_BEGUN.reason):
            word = "not sent" if transition.state == "waiting" else transition.state
            size = min(transition.last - transition.first + 1, delivered.recipients)
            found[f"{word}: {_masked(transition.reason)}"] += size
    return found


def _masked(reason: str) -> str:
    """Return a provider's words in one line without addresses: this may be the public log of a workflow."""
    return masked(printable(reason, 300))


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
