"""Find and start an installed Chromium through playwright."""

import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from newsletter.disk.programs import find_program
from newsletter.display import display_path, printable
from newsletter.errors import Unavailable

if TYPE_CHECKING:
    from playwright.async_api import Browser, BrowserContext, BrowserType, Playwright

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
# Far longer than a normal start, which takes one second.
_START_TIMEOUT_SECONDS = 30
# A log line of the browser in playwright's error: `[pid=1][err] [1:1:1126/03:FATAL:file.cc(7)] No sandbox!`
_LOG_LINE = re.compile(r"\[err\] (?:\[(?=[^\s\]]*?:(FATAL|ERROR):)[^\s\]]++\] )?(.+)")


@asynccontextmanager
async def chromium() -> AsyncIterator["Browser"]:
    """Yield a browser and close it after the block, also after Ctrl-C; raise Unavailable if it fails."""
    try:
        from playwright.async_api import Error, async_playwright
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] != "playwright":
            raise
        raise _without_playwright() from missing
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


async def offline_context(
    browser: "Browser", width: int, height: int, *, scheme: Literal["light", "dark"] = "light", scale: int = 1
) -> "BrowserContext":
    """Return a context for pages of a stranger: they reach neither the network nor a file, and run no script.

    The size is in CSS pixels; `scale` is the number of device pixels in one.
    """
    context = await browser.new_context(
        viewport={"width": width, "height": height},
        device_scale_factor=scale,
        color_scheme=scheme,
        java_script_enabled=False,
        offline=True,
    )
    await context.route("**/*", lambda route: route.abort())
    return context


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


def _without_playwright() -> Unavailable:
    fix = "install it: pip install playwright; it uses the installed Chromium"
    return Unavailable("pictures need playwright, which is not installed", fix)


def _error_text(failure: Exception) -> str:
    """Return the browser's first fatal message; without one its last message, or else that of playwright."""
    lines = _LOG_LINE.findall(str(failure))
    fatal = [words for severity, words in lines if severity == "FATAL"]
    last = [words for _, words in lines[-1:]]
    return printable((fatal or last or str(failure).splitlines() or [""])[0], 200)
