"""Make docs/themes.png: the same issue in each theme, on a desktop in the light and on a phone in the dark.

Run it as `.venv/bin/python docs/themes_picture.py`; it needs Chromium.
"""

import asyncio
import sys
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from picture import side_by_side
from playwright.async_api import Browser, Route

from newsletter.browser.chromium import chromium
from newsletter.config.model import Labels
from newsletter.issue import files
from newsletter.render.model import Site
from newsletter.render.pipeline import render
from newsletter.render.themes import THEMES

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs" / "themes.png"
MAX_BYTES = 500_000
HEIGHT, SCALE = 1080, 0.62
WINDOWS = ((640, "light"), (375, "dark"))

ISSUE = """
subject: Soups for a cold week
preheader: A broth that takes ten minutes, one pot for six people, and the right time to salt.
number: 12
opening:
  - text: |
      The evenings are dark at five, and the kitchen is the warmest room. This issue stays there: a **broth**
      for tonight, a [pot for guests](https://soup.example.com/pot), and one question from a reader.

      > Salt early, and salt less.
sections:
  - heading: Cook
    stories:
      - title: A broth that takes ten minutes
        link: https://soup.example.com/broth
        tags: [The recipe]
        image: {src: "https://pictures.example.com/broth.svg", alt: A bowl of broth}
        text: Miso gives it depth at once. Leek and lemon do the rest, and the noodles cook in the bowl.
        button: Cook it
      - title: One pot for six people
        link: https://soup.example.com/pot
        text: >-
          Lentils, carrots and a spoon of mustard. It is ready in forty minutes, and better on the second day.
  - heading: Ask
    stories:
      - {title: Can stock be frozen?, link: "https://soup.example.com/stock", text: It can.}
      - title: Pots from Example Pots
        sponsor: true
        link: https://pots.example.com
        text: They hold ten litres, and they are on sale until Sunday.
        button: See the pots
closing:
  - text: Keep warm,
  - text: The cooks
"""
BOWL = """<svg xmlns="http://www.w3.org/2000/svg" width="1056" height="500"><rect width="1056" height="500"
fill="#24433a"/><circle cx="528" cy="250" r="190" fill="#c94f2c"/><circle cx="528" cy="250" r="160"
fill="#f0a63a"/><circle cx="470" cy="210" r="34" fill="#fbe3a4"/><circle cx="590" cy="290" r="26"
fill="#5f8f3e"/><circle cx="560" cy="190" r="16" fill="#5f8f3e"/></svg>"""


async def main() -> None:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "2026-11-23.yml"
        file.write_text(ISSUE, encoding="utf-8")
        issue = files.load(file)
    site = Site("The Soup Letter", "1 Kitchen Road, Example City", labels=Labels().model_dump())
    async with chromium() as browser:
        shots = [
            await _shot(browser, render(issue, replace(site, theme=theme)).html, *window)
            for theme in THEMES
            for window in WINDOWS
        ]
        picture = await side_by_side(browser, shots)
    if len(picture) > MAX_BYTES:
        sys.exit(f"{PICTURE.name} has {len(picture):,} bytes, more than {MAX_BYTES:,}; lower SCALE or HEIGHT")
    PICTURE.write_bytes(picture)
    print(f"docs/{PICTURE.name}: {len(picture):,} bytes")


async def _shot(browser: Browser, html: str, width: int, scheme: str) -> bytes:
    """Return a screenshot of the top of a mail in a window; nothing is loaded."""
    page = await browser.new_page(
        viewport={"width": width, "height": HEIGHT}, device_scale_factor=SCALE, color_scheme=scheme
    )

    async def fulfill(route: Route) -> None:
        await route.fulfill(body=BOWL, content_type="image/svg+xml")

    await page.route("**/*", fulfill)
    await page.set_content(html, wait_until="load")
    return await page.screenshot()


if __name__ == "__main__":
    asyncio.run(main())
