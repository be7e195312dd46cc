"""Tests of Markdown, wrapping and dates without templates."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.render import filters, markdown
from newsletter.render.commonmark import parser
from newsletter.render.template_data import template_data
from newsletter.render.wrapping import wrap
from tests.render import material


@pytest.mark.parametrize(
    ("source", "html", "plain"),
    [
        pytest.param(
            "a **b** *c* `d`",
            '<p class="last">a <strong>b</strong> <em>c</em> <code>d</code></p>',
            "a b c d",
            id="emphasis",
        ),
        pytest.param("a\nb", '<p class="last">a\nb</p>', "a b", id="soft-break"),
        pytest.param("a\\\nb", '<p class="last">a<br />\nb</p>', "a\nb", id="hard-break"),
        pytest.param(
            "[a *b*](https://c.example)",
            '<p class="last"><a href="https://c.example">a <em>b</em></a></p>',
            "a b <https://c.example>",
            id="link",
        ),
        pytest.param(
            "<https://c.example/ü>",
            '<p class="last"><a href="https://c.example/%C3%BC">https://c.example/ü</a></p>',
            "https://c.example/%C3%BC",
            id="autolink",
        ),
        pytest.param(
            "<a@b.example>",
            '<p class="last"><a href="mailto:a@b.example">a@b.example</a></p>',
            "a@b.example",
            id="mail",
        ),
        pytest.param(
            "[](https://c.example)",
            '<p class="last"><a href="https://c.example"></a></p>',
            "https://c.example",
            id="link-without-words",
        ),
        pytest.param(
            "- a\n- b", '<ul class="last">\n<li>a</li>\n<li>b</li>\n</ul>', "- a\n- b", id="tight-list"
        ),
        pytest.param(
            "- a\n\n- b",
            '<ul class="last">\n<li>\n<p>a</p>\n</li>\n<li>\n<p>b</p>\n</li>\n</ul>',
            "- a\n\n- b",
            id="loose-list",
        ),
        pytest.param(
            "9. a\n   - b\n10. c",
            '<ol start="9" class="last">\n<li>a\n<ul>\n<li>b</li>\n</ul>\n</li>\n<li>c</li>\n</ol>',
            "9. a\n   - b\n10. c",
            id="nested",
        ),
        pytest.param(
            "> a\n>\n> - b",
            '<blockquote class="last">\n<p>a</p>\n<ul>\n<li>b</li>\n</ul>\n</blockquote>',
            "> a\n> \n> - b",
            id="quote",
        ),
        pytest.param(
            "```py\na < b\n```",
            '<pre><code class="language-py">a &lt; b\n</code></pre>',
            "    a < b",
            id="fence",
        ),
        pytest.param("a\n\n---", "<p>a</p>\n<hr />", "a\n\n* * *", id="rule"),
        pytest.param(
            "# a\n### b\n## c", "<h4>a</h4>\n<h6>b</h6>\n<h5>c</h5>", "a\n-\n\nb\n~\n\nc\n~", id="headings"
        ),
        pytest.param("### a", "<h4>a</h4>", "a\n-", id="headings-start-below-the-passages"),
    ],
)
def test_markdown(source: str, html: str, plain: str) -> None:
    assert markdown.to_html(source) == html
    assert markdown.to_text(source) == plain


def test_both_parts_share_one_reading() -> None:
    before = parser.parse.cache_info().misses
    markdown.to_html("Never read before.")
    markdown.to_text("Never read before.")
    assert parser.parse.cache_info().misses == before + 1


@pytest.mark.parametrize("nested", [">" * 45 + " word", "".join("  " * n + "- word\n" for n in range(20))])
def test_deep_nesting_ends(nested: str) -> None:
    assert "word" in markdown.to_html(nested)
    assert "word" in markdown.to_text(nested)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        pytest.param("one two three", ["one two", "three"], id="words"),
        pytest.param("  one \t\n two ", ["one two"], id="spaces"),
        pytest.param("", [""], id="nothing"),
        pytest.param("one\u00a0two three", ["one\u00a0two", "three"], id="no-break-space"),
        pytest.param("a https://example.com/path b", ["a", "https://example.com/path", "b"], id="address"),
        pytest.param("a" * 45, ["a" * 20, "a" * 20, "a" * 5], id="long-word"),
        pytest.param("a" * 19 + "e\u0301" * 2, ["a" * 19 + "e\u0301", "e\u0301"], id="accent"),
        pytest.param("a" * 18 + "👩\u200d👩", ["a" * 18, "👩\u200d👩"], id="joined-emoji"),
    ],
)
def test_wrap(text: str, lines: list[str]) -> None:
    width = 20 if max(map(len, text.split(" "))) > 19 else 10
    assert wrap(text, width).split("\n") == lines


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.text("ab \n", max_size=200), st.integers(1, 30), st.sampled_from(["", "  ", " " * 25]))
def test_ascii_wraps_like_other_letters_of_one_column(text: str, width: int, prefix: str) -> None:
    wrapped = wrap(text.replace("b", "é"), width, prefix)
    assert wrap(text, width, prefix) == wrapped.replace("é", "b")


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        pytest.param("汤" * 15, ["汤" * 10, "汤" * 5], id="columns"),
        pytest.param("汤" * 10 + "，" + "汤" * 3, ["汤" * 9, "汤，汤汤汤"], id="no-comma-at-the-start"),
        pytest.param("汤" * 9 + "「汤汤」", ["汤" * 9, "「汤汤」"], id="no-bracket-at-the-end"),
        pytest.param(
            "テスト" * 3 + "ショー" * 2, ["テスト" * 3, "ショーショー"], id="small-kana-and-long-vowel"
        ),
        pytest.param("汤" * 8 + "soup汤", ["汤" * 8 + "soup", "汤"], id="beside-latin-words"),
        pytest.param("汤" * 9 + "soup", ["汤" * 9, "soup"], id="latin-word-is-whole"),
        pytest.param("한국어는 띄어쓰기를 합니다", ["한국어는 띄어쓰기를", "합니다"], id="korean-has-spaces"),
        pytest.param(
            "请看https://example.com/a/long/path，谢谢",
            ["请看", "https://example.com/a/long/path，", "谢谢"],
            id="address-without-spaces",
        ),
        pytest.param(
            "请看 <https://example.com/a/long/path> 谢谢",
            ["请看", "<https://example.com/a/long/path>", "谢谢"],
            id="address-in-brackets",
        ),
        pytest.param("^" * 21, ["^" * 20, "^"], id="carets"),
        pytest.param("👍🏽" * 6, ["👍🏽" * 5, "👍🏽"], id="skin-colours"),
    ],
)
def test_wrap_by_columns(text: str, lines: list[str]) -> None:
    assert wrap(text, 20).split("\n") == lines


def test_wrap_indents() -> None:
    assert (
        wrap("1. one two three four five six seven", 20, prefix="   ")
        == "1. one two three\n   four five six\n   seven"
    )


@pytest.mark.parametrize(
    ("day", "words"),
    [
        pytest.param(date(2026, 5, 6), "4 \N{EN DASH} 10 May 2026", id="month"),
        pytest.param(date(2026, 4, 27), "27 April \N{EN DASH} 3 May 2026", id="two-months"),
        pytest.param(date(2026, 12, 31), "28 December 2026 \N{EN DASH} 3 January 2027", id="two-years"),
    ],
)
def test_week(day: date, words: str) -> None:
    given = template_data(material.issue(date=day), material.site())
    assert filters.week(given["issue"], given["labels"]) == words


def test_capitals_leave_placeholders() -> None:
    assert filters.capitals("Hello [[name]], [dear] ß") == "HELLO [[name]], [DEAR] SS"
