"""Draw web pages of one size as PNG pictures, such as the cards of issues, with one browser for all."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Generator, Iterable
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from newsletter.browser.chromium import chromium
from newsletter.errors import Unavailable

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

WIDTH, HEIGHT = 1200, 630
"""The size of a card in pixels: sites that show a link with its picture do not crop this one."""
# Each tab is a process of its own: this many use two processors fully while others wait for a frame.
_TABS = 4
# Pages that look the same are drawn this often.
_MAX_PICTURES = 5


class Limits(NamedTuple):
    """The time that one card may take to draw, and that of all cards, in seconds."""

    one: float = 20
    all: float = 600


def draw_cards(
    pages: Iterable[tuple[str, str]], limits: Limits | None = None
) -> Generator[tuple[str, bytes], None, None]:
    """Yield the name and the PNG of each page, which is given by its name and HTML, in their order.

    Nothing is fetched, no file is read, and no script runs. The same page gives the same bytes on the same
    machine. Without pages, no browser starts. Close the iterator if it is left before its end, as
    `contextlib.closing` does: that closes the browser.
    Raise Unavailable if playwright or a working Chromium is missing, or if a card takes too much time.
    """
    rest = iter(pages)
    if (first := next(rest, None)) is None:
        return
    cards = _cards(chain((first,), rest), limits or Limits())
    # Ctrl-C cancels playwright's asynchronous calls cleanly; it would interrupt synchronous ones anywhere.
    with asyncio.Runner() as runner:
        try:
            while card := runner.run(_next(cards)):
                yield card
        finally:
            runner.run(_close(cards))


async def _next(cards: AsyncGenerator[tuple[str, bytes]]) -> tuple[str, bytes] | None:
    return await anext(cards, None)


async def _close(cards: AsyncGenerator[tuple[str, bytes]]) -> None:
    await cards.aclose()


async def _cards(pages: Iterable[tuple[str, str]], limits: Limits) -> AsyncGenerator[tuple[str, bytes]]:
    """Yield the cards. A tab gets its next page after its last one was yielded, so it never has two."""
    end = asyncio.get_running_loop().time() + limits.all
    drawing: deque[tuple[str, asyncio.Task[bytes]]] = deque()
    async with chromium() as browser:
        tabs = deque([await _tab(browser) for _ in range(_TABS)])
        try:
            for name, html in pages:
                if len(drawing) == _TABS:
                    yield await _drawn(*drawing.popleft())
                drawing.append((name, asyncio.create_task(_draw(tabs[0], name, html, limits.one, end))))
                tabs.rotate(-1)
            while drawing:
                yield await _drawn(*drawing.popleft())
        finally:
            for _, task in drawing:
                task.cancel()
            await asyncio.gather(*(task for _, task in drawing), return_exceptions=True)


class Tab:
    """A tab of the browser that draws one page after another; `blank` is its picture without a page."""

    def __init__(self, page: "Page", blank: bytes) -> None:
        self._page, self._blank, self._last = page, blank, blank

    async def draw(self, html: str) -> bytes:
        """Return a page as PNG: a busy browser may first return the picture of the page before it."""
        await self._page.set_content(html)
        for _ in range(_MAX_PICTURES):
            png = await _picture(self._page)
            if png not in (self._blank, self._last):
                break
        self._last = png
        return png


async def _tab(browser: "Browser") -> Tab:
    """Return a tab that can reach neither the network nor a file."""
    context = await browser.new_context(
        viewport={"width": WIDTH, "height": HEIGHT},
        color_scheme="light",
        java_script_enabled=False,
        offline=True,
    )
    await context.route("**/*", lambda route: route.abort())
    page = await context.new_page()
    return Tab(page, await _picture(page))


async def _picture(page: "Page") -> bytes:
    return await page.screenshot(animations="disabled")


async def _drawn(name: str, task: asyncio.Task[bytes]) -> tuple[str, bytes]:
    return name, await task


async def _draw(tab: Tab, name: str, html: str, seconds: float, end: float) -> bytes:
    """Return a page as PNG; raise Unavailable after these seconds, or at the end of the time for all."""
    left = end - asyncio.get_running_loop().time()
    try:
        async with asyncio.timeout(min(seconds, left)):
            return await tab.draw(html)
    except TimeoutError as failure:
        what = f"Chromium did not draw it within {seconds:g} seconds"
        if left < seconds:
            what = "Chromium did not draw all cards in time"
        fix = "try again; a template that it draws slowly needs simpler styles"
        raise Unavailable(what, fix, where=name) from failure
