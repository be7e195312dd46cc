"""Draw web pages of one size as PNG pictures, such as the cards of issues, with one browser for many."""

import asyncio
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from newsletter.browser.chromium import chromium, offline_context
from newsletter.errors import Unavailable

if TYPE_CHECKING:
    from playwright.async_api import Page

# Each tab is a process of its own: this many use two processors fully while others wait for a frame.
_TABS = 4


class Limits(NamedTuple):
    """The time that one card may take to draw, and that of all cards, in seconds; the cards of one browser.

    The cards of one browser are kept in memory, about 50 KB each; a browser starts in a second.
    """

    seconds_per_card: float = 20
    total_seconds: float = 600
    cards_per_browser: int = 200


def draw_cards(
    pages: Iterable[tuple[str, str]], size: tuple[int, int], limits: Limits | None = None
) -> Iterator[tuple[str, bytes]]:
    """Yield the name and the PNG of each page, which is given by its name and HTML, in their order.

    `size` is the width and the height in pixels. Nothing is fetched, no file is read, and no script runs. The
    same page gives the same bytes on the same machine. No browser is open while the caller works with a card,
    and none starts without pages.
    Raise Unavailable if playwright or a working Chromium is missing, or if a card takes too much time: after
    the cards that could be drawn.
    """
    limits = limits or Limits()
    end = time.monotonic() + limits.total_seconds
    waiting = iter(pages)
    failure = None
    while group := list(islice(waiting, limits.cards_per_browser)):
        pictures: dict[str, bytes] = {}
        try:
            # Ctrl-C cancels playwright's asynchronous calls cleanly; it would interrupt others anywhere.
            # An event loop that runs once per card would not do: Ctrl-C cannot cancel a task that has ended.
            asyncio.run(_draw_group(group, size, limits.seconds_per_card, end, pictures))
        except Unavailable as unavailable:
            failure = failure or unavailable
        yield from ((name, pictures[name]) for name, _ in group if name in pictures)
        if len(pictures) <= len(group) - _TABS:  # the browser failed, or no tab came to the end
            break
    if failure:
        raise failure


async def _draw_group(
    pages: Sequence[tuple[str, str]],
    size: tuple[int, int],
    seconds: float,
    end: float,
    pictures: dict[str, bytes],
) -> None:
    """Draw pages in several tabs of one browser, and put each finished picture into `pictures`.

    A tab ends with a page that takes too much time, and the other tabs draw the rest; raise Unavailable then.
    """
    following = iter(pages)

    async def draw_next(tab: "Page") -> None:
        for name, html in following:
            pictures[name] = await _draw(tab, name, html, seconds, end)

    async with chromium() as browser:
        contexts = [await offline_context(browser, *size) for _ in range(min(_TABS, len(pages)))]
        tabs = [await context.new_page() for context in contexts]
        tasks = [asyncio.create_task(draw_next(tab)) for tab in tabs]
        try:
            results = await asyncio.gather(*tasks, return_exceptions=True)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for failure in filter(None, results):
            raise failure


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
