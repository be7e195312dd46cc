"""The claim of a send: an issue goes to a list once."""

import logging
from collections.abc import Sequence

from newsletter.config.units import Rate
from newsletter.errors import SendRefused
from newsletter.mail.message import Mailing
from newsletter.sending import log_fields
from newsletter.sending.content_diff import snapshot
from newsletter.sending.guards import refuse_changed_content
from newsletter.sending.interfaces import Ledger, LedgerReader, Provider
from newsletter.sending.model import REHEARSAL, SUBSCRIBERS, NewSend, Send, StartSettings

log = logging.getLogger(__name__)

# A provider that answers each message by itself gets chunks of this many. A chunk costs two durable commits,
# of up to 20 ms each on an ordinary disk; a power cut leaves at most one chunk a connection unknown.
MESSAGES_PER_CHUNK = 100
MAX_CHUNK_SIZE = 1000


def list_for(mailing: Mailing, provider: Provider) -> str:
    """Return the list that a send is claimed for.

    A rehearsal has a list for each content, so that an edited issue can be rehearsed again.
    """
    if provider.capabilities.leaves_machine:
        return SUBSCRIBERS
    return f"{REHEARSAL}-{mailing.sha256[:12]}"


def find_started(mailing: Mailing, ledger: LedgerReader, provider: Provider) -> Send | None:
    """Return the started send that continues, None where a new one begins.

    A new send may replace one that was cancelled completely, and one of which certainly nothing has left (the
    host was down, the sender not verified). Raise SendRefused where another content or provider would be
    mixed into a send that somebody has.
    """
    send = ledger.find(mailing.issue, list_for(mailing, provider))
    if send is None or (send.content_sha256 == mailing.sha256 and send.provider == provider.name):
        return send
    counts = ledger.counts(send)
    if counts.nobody_has_it and (send.state == "cancelled" or not counts.refused):
        return None
    refuse_changed_content(send, mailing, ledger, provider)
    return send


def claim_send(mailing: Mailing, ledger: Ledger, provider: Provider, settings: StartSettings) -> Send:
    """Claim the issue for its list and plan the recipients into chunks, or return the send that was started.

    Raise SendRefused where another process was quicker, or as `find_started` does.
    """
    if send := find_started(mailing, ledger, provider):
        log.info("send taken up again", extra={**log_fields.of_send(send), "state": send.state})
        return send
    replaced = ledger.find(mailing.issue, list_for(mailing, provider))
    if replaced and replaced.state != "cancelled" and ledger.delete_unsent_plan(replaced):
        replaced = None
    claimed = ledger.plan(
        NewSend(
            issue=mailing.issue,
            list=list_for(mailing, provider),
            content_sha256=mailing.sha256,
            content=snapshot(mailing),
            provider=provider.name,
            chunk_size=_chunk_size(provider, settings.rates),
            undo_window_seconds=settings.undo_window_seconds if provider.recallable else 0,
            send_at=settings.send_at,
            canary_size=settings.canary_size,
            instead_of=replaced.id if replaced else None,
        )
    )
    if claimed is None:
        hint = f"see: news status {mailing.issue}"
        raise SendRefused(f"another send of {mailing.issue} started just now", hint)
    return claimed


def _chunk_size(provider: Provider, rates: Sequence[Rate]) -> int:
    per_call = provider.capabilities.recipients_per_call
    size = per_call if per_call > 1 else MESSAGES_PER_CHUNK
    return min(size, *(rate.count for rate in rates), MAX_CHUNK_SIZE)
