"""The health of the server, for a monitor."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from newsletter.background import run_in_thread
from newsletter.errors import NewsError
from newsletter.web.context import Context, context


async def health(request: Request) -> Response:
    """Answer 200 if the server reads, writes and sends mail, otherwise 503; the parts are named."""
    found = context(request)
    parts = {
        "database": await run_in_thread(_can_write, found),
        "writer": found.writer.is_alive,
        "mail": found.is_mailing(),
    }
    is_well = all(parts.values())
    words = {name: "ok" if works else "failed" for name, works in parts.items()}
    return JSONResponse({"status": "ok" if is_well else "failed"} | words, 200 if is_well else 503)


def _can_write(found: Context) -> bool:
    """Return True if the database can be written, through the same thread as the requests; change nothing."""
    try:
        found.writer.write_now(lambda connection: None)
    except NewsError:
        return False
    return True
