"""Take screenshots of a mail with an installed Chromium: PNGs for desktop and phone, light and dark."""

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from newsletter.disk import writing
from newsletter.disk.programs import find_program
from newsletter.display import display_path, printable
from newsletter.errors import Unavailable

if TYPE_CHECKING:
    from playwright.async_api import Browser, BrowserType, Playwright

# The first installed command is used. Debian's headless shell is the same browser without windows: it draws
# the same pixels and starts in a third of the time.
CHROMIUM_COMMANDS = (
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
)
_MAC_CHROMIUMS = tuple(
    Path(f"/Applications/{name}.app/Contents/MacOS/{name}") for name in ("Chromium", "Google Chrome")
)
# In device pixels; limits the memory. It may exceed 16,384, the limit of a GPU texture: no GPU is used.
_MAX_HEIGHT_PIXELS = 65_536
# An element may hide `document.documentElement` (<img name=documentElement>), but no prototype's property.
_FULL_HEIGHT = (
    "Object.getOwnPropertyDescriptor(Document.prototype, 'documentElement').get.call(document).scrollHeight"
)
# Far longer than a normal start, which takes one second.
_START_TIMEOUT_SECONDS = 30
# A log line of the browser in playwright's error: `[pid=1][err] [1:1:1126/03:FATAL:file.cc(7)] No sandbox!`
_LOG_LINE = re.compile(r"\[err\] (?:\[(?=[^\s\]]*?:(FATAL|ERROR):)[^\s\]]++\] )?(.+)")


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


@asynccontextmanager
async def chromium() -> AsyncIterator["Browser"]:
    """Yield a browser and close it after the block, also after Ctrl-C; raise Unavailable if it fails."""
    try:
        from playwright.async_api import Error, async_playwright
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] != "playwright":
            raise
        what = "screenshots need playwright, which is not installed"
        fix = "install it: pip install playwright; it uses the installed Chromium"
        raise Unavailable(what, fix) from missing
    try:
        async with async_playwright() as playwright:
            browser = await _launch(playwright.chromium, _executable(playwright))
            try:
                yield browser
            finally:
                await browser.close()
    except Error as failure:
        raise Unavailable(
            f"Chromium failed: {_error_text(failure)}",
            "try again; start Chromium by hand to see its messages",
        ) from failure


def installed_chromium() -> str | None:
    """Return the path of the first installed command of CHROMIUM_COMMANDS, None if there is none."""
    return next(filter(None, (find_program(name, Path.cwd()) for name in CHROMIUM_COMMANDS)), None)


def _executable(playwright: "Playwright") -> str:
    """Return the path of the system's or playwright's Chromium; raise Unavailable if neither exists."""
    executable = installed_chromium()
    fallbacks = [*_MAC_CHROMIUMS] if sys.platform == "darwin" else []
    fallbacks.append(Path(playwright.chromium.executable_path))
    executable = executable or next((str(path) for path in fallbacks if path.exists()), None)
    if executable is None:
        fix = "install it: apt install chromium (Debian), or: playwright install chromium"
        raise Unavailable("Chromium is not installed", fix)
    return executable


async def _launch(kind: "BrowserType", executable: str) -> "Browser":
    """Start a browser; as root without its sandbox, which refuses root. Raise Unavailable if it fails."""
    from playwright.async_api import Error, TimeoutError

    sandbox = not hasattr(os, "geteuid") or os.geteuid() != 0
    try:
        return await kind.launch(
            executable_path=executable,
            chromium_sandbox=sandbox,
            handle_sigint=False,
            args=["--disable-gpu"],
            timeout=_START_TIMEOUT_SECONDS * 1000,
        )
    except TimeoutError:
        what = f"Chromium has not started after {_START_TIMEOUT_SECONDS} seconds"
        fix = "start it by hand to see its messages"
    except Error as failure:
        what = f"Chromium does not start: {_error_text(failure)}"
        fix = "start it by hand to see its messages; a container may need to permit its sandbox"
    raise Unavailable(what, fix, where=display_path(Path(executable)))


async def _screenshot(browser: "Browser", html: str, window: Window) -> tuple[bytes, bool]:
    """Return a mail as PNG, and True if the picture is cut off before the end of the mail."""
    context = await browser.new_context(
        viewport={"width": window.width, "height": window.height},
        device_scale_factor=window.scale,
        color_scheme=window.scheme,
        java_script_enabled=False,
        offline=True,
    )
    await context.route("**/*", lambda route: route.abort())
    page = await context.new_page()
    await page.set_content(html)
    full_height = int(await page.evaluate(_FULL_HEIGHT))
    height = min(full_height, _MAX_HEIGHT_PIXELS // window.scale)
    png = await page.screenshot(
        full_page=True, clip={"x": 0, "y": 0, "width": window.width, "height": height}
    )
    await context.close()
    return png, height < full_height


def _error_text(failure: Exception) -> str:
    """Return the browser's first fatal message; without one its last message, or else that of playwright."""
    lines = _LOG_LINE.findall(str(failure))
    fatal = [words for severity, words in lines if severity == "FATAL"]
    last = [words for _, words in lines[-1:]]
    return printable((fatal or last or str(failure).splitlines() or [""])[0], 200)


def _make_folder(folder: Path, root: Path | None) -> None:
    try:
        writing.make_folder(folder, root=root)
    except OSError as failure:
        raise _unwritable(folder, failure) from failure


def _unwritable(path: Path, failure: OSError) -> Unavailable:
    return Unavailable.unwritable(path, failure, "choose another folder: --screenshot FOLDER")
