"""Marks of blocks that Markdown did not take are found, and text that only begins like one is left alone."""

from pathlib import Path

import pytest

from newsletter.checks.content.stray_markdown import stray_markdown
from newsletter.checks.proof import Proof
from newsletter.config import loader
from newsletter.errors import Problem
from newsletter.issue import files
from newsletter.render.markdown import to_html
from newsletter.render.model import Rendered
from tests import samples

MONTHS = "labels: {months: Januar Februar März April Mai Juni Juli August September Oktober Nov Dez}\n"


def problems(folder: Path, text: str, extra: str = "") -> list[Problem]:
    indented = "\n".join(f"      {line}" for line in f"Text.\n\n{text}".split("\n"))
    issue = samples.ISSUE.replace("text: It is **cold** outside.", f"text: |\n{indented}")
    samples.write(folder, issue=issue, extra=extra)
    loaded = files.load(folder / "issues" / "2026-04-27.yml")
    newsletter = loader.load(folder, {}, review=True)
    return list(stray_markdown(Proof(loaded, Rendered("", "", "", ""), newsletter)))


@pytest.mark.parametrize("space", ["\u00a0", "\u3000", "\u202f", "\u2003", "\u2009"])
@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("#{} Heading", 9),
        ("###{}Heading", 9),
        ("-{}one\n-{}two", 9),
        ("*{}one", 9),
        ("+{}one", 9),
        ("1.{}one\n2.{}two", 9),
        ("1){}one", 9),
        ("7.{}one\n8.{}two", 9),
        ("> said\n> -{}one", 10),
        (">{}said\n>{}more", 9),
        (">{}- one", 9),
        ("Text\n-{}one", 10),
    ],
)
def test_another_space_after_a_mark(tmp_path: Path, text: str, line: int, space: str) -> None:
    (problem,) = problems(tmp_path, text.replace("{}", space))
    assert problem.place[1] == line and problem.severity == "warning"
    assert "write an ordinary space after" in problem.fix and f"U+{ord(space):04X}" in problem.fix


@pytest.mark.parametrize(
    ("text", "fix"),
    [
        ("-one", 'write a space after "-"'),
        ("-one\n-two", 'write a space after "-"'),
        ("-One\n-Two\n-Three", 'write a space after "-"'),
        ("We need:\n-Leek", 'write a space after "-"'),
        ("-[ ] leek\n-[x] salt", 'write a space after "-"'),
        ("+one\n+two", 'write a space after "+"'),
        ("1.one\n2.two", 'write "1. " with a space'),
        ("1)one\n2)two", 'write "1. " with a space'),
        ("\uff11\uff0eone\n\uff12\uff0etwo", 'write "1. " with a space'),
        ("\u2022 one", 'write "- " in the place of "\u2022"'),
        ("\u2022one\n\u2022two", 'write "- " in the place of "\u2022"'),
        ("\u2023 one", 'write "- " in the place of "\u2023"'),
        ("\u25e6 one\n\u25e6 two", 'write "- " in the place of "\u25e6"'),
        ("\u00b7 one\n\u00b7 two", 'write "- " in the place of "\u00b7"'),
        ("\u25cf one\n\u25cf two", 'write "- " in the place of "\u25cf"'),
        ("\u2013 one\n\u2013 two", 'write "- " in the place of "\u2013"'),
        ("\u30fb\u30cd\u30ae\n\u30fb\u5869", 'write "- " in the place of "\u30fb"'),
        ("\u2713 one\n\u2713 two", 'write "- " in the place of "\u2713"'),
        ("#Heading", "put a space after the #; for a hashtag, write \\#"),
        ("#Heading of a few words", "put a space after the #"),
        ("##heading\nText", "put a space after the #"),
        ("###DIY soups", "put a space after the #"),
        ("#\u6807\u9898", "put a space after the #"),
        ("\uff03 \u6807\u9898", 'write "# " in the place of "\uff03"'),
        ("\uff1e \u5f15\u7528", 'write "> " in the place of "\uff1e"'),
        ("(page)[https://example.com]", "write [text](https://…): square"),
        ("See (the page) [www.example.com].", "write [text](https://…): square"),
        ("(mail)[mailto:a@example.com]", "write [text](https://…): square"),
        ("\uff3b\u9875\uff3d\uff08https://example.com\uff09", "write [text](https://…) with ordinary"),
        ("\u3010\u9875\u3011(https://example.com)", "write [text](https://…) with ordinary brackets"),
        ("[\u9875]\uff08https://example.com\uff09", "write [text](https://…) with ordinary brackets"),
        ("\u3014\u9875\u3015(www.example.com)", "write [text](https://…) with ordinary brackets"),
        ("\uff0a\uff0a\u91cd\u70b9\uff0a\uff0a", "write **bold** with ordinary asterisks"),
        ("\uff40code\uff40", "write `code` with ordinary backticks"),
    ],
)
def test_a_mark_that_readers_would_see(tmp_path: Path, text: str, fix: str) -> None:
    (problem,) = problems(tmp_path, text)
    assert problem.fix.startswith(fix)
    assert problem.place[1] == (10 if text.startswith("We need") else 9)


@pytest.mark.parametrize(
    "text",
    [
        "#ICYDNCI the soup is back",
        "#Throwback to the first soup.",
        "#soup is what we cook",
        "#MeToo and #Leek",
        "#Leek is a vegetable that you can\ncook in a soup",
        "\\#Heading",
        "#1 of the week and C# and # alone",
        "# Heading\n\n- one\n- two\n\n1. one\n\n> said",
        ">said\n>more",
        ">\u00a0said",
        "- \u00a0one\n\na\u00a0-\u00a0b",
        "3.\u00a0Liga and 20.\u00a0Jahrhundert",
        "In the year\n1.\u00a0Mai",
        "1.\u00a0Mai ist frei",
        "-5 \u00b0C and +5 %",
        "-Ada",
        "Yours,\n-Ada",
        "Use the options\n-v or nothing",
        "\u2013 Bonjour.\n\n\u2013 Salut.",
        "\u2013 Bonjour.  \n\u2013 Salut.",
        "\u2013 said Ada\nand left",
        "a \u2022 b \u00b7 c",
        "`#Heading`\n\n    -one\n    -two\n\n```\n\u2022 one\n#\u00a0Heading\n```",
        "(see [the page](https://example.com)) (page) [1] [\u2026](https://example.com)",
        "\u3010\u516c\u544a\u3011 \u5f00\u4f1a\uff08https://example.com\uff09",
        "\uff0a note and \uff08a\uff09 and \uff3bb\uff3d",
        "1.5 litres\n2.5 litres",
    ],
)
def test_other_text_is_left_alone(tmp_path: Path, text: str) -> None:
    assert problems(tmp_path, text, MONTHS) == []


def test_markdown_takes_a_quotation_before_a_no_break_space() -> None:
    assert to_html(">\u00a0said") == '<blockquote class="last">\n<p>said</p>\n</blockquote>'


def test_a_line_has_one_finding_however_many_there_are(tmp_path: Path) -> None:
    assert len(problems(tmp_path, "-one\n-two\n" * 500)) == 1


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        pytest.param("##Soup\n\n##Soup", [9, 11], id="twice"),
        pytest.param("Text ##Soup in a text\n\n##Soup", [11], id="in-a-text-before"),
        pytest.param("##Soup with `code`", [9], id="with-code"),
    ],
)
def test_a_mark_has_its_own_line(tmp_path: Path, text: str, lines: list[int]) -> None:
    assert [problem.place[1] for problem in problems(tmp_path, text)] == lines
