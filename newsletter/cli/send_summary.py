"""What is about to be sent, and how a send stands."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from newsletter.cli.terminal import show_problems
from newsletter.display import display_path
from newsletter.errors import NewsError

if TYPE_CHECKING:
    from newsletter.sending.model import Counts, Send
    from newsletter.sending.start import SendOptions
    from newsletter.services.prepare import Prepared
    from newsletter.services.send import Sending
    from newsletter.store.journal import Holder

_STATES = {
    "accepted": "Accepted",
    "refused": "Refused",
    "unknown": "Unknown",
    "waiting": "Waiting",
    "cancelled": "Called back",
    "left": "Left",
}


def show_send(
    prepared: "Prepared",
    started: "Send | None",
    waiting: int,
    sending: "Sending",
    options: "SendOptions | None" = None,
) -> None:
    """What is about to be sent, before anybody is asked."""
    name, email = prepared.mailing.sender
    since = started and f", started {started.started_at:%Y-%m-%d %H:%M} UTC"
    draft = "" if prepared.issue.ready else ", draft (ready: false)"
    tracking = prepared.mailing.track_opens or prepared.mailing.track_clicks
    config, provider = sending.newsletter.config, sending.provider.name
    _pairs(
        ("Issue", f"{prepared.issue.name}{draft}{since or ''}"),
        ("Subject", prepared.rendered.subject),
        ("From", f"{name} <{email}>"),
        ("Through", f"{provider} ({config.outbox.path}/)" if provider == "outbox" else provider),
        ("Recipients", f"{waiting:,}" + (" still waiting" if started else "")),
        *(
            (("Canary", f"the first {options.canary:,}, then a go-ahead"),)
            if options and options.canary
            else ()
        ),
        *((("At most", config.send.rate),) if config.send.rate else ()),
        ("Undo", _undo(started, options, sending)),
        ("Tracking", "on, as newsletter.yml says" if tracking else "off"),
    )


def _undo(started: "Send | None", options: "SendOptions | None", sending: "Sending") -> str:
    """For how long it can be called back."""
    canary = started.canary_size if started else options and options.canary
    if canary and sending.provider.recallable:
        return "none for the canary, which leaves at once"
    window = started.undo_window_seconds if started else options.undo_window_seconds if options else 0
    at = started.send_at if started else options.send_at if options else None
    if at and at - sending.timing.cancel_margin < sending.clock.now():
        return f"none: it leaves in a few minutes, at {at:%H:%M} UTC"
    if at:
        return f"news cancel; it leaves on {at:%Y-%m-%d at %H:%M} UTC"
    if window:
        until = (timedelta(seconds=window) - sending.timing.cancel_margin).total_seconds()
        return f"news cancel, for {until // 60:.0f} minutes; it leaves after {window // 60}"
    if sending.provider.recallable:
        return "none: it leaves at once"
    if not sending.provider.capabilities.leaves_machine:
        return "nothing leaves this machine"
    return f"none: {sending.provider.name} cannot hold mail back"


def show_counts(
    send: "Send",
    counts: "Counts",
    leaves: "tuple[datetime, datetime] | None" = None,
    joined: int = 0,
    lease_holder: "Holder | None" = None,
    *,
    whole: bool = False,
) -> None:
    """How a send stands, with what to do about each number that is not as it should be.

    `whole` says as well which send it is. `leaves`: when the first and the last leaves of what is held back.
    `joined` came after its plan. `holder` is the process that sends now, or ended without an end of the send.
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
    if lease_holder and not lease_holder.has_ended:
        click.echo(f"Process {lease_holder.process} on host {lease_holder.host} is sending this issue now.")
        if counts.unknown:
            click.echo("What is unknown may only be under way.")
        return
    if lease_holder:
        click.echo(f"Process {lease_holder.process} on host {lease_holder.host} has ended.")
    for line in _advice(send, counts, leaves):
        click.echo(line)


def _held(counts: "Counts", leaves: "tuple[datetime, datetime]") -> str:
    first, last = (f"{moment:%Y-%m-%d %H:%M}" for moment in leaves)
    until = f"until {first} UTC" if first == last else f"until {first} to {last[11:]} UTC"
    return f"{counts.held:,} of the accepted, {until}"


def _advice(send: "Send", counts: "Counts", leaves: "tuple[datetime, datetime] | None") -> Iterator[str]:
    from newsletter.sending.hold_policy import SendTimings

    where, issue = f"news status --issue {send.issue} --list", f"--issue {send.issue}"
    until = leaves[0] - SendTimings().cancel_margin if counts.held and leaves else None
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
    if counts.waiting and send.canary_size is not None:
        yield f"The others wait for a go-ahead, behind {send.canary_size:,}:\n  news resume {issue}"
    elif counts.waiting:
        yield f"Waiting ones are certainly unsent. To go on:\n  news resume {issue}"
    if counts.cancelled:
        if counts.nobody_has_it:
            yield f"Nobody gets it. When the issue is corrected:\n  news send {issue}"
        yield f"To send it after all, as it was:\n  news resume {issue}"
    if counts.left:
        yield "Left: unsubscribed before their turn."


def show_rehearsal(sending: "Sending", accepted: int) -> None:
    """Say where the mail is that did not leave this machine; `accepted` is to how many, by the ledger."""
    from newsletter.providers.outbox import mail_folder

    if sending.provider.capabilities.leaves_machine:
        return
    outbox = sending.newsletter.folder / sending.newsletter.config.outbox.path
    if not accepted:
        click.echo("Nothing left this machine.", err=True)
    elif folder := mail_folder(outbox):
        click.echo(f"Nothing left this machine: the mail is in {display_path(folder)}/.", err=True)
    else:
        click.echo(
            f"Nothing left this machine. The mail was in {display_path(outbox)}/ and is not there any more.\n"
            "To see it again:\n  news preview, or news render",
            err=True,
        )


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


def _pairs(*pairs: tuple[str, str]) -> None:
    width = max(len(name) for name, _ in pairs)
    for name, value in pairs:
        click.echo(f"{name:<{width}}  {value}")
