"""Request web addresses, a few at a time, and only public ones.

The HTTP client is `requests`. A pull request from a stranger may contain any address, so
`network.public_adapter` judges each host and the address of each connection, also after a redirect.
"""

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urldefrag, urljoin, urlsplit

from newsletter import __version__
from newsletter.background import ThreadedPool
from newsletter.network.connections import IsPublic
from newsletter.network.hosts import is_public

if TYPE_CHECKING:
    import requests

log = logging.getLogger(__name__)

MAX_CONCURRENT, MAX_CONCURRENT_PER_HOST = 12, 2
PAUSE_SECONDS = 0.2  # after each request to a host
TIMEOUT_SECONDS = 10.0
MAX_REDIRECTS = 5
MAX_RETRY_AFTER_SECONDS = 10.0  # a request is not repeated after a longer Retry-After
_USER_AGENT = f"news/{__version__} (link check; requests each address once a day at most)"


@dataclass(frozen=True)
class UrlResult:
    """The result of requesting an address.

    `status` is None if there was no response; `failure` is the reason. `end` is the address after all
    redirects; `permanent` is True if all redirects were permanent. `kind` is the content type, `size` the
    number of bytes of the content if it was requested. A `cached` result is at most one day old.
    """

    address: str
    status: int | None = None
    failure: str = ""
    end: str = ""
    permanent: bool = True
    milliseconds: int = 0
    kind: str = ""
    size: int | None = None
    cached: bool = False

    @property
    def good(self) -> bool:
        """Return True if the status is 2xx."""
        return self.status is not None and 200 <= self.status < 300


@dataclass(frozen=True)
class Limits:
    """The maximum of seconds for all requests together, and of bytes that are read from one response."""

    seconds: float = 60.0
    max_bytes: int = 10_000_000


def ask(
    addresses: Sequence[str],
    *,
    whole: bool = False,
    limits: Limits = Limits(),
    is_public: IsPublic = is_public,
) -> list[UrlResult]:
    """Request each address, with its content if `whole`; return the results in the same order.

    `is_public` decides to which hosts and IP addresses a connection is allowed. The threads are daemons: they
    do not delay the end of the process.
    """
    results = [UrlResult(address, failure="no response in time") for address in addresses]
    checker = _UrlChecker(whole, limits, is_public)

    def check_numbered(number: int) -> tuple[int, UrlResult]:
        return number, checker.check(addresses[number])

    pool: ThreadedPool[tuple[int, UrlResult]] = ThreadedPool(MAX_CONCURRENT)
    for number in range(len(addresses)):
        pool.submit(partial(check_numbered, number))
    pool.close()
    until = time.monotonic() + limits.seconds
    while pool.in_flight and (completed := pool.completed(max(0.0, until - time.monotonic()))):
        for number, result in completed:
            results[number] = result
    return results


class _UrlChecker:
    """Request addresses, at most two of a host at the same time, with a pause after each request."""

    def __init__(self, whole: bool, limits: Limits, is_public: IsPublic) -> None:
        self._whole, self._limits, self._is_public = whole, limits, is_public
        self._thread_local = threading.local()
        self._hosts: defaultdict[str, threading.Semaphore] = defaultdict(
            lambda: threading.Semaphore(MAX_CONCURRENT_PER_HOST)
        )
        self._lock = threading.Lock()

    def check(self, address: str) -> UrlResult:
        import requests

        from newsletter.network.public_session import failure_text

        result = UrlResult(address, end=urldefrag(address)[0])
        started = time.monotonic()
        try:
            result = self._follow_redirects(result)
        except (requests.RequestException, OSError, ValueError) as failure:
            result = replace(result, failure=failure_text(failure, TIMEOUT_SECONDS))
        milliseconds = round(1000 * (time.monotonic() - started))
        fields = {"url": address, "status": result.status, "reason": result.failure or None}
        log.debug("URL requested", extra={**fields, "milliseconds": milliseconds})
        return replace(result, milliseconds=milliseconds)

    def _follow_redirects(self, result: UrlResult) -> UrlResult:
        for _ in range(MAX_REDIRECTS + 1):
            with self._host_slot(result.end):
                status, headers, size = self._request_with_retry(result.end)
            result = replace(result, status=status, size=size, kind=headers.get("Content-Type", ""))
            target = headers.get("Location")
            if status not in (301, 302, 303, 307, 308) or not target:
                return result
            permanent = result.permanent and status in (301, 308)
            result = replace(result, end=urldefrag(urljoin(result.end, target))[0], permanent=permanent)
        return replace(result, status=None, failure=f"more than {MAX_REDIRECTS} redirects")

    def _request_with_retry(self, address: str) -> tuple[int, Any, int | None]:
        """Send HEAD, and GET if HEAD gets an error status; with `whole`, send GET only.

        Retry once after a lost connection or a short Retry-After.
        """
        import requests

        for last in (False, True):
            try:
                status, headers, size = self._request("GET" if self._whole else "HEAD", address)
                if status >= 400 and not self._whole:
                    status, headers, size = self._request("GET", address)
            except requests.ConnectionError as failure:
                if last or isinstance(failure, requests.exceptions.SSLError):
                    raise
                time.sleep(PAUSE_SECONDS)
                continue
            wait = headers.get("Retry-After", "")
            can_wait = wait.isdecimal() and float(wait) <= MAX_RETRY_AFTER_SECONDS
            if last or status not in (429, 503) or not can_wait:
                break
            time.sleep(float(wait))
        return status, headers, size

    def _request(self, method: str, address: str) -> tuple[int, Any, int | None]:
        if urlsplit(address).scheme not in ("http", "https"):
            raise ValueError("it leads to an address that is not http or https")
        with self._session.request(
            method, address, timeout=TIMEOUT_SECONDS, allow_redirects=False, stream=True
        ) as response:
            is_read = self._whole and response.status_code == 200
            size = _content_bytes(response, self._limits.max_bytes) if is_read else None
            return response.status_code, response.headers, size

    @property
    def _session(self) -> "requests.Session":
        if not hasattr(self._thread_local, "session"):
            from newsletter.network.public_session import public_session

            self._thread_local.session = public_session(_USER_AGENT, self._is_public)
        session: requests.Session = self._thread_local.session
        return session

    def _host_slot(self, address: str) -> "_HostSlot":
        with self._lock:
            return _HostSlot(self._hosts[urlsplit(address).hostname or ""])


@dataclass(frozen=True)
class _HostSlot:
    """A slot for one of the concurrent requests of a host; it is released after a pause."""

    slots: threading.Semaphore

    def __enter__(self) -> None:
        self.slots.acquire()

    def __exit__(self, *_: object) -> None:
        time.sleep(PAUSE_SECONDS)
        self.slots.release()


def _content_bytes(response: "requests.Response", max_bytes: int) -> int:
    """Read the content; return its size in bytes. Stop after `max_bytes` and after TIMEOUT_SECONDS."""
    size, until = 0, time.monotonic() + TIMEOUT_SECONDS
    for piece in response.iter_content(65_536):
        size += len(piece)
        if size > max_bytes or time.monotonic() > until:
            break
    return size
