"""Whether a send may start or go on, and its claim: an issue goes to a list once."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from newsletter.config.units import Rate
from newsletter.errors import SendRefused
from newsletter.mail.message import Mailing
from newsletter.sending import hold_policy, log_fields
from newsletter.sending.content_diff import differences, snapshot
from newsletter.sending.interfaces import Ledger, LedgerReader, Provider
from newsletter.sending.model import REHEARSAL, SUBSCRIBERS, Counts, NewSend, Send

log = logging.getLogger(__name__)

# So many messages are written down as about to be tried at once, where each is answered by itself: a durable
# commit costs up to 20 ms on an ordinary disk. A power cut leaves as many in doubt, for each connection.
MESSAGES_A_CHUNK = 100
# A start this much later than scheduled is somebody's mistake, or a machine's that was down.
MAX_START_DELAY = timedelta(hours=1)
# A list that changed by fewer people has not changed much, whatever share they are.
MIN_LIST_CHANGE = 10


@dataclass(frozen=True)
class SendOptions:
    """How a send is to be started: for how many seconds held back, when, with which canary and rates.

    `now` is that somebody has said so, rather than the configuration.
    """

    undo_window_seconds: int = 0
    send_at: datetime | None = None
    canary: int | None = None
    rates: Sequence[Rate] = ()
    now: bool = False


def list_for(mailing: Mailing, provider: Provider) -> str:
    """The list that a send is claimed for; a rehearsal's is its content's own, so that edits can follow."""
    if provider.capabilities.leaves_machine:
        return SUBSCRIBERS
    return f"{REHEARSAL}-{mailing.sha256[:12]}"


def find_started(mailing: Mailing, ledger: LedgerReader, provider: Provider) -> Send | None:
    """The send that goes on, None where one begins; refuses to mix two contents or two providers in one.

    A plan of which certainly nothing has left (the host was down, the sender not verified), and a send that
    was wholly called back, stand in no corrected issue's way: `start` puts them aside.
    """
    found = ledger.find(mailing.issue, list_for(mailing, provider))
    if found is None or (found.content_sha256 == mailing.sha256 and found.provider == provider.name):
        return found
    counts = ledger.counts(found)
    if counts.nobody_has_it and (found.state == "cancelled" or not counts.refused):
        return None
    refuse_difference(found, mailing, ledger, provider)
    return found


def refuse_difference(found: Send, mailing: Mailing, ledger: LedgerReader, provider: Provider) -> None:
    """Raises SendRefused where a send was started with another content, naming it, or another provider."""
    if found.content_sha256 != mailing.sha256:
        changed = differences(ledger.content(found), mailing)
        raise SendRefused(
            f"{mailing.issue} was started on {found.started_at:%Y-%m-%d %H:%M} UTC with another content"
            + "".join(f"\n    {one}" for one in changed),
            _instead(found, ledger.counts(found)),
        )
    if found.provider != provider.name:
        raise SendRefused(
            f"{mailing.issue} was started through {found.provider}, not {provider.name}",
            f"go on with it: news resume --issue {mailing.issue}",
        )


def _instead(send: Send, counts: Counts) -> str:
    """What to do where an issue is not what its send was started with."""
    if send.state == "cancelled" and counts.nobody_has_it:
        return f"it was called back; the corrected issue is sent with: news send --issue {send.issue}"
    if counts.held:
        return (
            f"it is held back: news cancel --issue {send.issue}, then send it again; or put it back as it was"
        )
    return "put issue, templates and newsletter.yml back as they were then; a correction is a new issue"


def refuse_halted(send: Send | None, counts: Counts) -> None:
    """Raises SendRefused for a send that only a person may go on with."""
    if send is None or (send.state == "open" and not (send.canary_size and counts.waiting)):
        return
    if send.state == "cancelled":
        what = f"{send.issue} was called back"
        hint = (
            f"to send it after all: news resume --issue {send.issue}; a corrected issue is sent as a new one"
        )
    else:
        what = f"{send.issue} waits for a go-ahead behind its canary of {send.canary_size:,}"
        hint = f"look at what they got, then: news resume --issue {send.issue}"
    raise SendRefused(what, hint)


def start(mailing: Mailing, ledger: Ledger, provider: Provider, options: SendOptions) -> Send:
    """Claims the issue and plans its recipients, or takes up what was started before."""
    if found := find_started(mailing, ledger, provider):
        log.info("send taken up again", extra={**log_fields.of_send(found), "state": found.state})
        return found
    stale = ledger.find(mailing.issue, list_for(mailing, provider))
    if stale and stale.state != "cancelled" and ledger.delete_unsent_plan(stale):
        stale = None
    plan = NewSend(
        issue=mailing.issue,
        list=list_for(mailing, provider),
        content_sha256=mailing.sha256,
        content=snapshot(mailing),
        provider=provider.name,
        chunk_size=_chunk_size(provider, options.rates),
        undo_window_seconds=options.undo_window_seconds if provider.recallable else 0,
        send_at=options.send_at,
        canary_size=options.canary,
        instead_of=stale.id if stale else None,
    )
    planned = ledger.plan(plan)
    if planned is None:
        hint = f"see: news status --issue {mailing.issue}"
        raise SendRefused(f"another send of {mailing.issue} started just now", hint)
    return planned


def refuse_time(at: datetime | None, now: datetime, provider: Provider) -> None:
    """Raises SendRefused for a moment that mail cannot be scheduled for."""
    if at is None:
        return
    if provider.recallable is None:
        hint = "start it at that time instead, from cron for example"
        raise SendRefused(f"{provider.name} cannot hold mail back until {at:%Y-%m-%d %H:%M} UTC", hint)
    if at > now + hold_policy.MAX_SCHEDULE_AHEAD:
        hours = hold_policy.MAX_SCHEDULE_AHEAD.total_seconds() / 3600
        raise SendRefused(
            f"{at:%Y-%m-%d %H:%M} UTC is further ahead than {hours:.0f} hours",
            "start it later: mail cannot be held back for longer",
        )
    if at < now - MAX_START_DELAY:
        hours, minutes = divmod(int((now - at).total_seconds()) // 60, 60)
        raise SendRefused(
            f"it was to leave at {at:%Y-%m-%d %H:%M} UTC, {hours} h {minutes} min ago",
            "if it is to leave now all the same, leave out --at",
        )


def refuse_list(before: int | None, now: int, share: float | None) -> None:
    """Raises SendRefused where a list has grown or shrunk by more than a share since the last issue."""
    if not before or share is None or abs(now - before) <= max(share * before, MIN_LIST_CHANGE):
        return
    word = "grown" if now > before else "shrunk"
    raise SendRefused(
        f"the list has {word} from {before:,} to {now:,} since the last issue",
        "look at it: news subscribers list; if that is right, add --list-changed",
    )


def refuse_wishes(send: Send | None, options: SendOptions) -> None:
    """Raises SendRefused where somebody wants what is decided when a send starts, and it has started."""
    if send is None:
        return
    wanted = [
        ("--canary", options.canary),
        ("--at", options.send_at),
        ("--now", options.now and send.undo_window_seconds),
    ]
    if asked := next((option for option, value in wanted if value), None):
        what = f"{send.issue} was started on {send.started_at:%Y-%m-%d %H:%M} UTC: too late for {asked}"
        raise SendRefused(what, f"go on as it was started: news resume --issue {send.issue}")


def _chunk_size(provider: Provider, rates: Sequence[Rate]) -> int:
    at_once = provider.capabilities.recipients_per_call
    return min(at_once if at_once > 1 else MESSAGES_A_CHUNK, *(rate.count for rate in rates), 1000)
