"""A proxy that answers for the whole web: tests name it in the environment, and nothing leaves."""

import threading
from collections import Counter
from collections.abc import Mapping
from urllib.parse import urlsplit

from tests.fakes.web import Reply, Request, WebFake


class ProxyFake(WebFake):
    """Answers whole addresses from `pages`, with 404 for those that are not there.

    `most` is how many requests to a host were under way at once.
    """

    def __init__(self, pages: Mapping[str, Reply]) -> None:
        super().__init__()
        self.pages = dict(pages)
        self.most: Counter[str] = Counter()
        self._under_way: Counter[str] = Counter()
        self.seconds = 0.0

    @property
    def environment(self) -> dict[str, str]:
        """What has programs ask this proxy for everything."""
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
        """`METHOD address` of each request, in order."""
        return [f"{request.method} {request.path}" for request in self.requests]
