"""Who may ask the preview, and how: this machine's browser, with GET."""

import re
from collections.abc import Collection

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})

_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[^\[\]:]+)(:\d+)?", re.IGNORECASE)
_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Guard:
    """Refuses other hosts' names and other methods; marks every answer as not to be kept.

    A page from elsewhere can point its own host name at 127.0.0.1 and read what answers there (DNS
    rebinding); the Host header gives it away.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str] = LOOPBACK) -> None:
        self._app = app
        self._hosts = frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        app = self._refusal(scope) or self._app
        await app(scope, receive, marked)

    def _refusal(self, scope: Scope) -> ASGIApp | None:
        host = _HOST.fullmatch(Headers(scope=scope).get("host", ""))
        if not host or host[1].lower() not in self._hosts:
            return PlainTextResponse(f"The preview answers to {', '.join(sorted(self._hosts))} only.\n", 403)
        if scope["method"] != "GET":
            return PlainTextResponse("The preview is only there to be read.\n", 405, {"Allow": "GET"})
        return None
