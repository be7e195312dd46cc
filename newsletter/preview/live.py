"""The page as built last, and the browsers that wait for the next one."""

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator

from newsletter.errors import Problem
from newsletter.preview.builder import Build, Page

KEEP_ALIVE = 15.0

log = logging.getLogger(__name__)


class Live:
    """Builds at most once at a time, and tells followers only of pages that differ from the last."""

    def __init__(self, build: Build, keep_alive: float = KEEP_ALIVE) -> None:
        self._build = build
        self._keep_alive = keep_alive
        self._page: Page | None = None
        self._one_build = asyncio.Lock()
        self._next = asyncio.Event()
        self._closed = False

    async def page(self) -> Page:
        """The page as built last; the first call builds it."""
        return self._page or await self.rebuild()

    async def rebuild(self) -> Page:
        """Builds in a thread, so that browsers are answered meanwhile."""
        async with self._one_build:
            page = await asyncio.to_thread(_build, self._build)
            if page != self._page:
                self._page = page
                self._wake()
        return page

    async def follow(self) -> AsyncIterator[str]:
        """Server-sent events: `shown` with the version at the start, `changed` with each later one.

        A comment goes out every `keep_alive` seconds. Ends after close().
        """
        # The first event lets a browser that was cut off find out whether it missed something.
        event, sent = "shown", ""
        while not self._closed:
            following = self._next
            now = version(await self.page())
            if now != sent:
                yield f"event: {event}\ndata: {now}\n\n"
                event, sent = "changed", now
            while not self._closed and self._next is following:
                try:
                    await asyncio.wait_for(following.wait(), self._keep_alive)
                except TimeoutError:
                    yield ": still here\n\n"

    def close(self) -> None:
        """Ends every follower; call it from the event loop's thread."""
        self._closed = True
        self._wake()

    def _wake(self) -> None:
        self._next.set()
        self._next = asyncio.Event()


def version(page: Page) -> str:
    """A name for what a page shows; the same page has the same after a restart of the server."""
    return hashlib.sha256(repr(page).encode()).hexdigest()[:16]


def _build(build: Build) -> Page:
    try:
        return build()
    except Exception as error:
        # A mistake in news itself is no reason to lose the page: the next save may well get past it.
        log.exception("the preview could not be built")
        what = f"news itself failed ({type(error).__name__}: {error})"
        return Page("", problems=(Problem("", what, "the terminal shows where; please report it"),))
