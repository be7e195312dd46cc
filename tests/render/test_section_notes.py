"""Tests that the notes of a section stand at its end, wherever in the section they are defined."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from newsletter.issue import files
from newsletter.render.pipeline import to_html, to_mjml, to_text
from newsletter.render.template_data import TemplateInput
from tests.render import material

RULE = "-" * 20
HEAD = "subject: Soup\npreheader: A soup.\n"


def given(source: str, suffix: str = ".yml") -> TemplateInput:
    text = f"---\n{HEAD}---\n{source}" if suffix == ".md" else HEAD + source
    issue = files.parse(text.encode(), Path(f"2026-05-04{suffix}"))
    return TemplateInput(issue, replace(material.site(), templates=None))


def lines(text: str) -> list[str]:
    """Return the lines of a text part that have a number of a note, and the rules above notes."""
    return [line for line in text.split("\n") if re.search(r"\[\^?\w+\](?!\])", line) or line == RULE]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param(
            'stories:\n- {title: A, text: "a[^1]"}\n- {title: B, text: "b[^1]\\n\\n[^1]: Note."}\n',
            ["a[1]", "b[1]", RULE, "[1] Note."],
            id="below-the-last-story",
        ),
        pytest.param(
            'sections:\n- text: "a[^2] b[^1]"\n  stories:\n  - title: A\n    passages:\n    - text: "c[^1]"\n'
            '    - text: "d\\n\\n[^1]: One.\\n[^2]: Two."\n',
            ["a[1] b[2]", "c[2]", RULE, "[1] Two.", "[2] One."],
            id="in-the-order-of-the-first-reference",
        ),
        pytest.param(
            'stories:\n- {title: A, text: "a[^1]\\n\\n[^1]: For A."}\n- {title: B, text: "b[^1]"}\n'
            '- {title: C, text: "c[^1]\\n\\n[^1]: For C."}\n',
            ["a[1]", "b[1]", "c[2]", RULE, "[1] For A.", "[2] For C."],
            id="one-in-the-text-itself-goes-first",
        ),
        pytest.param(
            'sections:\n- text: "Same[^1]"\n  stories: [{title: A, text: "a\\n\\n[^1]: First."}]\n'
            '- text: "Same[^1]"\n  stories: [{title: B, text: "b\\n\\n[^1]: Second."}]\n',
            ["Same[1]", RULE, "[1] First.", "Same[2]", RULE, "[2] Second."],
            id="the-same-label-in-two-sections",
        ),
        pytest.param(
            'opening: [{text: "a[^1]"}, {text: "b\\n\\n[^1]: Opening."}]\n'
            'stories: [{title: A, text: "c[^1]\\n\\n[^1]: Story."}]\n'
            'closing: [{text: "d[^1] [^2]"}, {text: "e\\n\\n[^1]: Closing."}]\n',
            ["a[1]", RULE, "[1] Opening.", "c[2]", RULE, "[2] Story.", "d[3] [^2]", RULE, "[3] Closing."],
            id="opening-stories-closing",
        ),
        pytest.param(
            'stories:\n- {title: A, text: "a[^x]\\n\\n[^y]: B."}\n'
            '- {title: B, text: "b\\n\\n[^x]: A, see[^y] [here](https://a.example)"}\n',
            ["a[1]", RULE, "[1] A, see[2] here <https://a.example>", "[2] B."],
            id="note-and-link-in-a-note",
        ),
        pytest.param(
            'stories:\n- {title: A, text: "|a|\\n|-|\\n|b[^1]|"}\n'
            ""
            '- {title: B, text: "b\\n\\n> [^1]: Note."}\n',
            ["b[1]", RULE, "[1] Note."],
            id="in-a-table-and-in-a-quotation",
        ),
        pytest.param(
            'stories:\n- {title: A, text: "a[^*] b[^fig:1] c[^a_b] d[^é]"}\n'
            '- {title: B, text: "b\\n\\n[^*]: 1\\n[^fig:1]: 2\\n[^a_b]: 3\\n[^é]: 4"}\n',
            ["a[1] b[2] c[3] d[4]", RULE, "[1] 1", "[2] 2", "[3] 3", "[4] 4"],
            id="labels",
        ),
        pytest.param(
            'stories:\n- {title: A, text: "`[^1]` ![a [^1]](https://a.example/b.png) [^**1**]"}\n'
            '- {title: B, text: "b\\n\\n[^1]: Note."}\n',
            ["[^1] a [^1] <https://a.example/b.png> [^1]"],
            id="no-references",
        ),
    ],
)
def test_notes_stand_at_the_end_of_their_section(source: str, expected: list[str]) -> None:
    assert lines(to_text(given(source))) == expected


@pytest.mark.parametrize("theme", ["digest", "letter", "gazette"])
def test_every_theme_writes_them(theme: str) -> None:
    source = (
        'opening: [{text: "a[^1]\\n\\n[^1]: Opening."}]\n'
        'sections:\n- stories: [{title: A, text: "b[^1]"}, {title: B, text: "b\\n\\n[^1]: Section."}]\n'
        '- {heading: Essay, text: "c[^1]\\n\\n[^1]: Essay."}\n'
        'closing: [{text: "d[^1]\\n\\n[^1]: Closing."}]\n'
    )
    made = given(source)
    mjml = to_mjml(replace(made, site=replace(made.site, theme=theme))).text
    found = re.findall(r'<sup>(\d)</sup>|<ol(?: start="(\d)")? class="notes last">\n<li>(\w+)\.</li>', mjml)
    assert ["".join(match) for match in found] == (
        ["1", "Opening", "2", "2Section", "3", "3Essay", "4", "4Closing"]
    )


def test_a_text_with_nothing_but_notes_leaves_no_gap() -> None:
    source = (
        'opening: [{text: "a[^1]"}, {text: "[^1]: Opening."}]\n'
        'sections:\n- text: "[^1]: Section."\n  stories: [{title: A, text: "b[^1] [^2]"}, '
        '{title: B, text: "[^2]: Story.", passages: [{heading: C, text: "[^3]: c"}]}]\n'
    )
    issue = given(source).variables["issue"]
    (section,) = issue["sections"]
    assert len(issue["opening"]) == 1 and section["text"] is None
    assert [len(story["passages"]) for story in section["stories"]] == [1, 1]


MARKDOWN = """\
## One

### A

a[^1] and b[^2]

### B

b[^1] and c[^3]

### [C](https://c.example)

[^1]: First.
[^3]: From a story without a text, see [link].

## Two

### D

d[^1] and e[^2]

### E

e

[^1]: Second.
[^2]: Elsewhere.

[link]: https://l.example
"""


def test_a_definition_in_an_issue_in_markdown_goes_first_in_its_section() -> None:
    assert lines(to_text(given(MARKDOWN, ".md"))) == [
        "a[1] and b[2]",
        "b[1] and c[3]",
        RULE,
        "[1] First.",
        "[2] Elsewhere.",
        "[3] From a story without a text, see link <https://l.example>.",
        "d[4] and e[5]",
        RULE,
        "[4] Second.",
        "[5] Elsewhere.",
    ]


def test_a_text_of_no_section_keeps_its_notes(tmp_path: Path) -> None:
    """A note of `extra`, or of a text that a template has changed, must not be lost."""
    (tmp_path / "footer.mjml.j2").write_text(
        "<mj-section><mj-column><mj-text>{{ issue.extra.a|markdown }}"
        '{{ (issue.stories[0].text ~ " more")|markdown }}{{ issue.stories[0].text|trim|markdown }}'
        "</mj-text></mj-column></mj-section>",
        encoding="utf-8",
    )
    source = 'stories: [{title: A, text: "[^1]: Note.\\n\\na[^1]"}]\nextra: {a: "b[^1]\\n\\n[^1]: Extra."}\n'
    made = given(source)
    page = to_html(replace(made, site=replace(made.site, templates=str(tmp_path))))
    assert re.findall(r"<sup[^>]*>(\d)</sup>|<li[^>]*>(\w+)", page) == [
        *(("1", ""), ("", "Note")),
        *(("2", ""), ("", "Extra")),
        *(("1", ""), ("", "Note")),
        ("1", ""),
    ]
