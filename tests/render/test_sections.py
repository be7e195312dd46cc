"""Tests of the parts of an issue: sections, short stories, advertisements, contents, number and date."""

from datetime import date
from typing import Any

import pytest

from newsletter.issue.model import Image, Issue, Passage, Section, Story
from newsletter.render.pipeline import render
from newsletter.render.template_data import template_data
from tests.render import material

PICTURE = Image(
    src="https://example.com/a.png", alt="A leek", caption="In March", link="https://example.com/l"
)


def sections_issue(**changes: Any) -> Issue:
    kitchen = Section(
        heading="Kitchen",
        text="Two *soups*.",
        stories=(
            Story(title="Leek soup", link="https://soup.example.com/leek", text="Cut.", button="Cook it"),
            Story(title="Salt", link="https://soup.example.com/salt", text="Less."),
            Story(title="Knives", text="Sharp."),
        ),
    )
    advertisement = Story(title="Pots", link="https://pots.example.com", text="Ten litres.", sponsor=True)
    garden = Section(heading="Garden", stories=(advertisement, Story(title="Garlic", text="Now.")))
    parts = {"sections": (kitchen, garden, Section(text="Between.")), "stories": ()}
    return material.issue().model_copy(update=parts | changes)


def entries(issue: Issue) -> list[tuple[int, str, str | None]]:
    given = template_data(issue, material.site())["issue"]
    return [(entry["number"], entry["title"], entry["link"]) for entry in given["contents"]]


def test_the_short_form_and_one_section_are_the_same_mail() -> None:
    stories = (material.full_story(), material.story(title="Potato"))
    short = material.issue(*stories)
    long = short.model_copy(update={"stories": (), "sections": (Section(stories=stories),)})
    assert render(short, material.site()) == render(long, material.site())


def test_the_parts_follow_each_other_in_both_parts() -> None:
    mail = render(sections_issue(), material.site())
    order = ("Kitchen", "Two", "Leek soup", "Salt", "Knives", "Garden", "Pots", "Garlic", "Between")
    html, text = mail.html[mail.html.index("<h1") :], mail.text
    for part in (html[html.index("Kitchen") :], text[text.index("KITCHEN") :].replace("GARDEN", "Garden")):
        places = [part.upper().index(word.upper()) for word in order]
        assert places == sorted(places)


def test_the_levels_of_headings_follow_the_sections() -> None:
    document = material.parsed(render(sections_issue(), material.site()).html)
    levels = [(node.tag, node.text_content().strip()) for node in document.iter("h1", "h2", "h3", "h4")]
    assert [tag for tag, words in levels if words in ("Kitchen", "Garden")] == ["h2", "h2"]
    assert [tag for tag, words in levels if words in ("Leek soup", "Salt", "Pots")] == ["h3", "h3", "h3"]


def test_only_a_story_with_a_link_has_a_button_and_brief_ones_have_none() -> None:
    buttons = material.parsed(render(sections_issue(), material.site()).html).cssselect(".btn a")
    words = [(button.text_content().strip(), button.get("href")) for button in buttons]
    assert words == [
        ("Cook it", "https://soup.example.com/leek"),
        ("Read more", "https://pots.example.com"),
    ]
    off = material.issue(material.story(button="off"))
    assert not material.parsed(render(off, material.site()).html).cssselect(".btn a")


def test_an_advertisement_says_so_and_has_no_number() -> None:
    mail = render(sections_issue(), material.site())
    assert "\n[Advertisement]\nPots\n" in mail.text
    assert "Advertisement" in mail.html
    assert (4, "Garlic", None) in entries(sections_issue())
    assert "Pots" not in [title for _, title, _ in entries(sections_issue())]


@pytest.mark.parametrize(
    ("contents", "expected"),
    [
        pytest.param(
            None,
            [
                (1, "Leek soup", "https://soup.example.com/leek"),
                (2, "Salt", "https://soup.example.com/salt"),
                (3, "Knives", None),
                (4, "Garlic", None),
            ],
            id="default",
        ),
        pytest.param(
            "stories",
            [
                (1, "Leek soup", "#story-1"),
                (2, "Salt", "#story-2"),
                (3, "Knives", "#story-3"),
                (4, "Garlic", "#story-4"),
            ],
            id="stories",
        ),
        pytest.param("sections", [(1, "Kitchen", "#section-1"), (2, "Garden", "#section-2")], id="sections"),
        pytest.param("off", [], id="off"),
    ],
)
def test_the_contents_lead_to_places_of_the_mail(
    contents: str | None, expected: list[tuple[int, str, str | None]]
) -> None:
    issue = sections_issue(contents=contents)
    assert entries(issue) == expected
    document = material.parsed(render(issue, material.site()).html)
    places = {node.get("id") for node in document.iter() if node.get("id")}
    for _, title, link in expected:
        if link and link.startswith("#"):
            assert link[1:] in places
            (place,) = document.cssselect(link)
            assert place.text_content().strip() == title
    assert ("In this issue" in document.text_content()) is bool(expected)


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        pytest.param({"number": 12, "date_line": "none"}, "Issue 12", id="number"),
        pytest.param({"number": "Letter 31", "date_line": "May"}, "Letter 31 · May", id="words"),
        pytest.param({"number": None, "date_line": "none"}, "", id="nothing"),
    ],
)
def test_the_line_above_the_name(changes: dict[str, Any], line: str) -> None:
    mail = render(material.issue(**changes), material.site())
    assert mail.text.split("\n")[1] == line
    labels = [node.text_content().strip() for node in material.parsed(mail.html).cssselect(".lab")]
    assert (labels[0] == line) if line else ("In this issue" in labels[0])


def test_a_picture_has_its_caption_and_its_link_wherever_it_is() -> None:
    passages = (Passage(text="One."), Passage(heading="Two", text="Three.", image=PICTURE))
    section = Section(
        text="Text.", image=PICTURE, stories=(material.story(passages=passages, image=PICTURE),)
    )
    issue = material.issue().model_copy(
        update={"stories": (), "sections": (section,), "image": PICTURE, "opening": passages}
    )
    mail = render(issue, material.site())
    document = material.parsed(mail.html)
    pictures = document.cssselect("img[src='https://example.com/a.png']")
    assert len(pictures) == 5
    assert {picture.getparent().get("href") for picture in pictures} == {"https://example.com/l"}
    assert document.text_content().count("In March") == 5
    assert mail.text.count("[A leek] <https://example.com/l>\nIn March\n") == 5


def test_an_essay_without_stories() -> None:
    issue = Issue(
        subject="A letter",
        preheader="About a jar.",
        opening=(Passage(text="Every Thursday."),),
        date=date(2026, 5, 4),
    )
    mail = render(issue, material.site())
    assert "Every Thursday." in mail.html and "In this issue" not in mail.html
    assert "IN THIS ISSUE" not in mail.text


def test_a_section_of_advertisements_is_not_in_the_contents() -> None:
    sponsor = Section(heading="Sponsors", stories=(material.story(sponsor=True),))
    issue = sections_issue(contents="sections")
    issue = issue.model_copy(update={"sections": (sponsor, *issue.sections)})
    assert entries(issue) == [(1, "Kitchen", "#section-2"), (2, "Garden", "#section-3")]
