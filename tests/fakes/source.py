"""A loopback server of sources: it answers each path with what a test has set."""

from newsletter.network.hosts import is_loopback
from tests.fakes.web import Reply, Request, WebFake


class SourceFake(WebFake):
    """Answer `GET /path` from `pages`, without the query, and other requests with 404."""

    def __init__(self, **pages: Reply) -> None:
        super().__init__()
        self.pages = {f"/{name}": page for name, page in pages.items()}

    def answer(self, request: Request) -> Reply:
        return self.pages.get(request.path.partition("?")[0], Reply(404, b"no such page"))

    def is_public(self, host: str) -> bool:
        """Return True for this machine: to the code under test, it is the public internet."""
        return is_loopback(host)
