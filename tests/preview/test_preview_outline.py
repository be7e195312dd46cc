"""Tests of the outline of an issue."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from newsletter.checks.document import words
from newsletter.issue import files
from newsletter.preview.builder import build
from newsletter.preview.outline import Part, flattened, outline
from newsletter.preview.payloads import page, part_place
from tests.preview.conftest import Letter

HEAD = "subject: Soup\npreheader: Soups\n"
SECTIONS = """\
opening:
  - heading: Hello
    text: It is cold.
  - text: |
      # Bring **wood**

      And more.
sections:
  - heading: Soups
    stories:
      - title: Leek
        text: Cook.
      - title: Buy pots
        link: https://pots.example.com/
        sponsor: true
  - stories:
      - title: Alone
        text: Cook.
  - text: A section of text alone, of which only the first words are shown in the outline of the page.
  - image: {src: https://example.com/a.png, alt: A pot}
closing:
  - text: Bye
"""


def told(folder: Path, source: str) -> list[Part]:
    file = folder / "2026-01-05.yml"
    file.write_text(HEAD + source, encoding="utf-8")
    return outline(files.load(file, folder))


def shown(parts: Any) -> list[Any]:
    return [
        (
            part.text + (" (ad)" if part.sponsor else ""),
            int(part.where.rpartition(":")[2]),
            *shown(part.parts),
        )
        for part in parts
    ]


def test_sections_with_their_stories_and_the_passages_around_them(tmp_path: Path) -> None:
    assert shown(told(tmp_path, SECTIONS)) == [
        ("Hello", 4),
        ("Bring wood", 6),
        ("Soups", 11, ("Leek", 13), ("Buy pots (ad)", 15)),
        ("Alone", 19),
        ("A section of text alone, of which only the first words are…", 21),
        ("A pot", 22),
        ("Bye", 24),
    ]


def test_stories_without_sections(tmp_path: Path) -> None:
    source = "stories:\n  - {title: Leek, text: Cook.}\n  - {title: Leek, text: Wait.}\n"
    assert shown(told(tmp_path, source)) == [("Leek", 4), ("Leek", 5)]


@pytest.mark.parametrize("text", ["|a" * 3_000, "[" * 5_000, "<b>" * 100, "> " * 3_000 + "x", "```\n\n```"])
def test_hostile_text_stays_short_text(tmp_path: Path, text: str) -> None:
    lines = "".join(f"      {line}\n" for line in text.split("\n"))
    (part,) = told(tmp_path, f"opening:\n  - text: |\n{lines}")
    assert 0 < len(part.text) <= 60


def test_each_entry_leads_to_its_own_part_of_the_mail(letter: Letter) -> None:
    """Titles also stand in the contents; "Soups" is in the preheader, and two stories have one title."""
    letter.save("issues/2026-01-05.yml", HEAD + SECTIONS.replace("title: Alone", "title: Leek"))
    built = build(letter.folder)
    assert built.proof
    document = built.proof.document
    told = []
    for number, _ in enumerate(flattened(outline(built.proof.issue))):
        place = part_place(built.proof, number)
        assert place
        element = document.named(place["tag"])[place["number"]]
        told.append((element.tag, words(element) or element.get("alt"), document.elements.index(element)))
    assert [(tag, text[:20]) for tag, text, _ in told] == [
        ("h2", "Hello"),
        ("h3", "Bring wood"),
        ("h2", "Soups"),
        ("h3", "Leek"),
        ("h3", "Buy pots"),
        ("h2", "Leek"),
        ("p", "A section of text al"),
        ("img", "A pot"),
        ("p", "Bye"),
    ]
    assert [position for *_, position in told] == sorted({position for *_, position in told})


def test_a_part_without_a_heading_in_the_mail_is_found_by_its_line(letter: Letter) -> None:
    letter.edit("stories:", 'contents: "off"\nstories:')
    letter.save("templates/story.mjml.j2", "<mj-raw><p>{{ story.title }}</p></mj-raw>")
    built = build(letter.folder)
    assert built.proof
    assert part_place(built.proof, 0) == {"tag": "p", "number": 0}
    assert part_place(built.proof, 1) is None


def test_the_page_gets_the_outline_of_the_mail_that_it_shows(letter: Letter) -> None:
    good = build(letter.folder)
    assert good.proof
    letter.edit("subject: Soup", "subject: '")
    told = page(letter.folder, build(letter.folder), good)
    assert told["problems"] and told["outline"] == [asdict(part) for part in outline(good.proof.issue)]
    assert page(letter.folder, build(letter.folder), None)["outline"] == []
