"""Asks web addresses whether they answer: politely, a few at a time, and never one that is not public.

`requests` does the talking. A pull request from a stranger may name any address, so each host is looked up
before it is asked, and again after each redirect; behind a proxy that the environment names, the lookup is
the proxy's.
"""

import logging
import socket
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
from newsletter.hosts import is_public

if TYPE_CHECKING:
    import requests

log = logging.getLogger(__name__)

AT_ONCE, AT_ONCE_A_HOST, PAUSE = 12, 2, 0.2
TIMEOUT = 10.0
REDIRECTS = 5
_PATIENCE = 10.0  # seconds that a server may ask us to wait, once
_AGENT = f"news/{__version__} (link check; asks each address once a day at most)"


@dataclass(frozen=True)
class UrlResult:
    """What came of asking an address.

    `status` is None where nothing answered, for the reason in `failure`. `end` is where redirects led, and
    `permanent` whether all of them were. `size` in bytes where the content was asked for.
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
        return self.status is not None and 200 <= self.status < 300


@dataclass(frozen=True)
class Limits:
    """How many seconds all answers together may take, and how many bytes of one are read."""

    seconds: float = 60.0
    most_bytes: int = 10_000_000


class NotPublic(Exception):
    """An address that only some can reach."""


def ask(addresses: Sequence[str], *, whole: bool = False, limits: Limits = Limits()) -> list[UrlResult]:
    """Asks each address, `whole` with its content; answers in the same order.

    Ends at once with the process: its threads keep nothing alive.
    """
    answers = [UrlResult(address, failure="no answer in time") for address in addresses]
    asker = _Asker(whole, limits)

    def ask_one(number: int) -> tuple[int, UrlResult]:
        return number, asker.ask(addresses[number])

    pool: ThreadedPool[tuple[int, UrlResult]] = ThreadedPool(AT_ONCE)
    for number in range(len(addresses)):
        pool.submit(partial(ask_one, number))
    pool.close()
    until = time.monotonic() + limits.seconds
    while pool.in_flight and (completed := pool.completed(max(0.0, until - time.monotonic()))):
        for number, answer in completed:
            answers[number] = answer
    return answers


class _Asker:
    """Asks, a host at most two at once and with a pause between."""

    def __init__(self, whole: bool, limits: Limits) -> None:
        self._whole, self._limits = whole, limits
        self._own = threading.local()
        self._hosts: defaultdict[str, threading.Semaphore] = defaultdict(
            lambda: threading.Semaphore(AT_ONCE_A_HOST)
        )
        self._lock = threading.Lock()

    def ask(self, address: str) -> UrlResult:
        import requests

        answer = UrlResult(address, end=urldefrag(address)[0])
        started = time.monotonic()
        try:
            answer = self._followed(answer)
        except NotPublic as problem:
            answer = replace(answer, failure=str(problem))
        except (requests.RequestException, OSError, ValueError) as failure:
            answer = replace(answer, failure=_told(failure))
        took = round(1000 * (time.monotonic() - started))
        fields = {"url": address, "status": answer.status, "reason": answer.failure or None}
        log.debug("URL asked", extra={**fields, "milliseconds": took})
        return replace(answer, milliseconds=took)

    def _followed(self, answer: UrlResult) -> UrlResult:
        for _ in range(REDIRECTS + 1):
            with self._at(answer.end):
                status, headers, size = self._once(answer.end)
            answer = replace(answer, status=status, size=size, kind=headers.get("Content-Type", ""))
            target = headers.get("Location")
            if status not in (301, 302, 303, 307, 308) or not target:
                return answer
            permanent = answer.permanent and status in (301, 308)
            answer = replace(answer, end=urldefrag(urljoin(answer.end, target))[0], permanent=permanent)
        return replace(answer, status=None, failure=f"more than {REDIRECTS} redirects")

    def _once(self, address: str) -> tuple[int, Any, int | None]:
        """HEAD, and GET where that is refused; once more where the line or the server asks for it."""
        import requests

        for last in (False, True):
            try:
                status, headers, size = self._request("GET" if self._whole else "HEAD", address)
                if status >= 400 and not self._whole:
                    status, headers, size = self._request("GET", address)
            except requests.ConnectionError as failure:
                if last or isinstance(failure, requests.exceptions.SSLError):
                    raise
                time.sleep(PAUSE)
                continue
            wait = headers.get("Retry-After", "")
            if last or status not in (429, 503) or not wait.isdecimal() or float(wait) > _PATIENCE:
                break
            time.sleep(float(wait))
        return status, headers, size

    def _request(self, method: str, address: str) -> tuple[int, Any, int | None]:
        _refuse_private(address)
        with self._session.request(
            method, address, timeout=TIMEOUT, allow_redirects=False, stream=True
        ) as response:
            wanted = self._whole and response.status_code == 200
            size = _weighed(response, self._limits.most_bytes) if wanted else None
            return response.status_code, response.headers, size

    @property
    def _session(self) -> "requests.Session":
        if not hasattr(self._own, "session"):
            import requests

            self._own.session = requests.Session()
            self._own.session.headers["User-Agent"] = _AGENT
            self._own.session.auth = lambda request: request  # and nobody's password from a .netrc
        session: requests.Session = self._own.session
        return session

    def _at(self, address: str) -> "_Turn":
        with self._lock:
            return _Turn(self._hosts[urlsplit(address).hostname or ""])


@dataclass(frozen=True)
class _Turn:
    """A place at a host, given back after a pause."""

    places: threading.Semaphore

    def __enter__(self) -> None:
        self.places.acquire()

    def __exit__(self, *_: object) -> None:
        time.sleep(PAUSE)
        self.places.release()


def _refuse_private(address: str) -> None:
    """Raises NotPublic for a host that only some can reach, ValueError for what is no web address."""
    from requests.utils import get_environ_proxies, select_proxy

    parts = urlsplit(address)
    host = parts.hostname or ""
    if parts.scheme not in ("http", "https") or not host:
        raise ValueError("leads to what is no web address")
    if not is_public(host):
        raise NotPublic(f"{host} is not public")
    if select_proxy(address, get_environ_proxies(address)):
        return
    for found in socket.getaddrinfo(host, parts.port or 443, type=socket.SOCK_STREAM):
        if not is_public(str(found[4][0])):
            raise NotPublic(f"{host} is not public ({found[4][0]})")


def _weighed(response: "requests.Response", most: int) -> int:
    """The content's bytes, read until there are too many or it takes too long."""
    size, until = 0, time.monotonic() + TIMEOUT
    for piece in response.iter_content(65_536):
        size += len(piece)
        if size > most or time.monotonic() > until:
            break
    return size


def _told(failure: Exception) -> str:
    """Why there was no answer, in few words."""
    import requests

    match failure:
        case requests.exceptions.SSLError():
            return "its certificate is not valid"
        case requests.Timeout():
            return f"no answer within {TIMEOUT:.0f} seconds"
        case requests.exceptions.ProxyError():
            return "the proxy does not reach it"
        case socket.gaierror():
            return "there is no such host"
        case requests.ConnectionError():
            return "no connection"
        case ValueError() if failure.args:
            return str(failure)[:100]
    return "no answer that can be read"
