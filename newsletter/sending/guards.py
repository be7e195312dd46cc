"""The guards of a send: functions that raise SendRefused for one reason not to start or continue it."""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from newsletter.constants import TrackingKind
from newsletter.display import counted
from newsletter.errors import Problem, SendRefused
from newsletter.mail.message import Mailing
from newsletter.sending.content_diff import differences, list_id
from newsletter.sending.hold_policy import MAX_SCHEDULE_AHEAD
from newsletter.sending.interfaces import LedgerReader, Provider
from newsletter.sending.model import Counts, Send, SendOptions

# Longest delay of a start after the time of --at. If a start is later, --at is a mistake, or the machine was
# down and the mail is not expected any more.
MAX_START_DELAY = timedelta(hours=1)
# A change by at most this many subscribers is never refused: in a small list they are a large share.
MIN_LIST_CHANGE = 10


def refuse_errors(issue: str, problems: Iterable[Problem]) -> None:
    """Refuse an issue in which checks found errors."""
    if errors := sum(problem.severity == "error" for problem in problems):
        what = f"{issue} has {counted(errors, 'error')}; nothing was sent"
        raise SendRefused(what, "correct the errors listed above")


def refuse_other_recipients(recipients: int, agreed: int) -> None:
    """Refuse a number of recipients that differs from the one that a person agreed to."""
    if recipients != agreed:
        what = f"the list has changed: {counted(recipients, 'recipient')} now; nothing was sent"
        raise SendRefused(what, "run it again")


def refuse_account_tracking(
    name: str, switched_on: Collection[TrackingKind], wanted: Collection[TrackingKind]
) -> None:
    """Refuse a send if the account at the provider `name` tracks readers and newsletter.yml asks for none."""
    if unwanted := [kind for kind in switched_on if kind not in wanted]:
        raise SendRefused(
            f"the account at {name} tracks {' and '.join(unwanted)}, which newsletter.yml does not ask for",
            "switch it off there; news doctor names the place",
        )


def refuse_changed_content(send: Send, mailing: Mailing, ledger: LedgerReader, provider: Provider) -> None:
    """Refuse a mailing that differs from the one that the send was started with, or another provider.

    The error names each difference.
    """
    if send.content_sha256 != mailing.sha256:
        changed = differences(ledger.content(send), mailing)
        raise SendRefused(
            f"{mailing.issue} was started on {send.started_at:%Y-%m-%d %H:%M} UTC with different content"
            + "".join(f"\n    {difference}" for difference in changed),
            _advice_on_changed_content(send, ledger.counts(send)),
        )
    if send.provider != provider.name:
        raise SendRefused(
            f"{mailing.issue} was started through {send.provider}, not {provider.name}",
            f"continue with {send.provider}: news resume {mailing.issue}",
        )


def refuse_other_list(previous: Send, mailing: Mailing, ledger: LedgerReader) -> None:
    """Refuse to start a send of another list than the one that the newest send of this database was for.

    A database that NEWS_DATABASE_URL names has no folder that keeps the id of its list.
    """
    before, present = list_id(ledger.content(previous)), mailing.list_id[1]
    if before is not None and before != present:
        raise SendRefused(
            f"this database is that of the list {before}, which {previous.issue} was sent to, and "
            f"newsletter.yml is that of {present}",
            "if the newsletter has a new name, or a sender with another domain, keep the list's id: "
            f"`list_id: {before}` in newsletter.yml; for another newsletter, use another database",
        )


def refuse_other_key(send: Send, fingerprint: str | None) -> None:
    """Refuse to continue a send with another key than the one that it was started with.

    `fingerprint` is that of this machine's key, None if it has none. A send of an older ledger has none, and
    is continued with any key.
    """
    if send.key_fingerprint is None or send.key_fingerprint == fingerprint:
        return
    machine = f" on the machine {send.started_on}" if send.started_on else ""
    here = "has no key" if fingerprint is None else "has another key now"
    raise SendRefused(
        f"the send of {send.issue} began with a key that signs its links{machine}; this machine {here}",
        "set NEWS_SECRET_KEY to the earlier key (NEWS_SECRET_KEY there, or the file `secret` of its state), "
        f"and finish with: news resume {send.issue}; then set the new key again, if there is one",
    )


def _advice_on_changed_content(send: Send, counts: Counts) -> str:
    if send.state == "cancelled" and counts.nobody_has_it:
        return f"the send was cancelled; send the corrected issue with: news send {send.issue}"
    if counts.held:
        return (
            f"the mail is still held back: news cancel {send.issue}, then send the corrected issue; "
            "or restore the earlier content"
        )
    return "restore issue, templates and newsletter.yml as they were then; send a correction as a new issue"


def refuse_halted(send: Send | None, counts: Counts) -> None:
    """Refuse to continue a send that was cancelled or waits for a go-ahead: a person has to resume it."""
    if send is None or (send.state == "open" and not (send.canary_size and counts.waiting)):
        return
    if send.state == "cancelled":
        raise SendRefused(
            f"the send of {send.issue} was cancelled",
            f"to send it after all: news resume {send.issue}; a corrected issue is sent as a new one",
        )
    raise SendRefused(
        f"the send of {send.issue} waits for your go-ahead after its canary of {send.canary_size:,}",
        f"look at the mail that the canary received, then: news resume {send.issue}",
    )


def refuse_replaced(awaited: Send, present: Send | None) -> None:
    """Refuse to continue another send than the one that a process has waited for."""
    if present is None or present.id != awaited.id:
        raise SendRefused(
            f"the send of {awaited.issue} was replaced by another one meanwhile",
            f"see: news status {awaited.issue}",
        )


def refuse_cancelled(before: Send, present: Send) -> None:
    """Refuse to continue a send that was cancelled while a process has waited for it."""
    if before.state != "cancelled" and present.state == "cancelled":
        raise SendRefused(
            f"the send of {present.issue} was cancelled meanwhile",
            f"to send it after all: news resume {present.issue}",
        )


def refuse_late_options(send: Send | None, options: SendOptions) -> None:
    """Refuse options that apply only when a send starts, if the send has already started without them."""
    if send is None:
        return
    asked = [
        ("--canary", options.canary_size),
        ("--at", options.send_at and options.send_at != send.send_at),
        ("--now", options.now and send.undo_window_seconds),
    ]
    if option := next((name for name, value in asked if value), None):
        raise SendRefused(
            f"{send.issue} was started on {send.started_at:%Y-%m-%d %H:%M} UTC: too late for {option}",
            f"continue it as it was started: news resume {send.issue}",
        )


def refuse_schedule(send_at: datetime | None, now: datetime, provider: Provider) -> None:
    """Refuse a start time that is too far past or too far ahead, or not possible with the provider."""
    if send_at is None:
        return
    if provider.recallable is None:
        raise SendRefused(
            f"{provider.name} cannot hold mail back until {send_at:%Y-%m-%d %H:%M} UTC",
            "start the command at that time instead, for example with cron",
        )
    if send_at > now + MAX_SCHEDULE_AHEAD:
        hours = MAX_SCHEDULE_AHEAD.total_seconds() / 3600
        raise SendRefused(
            f"{send_at:%Y-%m-%d %H:%M} UTC is more than {hours:.0f} hours ahead",
            "start the send later: the provider holds mail back no longer than that",
        )
    if send_at < now - MAX_START_DELAY:
        hours, minutes = divmod(int((now - send_at).total_seconds()) // 60, 60)
        raise SendRefused(
            f"{send_at:%Y-%m-%d %H:%M} UTC was {hours} h {minutes} min ago",
            "to send now all the same, leave out --at",
        )


def refuse_empty_list(recipients: int) -> None:
    """Refuse a send without recipients."""
    if not recipients:
        hint = "news subscribers import FILE, or news subscribers add ADDRESS"
        raise SendRefused("there is nobody on the list", hint)


def refuse_list_change(previous: int | None, present: int, max_share: float | None) -> None:
    """Refuse a list that grew or shrank by more than `max_share` since the previous issue.

    `previous` is None without a previous issue; `max_share` is None if this guard is off.
    """
    if not previous or max_share is None:
        return
    if abs(present - previous) <= max(max_share * previous, MIN_LIST_CHANGE):
        return
    direction = "grown" if present > previous else "shrunk"
    raise SendRefused(
        f"the list has {direction} from {previous:,} to {present:,} since the last issue",
        "look at it: news subscribers list; if that is right, add --list-changed",
    )
