"""A proxy that answers for every web site: tests set it in the environment, so that no request leaves."""

import threading
from collections import Counter
from collections.abc import Mapping
from urllib.parse import urlsplit

from tests.fakes.web import Reply, Request, WebFake


class ProxyFake(WebFake):
    """Answer absolute URLs from `pages`, and others with 404.

    `most` has the highest number of simultaneous requests per host. Each answer takes `seconds`.
    """

    def __init__(self, pages: Mapping[str, Reply]) -> None:
        super().__init__()
        self.pages = dict(pages)
        self.most: Counter[str] = Counter()
        self._under_way: Counter[str] = Counter()
        self.seconds = 0.0

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment variables that make programs use this proxy for every request."""
        names = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY")
        return {**dict.fromkeys(names, self.url), "no_proxy": "", "NO_PROXY": ""}

    def answer(self, request: Request) -> Reply:
        host = urlsplit(request.path).hostname or ""
        with self.lock:
            self._under_way[host] += 1
            self.most[host] = max(self.most[host], self._under_way[host])
        threading.Event().wait(self.seconds)
        with self.lock:
            self._under_way[host] -= 1
        for key in (f"{request.method} {request.path}", request.path):
            if key in self.pages:
                return self.pages[key]
        return Reply(404, b"no such page", {"Content-Type": "text/html"})

    def asked(self) -> list[str]:
        """Return `METHOD URL` of each request, in order."""
        return [f"{request.method} {request.path}" for request in self.requests]
