"""Make docs/preview.png, the preview of the newest issue, and docs/preview-mistake.png, with a mistake in it.

Run it as `.venv/bin/python docs/preview_picture.py`; it needs Chromium.
"""

import asyncio
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from newsletter.browser.chromium import chromium

ROOT = Path(__file__).resolve().parent.parent
SIZE = {"width": 1280, "height": 760}


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copy(ROOT / "newsletter.yml", folder)
        shutil.copytree(ROOT / "issues", folder / "issues")
        newest = max((folder / "issues").glob("*.yml"))
        text = newest.read_text(encoding="utf-8").replace("are about **world", "are are about **world", 1)
        newest.write_text(text, encoding="utf-8")
        command = [sys.executable, "-m", "newsletter", "preview", "--port", "0"]
        with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as preview:
            try:
                assert preview.stdout
                asyncio.run(_take(preview.stdout.readline().split()[0], newest))
            finally:
                preview.terminate()
    for name in ("preview.png", "preview-mistake.png"):
        print(f"docs/{name}: {(ROOT / 'docs' / name).stat().st_size:,} bytes")


async def _take(url: str, newest: Path) -> None:
    async with chromium() as browser:
        page = await browser.new_page(viewport=SIZE)
        await page.goto(url)
        await page.locator("#problems .go").first.click()
        await page.wait_for_timeout(3000)
        await page.screenshot(path=ROOT / "docs" / "preview.png")
        newest.write_text(newest.read_text(encoding="utf-8").replace("link: https", "link: htps", 1))
        await page.locator("#broken").wait_for()
        await page.wait_for_timeout(500)
        await page.screenshot(path=ROOT / "docs" / "preview-mistake.png")


if __name__ == "__main__":
    main()
