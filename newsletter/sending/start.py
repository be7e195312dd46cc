"""Claim a send, so that an issue is sent to a list only once."""

import json
import logging
from collections.abc import Sequence

from newsletter.config.units import Rate
from newsletter.errors import SendBusy
from newsletter.mail.message import Mailing
from newsletter.sending import log_fields
from newsletter.sending.content_diff import snapshot
from newsletter.sending.guards import refuse_changed_content, refuse_other_key
from newsletter.sending.interfaces import Ledger, LedgerReader, Provider
from newsletter.sending.model import REHEARSAL, SUBSCRIBERS, NewSend, Send, StartSettings
from newsletter.sending.outcomes import Capabilities

log = logging.getLogger(__name__)

# Size of a chunk if the provider reports an outcome for each message. A chunk costs two durable commits, of
# up to 20 ms each on an ordinary disk; a power cut leaves at most one chunk of each connection unknown.
MESSAGES_PER_CHUNK = 100
MAX_CHUNK_SIZE = 1000
# The room for address, name, headers and links of one recipient in a request that contains whole mails.
PERSONAL_BYTES = 8_192


def list_for(mailing: Mailing, provider: Provider, key_fingerprint: str | None) -> str:
    """Return the name of the list that a send is claimed for.

    A rehearsal has one list for each content and key, so that an edited issue can be rehearsed again, and
    every issue after the key was replaced.
    """
    if provider.capabilities.leaves_machine:
        return SUBSCRIBERS
    return f"{REHEARSAL}-{mailing.sha256[:12]}-{(key_fingerprint or '')[:8]}"


def find_started(
    mailing: Mailing, ledger: LedgerReader, provider: Provider, key_fingerprint: str | None = None
) -> Send | None:
    """Return the started send that a mailing continues; None if a new send begins.

    If its content, provider or key differs, a new send replaces a send that was cancelled completely, or
    whose mail certainly reached no recipient and was not refused (for example, the host was down). Otherwise
    raise SendRefused: recipients of one send must not get different content, or links that do not work.
    """
    send = ledger.find(mailing.issue, list_for(mailing, provider, key_fingerprint))
    if send is None:
        return None
    same_key = send.key_fingerprint in (None, key_fingerprint)
    if send.content_sha256 == mailing.sha256 and send.provider == provider.name and same_key:
        return send
    counts = ledger.counts(send)
    if counts.nobody_has_it and (send.state == "cancelled" or not counts.refused):
        return None
    refuse_changed_content(send, mailing, ledger, provider)
    refuse_other_key(send, key_fingerprint)
    return send


def claim_send(mailing: Mailing, ledger: Ledger, provider: Provider, settings: StartSettings) -> Send:
    """Claim an issue for its list and plan the recipients into chunks, or find its started send; return it.

    Raise SendBusy if another process claims the issue first, and SendRefused if the number of recipients is
    not the agreed one, or as `find_started` does.
    """
    if send := find_started(mailing, ledger, provider, settings.key_fingerprint):
        log.info("send taken up again", extra={**log_fields.of_send(send), "state": send.state})
        return send
    name = list_for(mailing, provider, settings.key_fingerprint)
    replaced = ledger.find(mailing.issue, name)
    if replaced and replaced.state != "cancelled" and ledger.delete_unsent_plan(replaced):
        replaced = None
    claimed = ledger.plan(
        NewSend(
            issue=mailing.issue,
            list=name,
            content_sha256=mailing.sha256,
            content=snapshot(mailing),
            provider=provider.name,
            chunk_size=_chunk_size(provider.capabilities, mailing, settings.rates),
            undo_window_seconds=settings.undo_window_seconds if provider.recallable else 0,
            send_at=settings.send_at,
            canary_size=settings.canary_size,
            instead_of=replaced.id if replaced else None,
            agreed_recipients=settings.agreed_recipients,
            key_fingerprint=settings.key_fingerprint,
        )
    )
    if claimed is None:
        hint = f"see: news status {mailing.issue}"
        raise SendBusy(f"another send of {mailing.issue} started just now", hint)
    return claimed


def _chunk_size(capabilities: Capabilities, mailing: Mailing, rates: Sequence[Rate]) -> int:
    per_call = capabilities.recipients_per_call
    size = per_call if per_call > 1 else MESSAGES_PER_CHUNK
    if per_call > 1 and capabilities.bytes_per_call:
        size = max(1, min(size, capabilities.bytes_per_call // _message_bytes(mailing)))
    return min(size, *(rate.count for rate in rates), MAX_CHUNK_SIZE)


def _message_bytes(mailing: Mailing) -> int:
    """Return the bytes of one message in a request in JSON (UTF-8), as `mail.personal_json` writes it."""
    parts = [mailing.rendered.subject, mailing.rendered.text, mailing.rendered.html]
    return len(json.dumps(parts, ensure_ascii=False).encode()) + PERSONAL_BYTES
