"""The routes of the preview: its page, the rendered mail, data about it, and its actions."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Callable, Collection
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from newsletter.background import run_in_thread
from newsletter.checks.proof import Proof
from newsletter.config import loader
from newsletter.errors import LimitReached, NewsError, SubscriberError
from newsletter.mail.sample import sample_message
from newsletter.preview import local_pictures, mail_views, new_issue, outbox, payloads, subscriber_search
from newsletter.preview.access import LOOPBACK, AccessMiddleware
from newsletter.preview.actions import PATHS, Actions, issue_name
from newsletter.preview.archive_routes import ArchiveRoutes
from newsletter.preview.frame import image_sources, policy, scheme
from newsletter.preview.outbox_message import OutboxMessage
from newsletter.preview.workspace import Workspace
from newsletter.render.model import Site
from newsletter.subscribers.model import Subscriber

_PAGE = Path(__file__).parent / "page"
_MEDIA_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
_FILES = {file.name: _MEDIA_TYPES[file.suffix] for file in _PAGE.iterdir() if file.suffix in _MEDIA_TYPES}
_PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; frame-src 'self'; "
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def app(
    workspace: Workspace,
    *,
    hosts: Collection[str] = LOOPBACK,
    changed: Callable[[], AsyncIterator[None]] | None = None,
) -> Starlette:
    """Return the web application of a workspace; it refuses requests to host names other than `hosts`.

    The workspace builds again after each item of `changed()`.
    """
    handlers, actions = _Handlers(workspace), Actions(workspace)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await workspace.view()
        tasks = [asyncio.create_task(workspace.poll())]
        if changed:
            tasks.append(asyncio.create_task(_rebuild_after(changed, workspace)))
        yield
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        await workspace.close()

    routes = [
        Route("/", handlers.index),
        *(Route(f"/{name}", _static(name, kind)) for name, kind in _FILES.items() if name != "index.html"),
        Route("/events", handlers.events),
        Route("/mail.html", handlers.html),
        Route("/mail.txt", handlers.text),
        Route("/mail.eml", handlers.eml),
        *ArchiveRoutes(workspace).routes(),
        Route("/source", handlers.source),
        Route("/headers", handlers.headers),
        Route("/place", handlers.place),
        Route("/links", handlers.links, methods=["GET"]),
        Route("/links", actions.ask_links, methods=["POST"]),
        Route("/issues", handlers.propose_issue, methods=["GET"]),
        Route("/issues", actions.create_issue, methods=["POST"]),
        Route("/subscribers", handlers.subscribers),
        Route("/test", actions.test, methods=["POST"]),
        Route("/outbox", handlers.outbox),
        Route("/outbox/{name}", handlers.outbox_message),
        Route("/outbox/{name}/mail.html", handlers.outbox_message_html),
    ]
    access = Middleware(AccessMiddleware, hosts=hosts, actions=PATHS)
    web = Starlette(routes=routes, middleware=[access], lifespan=lifespan)
    web.router.redirect_slashes = False
    return web


class _Handlers:
    """The handlers of requests, one method per route."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    async def index(self, _: Request) -> Response:
        # Build again at each reload: some file systems (network, containers) report no changes.
        await self._workspace.changed()
        return _file("index.html", "text/html", {"Content-Security-Policy": _PAGE_POLICY})

    async def events(self, request: Request) -> Response:
        return StreamingResponse(self._workspace.follow(issue_name(request)), media_type="text/event-stream")

    async def html(self, request: Request) -> Response:
        proof = await self._proof(request)
        if proof is None:
            return await _mail("", None, request, 503)
        mailing, recipient = mail_views.addressed(proof, _reader(request))
        return await _mail(mail_views.html_for(mailing, recipient), proof.newsletter.site, request)

    async def text(self, request: Request) -> Response:
        proof = await self._proof(request)
        return PlainTextResponse(
            mail_views.text_for(*mail_views.addressed(proof, _reader(request))) if proof else "",
            200 if proof else 503,
        )

    async def source(self, request: Request) -> Response:
        proof = await self._proof(request)
        return PlainTextResponse(proof.rendered.html if proof else "", 200 if proof else 503)

    async def eml(self, request: Request) -> Response:
        proof = await self._proof(request)
        if proof is None:
            return Response(status_code=503)
        name = f'attachment; filename="{proof.issue.name}.eml"'
        return Response(
            _message(proof, request), headers={"Content-Disposition": name}, media_type="message/rfc822"
        )

    async def headers(self, request: Request) -> Response:
        proof = await self._proof(request)
        raw = _message(proof, request) if proof else b""
        lines = raw.partition(b"\r\n\r\n")[0].decode("ascii").replace("\r\n ", "\n ").split("\r\n")
        return JSONResponse([line.split(": ", 1) for line in lines if ": " in line])

    async def place(self, request: Request) -> Response:
        proof = await self._proof(request)
        where, part = request.query_params.get("where", ""), request.query_params.get("part", "")
        if not proof:
            return JSONResponse(None)
        if re.fullmatch("[0-9]{1,6}", part):
            return JSONResponse(await self._limited(payloads.part_place, proof, int(part)))
        return JSONResponse(await self._limited(payloads.place, proof, where))

    async def links(self, request: Request) -> Response:
        proof = await self._proof(request)
        return JSONResponse(await self._limited(payloads.links, proof) if proof else [])

    async def subscribers(self, request: Request) -> Response:
        words = request.query_params.get("like", "")[:100]
        try:
            found = await run_in_thread(subscriber_search.search, self._workspace.folder, words)
            note = await run_in_thread(subscriber_search.note, self._workspace.folder)
            return JSONResponse({"found": found} | ({"note": note} if note else {}))
        except NewsError as error:
            return JSONResponse({"said": str(error)})

    async def propose_issue(self, _: Request) -> Response:
        day = await run_in_thread(new_issue.proposed_date, self._workspace.folder, date.today())
        return JSONResponse({"date": day.isoformat()})

    async def outbox(self, _: Request) -> Response:
        try:
            number, messages = await run_in_thread(outbox.of(self._workspace.folder).messages)
        except NewsError as error:
            return JSONResponse({"number": 0, "messages": [], "said": str(error)})
        return JSONResponse({"number": number, "messages": [asdict(message) for message in messages]})

    async def outbox_message(self, request: Request) -> Response:
        message = await self._outbox_message(request)
        return JSONResponse(asdict(replace(message, html=""))) if message else Response(status_code=404)

    async def outbox_message_html(self, request: Request) -> Response:
        message = await self._outbox_message(request)
        if message is None:
            return Response(status_code=404)
        return await _mail(message.html, await run_in_thread(self._site), request)

    async def _outbox_message(self, request: Request) -> OutboxMessage | None:
        try:
            return await run_in_thread(outbox.of(self._workspace.folder).open, request.path_params["name"])
        except NewsError:
            return None  # the list says why

    def _site(self) -> Site | None:
        with contextlib.suppress(NewsError):
            return loader.load(self._workspace.folder, review=True).site
        return None

    async def _limited(self, function: Callable[..., Any], *arguments: object) -> Any:
        """Run a function in a process with limits; return None if it reaches one."""
        try:
            return await run_in_thread(self._workspace.limited, function, *arguments)
        except LimitReached:
            return None

    async def _proof(self, request: Request) -> Proof | None:
        good = (await self._workspace.view(issue_name(request))).good
        return good.proof if good else None


def _reader(request: Request) -> Subscriber:
    query = request.query_params
    try:
        return mail_views.reader(query.get("address", ""), query.get("name", ""))
    except SubscriberError as error:
        raise HTTPException(400, str(error.problems[0])) from error


def _message(proof: Proof, request: Request) -> bytes:
    return sample_message(proof.issue, proof.rendered, proof.newsletter, _reader(request))


async def _mail(html: str, site: Site | None, request: Request, status: int = 200) -> Response:
    headers = {"Content-Security-Policy": policy(image_sources(request))}
    shown = mail_views.in_scheme(mail_views.without_links(html), scheme(request))
    if site:  # last, because pictures are long texts
        shown = await run_in_thread(local_pictures.embedded, shown, site)
    return Response(shown, status, headers, "text/html")


async def _rebuild_after(changed: Callable[[], AsyncIterator[None]], workspace: Workspace) -> None:
    async for _ in changed():
        await workspace.changed()


def _static(name: str, kind: str) -> Callable[[Request], Response]:
    return lambda _: _file(name, kind)


def _file(name: str, kind: str, headers: dict[str, str] | None = None) -> Response:
    return Response((_PAGE / name).read_bytes(), headers=headers, media_type=kind)
