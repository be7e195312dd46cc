"""Make docs/blocks/*.png: each source of docs/blocks.md on a desktop in light, and on a phone in dark.

Run it as `.venv/bin/python docs/blocks_picture.py`; it needs Chromium.
"""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from picture import side_by_side
from playwright.async_api import Browser, Route

from newsletter.config import loader
from newsletter.issue import files
from newsletter.preview.screenshots import chromium
from newsletter.render.pipeline import render

DOCS = Path(__file__).resolve().parent
PAGE = DOCS / "blocks.md"
EXAMPLE = DOCS.parent / "tests" / "data" / "newsletters" / "pictures"
# A source, and the picture below it.
BLOCK = re.compile(r"^```yaml\n(.*?)^```\n\n!\[[^\]]+\]\(blocks/([\w-]+)\.png\)$", re.DOTALL | re.MULTILINE)
HEAD = "subject: Three soups for a cold week\npreheader: Leek, lentil and a broth.\n"
STORY = "stories:\n  - {title: A broth, text: Miso.}\n"
NEWSLETTER = """
name: The Soup Letter
sender: {name: The Soup Letter, email: soup@example.com}
postal_address: The Soup Letter, 1 Kitchen Road, Example City
site: https://soup.example.com
unsubscribe: {url: "https://soup.example.com/leave/{token}"}
"""
SCALE = 0.75
# The parts of the mail that a picture shows: only the head, or the head and the first card, or what follows.
SHOWN = {"head": "parts.slice(0, 1)", "contents": "parts.slice(1, 2)"}
OTHERS = "parts.slice(1, -1).filter((part) => !part.querySelector('.toc'))"


def sources() -> Iterator[tuple[str, str]]:
    """Yield the name of each picture of the page with its source."""
    for source, name in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        yield name, source


def mail(source: str) -> str:
    """Return the HTML part of an issue that consists of a source of the page."""
    with TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "newsletter.yml").write_text(NEWSLETTER, encoding="utf-8")
        (root / "issues").mkdir()
        (root / "pictures").mkdir()
        for picture in (EXAMPLE / "pictures").iterdir():
            (root / "pictures" / picture.name).write_bytes(picture.read_bytes())
        path = root / "issues" / "2026-05-04.yml"
        has_content = re.search(r"^(?:stories|sections|opening):", source, re.MULTILINE)
        path.write_text(HEAD + source + ("" if has_content else STORY), encoding="utf-8")
        newsletter = loader.load(root, {}, review=True)
        return render(files.load(path, root), newsletter.site).html


async def main() -> None:
    (DOCS / "blocks").mkdir(exist_ok=True)
    async with chromium() as browser:
        for name, source in sources():
            picture = await _picture(browser, name, mail(source))
            (DOCS / "blocks" / f"{name}.png").write_bytes(picture)
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
    await route.fulfill(path=EXAMPLE / "pictures" / route.request.url.rpartition("/")[2])


if __name__ == "__main__":
    asyncio.run(main())
