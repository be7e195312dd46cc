"""The health of the server, for a monitor."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from newsletter.background import run_in_thread
from newsletter.errors import NewsError
from newsletter.web.context import Context, context


async def health(request: Request) -> Response:
    """Answer 200 if the server writes, and the last look at the mail that waits succeeded; otherwise 503."""
    shared = context(request)
    parts = {
        "database": await run_in_thread(_can_write, shared),
        "writer": shared.writer.is_alive,
        "mail": shared.is_mailing(),
    }
    is_well = all(parts.values())
    words = {name: "ok" if works else "failed" for name, works in parts.items()}
    return JSONResponse({"status": "ok" if is_well else "failed"} | words, 200 if is_well else 503)


def _can_write(shared: Context) -> bool:
    """Return True if the database can be written, through the same thread as the requests; change nothing."""
    try:
        shared.writer.write_now(lambda connection: None)
    except NewsError:
        return False
    return True
