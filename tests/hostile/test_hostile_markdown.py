"""Hostile Markdown takes time, and makes HTML, in proportion to its length."""

from collections.abc import Callable

import pytest

from newsletter.render import markdown
from newsletter.render.commonmark import one_line, parser
from tests.hostile.growth import MAX_RATIO, ratio

PIECES = {
    "comments-without-end": "<!--",
    "comment-lines-without-end": "<!-- a\n",
    "comment-lines-in-quotations": "> <!-- a\n",
    "comments-in-labels": "[<!--](a)",
    "schemes": "a://",
    "addresses": "http://",
    "addresses-of-one-word": "https://a",
    "notes": "[^{0}]\n\n[^{0}]: a\n\n",
    "references-to-one-note": "[^a]",
    "definitions-of-one-note": "[^a]: b\n\n",
    "notes-in-notes": "[^a]: [^a]",
    "strikethrough": "~~a ",
    "tildes": "~",
    "stars-beside-ideographs": "汤**",
    "ideographs": "汤\n",
    "tasks": "- [ ] a\n",
    "headings": "# a\n\n",
    "rows": "|a\n",
    "cells-of-code": "|`a",
    "pictures-with-attributes": "![a](b){width=",
    "pictures-in-links": "[![a](b)](c)",
    "captions": '![a](b "[c](d)")',
}


def repeated(piece: str, length: int) -> str:
    head = "|a|b|c|\n|-|-|-|\n" if piece.startswith("|") else "[^a]: b\n\n" if piece == "[^a]" else ""
    return head + "".join(piece.replace("{0}", str(number)) for number in range(length // len(piece)))


@pytest.mark.parametrize("name", PIECES)
def test_markdown_is_converted_in_linear_time(name: str) -> None:
    def run(length: int) -> Callable[[], object]:
        source = repeated(PIECES[name], length)

        def convert() -> object:
            parser.parse.cache_clear()
            one_line._tokens.cache_clear()
            return markdown.to_html(source), markdown.to_text(source)

        return convert

    run(100)()
    assert ratio(run, 6_000) <= MAX_RATIO


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("|a" * 1_500 + "|\n" + "|-" * 1_500 + "|\n", id="columns"),
        pytest.param(
            "|a" * 250 + "|\n" + "|-" * 250 + "|\n" + "a\n" * 1_000, id="short-rows-of-a-wide-table"
        ),
        pytest.param("|a" * 20 + "|\n" + "|-" * 20 + "|\n" + "a\n" * 1_500, id="short-rows"),
        pytest.param("|a" * 20 + "|\n" + "|-" * 20 + "|\n" + "|\n" * 1_500, id="empty-rows"),
    ],
)
def test_converted_markdown_grows_in_proportion(source: str) -> None:
    """3 KB became 664 KB: markdown-it fills up the cells of short rows."""
    assert len(markdown.to_html(source)) < 30 * len(source)
    assert len(markdown.to_text(source)) < 30 * len(source)


@pytest.mark.parametrize(
    "source",
    [
        pytest.param(">" * 400 + " word", id="quotations"),
        pytest.param("".join("  " * n + "- word\n" for n in range(200)), id="lists"),
        pytest.param("[" * 5_000 + "word", id="brackets"),
        pytest.param("".join(f"[^{n}]: [^{n + 1}] word\n\n" for n in range(300)), id="notes"),
        pytest.param("".join("    " * n + "[^a]: word\n\n" for n in range(100)), id="notes-in-notes"),
        pytest.param("![" * 200 + "word" + "](a)" * 200, id="pictures-in-pictures"),
    ],
)
def test_deep_nesting_ends(source: str) -> None:
    assert isinstance(markdown.to_html(source), str) and isinstance(markdown.to_text(source), str)


@pytest.mark.parametrize(
    "source",
    [
        '![a](https://a.example/" onerror="x "b" onload="y")',
        '![" onerror="x](https://a.example/b.png)',
        "![a](https://a.example/b.png '<script>x</script>'){onerror=x style=y width=300}",
        "![a](https://a.example/b.png){width='1\" onload=\"x'}",
        "[a](javascript:x) <javascript:x> javascript://x ![a](javascript:x)",
        '[a](data:text/html,x) https://a.example/"onclick=x',
        'a[^"><script>]\n\n[^"><script>]: <script>',
        "|a|\n|-|\n|<script>|",
    ],
)
def test_no_markup_of_the_text_becomes_that_of_the_mail(source: str) -> None:
    page = markdown.to_html(source) + markdown.inline_html(source, links=True)
    assert "<script" not in page
    assert 'href="javascript' not in page and 'src="javascript' not in page
    for attribute in ("onerror", "onload", "onclick"):
        assert f'" {attribute}=' not in page and f'"{attribute}=' not in page.replace("&quot;", "")
