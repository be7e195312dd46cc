"""How a send goes: a progress bar, what happens to it, and Ctrl-C."""

import signal
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

import click

from newsletter.display import counted, masked, printable

if TYPE_CHECKING:
    from newsletter.sending.events import Delivered, Event
    from newsletter.sending.model import Transition

REASONS = 5


def watch(events: Iterable["Event"], total: int) -> None:
    """A progress bar while a send runs, what happens to it, and why some were not accepted, counted."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from newsletter.sending.events import Delivered, Recalled, Waiting

    not_accepted = _NotAccepted()
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
                not_accepted.record(event)
                continue
            if isinstance(event, Recalled):
                progress.advance(task, -event.recipients)
            if isinstance(event, Waiting):
                if event.why == waits_for:
                    continue
                waits_for = event.why
            if said := _happening(event):
                progress.console.print(said, highlight=False, markup=False)
    reasons = not_accepted.reasons()
    for reason, count in reasons.most_common(REASONS):
        click.echo(f"{count:,} {reason}", err=True)
    if len(reasons) > REASONS:
        click.echo(f"… and {counted(len(reasons) - REASONS, 'more reason')}", err=True)


class _NotAccepted:
    """Why recipients are not accepted, by the last try of each: people are counted, not tries."""

    def __init__(self) -> None:
        # By the first number of a range. A chunk is tried again whole, or in the ranges that a try left.
        self._ranges: dict[int, tuple[str, int]] = {}

    def record(self, delivered: "Delivered") -> None:
        """Replace what the chunk's last try said by what this one says, where it says anything."""
        before, _ = self._ranges.pop(delivered.first, ("", 0))
        for transition, size in zip(delivered.transitions, delivered.sizes, strict=True):
            reason = _worded(transition) or (before if transition.state == "waiting" else "")
            if reason and transition.state != "accepted":
                self._ranges[transition.first] = (reason, size)

    def reasons(self) -> Counter[str]:
        """Return how many recipients each reason keeps from being accepted."""
        found: Counter[str] = Counter()
        for reason, size in self._ranges.values():
            found[reason] += size
        return found


def _worded(transition: "Transition") -> str:
    """Return a fate with its reason, and nothing for one that has no reason of its own."""
    from newsletter.sending.outcomes import NOT_BEGUN

    if transition.reason in ("", NOT_BEGUN.reason):
        return ""
    return (
        f"{'not sent' if transition.state == 'waiting' else transition.state}: {_masked(transition.reason)}"
    )


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
            return f"Called back the mail to {counted(recipients, 'recipient')}, to send it again."
        case NotRecalled(recipients, why):
            return f"Not called back, for {counted(recipients, 'recipient')}: {_masked(why)}."
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
