"""The sources of docs/blocks.md, each as an issue of an example newsletter."""

import re
import shutil
from pathlib import Path

from tests import newsletters

PAGE = Path(__file__).parent.parent / "docs" / "blocks.md"
PICTURES = newsletters.FOLDER / "pictures" / "pictures"
# A source, and the name of the picture below it.
BLOCKS = re.findall(
    r"^```yaml\n(.*?)^```\n\n!\[[^\]]+\]\(blocks/([\w-]+)\.png\)$",
    PAGE.read_text(encoding="utf-8"),
    re.DOTALL | re.MULTILINE,
)
_NEWSLETTER = """
name: The Soup Letter
sender: {name: The Soup Letter, email: soup@example.com}
postal_address: The Soup Letter, 1 Kitchen Road, Example City
site: https://soup.example.com
unsubscribe: {url: "https://soup.example.com/leave/{token}"}
"""
_HEAD = "subject: Three soups for a cold week\npreheader: Leek, lentil and a broth that takes ten minutes.\n"
_STORY = "stories:\n  - {title: A broth, text: Miso.}\n"
_HAS_CONTENT = re.compile(r"^(?:stories|sections|opening):", re.MULTILINE)


def write(folder: Path, source: str, theme: str = "digest") -> Path:
    """Write a newsletter whose issue consists of a source; return the file of the issue."""
    shutil.copytree(PICTURES, folder / "pictures")
    (folder / "newsletter.yml").write_text(f"{_NEWSLETTER}theme: {theme}\n", encoding="utf-8")
    (folder / "issues").mkdir()
    path = folder / "issues" / "2026-05-04.yml"
    content = "" if _HAS_CONTENT.search(source) else _STORY
    path.write_text(_HEAD + source + content, encoding="utf-8")
    return path
