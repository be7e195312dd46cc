"""Tests of the sources in docs/blocks.md: each is an issue without a finding, in every theme."""

from pathlib import Path

import pytest

from newsletter.checks import runner
from newsletter.config import loader
from newsletter.issue import files
from newsletter.render.themes import THEMES
from newsletter.services.prepare import proof
from tests import blocks


def findings(folder: Path, theme: str, source: str) -> list[str]:
    """Return the warnings and errors of an issue that consists of a source."""
    path = blocks.write(folder, source, theme)
    newsletter = loader.load(folder, {}, review=True)
    problems = runner.run(proof(newsletter, files.load(path, folder)))
    return [str(problem) for problem in problems if problem.severity != "note"]


@pytest.mark.parametrize("number", range(len(blocks.BLOCKS)))
def test_a_source_of_the_page_has_no_finding(tmp_path: Path, number: int) -> None:
    # Each theme has a third of the sources: the test stays quick, and no theme is without one.
    assert findings(tmp_path, list(THEMES)[number % len(THEMES)], blocks.BLOCKS[number][0]) == []


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


def test_each_source_of_the_page_has_a_picture() -> None:
    assert blocks.PAGE.read_text(encoding="utf-8").count("\n```yaml\n") == len(blocks.BLOCKS)
