"""The webhooks by which providers report what became of mail."""

import logging
from dataclasses import asdict
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from newsletter.background import run_in_thread
from newsletter.providers.sendgrid import webhook
from newsletter.store import delivery_events
from newsletter.web.bodies import read_body
from newsletter.web.context import context

log = logging.getLogger(__name__)

_MAX_BYTES = 4 * 1024**2
"""SendGrid posts up to 768 KB at once."""


async def sendgrid(request: Request) -> Response:
    """Record the events of a request that SendGrid has signed; answer only when they are on the disk."""
    shared = context(request)
    key, now = shared.newsletter.config.sendgrid.webhook_key, shared.now()
    if key is None:
        raise HTTPException(HTTPStatus.NOT_FOUND)
    signature = request.headers.get(webhook.SIGNATURE_HEADER, "")
    timestamp = request.headers.get(webhook.TIMESTAMP_HEADER, "")
    try:
        webhook.refuse_stale(timestamp, now)  # before a large body is read for anybody
        async with shared.webhook_slots:
            body = await read_body(request, _MAX_BYTES)
            await run_in_thread(webhook.verify, key, signature, timestamp, body, now)
            parsed = await run_in_thread(webhook.parse, body, shared.newsletter.list_id)
    except webhook.WebhookRefused as refused:
        log.warning("webhook refused: %s", refused)
        return PlainTextResponse("The signature is not valid.\n", HTTPStatus.FORBIDDEN)
    counts = await shared.writer.write(
        lambda connection: delivery_events.record(connection, parsed.events, now)
    )
    log.info("events recorded", extra={**asdict(counts), "skipped": dict(parsed.skipped)})
    return Response(status_code=HTTPStatus.NO_CONTENT)
