"""Tests that directives of YAML, which libyaml compares with each other, do not freeze a command."""

from pathlib import Path

import pytest

from newsletter.errors import IssueError
from newsletter.yamlfile import reader

DIRECTIVES = "".join(f"%TAG !{number}! x\n" for number in range(100_000))


@pytest.mark.parametrize("before", ["", "# a comment\n", "a: b\n...\n"])
def test_directives_are_refused_before_they_are_parsed(before: str, tmp_path: Path) -> None:
    file = tmp_path / "2026-04-27.yml"
    file.write_text(f"{before}{DIRECTIVES}---\na: b\n")
    with pytest.raises(
        IssueError, match=f":{before.count(chr(10)) + 1}: YAML reads a line that starts with %TAG"
    ):
        reader.read(file, IssueError)


def test_text_with_the_same_words_is_accepted(tmp_path: Path) -> None:
    file = tmp_path / "2026-04-27.yml"
    file.write_text("a: |\n  %TAG !x! y\nb: '%TAG'\n")
    assert reader.read(file, IssueError).data == {"a": "%TAG !x! y\n", "b": "%TAG"}
