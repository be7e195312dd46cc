"""Characters that look like YAML's spaces, colons and dashes: each is named, in its own line."""

import pytest

from newsletter.errors import IssueError
from newsletter.issue.model import IssueFile
from newsletter.yamlfile import reader, validation

ISSUE = """\
subject: Leek
preheader: A soup for the first cold evening.
opening:
  - heading: Hello
    text: It is cold.
stories:
  - title: Leek soup
    link: https://soup.example.com/leek
    passages:
      - heading: How
        text: |
          Cut, cook.
          Eat.
"""
SPACES = {
    "\u00a0": "U+00A0 (no-break space)",
    "\u3000": "U+3000 (ideographic space)",
    "\u2003": "U+2003 (em space)",
    "\u202f": "U+202F (narrow no-break space)",
}
INDENTED, AFTER_COLON = "the line is indented with {}; indent it with spaces", "write a space after the colon"


def problems(text: str) -> list[str]:
    try:
        validation.validate(reader.parse(text, "a.yml", IssueError), IssueFile, IssueError)
    except IssueError as refused:
        return [str(problem).removeprefix("a.yml:") for problem in refused.problems]
    return []


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize(
    ("written", "meant", "problem"),
    [
        pytest.param("{4}link:", "    link:", f"8: {INDENTED}", id="a-key"),
        pytest.param("{4}text: It", "    text: It", f"5: {INDENTED}", id="the-last-key"),
        pytest.param("{2}- title", "  - title", f"7: {INDENTED}", id="an-entry"),
        pytest.param("{10}Cut", "          Cut", f"12: {INDENTED}", id="the-start-of-a-text"),
        pytest.param("{10}Eat", "          Eat", f"13: {INDENTED}", id="a-line-of-a-text"),
        pytest.param(
            "subject:{1}Leek", "subject: Leek", f"1: after `subject:` is {{}}; {AFTER_COLON}", id="colon"
        ),
        pytest.param(
            "-{1}title", "- title", "7: after the dash is {}; write a space after the dash", id="dash"
        ),
        pytest.param(
            "subject{1}:", "subject:", "1: before the colon is {}; delete it", id="before-the-colon"
        ),
    ],
)
def test_a_space_that_is_none_of_yaml(space: str, written: str, meant: str, problem: str) -> None:
    text = ISSUE.replace(meant, written.format(*(space * n for n in range(11))))
    assert problems(text) == [problem.format(SPACES[space])]


@pytest.mark.parametrize("space", SPACES)
def test_a_file_that_is_indented_with_them_everywhere(space: str) -> None:
    assert problems(ISSUE.replace("  ", space * 2)) == [f"4: {INDENTED.format(SPACES[space])}"]


def test_two_columns_for_an_ideographic_space() -> None:
    assert problems(ISSUE.replace("    link:", "\u3000\u3000link:")) == [
        f"8: {INDENTED.format(SPACES[chr(0x3000)])}"
    ]


COLON = "which YAML does not read as a colon; write a colon and a space: "
NO_SPACE = "put a space after the colon"
DASH = "which YAML does not read as a dash; begin the entry with a hyphen and a space: `- `"


@pytest.mark.parametrize(
    ("meant", "written", "problem"),
    [
        ("title: ", "title\uff1a", f"7: after `title` is U+FF1A (fullwidth colon), {COLON}`title: `"),
        ("title: ", "title\uff1a ", f"7: after `title` is U+FF1A (fullwidth colon), {COLON}`title: `"),
        ("subject: ", "subject\uff1a", f"1: after `subject` is U+FF1A (fullwidth colon), {COLON}`subject: `"),
        ("text: It", "text\uff1aIt", f"5: after `text` is U+FF1A (fullwidth colon), {COLON}`text: `"),
        ("link: ", "link\ufe55", f"8: after `link` is U+FE55 (small colon), {COLON}`link: `"),
        ("link: ", "link\u2236 ", f"8: after `link` is U+2236 (ratio), {COLON}`link: `"),
        ("title: ", "title = ", f"7: after `title` is U+003D (equals sign), {COLON}`title: `"),
        ("title: ", "title; ", f"7: after `title` is U+003B (semicolon), {COLON}`title: `"),
        (
            "title: Leek",
            "title\uff1aLeek: new",
            f"7: after `title` is U+FF1A (fullwidth colon), {COLON}`title: `",
        ),
        ("title: ", "title:", f"7: there is no space after `title:`; {NO_SPACE}"),
        ("subject: ", "subject:", f"1: there is no space after `subject:`; {NO_SPACE}"),
        ("preheader: ", "preheader:", f"2: there is no space after `preheader:`; {NO_SPACE}"),
        ("text: It", "text:It", f"5: there is no space after `text:`; {NO_SPACE}"),
        ("link: ", "link:", f"8: there is no space after `link:`; {NO_SPACE}"),
        ("text: |", "text:|", f"11: there is no space after `text:`; {NO_SPACE}"),
        ("opening:\n", "ready:true\nopening:\n", f"3: there is no space after `ready:`; {NO_SPACE}"),
        ("soup\n", "soup\n    more_authors:3\n", f"8: there is no space after `more_authors:`; {NO_SPACE}"),
        ("leek\n", "leek\n    more_authors:3\n", f"9: there is no space after `more_authors:`; {NO_SPACE}"),
        ("- heading: Hello\n    text:", "- text:", None),
        ("- heading: Hello\n    text: ", "- text:", f"4: there is no space after `text:`; {NO_SPACE}"),
        (
            "- heading: Hello\n    text: It is cold.",
            "- {text:It}",
            f'4: opening[0]."text:It": there is no space after `text:`; {NO_SPACE}',
        ),
        (ISSUE, "subject\uff1aLeek", f"1: after `subject` is U+FF1A (fullwidth colon), {COLON}`subject: `"),
        (
            "- title",
            "-title",
            "7: there is no space after the dash; begin the entry with a hyphen and a space: `- `",
        ),
        ("- title", "\uff0d title", f"7: the line begins with U+FF0D (fullwidth hyphen-minus), {DASH}"),
        ("- title", "\uff0dtitle", f"7: the line begins with U+FF0D (fullwidth hyphen-minus), {DASH}"),
        ("- title", "\u2022 title", f"7: the line begins with U+2022 (bullet), {DASH}"),
        ("- title", "\u2013 title", f"7: the line begins with U+2013 (en dash), {DASH}"),
    ],
)
def test_a_colon_or_a_dash_that_yaml_does_not_read(meant: str, written: str, problem: str | None) -> None:
    found = problems(ISSUE.replace(meant, written))
    assert found[:1] == ([problem] if problem else [])


def test_a_text_may_have_all_lookalikes() -> None:
    text = (
        "\u3000\u3000注意\uff1a这个\n          title\uff1ax\n          \u2022 title: y\n          -title:z\n"
    )
    assert problems(ISSUE.replace("Eat.\n", text)) == []
    assert problems(ISSUE.replace("It is cold.", "请看\n      注意\uff1a这个\n      See:this")) == []
    assert problems(ISSUE + "extra: {a:b: c, '\u00a0': d}\n") == []


def test_another_mistake_is_not_blamed_on_lookalikes() -> None:
    text = ISSUE.replace("Eat.\n", "title\uff1ax\n") + "closing:\n  - heading: a: b\n"
    assert [problem.partition(" here")[0] for problem in problems(text)] == ['15: YAML reads a ": "']


def test_a_file_is_searched_for_lookalikes_within_a_limit() -> None:
    text = "title\uff1a" + "x" * 200_000 + "\nsubject: Leek\n"
    assert [problem.partition(" here")[0] for problem in problems(text)] == ['2: YAML reads a ": "']
