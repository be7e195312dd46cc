"""Make docs/blocks/*.png: each source of docs/blocks.md on a desktop in light, and on a phone in dark.

Run it as `.venv/bin/python -m docs.blocks_picture`; it needs Chromium.
"""

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.async_api import Browser, Route

from docs.picture import side_by_side
from newsletter.browser.chromium import chromium
from newsletter.config import loader
from newsletter.issue import files
from newsletter.render.pipeline import render
from tests import blocks

FOLDER = Path(__file__).resolve().parent / "blocks"
SCALE = 0.75
# The parts of the mail that a picture shows: only the head, or the head and the first card, or what follows.
SHOWN = {"head": "parts.slice(0, 1)", "contents": "parts.slice(1, 2)"}
OTHERS = "parts.slice(1, -1).filter((part) => !part.querySelector('.toc'))"


def mail(source: str) -> str:
    """Return the HTML part of an issue that consists of a source of the page."""
    with TemporaryDirectory() as folder:
        path = blocks.write(Path(folder), source)
        newsletter = loader.load(Path(folder), {}, review=True)
        return render(files.load(path, Path(folder)), newsletter.site).html


async def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    async with chromium() as browser:
        for source, name in blocks.BLOCKS:
            picture = await _picture(browser, name, mail(source))
            (FOLDER / f"{name}.png").write_bytes(picture)
            print(f"docs/blocks/{name}.png: {len(picture):,} bytes")


async def _picture(browser: Browser, name: str, html: str) -> bytes:
    """Return a picture of a part of the mail: on a desktop, and beside it on a phone."""
    shots = [
        await _shot(browser, name, html, width, scheme) for width, scheme in ((640, "light"), (375, "dark"))
    ]
    return await side_by_side(browser, shots)


async def _shot(browser: Browser, name: str, html: str, width: int, scheme: str) -> bytes:
    page = await browser.new_page(
        viewport={"width": width, "height": 400}, device_scale_factor=SCALE, color_scheme=scheme
    )
    await page.route("**/pictures/*", _answer)
    await page.set_content(html)
    await page.evaluate(
        f"""() => {{
            const mail = document.querySelector('.bg'), all = [...mail.children];
            const parts = all.filter((part) => part.offsetHeight > 20);
            const shown = new Set({SHOWN.get(name, OTHERS)});
            for (const part of all) if (!shown.has(part) && part.className !== 'gap') part.remove();
            mail.style.padding = '16px 0';
        }}"""
    )
    return await page.locator(".bg").screenshot()


async def _answer(route: Route) -> None:
    await route.fulfill(path=blocks.PICTURES / route.request.url.rpartition("/")[2])


if __name__ == "__main__":
    asyncio.run(main())
