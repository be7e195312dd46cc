"""Issues in Markdown that a stranger wrote: to read one takes a time in proportion to its length."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from newsletter.errors import IssueError
from newsletter.issue import files
from newsletter.issue.markdown import document
from newsletter.issue.markdown.blocks import linked_title
from tests.hostile.growth import MAX_RATIO, ratio

FRONT = "---\nsubject: Soup\npreheader: A soup for the first cold evening.\n---\n"
LARGE = 8_000


@pytest.mark.parametrize(
    ("piece", "length"),
    [
        pytest.param("### [a{}](https://a.example)\nx\n\n#### b\nx\n\n", LARGE, id="stories"),
        pytest.param("### a\n```yaml\ntags: [a]\n```\n", LARGE, id="blocks-of-keys"),
        pytest.param("### [[[[a{}](b)\n\n", LARGE, id="brackets-in-headings"),
        pytest.param("<!-- {} " + "x" * 200 + "\n\n", 400_000, id="comments-without-end"),
        pytest.param("> <!-- {}\n\n", LARGE, id="comments-in-quotations-without-end"),
        pytest.param("> - ", LARGE, id="quotations-of-lists"),
        pytest.param("## a{0}\n[a][b{0}] [c]\n\n[b{0}]: c\n[c]: d\n\n", LARGE, id="definitions"),
        pytest.param("[^a{}]: b [^a{}] [^a0]\n", LARGE, id="notes"),
        pytest.param("## a\n### b\n[^{}]\n\n[^{}]: [^0] c\n\n", LARGE, id="notes-in-sections"),
        pytest.param("### a\n[^{}] [^0]\n\n[^1{}]: c\n\n", LARGE, id="notes-of-other-stories"),
        pytest.param("[a ", LARGE, id="brackets"),
        pytest.param("```\n", LARGE, id="code"),
        pytest.param("a\n---\n", LARGE, id="underlines"),
    ],
)
def test_an_issue_is_read_in_linear_time(piece: str, length: int) -> None:
    def run(length: int) -> Callable[[], object]:
        body = "".join(piece.format(*[number] * piece.count("{")) for number in range(length // len(piece)))

        def read() -> None:
            with suppress(IssueError):
                document.parse(FRONT + body, "a.md")

        return read

    run(100)()  # the first run also builds the parser
    assert ratio(run, length) <= MAX_RATIO


ALIASES = "x: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\ntags: [" + "*a, " * 50 + "*a]\n"


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        pytest.param("x\n" * 20_000, ":20001: the file has more than 20,000 lines", id="lines"),
        pytest.param("## a\n" * 5_100, ": the file has more than 10,000 values up to here", id="headings"),
        pytest.param(
            f"### a\n```yaml\n{ALIASES}```\n" * 30, ": the file has more than 10,000 values", id="aliases"
        ),
        pytest.param(
            "### a\n```yaml\ntags: " + "[" * 3_000 + "\n```\n",
            ":7: values are nested deeper than",
            id="nested",
        ),
        pytest.param(
            f"## [{'*a_' * 1_300}](x)\n" * 30,
            ": the headings up to here have more than 100,000 characters",
            id="long-headings",
        ),
        pytest.param(
            "## a\n[a]\n" * 1_000 + f"\n[a]: {'x' * 3_000}\n",
            ": the definitions of links and notes are longer than 2,000,000 characters",
            id="definitions",
        ),
        pytest.param(
            f"### {'[' * 3_000}\nx", ":5: sections[0].stories[0].title is 3000 characters", id="title"
        ),
        pytest.param(">" * 3_000 + " ### a\n", "", id="deep-quotations"),
        pytest.param("- " * 3_000 + "### a\n", "", id="deep-lists"),
    ],
)
def test_an_issue_beyond_a_limit_is_refused_with_its_line(tmp_path: Path, body: str, problem: str) -> None:
    path = tmp_path / "2026-05-04.md"
    path.write_text(FRONT + body, encoding="utf-8")
    if not problem:
        assert files.load(path).opening
        return
    with pytest.raises(IssueError) as raised:
        files.load(path)
    assert any(problem in str(one) for one in raised.value.problems), raised.value.problems[:3]


def test_a_heading_of_many_brackets_is_no_link() -> None:
    assert linked_title("[" * 3_000 + "](x)" * 3_000, {})[1] is None
    many = f"[{'[a] ' * 30}](https://a.example)"
    assert linked_title(many, {}) == (many, None)
