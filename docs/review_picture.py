"""Make docs/review.png: the review of tests/golden/review/not-ready.md, much as GitHub shows it.

Run it as `.venv/bin/python docs/review_picture.py`; it needs Chromium.
"""

import asyncio
import re
from pathlib import Path

from markdown_it import MarkdownIt

from newsletter import __version__
from newsletter.browser.chromium import chromium

ROOT = Path(__file__).resolve().parent.parent
REVIEW = ROOT / "tests" / "golden" / "review" / "not-ready.md"
PICTURE = ROOT / "docs" / "review.png"
# Fonts without emoji have these instead.
DOTS = {"🔴": "#cf222e", "🟡": "#d4a72c", "⚪": "#8c959f"}
PAGE = """<!doctype html>
<style>
  body { margin: 0; padding: 16px; background: #f6f8fa; font: 14px/1.5 Inter, "Liberation Sans", sans-serif }
  main { background: #fff; border: 1px solid #d0d7de; border-radius: 6px; overflow: hidden }
  header { padding: 8px 16px; background: #f6f8fa; border-bottom: 1px solid #d0d7de; color: #59636e }
  article { padding: 4px 16px 12px }
  h3 { margin: 20px 0 8px; font-size: 17px }
  a { color: #0969da; text-decoration: none }
  blockquote { margin: 8px 0; padding: 0 12px; border-left: 4px solid #d0d7de; color: #59636e }
  blockquote.alert { border-color: #cf222e; color: #1f2328 }
  .alert h3 { margin: 4px 0 }
  .alert .kind { margin: 0; color: #cf222e; font-weight: 600 }
  table { border-collapse: collapse; margin: 8px 0 }
  th, td { padding: 5px 11px; border: 1px solid #d0d7de; text-align: left }
  code { background: #eff1f3; border-radius: 4px; padding: 1px 4px; font-size: 12px }
  ins { color: #1a7f37 } del { color: #cf222e } sub { color: #59636e; font-size: 12px }
</style>
"""


async def main() -> None:
    text = REVIEW.read_text(encoding="utf-8").replace("VERSION", __version__)
    for emoji, colour in DOTS.items():
        text = text.replace(emoji, f'<span style="color: {colour}">●</span>')
    markdown = MarkdownIt("commonmark", {"html": True}).enable("table")
    html = markdown.render(text)
    alert = r"<blockquote>\s*<p>\[!(\w)(\w+)\]</p>"
    html = re.sub(
        alert,
        lambda kind: f'<blockquote class="alert"><p class="kind">{kind[1]}{kind[2].lower()}</p>',
        html,
    )
    head = "<header><b>github-actions</b> commented</header>"
    async with chromium() as browser:
        page = await browser.new_page(viewport={"width": 900, "height": 600})
        await page.set_content(f"{PAGE}<main>{head}<article>{html}</article></main>")
        PICTURE.write_bytes(await page.screenshot(full_page=True))
    print(f"docs/review.png: {PICTURE.stat().st_size:,} bytes")


if __name__ == "__main__":
    asyncio.run(main())
