"""The webhooks by which providers report what became of mail."""

import logging
from dataclasses import asdict
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from newsletter.background import run_in_thread
from newsletter.providers.webhook_events import WebhookRefused
from newsletter.store import delivery_events
from newsletter.web.bodies import read_body
from newsletter.web.context import context

log = logging.getLogger(__name__)

_MAX_BYTES = 4 * 1024**2
"""SendGrid posts up to 768 KB at once."""


async def receive(provider: str, request: Request) -> Response:
    """Record the events of a request that the provider has proved; answer when they are on the disk."""
    shared = context(request)
    now = shared.now()
    webhook = shared.webhook(provider)
    if webhook is None:
        raise HTTPException(HTTPStatus.NOT_FOUND)
    headers = dict(request.headers)
    try:
        webhook.refuse_early(headers, now)  # before a large body is read for anybody
        async with shared.webhook_slots:
            body = await read_body(request, _MAX_BYTES)
            await run_in_thread(webhook.verify, headers, body, now)
            parsed = await run_in_thread(webhook.parse, body, shared.newsletter.list_id)
    except WebhookRefused as refused:
        log.warning("webhook refused: %s", refused, extra={"provider": provider})
        return PlainTextResponse("The signature is not valid.\n", HTTPStatus.FORBIDDEN)
    counts = await shared.writer.write(
        lambda connection: delivery_events.record(connection, parsed.events, now)
    )
    log.info(
        "events recorded", extra={"provider": provider, **asdict(counts), "skipped": dict(parsed.skipped)}
    )
    return Response(status_code=HTTPStatus.NO_CONTENT)
