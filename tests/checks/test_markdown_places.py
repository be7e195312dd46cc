"""Tests that findings in tables, notes, tasks, captions and pictures have the line of the issue."""

import struct
from pathlib import Path

import pytest

from newsletter.checks.content.images import images
from newsletter.checks.content.links import links
from newsletter.checks.proof import Proof
from newsletter.config.loader import load
from newsletter.issue import files
from newsletter.services.prepare import proof
from tests.checks.material import BASE

ISSUE = """\
subject: Leek & potato
preheader: A soup for the first cold evening of the year.
opening:
  - text: |
      <!-- [private](http://x.example/private)

      more --> A word[^1] and http://x.example/bare too, <!-- a
      note --> then [link](http://x.example/link).

      | Soup | Source |
      |------|--------|
      | Leek | [book](http://x.example/first) |
      | Miso | http://x.example/second |

      [^1]: See [the
          page](http://x.example/note).

      - [x] Read <http://x.example/task>

      ![IMG_0001](pictures/soup.png "By [her](http://x.example/caption)")

      > [![IMG_0002](pictures/soup.png)](http://x.example/linked) ~~[old](http://x.example/old)~~
stories:
  - title: Soup
    link: https://soup.example.com/soup
    passages:
      - text: "![IMG_0003](pictures/a%20soup.png) and ![IMG_0004](pictures/soup.png){width=100}"
"""


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Proof:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "issues").mkdir()
    (tmp_path / "pictures").mkdir()
    for name in ("soup.png", "a soup.png"):
        size = struct.pack(">I4sII", 13, b"IHDR", 300, 200)
        (tmp_path / "pictures" / name).write_bytes(b"\x89PNG\r\n\x1a\n" + size)
    settings = (BASE / "newsletter.yml").read_text(encoding="utf-8")
    (tmp_path / "newsletter.yml").write_text(f"{settings}site: https://soup.example.com\n", encoding="utf-8")
    (tmp_path / "issues" / "2026-04-27.yml").write_text(ISSUE, encoding="utf-8")
    return proof(load(tmp_path, {}), files.load(files.find(tmp_path / "issues")))


def line_of(words: str) -> str:
    number = next(n for n, line in enumerate(ISSUE.split("\n"), 1) if words in line)
    return f"issues/2026-04-27.yml:{number}"


def test_a_link_has_its_line_wherever_markdown_has_it(read: Proof) -> None:
    names = ["bare", "link", "first", "second", "note", "task", "caption", "linked", "old"]
    found = {problem.what.rpartition("/")[2].rstrip(")"): problem.where for problem in links(read)}
    assert found == {name: line_of(f"x.example/{name}") for name in names}


def test_a_picture_has_its_line_wherever_markdown_has_it(read: Proof) -> None:
    found = [(problem.what.split('"')[1], problem.where) for problem in images(read)]
    assert found == [(name, line_of(name)) for name in ("IMG_0001", "IMG_0002", "IMG_0003", "IMG_0004")]
