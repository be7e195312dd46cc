"""The preview's web server: Starlette's routes, and uvicorn taught to stop."""

import asyncio
import contextlib
import errno
import os
import re
import socket
from collections.abc import AsyncIterator, Callable, Collection
from dataclasses import asdict
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from newsletter.errors import Unavailable
from newsletter.preview import PORT
from newsletter.preview.builder import builder
from newsletter.preview.guard import LOOPBACK, Guard
from newsletter.preview.live import Live, version
from newsletter.preview.watching import changes

_PAGE = Path(__file__).parent / "page"
_PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; frame-src 'self'; "
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_MAIL_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src https: data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
_PLACEHOLDER = re.compile(r"\[\[(\w+)_url\]\]")


def run(folder: Path, name: str | None, *, host: str, port: int, ready: Callable[[str], None]) -> None:
    """Serves until Ctrl-C; see `newsletter.preview.serve`."""
    live = Live(builder(folder, name))
    with _listen(host, port) as listening:
        shown = f"[{host}]" if ":" in host else host
        url = f"http://{shown}:{listening.getsockname()[1]}/"
        web = app(live, hosts=LOOPBACK | {shown}, changed=lambda: changes(folder, name))
        # Logging as the program has set it up: uvicorn's own would print a line for every request.
        config = uvicorn.Config(
            web,
            http="h11",
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=1,
        )
        with contextlib.suppress(KeyboardInterrupt):  # Ctrl-C is how a preview ends
            _Server(config, live, lambda: ready(url)).run([listening])


def app(
    live: Live,
    *,
    hosts: Collection[str] = LOOPBACK,
    changed: Callable[[], AsyncIterator[None]] | None = None,
) -> Starlette:
    """The preview of what `live` builds, for browsers that call it by one of `hosts`.

    While it runs, it builds again after each item of `changed()`.
    """

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await live.rebuild()
        following = asyncio.create_task(_rebuild_after(changed, live)) if changed else None
        yield
        if following:
            following.cancel()
            await asyncio.wait([following])

    async def index(_: Request) -> Response:
        # Reloading by hand builds as well: some file systems (network, containers) report no changes.
        await live.rebuild()
        return _file("index.html", "text/html", {"Content-Security-Policy": _PAGE_POLICY})

    async def state(_: Request) -> Response:
        return JSONResponse(await _state(live))

    async def html(_: Request) -> Response:
        mail = (await live.page()).mail
        body = inert(mail.html) if mail else ""
        headers = {"Content-Security-Policy": _MAIL_POLICY}
        return Response(body, 200 if mail else 503, headers, "text/html")

    async def text(_: Request) -> Response:
        mail = (await live.page()).mail
        return PlainTextResponse(inert(mail.text) if mail else "", 200 if mail else 503)

    async def events(_: Request) -> Response:
        return StreamingResponse(live.follow(), media_type="text/event-stream")

    routes = [
        Route("/", index),
        Route("/page.css", lambda _: _file("page.css", "text/css")),
        Route("/page.js", lambda _: _file("page.js", "text/javascript")),
        Route("/state", state),
        Route("/mail.html", html),
        Route("/mail.txt", text),
        Route("/events", events),
    ]
    web = Starlette(routes=routes, middleware=[Middleware(Guard, hosts=hosts)], lifespan=lifespan)
    web.router.redirect_slashes = False
    return web


def inert(part: str) -> str:
    """A part of the mail with its placeholders as `#unsubscribe` and the like, which lead nowhere."""
    return _PLACEHOLDER.sub(r"#\1", part)


async def _state(live: Live) -> dict[str, object]:
    page = await live.page()
    return {
        "version": version(page),
        "state": "live" if page.mail else "error",
        "issue": page.issue,
        "subject": page.mail.subject if page.mail else "",
        "preheader": page.mail.preheader if page.mail else "",
        "weight": page.weight,
        "problems": [asdict(problem) for problem in page.problems],
    }


async def _rebuild_after(changed: Callable[[], AsyncIterator[None]], live: Live) -> None:
    async for _ in changed():
        await live.rebuild()


def _file(name: str, kind: str, headers: dict[str, str] | None = None) -> Response:
    return Response((_PAGE / name).read_bytes(), headers=headers, media_type=kind)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as failure:
        if failure.errno == errno.EADDRINUSE:
            what = f"port {port} is taken"
            hint = f"if that is no preview of yours, use another port: --port {port + 1}"
        else:
            what = f"port {port} on {host} cannot be used ({os.strerror(failure.errno or 0)})"
            hint = f"use another port: --port {PORT}"
        raise Unavailable(what, hint) from None


class _Server(uvicorn.Server):
    """uvicorn says when it listens, and at its end does not wait for event streams, which have none."""

    def __init__(self, config: uvicorn.Config, live: Live, listening: Callable[[], None]) -> None:
        super().__init__(config)
        self._live = live
        self._listening = listening

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._listening()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._live.close()
        await super().shutdown(sockets)
