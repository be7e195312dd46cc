"""Access control of the preview: only this machine may read addresses, only the preview's page may act.

Other sites may neither link to the preview, nor embed or frame any of its responses.
"""

import re
from collections.abc import Collection

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from newsletter.network.hosts import is_loopback

LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})
# Paths with subscribers' addresses: only a browser on this machine may read them, or request an action.
PRIVATE = ("/subscribers", "/outbox")

_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[^\[\]:]+)(:\d+)?", re.IGNORECASE)
# The values of Sec-Fetch-Site for the preview's own page, and for an address that a person typed or opened
# from another program. curl and browsers before 2023 send no such header, and no browser sends it to another
# machine without TLS.
_OWN_SITES = frozenset({"same-origin", "none"})
_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    # A Content-Security-Policy does not stop a browser from looking up the host names of links.
    "X-DNS-Prefetch-Control": "off",
}
# For all responses without a policy of their own.
_POLICY = "default-src 'none'; frame-ancestors 'none'"


class AccessMiddleware:
    """Refuse other host names, sites, origins and methods; add security headers to every response.

    The page of another site can point its host name at 127.0.0.1 and then read the responses (DNS rebinding),
    which the Host header reveals. It can also send a form, which the Origin header reveals, and open or embed
    an address of the preview, which makes the preview work, and which the Sec-Fetch-Site header reveals.
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

        async def send_marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(_HEADERS)
                headers.setdefault("Content-Security-Policy", _POLICY)
            await send(message)

        app = self._refusal(scope) or self._app
        await app(scope, receive, send_marked)

    def _refusal(self, scope: Scope) -> ASGIApp | None:
        headers = Headers(scope=scope)
        host_header, sites = headers.get("host", ""), frozenset(headers.getlist("sec-fetch-site"))
        host = _HOST.fullmatch(host_header)
        if not host or not self._is_accepted(host[1].lower(), scope):
            return _refused(f"The preview accepts only these host names: {', '.join(sorted(self._hosts))}.")
        if not sites <= _OWN_SITES:
            return _refused("Another site links to the preview. To open it, type its address by hand.")
        path = scope["path"]
        acts = scope["method"] == "POST" and path in self._actions
        if (acts or path.startswith(PRIVATE)) and not is_loopback(_client(scope)):
            return _refused("Only a browser on the preview's own machine may see or do this.")
        if acts and (headers.getlist("origin") != [f"http://{host_header}"] or "none" in sites):
            return _refused("Only the preview's own page may do this.")
        if scope["method"] != "GET" and not acts:
            return PlainTextResponse("The preview accepts only GET at this address.\n", 405, {"Allow": "GET"})
        return None

    def _is_accepted(self, host: str, scope: Scope) -> bool:
        """Return True for an accepted host name.

        If the preview listens on all addresses, accept the local address of the connection too: an IP address
        is safe from DNS rebinding, because it is not looked up in the DNS.
        """
        if host in self._hosts:
            return True
        everywhere = self._hosts & {"0.0.0.0", "[::]"}
        return bool(everywhere) and host.strip("[]") == str((scope.get("server") or ("",))[0])


def _refused(reason: str) -> ASGIApp:
    return PlainTextResponse(f"{reason}\n", 403)


def _client(scope: Scope) -> str:
    """Return the IP address of the peer; "" if the server does not know it."""
    return str((scope.get("client") or ("",))[0])
