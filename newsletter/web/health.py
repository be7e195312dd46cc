"""The health of the server, for a monitor."""

import asyncio
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from newsletter.errors import NewsError
from newsletter.store.health_probe import write_nothing
from newsletter.web.context import Context, context

_SECONDS = 6.0
"""More than the writer waits for a lock."""
PROBE_SECONDS = 5.0
"""The time for which a probe of the database counts: strangers may ask, and each probe waits for the disk."""


async def health(request: Request) -> Response:
    """Answer 200 if the server writes, and the last look at the mail that waits succeeded; otherwise 503."""
    shared = context(request)
    parts = {
        "database": await _can_write(shared),
        "writer": shared.writer.is_alive,
        "mail": shared.is_mailing(),
    }
    is_well = all(parts.values())
    words = {name: "ok" if works else "failed" for name, works in parts.items()}
    status = HTTPStatus.OK if is_well else HTTPStatus.SERVICE_UNAVAILABLE
    return JSONResponse({"status": "ok" if is_well else "failed"} | words, status)


async def _can_write(shared: Context) -> bool:
    """Return True if the database can be written, as requests write it; the last probe counts for a while."""
    probe = shared.probe
    now = asyncio.get_running_loop().time()
    if now >= probe.valid_until:
        probe.succeeded = await _probe(shared)
        probe.valid_until = now + PROBE_SECONDS
    return probe.succeeded


async def _probe(shared: Context) -> bool:
    try:
        async with asyncio.timeout(_SECONDS):
            await shared.writer.write(write_nothing)
    except (NewsError, TimeoutError):
        return False
    return True
