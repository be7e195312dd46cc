"""The routes of the page of an issue in the archive: its state, its HTML, its style sheet and its text."""

from pathlib import Path
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from newsletter.background import run_in_thread
from newsletter.preview import archive_page, local_pictures, mail_views, payloads
from newsletter.preview.actions import issue_name
from newsletter.preview.archive_page import ArchivePage, PageHistory
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
        history = await self._history(request)
        return JSONResponse(_state(self._workspace.folder, history))

    async def html(self, request: Request) -> Response:
        history = await self._history(request)
        if not history or not history.last_valid:
            return Response("", 503, {"Content-Security-Policy": policy("'none'")}, "text/html")
        shown, site = history.last_valid, history.site
        style = f"{_STYLE}?{urlencode(dict(request.query_params)).replace('&', '&amp;')}"
        html = archive_page.with_style(shown.html, history.source.issue, site, style)
        html = mail_views.in_scheme(html, scheme(request))
        html = await run_in_thread(local_pictures.embedded, html, site, shown.base)
        # The policy of the page itself decides whether a style in its HTML counts.
        headers = {"Content-Security-Policy": policy(image_sources(request), "'self' 'unsafe-inline'")}
        return Response(html, headers=headers, media_type="text/html")

    async def style(self, request: Request) -> Response:
        history = await self._history(request)
        if not history or not history.last_valid:
            return Response("", 503, media_type="text/css")
        style = mail_views.css_in_scheme(history.last_valid.style, scheme(request))
        style = await run_in_thread(local_pictures.embedded_css, style, history.site, history.last_valid.root)
        return Response(style, media_type="text/css")

    async def text(self, request: Request) -> Response:
        history = await self._history(request)
        shown = history.last_valid if history else None
        return PlainTextResponse(shown.text if shown else "", 200 if shown else 503)

    async def _history(self, request: Request) -> PageHistory | None:
        return await self._workspace.page_history(issue_name(request))


def _state(folder: Path, history: PageHistory | None) -> dict[str, object]:
    """Return the version of the page that is shown, and the problems of the last one."""
    last = history.latest if history else ArchivePage()
    shown = history.last_valid if history else None
    return {
        "version": shown.version if shown else None,
        "absence": payloads.problem(folder, last.absence) if last.absence else None,
        "problems": [payloads.problem(folder, problem) for problem in last.problems],
    }
