"""Request the address of a source once, with limits of time, size and redirects, from public hosts only."""

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urldefrag, urljoin, urlsplit

from newsletter.background import BackgroundTask, TimedOut
from newsletter.display import counted, printable
from newsletter.network.connections import IsPublic, NotPublic
from newsletter.sources.entry import SourceRequest

if TYPE_CHECKING:
    import requests

log = logging.getLogger(__name__)

MAX_REDIRECTS = 5
MAX_WAIT_SECONDS = 7 * 24 * 3600  # a longer Retry-After is not told: it is a mistake
_READ_TYPES = (
    "application/json, application/feed+json, application/atom+xml, application/rss+xml, "
    "application/rdf+xml, application/xml;q=0.9, text/xml;q=0.9, */*;q=0.5"
)
_REDIRECTS = (301, 302, 303, 307, 308)


@dataclass(frozen=True)
class Limits:
    """The maximum of seconds for a request with its redirects, and of bytes of its unpacked content."""

    seconds: float = 30.0
    max_bytes: int = 5_000_000


LIMITS = Limits()


@dataclass(frozen=True)
class Response:
    """The response of an address; `url` is that after all redirects, `content_type` is the header."""

    body: bytes
    url: str
    content_type: str = ""


class _NoContent(Exception):
    """The error for a response without content that can be read: what happened, and what to do."""

    def __init__(self, what: str, hint: str) -> None:
        super().__init__(what, hint)
        self.what, self.hint = what, hint


def fetch(request: SourceRequest, limits: Limits, is_public: IsPublic) -> Response:
    """Return the response of a source's address; raise Unavailable, which names it, if there is none."""
    import requests

    from newsletter.network.public_session import failure_text

    started = time.monotonic()
    call = partial(_follow_redirects, request, limits, is_public)
    # The time-outs of `requests` begin again with each packet; a slow server would be waited for for hours.
    try:
        response = BackgroundTask(call, limits.seconds).result()
    except TimedOut as failure:
        what = f"no complete response within {limits.seconds:.0f} seconds"
        raise request.unavailable(what, "try again later") from failure
    except _NoContent as failure:
        raise request.unavailable(failure.what, failure.hint) from failure
    except NotPublic as failure:
        what = f"{printable(str(failure), 120)}: news reads public addresses only"
        hint = "write a public address; a feed of an intranet cannot be a source"
        raise request.unavailable(what, hint) from failure
    except (requests.RequestException, OSError, ValueError) as failure:
        what = printable(failure_text(failure, limits.seconds), 120)
        raise request.unavailable(what, "check the address, and try again later") from failure
    milliseconds = round(1000 * (time.monotonic() - started))
    fields = {"url": request.address, "bytes": len(response.body), "milliseconds": milliseconds}
    log.debug("source requested", extra=fields)
    return response


def _follow_redirects(request: SourceRequest, limits: Limits, is_public: IsPublic) -> Response:
    from newsletter.network.public_session import public_session

    address = urldefrag(request.address)[0]
    with public_session(request.user_agent, is_public) as session:
        session.headers["Accept"] = _READ_TYPES
        for _ in range(MAX_REDIRECTS + 1):
            if urlsplit(address).scheme not in ("http", "https"):
                raise ValueError("it leads to an address that is not http or https")
            with session.get(address, timeout=limits.seconds, allow_redirects=False, stream=True) as response:
                target = response.headers.get("Location")
                if response.status_code in _REDIRECTS and target:
                    address = urldefrag(urljoin(address, target))[0]
                    continue
                if response.status_code != 200:
                    raise _refusal(response.status_code, response.headers)
                body = _read(response, limits)
                return Response(body, address, response.headers.get("Content-Type", ""))
    raise _NoContent(f"more than {MAX_REDIRECTS} redirects", "correct the address")


def _read(response: "requests.Response", limits: Limits) -> bytes:
    """Return the unpacked content; stop at the limit, so that a small response cannot become a large one."""
    content = bytearray()
    for piece in response.iter_content(65_536):
        content += piece
        if len(content) > limits.max_bytes:
            what = f"the response is larger than {limits.max_bytes / 1e6:g} MB"
            raise _NoContent(what, "choose an address that gives fewer entries")
    return bytes(content)


def _refusal(status: int, headers: Mapping[str, str]) -> _NoContent:
    if status in (404, 410):
        return _NoContent(f"there is no such page: {status}", "correct the address")
    if status in (401, 403):
        return _NoContent(f"does not let programs read it: {status}", "choose another address")
    if status in (429, 503):
        wait = _wait_seconds(headers)
        why = "too many requests" if status == 429 else "the server is busy"
        when = f"in {_duration_text(wait)}" if wait else "later"
        return _NoContent(f"{why}: {status}", f"try again {when}")
    return _NoContent(f"responds with {status}", "open it in a browser, and try again later")


def _wait_seconds(headers: Mapping[str, str]) -> int:
    """Return the seconds to wait by Retry-After, or by RateLimit (`"api";r=0;t=120`); 0 without them."""
    after = headers.get("Retry-After", "").strip()
    limits = dict(part.strip().partition("=")[::2] for part in headers.get("RateLimit", "").split(";"))
    seconds = after or limits.get("t", "")
    if seconds.isascii() and seconds.isdecimal() and len(seconds) < 10:
        return int(seconds) if int(seconds) <= MAX_WAIT_SECONDS else 0
    try:
        wait = (parsedate_to_datetime(after) - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError, OverflowError):  # a date without a zone cannot be compared
        return 0
    return round(wait) if 0 < wait <= MAX_WAIT_SECONDS else 0


def _duration_text(seconds: int) -> str:
    return counted(seconds, "second") if seconds < 120 else counted(-(-seconds // 60), "minute")
