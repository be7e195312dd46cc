"""Refuse requests for mail above the limits."""

import logging
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from newsletter.web.context import Context, client

log = logging.getLogger(__name__)

_RETRY_SECONDS = "3600"


def refusal(found: Context, request: Request) -> Response | None:
    """Count a request for mail; return the response that refuses it, or None if it is within the limits."""
    if not found.throttle.admits(client(request)):
        log.info("request refused: too many of its network")
    elif not found.throttle.admits_more():
        log.warning("request refused: too many in all; serve.rate in newsletter.yml is the limit")
    else:
        return None
    response = found.page("too_many", status=HTTPStatus.TOO_MANY_REQUESTS)
    response.headers["Retry-After"] = _RETRY_SECONDS
    return response
