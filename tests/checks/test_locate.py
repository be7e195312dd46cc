"""Tests that words and elements of a mail are located in the line in which they were written."""

from pathlib import Path

import pytest

from newsletter.checks.proof import Proof
from newsletter.config.loader import load
from newsletter.issue import files
from newsletter.services.prepare import proof
from tests.checks.material import BASE

ISSUE = """\
subject: "Leek
  & potato"                                  # 1
preheader: >-
  A soup for the first
  cold evening of the year.                  # 4 to 5
opening:
  - {heading: Hello, text: "One line."}
  - text: |

      The first **paragraph** of it
      goes on here.

      - A [link](https://soup.example.com/a)
        in a list.
stories:
  - title: Soup
    link: https://soup.example.com/soup
    passages:
      - heading: How
        text: Cut.
  - title: Stew
    link: https://soup.example.com/stew
    passages:
      - heading: How
        text: 'Cut, too: it''s soup.'
"""


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Proof:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "issues").mkdir()
    (tmp_path / "newsletter.yml").write_text((BASE / "newsletter.yml").read_text(encoding="utf-8"))
    text = ISSUE.replace("                                  # 1", "").replace(
        "                  # 4 to 5", ""
    )
    (tmp_path / "issues" / "2026-04-27.yml").write_text(text, encoding="utf-8")
    return proof(load(tmp_path, {}), files.load(files.find(tmp_path / "issues")))


@pytest.mark.parametrize(
    ("words", "line"),
    [
        pytest.param("potato", 2, id="quoted"),
        pytest.param("cold evening", 5, id="folded"),
        pytest.param("first cold", 4, id="over-a-line"),
        pytest.param("One line.", 7, id="flow"),
        pytest.param("first paragraph of it goes", 10, id="emphasis"),
        pytest.param("goes on here", 11, id="block"),
        pytest.param("https://soup.example.com/a", 13, id="link"),
        pytest.param("in a list", 14, id="list"),
        pytest.param("Stew", 21, id="title"),
        pytest.param("it's soup", 25, id="escaped"),
    ],
)
def test_words_of_the_issue(words: str, line: int, read: Proof) -> None:
    assert read.where(words) == f"issues/2026-04-27.yml:{line}"


def test_an_element_that_is_there_twice(read: Proof) -> None:
    headings = [heading for heading in read.document.named("h3") if heading.text == "How"]
    assert [read.where(heading) for heading in headings] == [
        f"issues/2026-04-27.yml:{line}" for line in (19, 24)
    ]


def test_a_title_that_the_template_shows_twice(read: Proof) -> None:
    links = [link for link in read.document.links if link.get("href") == "https://soup.example.com/stew"]
    assert len(links) == 3
    assert {read.where(link) for link in links} == {"issues/2026-04-27.yml:22"}


def test_what_a_template_wrote(read: Proof) -> None:
    (unsubscribe,) = [link for link in read.document.links if "unsubscribe" in (link.get("href") or "")]
    assert read.where(unsubscribe).endswith("templates/footer.mjml.j2:3")
    assert read.where("You get this because you signed up").endswith("templates/footer.mjml.j2:3")
    assert read.where_in_text("Unsubscribe:").endswith("templates/footer.txt.j2:5")


def test_what_stands_nowhere(read: Proof) -> None:
    assert read.where("nobody wrote this") == "issues/2026-04-27.yml"
