"""Pictures of a mail: PNGs as a desk and a phone show it, light and dark, drawn by an installed Chromium."""

import asyncio
import os
import re
import shutil
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from newsletter.display import display_path, printable
from newsletter.errors import Unavailable, cannot_be

if TYPE_CHECKING:
    from playwright.async_api import Browser, BrowserType, Playwright

_CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_MAC_CHROMIUMS = tuple(
    Path(f"/Applications/{name}.app/Contents/MacOS/{name}") for name in ("Chromium", "Google Chrome")
)
# Of the screen's pixels, so that memory has a bound; it is drawn without a GPU, whose textures end at 16,384.
_TALLEST = 65_536
# Seconds for the browser to start in, which it does in one.
_PATIENCE = 30
# What the browser says, in playwright's error: `[pid=1][err] [1:1:1126/03:FATAL:file.cc(7)] No sandbox!`
_SAID = re.compile(r"\[err\] (?:\[\S*:(FATAL|ERROR):\S+\] )?(.+)")


class Window(NamedTuple):
    """Where a mail is read; sizes in CSS pixels, `scale` in the screen's own to one."""

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
    """A picture that was written: where, its bytes, and its height in pixels where the mail goes on below."""

    path: str
    size: int
    cut: int | None


def take(html: str, folder: Path, name: str, told: Callable[[Screenshot], None]) -> None:
    """Writes `<name>-desktop-light.png` and so on, and tells of each.

    Each shows the whole mail, or its first 65,536 pixels; nothing is fetched, and no script runs. Raises
    Unavailable where the folder cannot be written to, or where playwright or a working Chromium is missing.
    """
    _make(folder)
    # Ctrl-C cancels playwright's asynchronous calls; it breaks a synchronous one in the middle.
    asyncio.run(_take(html, folder, name, told))


async def _take(html: str, folder: Path, name: str, told: Callable[[Screenshot], None]) -> None:
    async with chromium() as browser:
        for window in WINDOWS:
            path = folder / f"{name}-{window.name}.png"
            picture, cut = await _picture(browser, html, window)
            try:
                path.write_bytes(picture)
            except OSError as failure:
                raise _unwritable(path, failure) from failure
            told(Screenshot(display_path(path), len(picture), _TALLEST if cut else None))


@asynccontextmanager
async def chromium() -> AsyncIterator["Browser"]:
    """A browser, closed at the end, also by Ctrl-C; raises Unavailable where it does not start, or dies."""
    try:
        from playwright.async_api import Error, async_playwright
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] != "playwright":
            raise
        what = "pictures need playwright, which is not installed"
        raise Unavailable(what, "pip install playwright; it uses the Chromium that is installed") from missing
    try:
        async with async_playwright() as playwright:
            browser = await _launch(playwright.chromium, _executable(playwright))
            try:
                yield browser
            finally:
                await browser.close()
    except Error as failure:
        raise Unavailable(
            f"Chromium failed: {_error_text(failure)}", "try again; see that it starts"
        ) from failure


def _executable(playwright: "Playwright") -> str:
    """The installed Chromium, or else the one that `playwright install` fetched."""
    found = next(filter(None, map(shutil.which, _CHROMIUMS)), None)
    others = [*_MAC_CHROMIUMS] if sys.platform == "darwin" else []
    others.append(Path(playwright.chromium.executable_path))
    found = found or next((str(path) for path in others if path.exists()), None)
    if found is None:
        fix = (
            "install it (Debian: apt install chromium), or let playwright do it: playwright install chromium"
        )
        raise Unavailable("there is no Chromium here", fix)
    return found


async def _launch(kind: "BrowserType", executable: str) -> "Browser":
    """Starts a browser; as root, which Chromium's sandbox refuses, without it."""
    from playwright.async_api import Error, TimeoutError

    sandbox = not hasattr(os, "geteuid") or os.geteuid() != 0
    try:
        return await kind.launch(
            executable_path=executable,
            chromium_sandbox=sandbox,
            handle_sigint=False,
            args=["--disable-gpu"],
            timeout=_PATIENCE * 1000,
        )
    except TimeoutError:
        what, fix = f"this Chromium says nothing for {_PATIENCE} seconds", "see whether it starts by itself"
    except Error as failure:
        what = f"Chromium does not start: {_error_text(failure)}"
        fix = "see whether it does by itself; in a container its sandbox may need to be allowed"
    raise Unavailable(what, fix, where=display_path(Path(executable)))


async def _picture(browser: "Browser", html: str, window: Window) -> tuple[bytes, bool]:
    """A picture, and whether the mail goes on below it."""
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
    whole = int(await page.evaluate("document.documentElement.scrollHeight"))
    height = min(whole, _TALLEST // window.scale)
    picture = await page.screenshot(
        full_page=True, clip={"x": 0, "y": 0, "width": window.width, "height": height}
    )
    await context.close()
    return picture, height < whole


def _error_text(failure: Exception) -> str:
    """What the browser itself said last, or why it gave up; else what playwright says."""
    said = _SAID.findall(str(failure))
    fatal = [words for severity, words in said if severity == "FATAL"]
    last = [words for _, words in said[-1:]]
    return printable((fatal or last or str(failure).splitlines() or [""])[0], 200)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as failure:
        raise _unwritable(folder, failure) from failure


def _unwritable(path: Path, failure: OSError) -> Unavailable:
    what = cannot_be("written", failure)
    return Unavailable(what, "choose another folder: --screenshot FOLDER", where=display_path(path))
