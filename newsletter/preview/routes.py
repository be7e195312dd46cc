"""The routes of the preview: its page, the rendered mail, data about it, and two actions."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Collection
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from newsletter.background import run_in_thread
from newsletter.checks.external.urls import link_answers, link_problem
from newsletter.checks.proof import Proof
from newsletter.constants import PROVIDERS
from newsletter.errors import LimitReached, NewsError, SubscriberError
from newsletter.issue import files
from newsletter.mail.sample import sample_message
from newsletter.preview import mail_views, outbox, payloads, send_test, subscriber_search
from newsletter.preview.access import LOOPBACK, AccessMiddleware
from newsletter.preview.outbox_message import OutboxMessage
from newsletter.preview.workspace import Workspace
from newsletter.subscribers.model import Subscriber

_PAGE = Path(__file__).parent / "page"
_MEDIA_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
_FILES = {file.name: _MEDIA_TYPES[file.suffix] for file in _PAGE.iterdir() if file.suffix in _MEDIA_TYPES}
_PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; frame-src 'self'; "
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_MAIL_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src {images}; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'; sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox"
)
_ACTIONS = ("/test", "/links")
_MAX_BODY_BYTES = 10_000


def app(
    workspace: Workspace,
    *,
    hosts: Collection[str] = LOOPBACK,
    changed: Callable[[], AsyncIterator[None]] | None = None,
) -> Starlette:
    """Return the web application of a workspace; it refuses requests to host names other than `hosts`.

    The workspace builds again after each item of `changed()`.
    """
    handlers = _Handlers(workspace)

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
        Route("/source", handlers.source),
        Route("/headers", handlers.headers),
        Route("/place", handlers.place),
        Route("/links", handlers.links, methods=["GET"]),
        Route("/links", handlers.ask_links, methods=["POST"]),
        Route("/subscribers", handlers.subscribers),
        Route("/test", handlers.test, methods=["POST"]),
        Route("/outbox", handlers.outbox),
        Route("/outbox/{name}", handlers.outbox_message),
        Route("/outbox/{name}/mail.html", handlers.outbox_message_html),
    ]
    access = Middleware(AccessMiddleware, hosts=hosts, actions=_ACTIONS)
    web = Starlette(routes=routes, middleware=[access], lifespan=lifespan)
    web.router.redirect_slashes = False
    return web


class _Handlers:
    """The handlers of requests, one method per route."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._one_test = asyncio.Lock()

    async def index(self, _: Request) -> Response:
        # Build again at each reload: some file systems (network, containers) report no changes.
        await self._workspace.changed()
        return _file("index.html", "text/html", {"Content-Security-Policy": _PAGE_POLICY})

    async def events(self, request: Request) -> Response:
        return StreamingResponse(self._workspace.follow(_name(request)), media_type="text/event-stream")

    async def html(self, request: Request) -> Response:
        proof = await self._proof(request)
        if proof is None:
            return _mail("", request, 503)
        mailing, recipient = mail_views.addressed(proof, _reader(request))
        return _mail(mail_views.html_for(mailing, recipient), request)

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
        where = request.query_params.get("where", "")
        return JSONResponse(await self._limited(payloads.place, proof, where) if proof else None)

    async def links(self, request: Request) -> Response:
        proof = await self._proof(request)
        return JSONResponse(await self._limited(payloads.links, proof) if proof else [])

    async def ask_links(self, request: Request) -> Response:
        proof = await self._proof(request)
        return JSONResponse(await run_in_thread(_check_links, proof) if proof else {})

    async def subscribers(self, request: Request) -> Response:
        words = request.query_params.get("like", "")[:100]
        try:
            found = await run_in_thread(subscriber_search.search, self._workspace.folder, words)
            note = await run_in_thread(subscriber_search.note, self._workspace.folder)
            return JSONResponse({"found": found} | ({"note": note} if note else {}))
        except NewsError as error:
            return JSONResponse({"said": str(error)})

    async def test(self, request: Request) -> Response:
        body = await _json_body(request)
        view = await self._workspace.view(_name(request))
        provider = body.get("provider")
        if provider not in PROVIDERS:
            return JSONResponse({"ok": False, "said": "There is no such provider."}, 400)
        if not view.page or not view.page.issue:
            return JSONResponse({"ok": False, "said": "There is no issue to send."})
        # Name the issue by its path: it may be outside the newsletter's folder. Its files are read again.
        name = view.page.proof.issue.path if view.page.proof else view.page.issue
        try:
            address = str(body.get("address", ""))
            async with self._one_test:
                sent = await run_in_thread(
                    send_test.send,
                    self._workspace.folder,
                    name,
                    address,
                    str(provider),
                    self._workspace.limited,
                )
        except NewsError as error:
            sent = send_test.failure(error)
        return JSONResponse(sent)

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
        return _mail(message.html, request) if message else Response(status_code=404)

    async def _outbox_message(self, request: Request) -> OutboxMessage | None:
        try:
            return await run_in_thread(outbox.of(self._workspace.folder).open, request.path_params["name"])
        except NewsError:
            return None  # the list says why

    async def _limited(self, function: Callable[..., Any], *arguments: object) -> Any:
        """Run a function in a process with limits; return None if it reaches one."""
        try:
            return await run_in_thread(self._workspace.limited, function, *arguments)
        except LimitReached:
            return None

    async def _proof(self, request: Request) -> Proof | None:
        good = (await self._workspace.view(_name(request))).good
        return good.proof if good else None


def _name(request: Request) -> str:
    """Return the name of the requested issue (its date); "" for the issue that the preview was started with.

    Raise HTTPException (404) for any other name.
    """
    requested = request.query_params.get("issue", "")
    name = files.issue_name(requested)
    if requested and name is None:
        raise HTTPException(404, "issues are named by their date, such as 2026-04-27")
    return name or ""


def _reader(request: Request) -> Subscriber:
    query = request.query_params
    try:
        return mail_views.reader(query.get("address", ""), query.get("name", ""))
    except SubscriberError as error:
        raise HTTPException(400, str(error.problems[0])) from error


def _message(proof: Proof, request: Request) -> bytes:
    return sample_message(proof.issue, proof.rendered, proof.newsletter, _reader(request))


def _mail(html: str, request: Request, status: int = 200) -> Response:
    images = "https: http: data:" if request.query_params.get("pictures") == "on" else "data:"
    scheme: mail_views.Scheme = "dark" if request.query_params.get("scheme") == "dark" else "light"
    headers = {"Content-Security-Policy": _MAIL_POLICY.format(images=images)}
    return Response(
        mail_views.in_scheme(mail_views.without_links(html), scheme), status, headers, "text/html"
    )


def _check_links(proof: Proof) -> dict[str, dict[str, Any]]:
    results = {}
    for link, answer in link_answers(proof).items():
        problem = link_problem(answer)
        text = problem[0] if problem else f"answers {answer.status}"
        results[link.get("href", "")] = {"severity": problem[2] if problem else "ok", "said": text}
    return results


async def _json_body(request: Request) -> dict[str, Any]:
    """Return the JSON object in a request's body; {} if it is too large, not whole, or no JSON object."""
    body = b""
    try:
        async for piece in request.stream():
            body += piece
            if len(body) > _MAX_BODY_BYTES:
                return {}
    except ClientDisconnect:
        return {}
    with contextlib.suppress(ValueError, RecursionError):
        value = json.loads(body)
        return value if isinstance(value, dict) else {}
    return {}


async def _rebuild_after(changed: Callable[[], AsyncIterator[None]], workspace: Workspace) -> None:
    async for _ in changed():
        await workspace.changed()


def _static(name: str, kind: str) -> Callable[[Request], Response]:
    return lambda _: _file(name, kind)


def _file(name: str, kind: str, headers: dict[str, str] | None = None) -> Response:
    return Response((_PAGE / name).read_bytes(), headers=headers, media_type=kind)
