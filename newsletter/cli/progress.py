"""The progress of a send: a bar, its events, the reasons for mail that was not sent, and Ctrl-C."""

import signal
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import TYPE_CHECKING

from newsletter.cli import output, terminal
from newsletter.display import counted, masked, printable
from newsletter.errors import NewsError

if TYPE_CHECKING:
    from newsletter.sending.events import Delivered, Event, Waiting
    from newsletter.sending.model import Transition

MAX_REASONS = 5
_STOPPING = "Stopping after the calls in flight. A second Ctrl-C stops at once."


@dataclass(frozen=True)
class Ending:
    """The end of a run: its events have ended, or it failed with an exception."""

    # True if Ctrl-C was pressed, even if the run then ended without a failure.
    interrupted: bool = False
    failure: BaseException | None = None


def run(
    events: "Callable[[Callable[[], bool]], Iterator[Event]]",
    total: int,
    interrupt: "Interrupt | None" = None,
    stopping: str = _STOPPING,
) -> Ending:
    """Run a send, or its cancellation, and show its progress; return the ending.

    `events` gets a function that returns True after the first Ctrl-C: the calls in flight then finish. The
    second Ctrl-C ends the run at once. `total` is the number of waiting recipients; `interrupt` tells the
    caller of several runs that Ctrl-C was pressed; `stopping` is printed then. A NewsError, an OSError and a
    KeyboardInterrupt are returned as the failure, not raised.
    """
    interrupt = interrupt or Interrupt()
    try:
        with interrupt.listening(stopping):
            watch(events(interrupt), total)
    except (NewsError, KeyboardInterrupt, OSError) as failure:
        return Ending(interrupt.asked, failure)
    return Ending(interrupt.asked)


def watch(events: Iterable["Event"], total: int) -> None:
    """Show a progress bar and the events of a send, then the most frequent reasons for mail not sent.

    The report that follows has the reasons of refused and unknown recipients.
    """
    import logging

    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from newsletter.sending.events import Delivered, Recalled, StandingBy, Waiting

    not_sent = _NotSent()
    columns = (TextColumn("Sending"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    # The log is written to the same terminal: a bar would wrap its lines, which breaks its JSON.
    logged = logging.getLogger("newsletter").isEnabledFor(logging.INFO)
    hidden = not console.is_terminal or not total or logged
    waits_for = ""
    with Progress(*columns, console=console, transient=True, disable=hidden) as progress:
        task = progress.add_task("", total=total)
        for event in events:
            if isinstance(event, Delivered):
                progress.advance(task, _done(event))
                not_sent.record(event)
                continue
            if isinstance(event, Recalled):
                progress.advance(task, -event.recipients)
            if isinstance(event, StandingBy):
                waits_for = ""  # a wait before it has ended: a later one is shown again
            if isinstance(event, Waiting):
                if event.reason == waits_for:
                    continue
                waits_for = event.reason
            if sentence := _sentence(event):
                # The console removes the bar from the line; `out` wraps and colours nothing.
                for line in _wrapped(sentence):
                    progress.console.out(output.line(line), highlight=False)
    reasons = not_sent.reasons()
    for reason, count in reasons.most_common(MAX_REASONS):
        output.echo(f"{count:,} not sent: {reason}", err=True)
    if len(reasons) > MAX_REASONS:
        output.echo(f"… and {counted(len(reasons) - MAX_REASONS, 'more reason')}", err=True)


def _done(delivered: "Delivered") -> int:
    """Return the number of recipients of a chunk that wait no more; all, if it was skipped."""
    if not delivered.transitions:
        return delivered.last - delivered.first + 1
    outcomes = [transition for transition in delivered.transitions if transition.state != "waiting"]
    return sum(transition.last - transition.first + 1 for transition in outcomes)


class _NotSent:
    """The reasons for recipients that were put off, each from the recipient's last attempt."""

    def __init__(self) -> None:
        # First number of a range: reason, recipients. A retry is for a whole chunk or for one of its ranges.
        self._ranges: dict[int, tuple[str, int]] = {}

    def record(self, delivered: "Delivered") -> None:
        """Replace the reasons of a chunk's earlier attempt by those of this one.

        A range that waits again without a new reason keeps the earlier reason.
        """
        before, _ = self._ranges.pop(delivered.first, ("", 0))
        for transition, size in zip(delivered.transitions, delivered.sizes, strict=True):
            if transition.state == "waiting" and (reason := _reason(transition) or before):
                self._ranges[transition.first] = (reason, size)

    def reasons(self) -> Counter[str]:
        """Return the number of recipients for each reason."""
        counts: Counter[str] = Counter()
        for reason, size in self._ranges.values():
            counts[reason] += size
        return counts


def _reason(transition: "Transition") -> str:
    """Return the reason of recipients that were put off; "" if there is none."""
    from newsletter.sending.outcomes import NOT_BEGUN

    if transition.reason in ("", NOT_BEGUN.reason):
        return ""
    return _masked(transition.reason)


def _masked(reason: str) -> str:
    """Return a provider's reason in one line, without email addresses: the log of a CI job may be public."""
    return masked(printable(reason, 300))


def wait_shower() -> "Callable[[Waiting], None]":
    """Return a function that shows a wait before or after a send; it shows each reason once in a row."""
    shown = ""

    def show(wait: "Waiting") -> None:
        nonlocal shown
        if wait.reason != shown:
            shown = wait.reason
            for line in _wrapped(_sentence(wait)):
                output.echo(line, err=True)

    return show


def _wrapped(sentence: str) -> list[str]:
    return terminal.wrapped(sentence, 4, first=0)


def _sentence(event: "Event") -> str:
    """Return the sentence to show for an event; "" for an event that is not shown."""
    from newsletter.sending.events import (
        Confirmed,
        NotRecalled,
        Recalled,
        StandingBy,
        Stopped,
        TrackingNotKnown,
        Waiting,
    )

    match event:
        case StandingBy(issue, process, host, until):
            ends = f"{until:%H:%M:%S} UTC, or later if that process renews it"
            return (
                f"Standing by: process {process} on host {host} is sending {issue}. Its lease ends at {ends}."
            )
        case Waiting(until, reason):
            return f"Waiting until {until:%H:%M:%S} UTC: {_masked(reason)}."
        case Recalled(recipients, "waiting"):
            return f"Recalled the mail to {counted(recipients, 'recipient')}, to send it again."
        case NotRecalled(recipients, reason):
            return f"Not recalled, for {counted(recipients, 'recipient')}: {_masked(reason)}."
        case Confirmed(recipients):
            people = counted(recipients, "recipient")
            return f"The provider was asked again: it accepted the mail to {people}, once."
        case TrackingNotKnown(provider):
            return f"It is not known whether the account at {provider} tracks readers: its key may only send."
        case Stopped(reason):
            return f"Stopped: {_masked(reason)}"
    return ""


class Interrupt:
    """A request to stop a send, by Ctrl-C or SIGTERM; the second request raises KeyboardInterrupt."""

    def __init__(self) -> None:
        self.asked = False
        # True after SIGTERM, which also comes when a machine is shut down.
        self.terminated = False

    def __call__(self) -> bool:
        return self.asked

    @contextmanager
    def listening(self, stopping: str = _STOPPING) -> Iterator[None]:
        """Handle SIGINT and SIGTERM during the block; restore the previous handlers after it.

        `stopping`, unless it is empty, is printed at the first request.
        """
        self._stopping = stopping
        before = {number: signal.signal(number, self._ask) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked, self.terminated = True, number == signal.SIGTERM
        output.echo(err=True)
        if self._stopping:
            output.echo(self._stopping, err=True)
