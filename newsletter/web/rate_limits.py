"""Refuse requests that cause mail above the limits of `serve.rate_per_network` and `serve.rate`."""

import logging
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request

from newsletter.web.context import client, context

log = logging.getLogger(__name__)

_HEADERS = {"Retry-After": "3600"}


def count_request(request: Request) -> None:
    """Count a request of a network; raise HTTPException (429) if the network has made too many."""
    if not context(request).throttle.admits_network(client(request)):
        log.info("request refused: too many of its network")
        raise HTTPException(HTTPStatus.TOO_MANY_REQUESTS, headers=_HEADERS)


def count_mail(request: Request) -> None:
    """Count a request that causes mail; raise HTTPException (429) if there were too many in all."""
    if not context(request).throttle.admits_mail():
        log.warning("request refused: too many in all; serve.rate in newsletter.yml is the limit")
        raise HTTPException(HTTPStatus.TOO_MANY_REQUESTS, headers=_HEADERS)
