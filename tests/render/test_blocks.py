"""Tests of the sources in docs/blocks.md: each is an issue without a finding, in every theme."""

import re
import shutil
from pathlib import Path

import pytest

from newsletter.checks import runner
from newsletter.config import loader
from newsletter.issue import files
from newsletter.render.themes import THEMES
from newsletter.services.prepare import proof
from tests import newsletters

PAGE = Path(__file__).parents[2] / "docs" / "blocks.md"
SOURCES = re.findall(r"^```yaml\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
NEWSLETTER = """
name: The Soup Letter
sender: {name: The Soup Letter, email: soup@example.com}
postal_address: The Soup Letter, 1 Kitchen Road, Example City
site: https://soup.example.com
unsubscribe: {url: "https://soup.example.com/leave/{token}"}
"""
HEAD = "subject: Three soups for a cold week\npreheader: Leek, lentil and a broth that takes ten minutes.\n"
STORY = "stories:\n  - {title: A broth, text: Miso.}\n"


def findings(folder: Path, theme: str, source: str) -> list[str]:
    """Return the warnings and errors of an issue that consists of a source."""
    shutil.copytree(newsletters.FOLDER / "pictures" / "pictures", folder / "pictures")
    (folder / "newsletter.yml").write_text(f"{NEWSLETTER}theme: {theme}\n", encoding="utf-8")
    (folder / "issues").mkdir()
    path = folder / "issues" / "2026-05-04.yml"
    has_content = re.search(r"^(?:stories|sections|opening):", source, re.MULTILINE)
    path.write_text(HEAD + source + ("" if has_content else STORY), encoding="utf-8")
    newsletter = loader.load(folder, {}, review=True)
    problems = runner.run(proof(newsletter, files.load(path, folder)))
    return [str(problem) for problem in problems if problem.severity != "note"]


@pytest.mark.parametrize("number", range(len(SOURCES)))
def test_a_source_of_the_page_has_no_finding(tmp_path: Path, number: int) -> None:
    # Each theme has a third of the sources: the test stays quick, and no theme is without one.
    assert findings(tmp_path, list(THEMES)[number % len(THEMES)], SOURCES[number]) == []


@pytest.mark.parametrize("theme", THEMES)
def test_headings_in_passages_follow_the_title_and_their_code_is_readable(tmp_path: Path, theme: str) -> None:
    levels = "\\n\\n".join(f"{'#' * level} Use `level-{level}`\\n\\nWords." for level in range(3, 7))
    table = "| Use `head` | B |\\n|---|---|\\n| `cell` | b |"
    source = f"""
opening:
  - text: "Words.\\n\\n{levels}\\n\\n{table}"
  - heading: The flag `--quiet`
    text: Words.
closing:
  - text: "Words.\\n\\n#### A lower one\\n\\nWords."
"""
    assert findings(tmp_path, theme, source) == []
