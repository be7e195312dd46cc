"""Make docs/digest.png: the newest issue on a desktop and a phone, light and dark.

Run it as `.venv/bin/python docs/picture.py`; it needs Chromium.
"""

import asyncio
import base64
import sys
from pathlib import Path

from playwright.async_api import Browser

from newsletter.browser.chromium import chromium
from newsletter.config import loader
from newsletter.errors import NewsError
from newsletter.issue import files
from newsletter.render.pipeline import render

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs" / "digest.png"
MAX_BYTES = 500_000
HEIGHT, SCALE = 1240, 0.75
# Width, colour scheme, and scroll position: the top, the first story, or the button of the story.
TOP, STORY, BUTTON = "0", "story.offsetTop - 20", "story.offsetTop + story.offsetHeight - 700"
WINDOWS = ((648, "light", TOP), (648, "dark", STORY), (375, "light", TOP), (375, "dark", BUTTON))

FRAMES = """
<style>
  body { margin: 0; display: inline-flex; align-items: flex-start; gap: 18px; padding: 2px }
  img { border-radius: 14px; outline: 1px solid rgba(128, 128, 128, 0.4) }
</style>
"""


async def main() -> None:
    newsletter = loader.load(ROOT, {})
    mail = render(files.load(files.find(newsletter.issues)), newsletter.site)
    async with chromium() as browser:
        picture = await side_by_side(
            browser, [await _shot(browser, mail.html, *window) for window in WINDOWS]
        )
    if len(picture) > MAX_BYTES:
        sys.exit(
            f"docs/digest.png has {len(picture):,} bytes, more than {MAX_BYTES:,}; lower SCALE or HEIGHT"
        )
    PICTURE.write_bytes(picture)
    print(f"docs/digest.png: {len(picture):,} bytes")


async def _shot(browser: Browser, html: str, width: int, scheme: str, scroll: str) -> bytes:
    """Return a screenshot of a mail in a window."""
    page = await browser.new_page(
        viewport={"width": width, "height": HEIGHT},
        device_scale_factor=SCALE,
        color_scheme=scheme,
    )
    await page.set_content(html)
    await page.evaluate(
        f"() => {{ const story = document.querySelectorAll('.card')[1]; scrollTo(0, {scroll}) }}"
    )
    return await page.screenshot()


async def side_by_side(browser: Browser, shots: list[bytes]) -> bytes:
    """Return the windows side by side on a transparent background, which suits light and dark pages."""
    page = await browser.new_page(viewport={"width": 2400, "height": HEIGHT})
    images = (f'<img src="data:image/png;base64,{base64.b64encode(shot).decode()}">' for shot in shots)
    await page.set_content(FRAMES + "".join(images))
    return await page.locator("body").screenshot(omit_background=True)


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except NewsError as error:
        sys.exit("\n".join(map(str, error.problems)))
