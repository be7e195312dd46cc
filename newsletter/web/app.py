"""The web application: routes, the pages of errors, and the security headers."""

import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from newsletter.errors import NewsError, StoreError, Unavailable
from newsletter.providers.webhook_factory import WEBHOOK_PROVIDERS
from newsletter.web import health, own_data, sign_up, style, unsubscribing, webhooks
from newsletter.web.context import Context, context
from newsletter.web.headers import HeadersMiddleware

log = logging.getLogger(__name__)

_RETRY_SECONDS = "5"
Handler = Callable[[Request], Awaitable[Response]]


def app(shared: Context) -> Starlette:
    """Return the web application of a newsletter."""
    base = shared.address.path
    routes = [
        _route(f"{base}/", sign_up.show_form),
        _route(f"{base}/subscribe", sign_up.show_form, sign_up.subscribe),
        _route(f"{base}/confirm/{{token}}", sign_up.show_confirmation, sign_up.confirm),
        _route(f"{base}/unsubscribe/{{token}}", unsubscribing.show_button, unsubscribing.unsubscribe),
        _route(f"{base}/undo/{{token}}", unsubscribing.show_button, unsubscribing.take_back),
        _route(f"{base}/lost", own_data.show_form, own_data.send_link),
        _route(f"{base}/me/{{token}}", own_data.show),
        _route(f"{base}/me/{{token}}/leave", own_data.show, own_data.leave),
        _route(f"{base}/me/{{token}}/erase", own_data.show, own_data.erase),
        _route(f"{base}/me/{{token}}/data.json", own_data.download_json),
        _route(f"{base}/me/{{token}}/data.csv", own_data.download_csv),
        *(
            _route(f"{base}/webhooks/{name}", post=partial(webhooks.receive, name))
            for name in WEBHOOK_PROVIDERS
        ),
        _route(f"{base}/site.css", style.site),
        _route("/healthz", health.health),
    ]
    handlers = {HTTPException: _http_error}
    web = Starlette(routes=routes, middleware=[Middleware(HeadersMiddleware)], exception_handlers=handlers)
    web.router.redirect_slashes = False  # a redirect would lose the body of a POST
    web.state.context = shared
    return web


def _route(path: str, get: Handler | None = None, post: Handler | None = None) -> Route:
    """Return the route of a path; its handlers answer failures too."""
    handlers = {method: handler for method, handler in (("GET", get), ("POST", post)) if handler}

    async def handle(request: Request) -> Response:
        handler = handlers["GET" if request.method == "HEAD" else request.method]
        try:
            return await handler(request)
        except HTTPException:
            raise
        except (StoreError, Unavailable) as failure:
            return _busy(request, failure)
        except Exception as failure:  # the client gets a reference, and the log the rest
            return _failed(request, path, failure)

    return Route(path, handle, methods=list(handlers))


_PAGES = {
    HTTPStatus.NOT_FOUND: "not_found",
    HTTPStatus.TOO_MANY_REQUESTS: "too_many",
    HTTPStatus.SERVICE_UNAVAILABLE: "busy",
}


def _http_error(request: Request, failure: Exception) -> Response:
    assert isinstance(failure, HTTPException)
    response = _error_page(request, failure.status_code, {"is_request": True})
    response.headers.update(failure.headers or {})
    return response


def _busy(request: Request, failure: NewsError) -> Response:
    """Answer that nothing was written; mail programs and providers try again after a while."""
    log.warning("request not answered: %s", failure)
    response = _error_page(request, HTTPStatus.SERVICE_UNAVAILABLE)
    response.headers["Retry-After"] = _RETRY_SECONDS
    return response


def _failed(request: Request, path: str, failure: Exception) -> Response:
    """Answer with a reference that is in the log too, together with the path, but without the token."""
    reference = secrets.token_hex(4)
    log.error("request failed", extra={"reference": reference, "path": path}, exc_info=failure)
    return _error_page(request, HTTPStatus.INTERNAL_SERVER_ERROR, {"reference": reference})


def _error_page(request: Request, status: int, values: Mapping[str, object] | None = None) -> Response:
    """Return the page of a status; a plain text if the newsletter's own template of it has a mistake."""
    name = _PAGES.get(HTTPStatus(status), "error")
    try:
        return context(request).page(name, values if name == "error" else None, status)
    except NewsError as failure:
        log.error("a page of an error was not rendered: %s", failure)
        reference = (values or {}).get("reference")
        words = f" Reference: {reference}" if reference else ""
        return PlainTextResponse(f"{HTTPStatus(status).phrase}. Please try again later.{words}\n", status)
