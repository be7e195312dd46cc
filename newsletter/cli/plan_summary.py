"""The summary of a plan, which is shown before a person confirms the send."""

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING

from newsletter.cli import output
from newsletter.cli.layout import clock_time, show_heading, show_number, show_text
from newsletter.constants import CLIPPED_BYTES, TRACKING_KINDS
from newsletter.display import counted, display_path

if TYPE_CHECKING:
    from newsletter.sending.model import Send
    from newsletter.services.prepare import Prepared
    from newsletter.services.send import SendService
    from newsletter.services.send_plan import SendPlan

_KB = 1000


def show_plan(plan: "SendPlan", service: "SendService") -> None:
    """Show a plan: mail, sender, recipients, undo window, size, and the number of problems found."""
    prepared, config = plan.prepared, service.newsletter.config
    mailing = prepared.mailing
    name, email = mailing.sender
    state = "" if prepared.issue.ready else " · draft (ready: false)"
    show_heading(f"{config.name} · {prepared.issue.name}{state}")
    show_text("Subject", prepared.rendered.subject)
    show_text("Preheader", prepared.rendered.preheader)
    show_text("From", f"{name} <{email}>")
    show_text("Through", _through(service))
    if plan.send:
        show_text("Started", f"{plan.send.started_at:%Y-%m-%d %H:%M} UTC")
    output.echo()
    show_number("Recipients", f"{plan.recipients:,}", _recipients(plan))
    if not plan.send and plan.settings.canary_size:
        show_number("Canary", f"{plan.settings.canary_size:,}", ["then the send waits for your go-ahead"])
    if config.send.rate:
        show_text("Rate", f"at most {config.send.rate}")
    show_number("Undo", *_cancel_window(plan, service))
    show_number("Size", *_size(prepared))
    show_number("Tracking", *_tracking(prepared, service))
    show_number("Checks", *_checks(prepared))
    output.echo()


def _through(service: "SendService") -> str:
    if service.provider.capabilities.leaves_machine:
        return service.provider.name
    folder = service.newsletter.outbox
    return f"{service.provider.name} ({display_path(folder)}/)"


def _recipients(plan: "SendPlan") -> list[str]:
    if plan.action == "retry":
        waiting = plan.counts.waiting
        return [f"refused before{f', and {waiting:,} still waiting' if waiting else ''}"]
    if plan.send:
        states = {"cancelled": plan.counts.cancelled, "still waiting": plan.counts.waiting}
        in_states = " or ".join(state for state, number in states.items() if number)
        return [in_states or _already(plan.counts.accepted, plan.send)]
    if change := plan.list_change:
        return [f"{change.joined:,} joined, {change.left:,} left since {change.since}"]
    return []


def _already(accepted: int, send: "Send") -> str:
    """Return the reason why no recipient is waiting."""
    if not accepted:
        return "nobody is waiting"
    if send.is_rehearsal:
        return f"{accepted:,} {'has' if accepted == 1 else 'have'} the rehearsal already"
    return f"{accepted:,} accepted already"


def _cancel_window(plan: "SendPlan", service: "SendService") -> tuple[str, list[str]]:
    """Return the time left to cancel the send, as text, and notes on when its mail leaves."""
    leaves_at, until, now = plan.leaves_at, plan.cancellable_until, plan.planned_at
    if not service.provider.capabilities.leaves_machine:
        return "none", ["no mail leaves this machine"]
    if service.provider.recallable is None:
        return "none", [f"{service.provider.name} cannot hold mail back"]
    if leaves_at is None:
        return "none", [f"the {'canary' if plan.settings.canary_size else 'mail'} leaves at once"]
    if until is None:
        return "none", [f"the mail leaves in a few minutes, at {clock_time(leaves_at, now)}"]
    if (plan.send or plan.settings).send_at == leaves_at:
        return "yes", [
            f"news cancel, until {clock_time(until, now)}",
            f"leaves at {clock_time(leaves_at, now)}",
        ]
    return _minutes(until - now), [f"news cancel; leaves after {_minutes(leaves_at - now)}"]


def _minutes(span: timedelta) -> str:
    return f"{int(span.total_seconds() // 60)} min"


def _size(prepared: "Prepared") -> tuple[str, list[str]]:
    size = len(prepared.rendered.html.encode())
    return f"{round(size / _KB)} KB", [f"of the {CLIPPED_BYTES // _KB} KB that Gmail shows"]


def _tracking(prepared: "Prepared", service: "SendService") -> tuple[str, list[str]]:
    """Return whether readers are tracked, as far as it is known before the provider is asked."""
    if prepared.mailing.track_opens or prepared.mailing.track_clicks:
        return "on", ["as newsletter.yml says"]
    provider = service.provider
    controls = zip(TRACKING_KINDS, provider.capabilities.tracking, strict=True)
    by_account = [kind for kind, control in controls if control == "account"]
    if not by_account:
        return "off", []
    on = f" on {by_account[0]}" if len(by_account) == 1 else ""
    return "unknown", [f"the account at {provider.name} decides{on}; asked before the send"]


def _checks(prepared: "Prepared") -> tuple[str, list[str]]:
    severities = Counter(problem.severity for problem in prepared.problems)
    found = [
        counted(severities[severity], severity)
        for severity in ("error", "warning", "note")
        if severities[severity]
    ]
    # The errors and warnings have been shown, but not the notes.
    notes = [f"news check {prepared.issue.name} shows the notes"] if severities["note"] else []
    return ", ".join(found) or "no problems", notes
