"""Takes docs/preview.png: the preview of the newest issue, and below it that of one with a mistake.

Run it as `.venv/bin/python docs/preview_picture.py`; it needs Chromium.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from newsletter.preview.pictures import chromium

ROOT = Path(__file__).resolve().parent.parent
SIZE = {"width": 1280, "height": 760}


def main() -> None:
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        shutil.copy(ROOT / "newsletter.yml", folder)
        shutil.copytree(ROOT / "issues", folder / "issues")
        newest = max((folder / "issues").glob("*.yml"))
        written = newest.read_text(encoding="utf-8").replace("are about **world", "are are about **world", 1)
        newest.write_text(written, encoding="utf-8")
        _take(folder, newest)


def _take(folder: Path, newest: Path) -> None:
    command = [sys.executable, "-m", "newsletter", "preview", "--port", "0"]
    with (
        subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as preview,
        chromium() as browser,
    ):
        try:
            assert preview.stdout
            page = browser.new_page(viewport=SIZE)
            page.goto(preview.stdout.readline().split()[0])
            page.locator("#problems .go").first.click()
            page.wait_for_timeout(3000)
            page.screenshot(path=ROOT / "docs" / "preview.png")
            newest.write_text(newest.read_text(encoding="utf-8").replace("link: https", "link: htps", 1))
            page.locator("#broken").wait_for()
            page.wait_for_timeout(500)
            page.screenshot(path=ROOT / "docs" / "preview-mistake.png")
        finally:
            preview.terminate()
    for name in ("preview.png", "preview-mistake.png"):
        print(f"docs/{name}: {(ROOT / 'docs' / name).stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
