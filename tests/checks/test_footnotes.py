"""Tests that the checks `footnotes` and `left-out` judge the notes of a whole section."""

import shutil
from pathlib import Path

import pytest

from newsletter.checks.content.footnotes import footnotes
from newsletter.checks.mail.left_out import left_out
from newsletter.checks.proof import Proof
from newsletter.config import loader
from newsletter.issue import files
from newsletter.services.prepare import proof
from tests.checks.material import BASE

ISSUE = """\
subject: Leek & potato
preheader: A soup for the first cold evening of the year.
opening:
  - text: Good[^1] and bad[^2].
  - text: |
      More.

      [^1]: The note of the opening.
sections:
  - text: |
      Good[^1].

      [^own]: The note of this text[^3].
    stories:
      - title: Soup
        text: |
          Cook[^2],
          blend[^own] and eat[^4].

          [^own]: The note of the story.
      - title: Bread
        text: |
          Bake[^1].

          [^1]: Own note.

          [^2]: The note of the soup.
      - title: Late
        text: |
          Late.

          [^1]: Again.

          [^2]: Once more.

          [^5]: Unused.

          Last.
          ![a [^1]](https://a.example/b.png "And [^x] [^1]") ![](https://a.example/c.png)
"""
FOUND = """\
:4 there is no note [^2] in this section
:13 the note "[^own]: The note of this text[^3]." is not in the mail, because its section does not refer to it
:18 there is no note [^4] in this section
:32 the note "[^1]: Again." has the label of another note of its section
:34 the note "[^2]: Once more." has the label of another note of its section
:36 the note "[^5]: Unused." is not in the mail, because its section does not refer to it
:39 readers would see [^1]: a picture has no notes
:39 readers would see [^x]: a picture has no notes
"""


def opened(folder: Path, source: str, suffix: str = ".yml") -> Proof:
    shutil.copytree(BASE, folder, dirs_exist_ok=True)
    (folder / "issues" / "2026-04-27.yml").unlink()
    path = folder / "issues" / f"2026-04-27{suffix}"
    path.write_text(source, encoding="utf-8")
    return proof(loader.load(folder, {}), files.load(path))


def test_references_and_notes_are_judged_by_section(tmp_path: Path) -> None:
    found = list(footnotes(opened(tmp_path, ISSUE)))
    lines = [f":{problem.where.rpartition(':')[2]} {problem.what}\n" for problem in found]
    assert "".join(lines) == FOUND
    assert "anywhere in the section" in found[0].fix


def test_an_issue_in_markdown_names_a_second_note_of_a_section(tmp_path: Path) -> None:
    """The second one was left out without a word."""
    body = (
        "## A\n\n### B\n\nb[^1]\n\n[^1]: One.\n\n### C\n\nc[^1]\n\n[^1]: C.\n\n### D\n\nd[^1]\n\n[^2]: D.\n"
    )
    source = f"---\nsubject: Leek\npreheader: A soup for the first cold evening.\n---\n{body}"
    found = [
        (problem.where.rpartition(":")[2], problem.what)
        for problem in footnotes(opened(tmp_path, source, ".md"))
    ]
    assert found == [
        ("17", 'the note "[^1]: C." has the label of another note of its section'),
        ("23", 'the note "[^2]: D." is not in the mail, because its section does not refer to it'),
    ]


@pytest.mark.parametrize(
    ("template", "old", "named"),
    [
        ("section.mjml.j2", "section.notes", ["5: HTML section.notes|markdown"]),
        ("section.txt.j2", "section.notes", ["5: text section.notes|plain"]),
        ("content.txt.j2", "issue.closing_notes", ["10: text issue.closing_notes|plain"]),
        ("footer.txt.j2", "section.notes", []),
    ],
)
def test_a_template_that_leaves_notes_out_is_an_error(
    tmp_path: Path, template: str, old: str, named: list[str]
) -> None:
    (tmp_path / "templates").mkdir()
    built_in = (Path(__file__).parents[2] / "templates" / template).read_text(encoding="utf-8")
    (tmp_path / "templates" / template).write_text(built_in.replace(old, "''"), encoding="utf-8")
    source = "subject: S\npreheader: A soup for the first cold evening.\nstories: [{title: A, text: "
    source += '"a[^1]\\n\n\n  [^1]: *A* note of soup[^2] and of `code`.\\n\n\n  [^2]: Only `code`."}]\n'
    source += 'closing: [{text: "b[^1]\\n\n\n  [^1]: The last [note](https://a.example) of all."}]\n'
    found = list(left_out(opened(tmp_path, source)))
    assert [problem.severity for problem in found] == ["error"] * len(named)
    for problem, name in zip(found, named, strict=True):
        line, part, variable = name.split()
        assert f":{line}" in f"{problem.where}:" and f"the {part} part leaves out the note" in problem.what
        assert f"`{{{{ {variable} }}}}`" in problem.fix
