"""Draw web pages of one size as PNG pictures, such as the cards of issues, with one browser for many."""

import asyncio
import time
from collections.abc import Generator, Iterable, Sequence
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from newsletter.browser.chromium import chromium
from newsletter.errors import Unavailable

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

WIDTH, HEIGHT = 1200, 630
"""The size of a card in pixels: sites that show a link with its picture do not crop this one."""
# Each tab is a process of its own: this many use two processors fully while others wait for a frame.
_TABS = 4


class Limits(NamedTuple):
    """The time that one card may take to draw, and that of all cards, in seconds; the cards of one browser.

    The cards of one browser are kept in memory, about 50 KB each; a browser starts in a second.
    """

    one: float = 20
    all: float = 600
    browser: int = 200


def draw_cards(
    pages: Iterable[tuple[str, str]], limits: Limits | None = None
) -> Generator[tuple[str, bytes], None, None]:
    """Yield the name and the PNG of each page, which is given by its name and HTML, in their order.

    Nothing is fetched, no file is read, and no script runs. The same page gives the same bytes on the same
    machine. No browser is open while the caller works with a card, and none starts without pages.
    Raise Unavailable if playwright or a working Chromium is missing, or if a card takes too much time.
    """
    limits = limits or Limits()
    end = time.monotonic() + limits.all
    rest = iter(pages)
    while group := list(islice(rest, limits.browser)):
        # Ctrl-C cancels playwright's asynchronous calls cleanly; it would interrupt others anywhere.
        # An event loop that runs once per card would not do: Ctrl-C cannot cancel a task that has ended.
        pictures = asyncio.run(_draw_group(group, limits.one, end))
        yield from zip((name for name, _ in group), pictures, strict=True)


async def _draw_group(pages: Sequence[tuple[str, str]], seconds: float, end: float) -> list[bytes]:
    """Return the pictures of pages, drawn in several tabs of one browser."""
    pictures = [b""] * len(pages)
    numbers = iter(range(len(pages)))

    async def draw_next(tab: "Page") -> None:
        for number in numbers:
            pictures[number] = await _draw(tab, *pages[number], seconds, end)

    async with chromium() as browser:
        tabs = [await _tab(browser) for _ in range(min(_TABS, len(pages)))]
        tasks = [asyncio.create_task(draw_next(tab)) for tab in tabs]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
    return pictures


async def _tab(browser: "Browser") -> "Page":
    """Return a tab that can reach neither the network nor a file."""
    context = await browser.new_context(
        viewport={"width": WIDTH, "height": HEIGHT},
        color_scheme="light",
        java_script_enabled=False,
        offline=True,
    )
    await context.route("**/*", lambda route: route.abort())
    return await context.new_page()


async def _draw(tab: "Page", name: str, html: str, seconds: float, end: float) -> bytes:
    """Return a page as PNG; raise Unavailable after these seconds, or at the moment `end`."""
    left = end - time.monotonic()
    try:
        async with asyncio.timeout(min(seconds, left)):
            await tab.set_content(html)
            return await tab.screenshot(animations="disabled")
    except TimeoutError as failure:
        what = f"Chromium did not draw it within {seconds:g} seconds"
        if left < seconds:
            what = "Chromium did not draw all cards in time"
        fix = "try again; a template that it draws slowly needs simpler styles"
        raise Unavailable(what, fix, where=name) from failure
