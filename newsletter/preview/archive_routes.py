"""The routes of the page of an issue in the archive: its state, its HTML, its style sheet and its text."""

from pathlib import Path
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from newsletter.background import run_in_thread
from newsletter.preview import archive_page, local_pictures, mail_views, payloads
from newsletter.preview.actions import issue_name
from newsletter.preview.archive_page import Archived, ArchivePage
from newsletter.preview.frame import image_sources, policy, scheme
from newsletter.preview.workspace import Workspace

_STYLE = "/archive.css"


class ArchiveRoutes:
    """The handlers of requests, one method per route."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route("/archive", self.state),
            Route("/archive.html", self.html),
            Route(_STYLE, self.style),
            Route("/archive.txt", self.text),
        ]

    async def state(self, request: Request) -> Response:
        archived = await self._archived(request)
        return JSONResponse(_state(self._workspace.folder, archived))

    async def html(self, request: Request) -> Response:
        archived = await self._archived(request)
        if not archived or not archived.good:
            return Response("", 503, {"Content-Security-Policy": policy("'none'")}, "text/html")
        shown, site = archived.good, archived.site
        style = f"{_STYLE}?{urlencode(dict(request.query_params)).replace('&', '&amp;')}"
        html = archive_page.with_style(shown.html, archived.source.issue, site, style)
        html = mail_views.in_scheme(html, scheme(request))
        html = await run_in_thread(local_pictures.embedded, html, site, shown.base)
        # The policy of the page itself decides whether a style in its HTML counts.
        headers = {"Content-Security-Policy": policy(image_sources(request), "'self' 'unsafe-inline'")}
        return Response(html, headers=headers, media_type="text/html")

    async def style(self, request: Request) -> Response:
        archived = await self._archived(request)
        if not archived or not archived.good:
            return Response("", 503, media_type="text/css")
        style = mail_views.css_in_scheme(archived.good.style, scheme(request))
        style = await run_in_thread(local_pictures.embedded_css, style, archived.site, archived.good.root)
        return Response(style, media_type="text/css")

    async def text(self, request: Request) -> Response:
        archived = await self._archived(request)
        shown = archived.good if archived else None
        return PlainTextResponse(shown.text if shown else "", 200 if shown else 503)

    async def _archived(self, request: Request) -> Archived | None:
        return await self._workspace.archived(issue_name(request))


def _state(folder: Path, archived: Archived | None) -> dict[str, object]:
    """Return the version of the page that is shown, and the problems of the last one."""
    last = archived.last if archived else ArchivePage()
    shown = archived.good if archived else None
    return {
        "version": shown.version if shown else None,
        "absence": payloads.problem(folder, last.absence) if last.absence else None,
        "problems": [payloads.problem(folder, problem) for problem in last.problems],
    }
