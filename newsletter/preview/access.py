"""Who may ask the preview, and how: this machine's browser, and for what changes something its own page."""

import re
from collections.abc import Collection

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from newsletter.hosts import is_loopback

LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})
# What only somebody at this machine may see: addresses of subscribers, mail. Nor does anybody else act.
PRIVATE = ("/subscribers", "/outbox")

_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[^\[\]:]+)(:\d+)?", re.IGNORECASE)
_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


class AccessMiddleware:
    """Refuses other hosts' names, other origins and other methods; marks every answer as not to be kept.

    A page from elsewhere can point its own host name at 127.0.0.1 and read what answers there (DNS
    rebinding); the Host header gives it away. The Origin header does so where it sends a form.
    """

    def __init__(
        self, app: ASGIApp, hosts: Collection[str] = LOOPBACK, actions: Collection[str] = ()
    ) -> None:
        self._app = app
        self._hosts = frozenset(hosts)
        self._actions = frozenset(actions)

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
        headers = Headers(scope=scope)
        given = headers.get("host", "")
        host = _HOST.fullmatch(given)
        if not host or not self._known(host[1].lower(), scope):
            return PlainTextResponse(f"The preview answers to {', '.join(sorted(self._hosts))} only.\n", 403)
        path = scope["path"]
        acts = scope["method"] == "POST" and path in self._actions
        if (acts or path.startswith(PRIVATE)) and not is_loopback(_client(scope)):
            return PlainTextResponse("Only whoever sits at the machine itself may see or do this.\n", 403)
        if acts:
            if (
                headers.get("origin") != f"http://{given}"
                or headers.get("sec-fetch-site", "same-origin") != "same-origin"
            ):
                return PlainTextResponse("Only the preview's own page may do this.\n", 403)
            return None
        if scope["method"] != "GET":
            return PlainTextResponse("The preview is only there to be read.\n", 405, {"Allow": "GET"})
        return None

    def _known(self, host: str, scope: Scope) -> bool:
        """One of the names, or where it listens everywhere the address that was connected to.

        An address cannot be rebound: there is no name to look up.
        """
        if host in self._hosts:
            return True
        everywhere = self._hosts & {"0.0.0.0", "[::]"}
        return bool(everywhere) and host.strip("[]") == str((scope.get("server") or ("",))[0])


def _client(scope: Scope) -> str:
    """Return the address at the other end of the connection; empty if the server does not know it."""
    return str((scope.get("client") or ("",))[0])
