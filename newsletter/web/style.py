"""The style sheet of the pages, in the theme and the colours of the newsletter."""

from starlette.requests import Request
from starlette.responses import Response

from newsletter.render.pages import render_style
from newsletter.web.context import context

_MAX_AGE_SECONDS = 3600


async def site(request: Request) -> Response:
    """Return the style sheet."""
    headers = {"Cache-Control": f"public, max-age={_MAX_AGE_SECONDS}"}
    return Response(render_style(context(request).newsletter.site), headers=headers, media_type="text/css")
