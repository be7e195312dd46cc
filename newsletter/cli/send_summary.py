"""The summary of a send: the verdict, the number of recipients in each state, and the next commands."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from newsletter.cli import output, terminal
from newsletter.cli.layout import clock_time, show_command, show_heading, show_number, show_text
from newsletter.cli.output import Styled
from newsletter.display import counted, display_path, shortened

if TYPE_CHECKING:
    from datetime import datetime

    from newsletter.sending.model import Counts, Send
    from newsletter.services.send import SendService
    from newsletter.services.status import ResumeAction, SendStatus

MAX_REASONS = 3
_COLUMN_GAP = "  "
_LABELS = {
    "unknown": "Unknown",
    "accepted": "Accepted",
    "refused": "Refused",
    "waiting": "Waiting",
    "cancelled": "Cancelled",
    "left": "Left",
}
# The purpose of `news resume` by what it would do; {} is one of the promises below.
_PURPOSES: "dict[ResumeAction, str]" = {
    "go-ahead": "Look at what the canary received, then send to the others",
    "settle": "Settle unknown recipients and continue ({})",
    "all": "Send to all who wait, also after the canary ({})",
    "waiting": "Continue ({})",
    "cancelled": "Send it after all, unchanged",
}
_CERTAIN, _ASSUMED = "nobody gets it twice", "some may get it twice"
# What was reported about accepted messages later; the number is that of different recipients.
_REPORTED = {"delivered": "Delivered", "bounced": "Bounced", "complained": "Complained"}


def show_status(
    status: "SendStatus", now: "datetime", *, interrupted: bool = False, identify: bool = False
) -> None:
    """Show the verdict on a send, its numbers, and the next commands.

    `interrupted` means that Ctrl-C stopped it; `identify` also shows its issue, provider and times. The
    numbers are omitted if every recipient was accepted.
    """
    verdict, colour = _verdict(status, now, interrupted)
    show_heading(verdict, colour)
    plain = _is_plain_success(status)
    if identify:
        _show_send(status.send)
        if not plain:
            output.echo()
    if not plain:
        _show_numbers(status, now)
    if status.joined:
        show_number("Joined", f"{status.joined:,}", ["after the start; they are not in this send"])
    _show_early_departures(status)
    if status.holder:
        doing = "is sending this issue now" if status.in_progress else "has ended"
        output.echo()
        output.echo(f"  Process {status.holder.process} on host {status.holder.host} {doing}.")
    commands = list(_next_commands(status, now))
    if commands and (identify or status.joined or not plain):
        output.echo()
    for purpose, command in commands:
        show_command(purpose, command)


def _show_early_departures(status: "SendStatus") -> None:
    """Warn of many people who left at once: programs may have done it in their names."""
    if not (people := status.early_departures.total()):
        return
    domains = status.early_departures.most_common(MAX_REASONS)
    named = ", ".join(f"{number:,} at {shortened(domain, 60)}" for domain, number in domains)
    if not _is_plain_success(status):
        output.echo()
    text = (
        f"Warning: {counted(people, 'person', 'people')} left within 10 minutes after the mail was delivered "
        f"({named}). Programs that check the links of mail may have pressed the button. Ask readers at these "
        "domains; for 30 days they can take it back on the page of their unsubscribe link."
    )
    for line in terminal.wrapped(text, 2, always=True):
        output.echo(Styled(line, colour="yellow"))


def _verdict(status: "SendStatus", now: "datetime", interrupted: bool) -> tuple[str, str]:
    """Return the verdict and its colour; red means that recipients are unknown."""
    counts, held = status.counts, ""
    if counts.held and status.held_until:
        held = f", HELD BACK UNTIL {clock_time(status.held_until[0], now)}"
    if status.in_progress:
        return f"BEING SENT NOW: {counts.accepted:,} OF {counts.recipients:,} ACCEPTED", ""
    if status.is_cancelled:
        return _cancelled(counts)
    if status.waits_for_go_ahead:
        return _canary(counts)
    if counts.waiting or counts.in_flight:
        return _stopped(status, interrupted)
    if counts.unknown:
        return f"{_sent_but_unknown(counts)}{held}", "red"
    if counts.complete:
        number = counts.accepted
        if not number:
            return "SENT TO NOBODY: ALL UNSUBSCRIBED BEFORE THEIR TURN", "yellow"
        done = "REHEARSED FOR" if status.send.is_rehearsal else "SENT TO"
        everybody = "THE ONLY RECIPIENT" if number == 1 else f"ALL {number:,}"
        return f"{done} {everybody}{held}", "green"
    if not counts.accepted:
        return f"SENT TO NOBODY: {counted(counts.refused, 'RECIPIENT', 'RECIPIENTS')} REFUSED", "yellow"
    return f"SENT, BUT NOT TO ALL{held}" if not held else f"SENT{held}", "yellow"


def _canary(counts: "Counts") -> tuple[str, str]:
    wait = f"{counts.waiting:,} {'WAITS' if counts.waiting == 1 else 'WAIT'} FOR YOUR GO-AHEAD"
    return _with_unknown(counts, f"CANARY SENT TO {counts.accepted:,}: {wait}")


def _cancelled(counts: "Counts") -> tuple[str, str]:
    if counts.nobody_has_it:
        return "CANCELLED: NOBODY GETS IT", "green"
    cancelled = f"CANCELLED FOR {counts.cancelled:,}" if counts.cancelled else "CANCELLED"
    if not counts.accepted:
        return f"{cancelled}, {_but_unknown(counts)}", "red"
    has = "HAS" if counts.accepted == 1 else "HAVE"
    leaving = f"{has} IT OR WILL GET IT" if counts.held < counts.accepted else "WILL GET IT"
    accepted = f"{counts.accepted:,} {leaving if counts.held else f'{has} IT'}"
    return _with_unknown(counts, f"{cancelled}: {accepted}")


def _sent_but_unknown(counts: "Counts") -> str:
    """Return the verdict on a send that has ended with unknown recipients."""
    if counts.accepted:
        return f"SENT, {_but_unknown(counts)}"
    if counts.unknown < counts.recipients:
        return f"PERHAPS SENT: {counts.unknown:,} {'IS' if counts.unknown == 1 else 'ARE'} UNKNOWN"
    everybody = "THE ONLY RECIPIENT IS" if counts.unknown == 1 else f"ALL {counts.unknown:,} ARE"
    return f"PERHAPS SENT: {everybody} UNKNOWN"


def _but_unknown(counts: "Counts") -> str:
    return f"BUT {counts.unknown:,} {'IS' if counts.unknown == 1 else 'ARE'} UNKNOWN"


def _stopped(status: "SendStatus", interrupted: bool) -> tuple[str, str]:
    counts = status.counts
    cause = "STOPPED BY CTRL-C" if interrupted else "NOT FINISHED"
    waiting = "".join(f", {note.upper()}" for note in _unsent(status))
    return _with_unknown(counts, f"{cause}: {counts.accepted:,} ACCEPTED{waiting}")


def _unsent(status: "SendStatus") -> list[str]:
    """Return the numbers of waiting recipients who are certainly unsent, and who were assumed to be."""
    assumed = status.assumed_unsent
    numbers = {"certainly unsent": status.counts.waiting - assumed, "assumed unsent": assumed}
    return [f"{number:,} {words}" for words, number in numbers.items() if number]


def _with_unknown(counts: "Counts", verdict: str) -> tuple[str, str]:
    """Return a verdict with the number of unknown recipients, if there are any, and its colour."""
    return (f"{verdict}, {counts.unknown:,} UNKNOWN", "red") if counts.unknown else (verdict, "yellow")


def _is_plain_success(status: "SendStatus") -> bool:
    complete = status.counts.complete and not status.counts.left
    has_reports = any(status.reported.get(kind) for kind in _REPORTED)
    is_valid = status.send.state != "superseded" and not status.is_cancelled
    return complete and is_valid and not (status.in_progress or has_reports)


def _show_send(send: "Send") -> None:
    finished = f", finished {send.finished_at:%Y-%m-%d %H:%M} UTC" if send.finished_at else ""
    show_text("Issue", send.issue)
    show_text("Through", _through(send))
    show_text("Started", f"{send.started_at:%Y-%m-%d %H:%M} UTC{finished}")


def _through(send: "Send") -> str:
    if send.state == "superseded":
        return f"{send.provider} (replaced)"
    return f"{send.provider} (rehearsal)" if send.is_rehearsal else send.provider


def _show_numbers(status: "SendStatus", now: "datetime") -> None:
    """Show the number of recipients in each state, the unknown first: they need a person's decision.

    If no recipient is unknown, `Unknown 0` is shown as the last row.
    """
    for state, label in _LABELS.items():
        number = getattr(status.counts, state)
        if number or state == "accepted":
            show_number(label, f"{number:,}", _notes(status, state, now))
        if state == "accepted":
            _show_reported(status)
    if not status.counts.unknown:
        show_number(_LABELS["unknown"], "0")


def _show_reported(status: "SendStatus") -> None:
    """Show the numbers of what providers and mail servers reported, below that of accepted messages."""
    labels = [kind for kind in _REPORTED if status.reported.get(kind)]
    for kind in labels:
        notes = ["as the mail servers reported so far"] if kind == labels[0] else []
        show_number(_REPORTED[kind], f"{status.reported[kind]:,}", notes)


def _notes(status: "SendStatus", state: str, now: "datetime") -> list[str]:
    counts = status.counts
    if state == "accepted" and counts.held and status.held_until:
        first, last = (clock_time(moment, now) for moment in status.held_until)
        share = "all" if counts.held == counts.accepted else f"{counts.held:,}"
        until = f"until {first}" if first == last else f"until {first}, the last until {last}"
        return [f"{share} held back {until}"]
    if state == "waiting":
        unsent = _unsent(status)
        return unsent if len(unsent) > 1 else [words.partition(" ")[2] for words in unsent]
    if state == "left":
        return ["unsubscribed before their turn"]
    if state in status.reasons:
        return _reasons(status, state)
    return []


def _reasons(status: "SendStatus", state: str) -> list[str]:
    reasons = status.reasons[state]
    notes = [
        f"{number:,} × {shortened(reason, 200)}"
        for reason, number in reasons.most_common(MAX_REASONS)
        if reason
    ]
    if state == "unknown" and status.counts.in_flight:
        pending = status.counts.in_flight
        notes.append(
            f"{pending:,} in flight"
            if status.in_progress
            else f"{pending:,} in flight when the process ended"
        )
    if len(reasons) > MAX_REASONS:
        notes.append(f"and {counted(len(reasons) - MAX_REASONS, 'more reason')}")
    return notes


def _next_commands(status: "SendStatus", now: "datetime") -> Iterator[tuple[str, str]]:
    """Yield the purpose and the text of each command that can be run next."""
    send, counts = status.send, status.counts
    issue = send.issue
    until = None
    if (counts.held or counts.unknown) and status.cancellable_until:
        until = f"until {clock_time(status.cancellable_until, now)}"
    if status.in_progress:
        if until:
            yield f"Cancel it, {until}", f"news cancel {issue}"
        yield "See its status again", f"news status {issue}"
        return
    if status.is_cancelled:
        if until:
            yield f"Finish cancelling it, {until}", f"news cancel {issue}"
        if counts.nobody_has_it:
            yield "Send the corrected issue", f"news send {issue}"
        yield _PURPOSES["cancelled"], f"news resume {issue}"
    else:
        if resume := status.resume_action:
            promise = _ASSUMED if status.assumed_unsent else _CERTAIN
            yield _PURPOSES[resume].format(promise), f"news resume {issue}"
        if until:
            yield f"{'Or cancel it' if resume else 'Cancel it'}, {until}", f"news cancel {issue}"
        elif status.waits_for_go_ahead:
            yield "Or send it to nobody else", f"news cancel {issue}"
    if counts.unknown and not counts.in_flight and not until:
        yield (
            "See who is unknown (perhaps sent, and not sent again by itself)",
            f"news status {issue} --list unknown",
        )
        yield (
            "Settle them, when you know the outcome",
            f"news resolve {issue} --assume sent|unsent [ADDRESS]…",
        )
    if counts.refused:
        yield "See who was refused", f"news status {issue} --list refused"
        yield "Try them again, when the cause is removed", f"news retry {issue} --refused [ADDRESS]…"


def show_rehearsal(service: "SendService", accepted: int) -> None:
    """Show the folder with the mail of a rehearsal; `accepted` is the number of accepted messages."""
    from newsletter.providers.outbox import mail_folder

    if service.provider.capabilities.leaves_machine:
        return
    outbox = service.newsletter.outbox
    if not accepted:
        output.echo("No mail left this machine.", err=True)
    elif folder := mail_folder(outbox):
        output.echo(f"No mail left this machine: it is in {display_path(folder)}/.", err=True)
    else:
        was = f"It was in {display_path(outbox)}/ and was deleted there."
        for line in (
            f"No mail left this machine. {was}",
            "To see it again:",
            "  news preview, or news render",
        ):
            output.echo(line, err=True)


def show_sends(sends: Iterable[tuple["Send", "Counts"]]) -> None:
    """Show a table of sends, one per line, or two where that is wider than the terminal."""
    rows = list(sends)
    if not rows:
        output.echo("Nothing was ever sent.")
        return
    # Columns that are empty are omitted.
    states = [
        state for state in _LABELS if state == "accepted" or any(getattr(counts, state) for _, counts in rows)
    ]
    table = [["Issue", "Through", "Started (UTC)", *(_LABELS[state] for state in states)]]
    for send, counts in rows:
        numbers = (getattr(counts, state) for state in states)
        cells = (f"{number:,}" if number else "-" for number in numbers)
        table.append([send.issue, _through(send), f"{send.started_at:%Y-%m-%d %H:%M}", *cells])
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    fits = sum(widths) + len(_COLUMN_GAP) * (len(widths) - 1) <= terminal.columns()
    for row in table:
        left = [cell.ljust(width) for cell, width in zip(row[:3], widths[:3], strict=True)]
        right = [cell.rjust(width) for cell, width in zip(row[3:], widths[3:], strict=True)]
        if fits:
            output.echo(Styled(_COLUMN_GAP.join([*left, *right]), bold=row is table[0]))
            continue
        output.echo(Styled(_COLUMN_GAP.join(left).rstrip(), bold=row is table[0]))
        if row is not table[0]:
            _show_below(dict(zip(table[0][3:], row[3:], strict=True)))


def _show_below(numbers: "dict[str, str]") -> None:
    """Show the numbers of a send, by their labels, in a line below it."""
    text = ", ".join(f"{number} {label.lower()}" for label, number in numbers.items() if number != "-")
    for line in output.wrap(text or "-", terminal.columns(), first=" " * 4, indent=" " * 4):
        output.echo(line)
