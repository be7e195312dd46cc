"""Take screenshots of a mail with an installed Chromium: PNGs for desktop and phone, light and dark."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from newsletter.browser.chromium import chromium, offline_context
from newsletter.disk import writing
from newsletter.display import display_path
from newsletter.errors import Unavailable

if TYPE_CHECKING:
    from playwright.async_api import Browser

# In device pixels; limits the memory. It may exceed 16,384, the limit of a GPU texture: no GPU is used.
_MAX_HEIGHT_PIXELS = 65_536
# An element may hide `document.documentElement` (<img name=documentElement>), but no prototype's property.
_FULL_HEIGHT = (
    "Object.getOwnPropertyDescriptor(Document.prototype, 'documentElement').get.call(document).scrollHeight"
)


class Window(NamedTuple):
    """A browser window; sizes are in CSS pixels, `scale` is the number of device pixels per CSS pixel."""

    name: str
    width: int
    height: int
    scale: int
    scheme: Literal["light", "dark"]


WINDOWS = (
    Window("desktop-light", 640, 800, 1, "light"),
    Window("desktop-dark", 640, 800, 1, "dark"),
    Window("phone-light", 375, 667, 2, "light"),
    Window("phone-dark", 375, 667, 2, "dark"),
)


class Screenshot(NamedTuple):
    """A written screenshot: its path, its size in bytes, and its height in pixels if the mail is cut off."""

    path: str
    size: int
    cut: int | None


def take(
    html: str,
    folder: Path,
    name: str,
    on_written: Callable[[Screenshot], None],
    root: Path | None = None,
) -> None:
    """Write a screenshot per window, such as `<name>-desktop-light.png`; call `on_written` after each.

    Without a name, the files are `desktop-light.png` and so on.
    A screenshot shows the whole mail, or its first 65,536 pixels. Nothing is fetched, and no script runs.
    Raise Unavailable if the folder cannot be written to, if symbolic links lead from it out of `root`, or if
    playwright or a working Chromium is missing.
    """
    _make_folder(folder, root)
    # Ctrl-C cancels playwright's asynchronous calls cleanly; it would interrupt synchronous ones anywhere.
    asyncio.run(_take(html, folder, name, on_written))


async def _take(html: str, folder: Path, name: str, on_written: Callable[[Screenshot], None]) -> None:
    async with chromium() as browser:
        for window in WINDOWS:
            path = folder / f"{f'{name}-' if name else ''}{window.name}.png"
            png, cut = await _screenshot(browser, html, window)
            try:
                writing.write_public(path, png)
            except OSError as failure:
                raise _unwritable(path, failure) from failure
            on_written(Screenshot(display_path(path), len(png), _MAX_HEIGHT_PIXELS if cut else None))


async def _screenshot(browser: "Browser", html: str, window: Window) -> tuple[bytes, bool]:
    """Return a mail as PNG, and True if the picture is cut off before the end of the mail."""
    context = await offline_context(
        browser, window.width, window.height, scheme=window.scheme, scale=window.scale
    )
    page = await context.new_page()
    await page.set_content(html)
    full_height = int(await page.evaluate(_FULL_HEIGHT))
    height = min(full_height, _MAX_HEIGHT_PIXELS // window.scale)
    png = await page.screenshot(
        full_page=True, clip={"x": 0, "y": 0, "width": window.width, "height": height}
    )
    await context.close()
    return png, height < full_height


def _make_folder(folder: Path, root: Path | None) -> None:
    try:
        writing.make_folder(folder, root=root)
    except OSError as failure:
        raise _unwritable(folder, failure) from failure


def _unwritable(path: Path, failure: OSError) -> Unavailable:
    return Unavailable.unwritable(path, failure, "choose another folder: --screenshot FOLDER")
