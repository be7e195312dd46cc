"""Tests of Markdown beyond CommonMark: tables, notes, tasks, pictures, comments, addresses, East Asia."""

import pytest

from newsletter.render import markdown
from newsletter.render.commonmark import inspection, parser, prose
from newsletter.render.commonmark.notes import number_notes, with_own_notes
from newsletter.render.markdown_context import MarkdownContext, rendering
from newsletter.render.pictures import Picture

STYLE = "max-width:100%;height:auto;vertical-align:top;background-color:#ffffff;color:#4b5563"
TABLE = "| Model | Score |\n|:--|--:|\n| **A** | 81.2 |\n| B \\| C | 9 |"


def html(source: str) -> str:
    """Return the HTML of a passage in one line, without the class of the last block."""
    return (
        markdown.to_html(source, 2)
        .replace("\n", "")
        .replace(' class="last"', "")
        .replace(" last", "")
        .replace('<table class="whole">', "<table>")
    )


def row(*cells: str, tag: str = "td") -> str:
    left, right = cells
    return (
        f'<tr><{tag} style="text-align:left">{left}</{tag}>'
        f'<{tag} style="text-align:right">{right}</{tag}></tr>'
    )


@pytest.mark.parametrize(
    ("source", "page", "plain"),
    [
        pytest.param("~~81.2~~ 82.0", "<p><del>81.2</del> 82.0</p>", "~~81.2~~ 82.0", id="strikethrough"),
        pytest.param("a ~b~ c", "<p>a ~b~ c</p>", "a ~b~ c", id="one-tilde"),
        pytest.param(
            "- [x] a\n- [ ] b",
            '<ul class="tasks"><li>☑\ufe0e a</li><li>☐\ufe0e b</li></ul>',
            "- [x] a\n- [ ] b",
            id="tasks",
        ),
        pytest.param(
            "- [x] a\n\n  more\n- b",
            "<ul><li><p>☑\ufe0e a</p><p>more</p></li><li><p>b</p></li></ul>",
            "- [x] a\n\n  more\n\n- b",
            id="task-among-others",
        ),
        pytest.param("- [x]done", "<ul><li>[x]done</li></ul>", "- [x]done", id="no-task"),
        pytest.param(
            "a[^x] b[^y] c[^x]\n\n[^y]: Two.\n[^x]: *One*.",
            '<p>a<sup>1</sup> b<sup>2</sup> c<sup>1</sup></p><ol class="notes"><li><em>One</em>.</li>'
            "<li>Two.</li></ol>",
            "a[1] b[2] c[1]\n\n[1] One.\n[2] Two.",
            id="notes",
        ),
        pytest.param(
            "a[^x]\n\n[^x]: One.\n\n    More.",
            '<p>a<sup>1</sup></p><ol class="notes"><li><p>One.</p><p>More.</p></li></ol>',
            "a[1]\n\n[1] One.\n\n    More.",
            id="note-of-two-paragraphs",
        ),
        pytest.param("a[^x] ^[b]", "<p>a[^x] ^[b]</p>", "a[^x] ^[b]", id="no-note"),
        pytest.param(
            "see https://example.com/a_b_c. train.py www.c.example v2.io a@b.example",
            '<p>see <a href="https://example.com/a_b_c">https://example.com/a_b_c</a>. train.py '
            "www.c.example v2.io a@b.example</p>",
            "see https://example.com/a_b_c. train.py www.c.example v2.io a@b.example",
            id="addresses",
        ),
        pytest.param(
            "请看https://example.com，谢谢",
            '<p>请看<a href="https://example.com">https://example.com</a>，谢谢</p>',
            "请看https://example.com，谢谢",
            id="address-after-an-ideograph",
        ),
        pytest.param(
            "`https://a.example` [x https://b.example](https://c.example) xhttps://d.example",
            '<p><code>https://a.example</code> <a href="https://c.example">x https://b.example</a> '
            "xhttps://d.example</p>",
            "https://a.example x https://b.example <https://c.example>\nxhttps://d.example",
            id="no-addresses",
        ),
        pytest.param(
            "https://example.com/[[name]]",
            "<p>https://example.com/[[name]]</p>",
            "https://example.com/[[name]]",
            id="address-with-a-placeholder",
        ),
        pytest.param(":rocket: :+1:", "<p>:rocket: :+1:</p>", ":rocket: :+1:", id="emoji"),
        pytest.param("a <!-- b\nc --> d", "<p>a  d</p>", "a d", id="comment"),
        pytest.param("<!-- a\n\n**b** --> c", "<p>c</p>", "c", id="comment-over-paragraphs"),
        pytest.param("<!-- a --> <!--\n\nb -->\n\nc", "<p>c</p>", "c", id="two-comments"),
        pytest.param("<!-- a --> **b**", "<p> <strong>b</strong></p>", "b", id="text-behind-a-comment"),
        pytest.param(
            "> <!-- a\n> b -->\n> c", "<blockquote><p>c</p></blockquote>", "> c", id="comment-in-a-quotation"
        ),
        pytest.param(
            "`<!-- a -->`\n\n    <!-- b -->\n\nc <!-- d",
            "<p><code>&lt;!-- a --&gt;</code></p><pre><code>&lt;!-- b --&gt;</code></pre><p>c &lt;!-- d</p>",
            "<!-- a -->\n\n    <!-- b -->\n\nc <!-- d",
            id="no-comments",
        ),
        pytest.param(
            "# a\n#### b\n## c\n### d",
            "<h3>a</h3><h6>b</h6><h4>c</h4><h5>d</h5>",
            "a\n-\n\nb\n~\n\nc\n~\n\nd\n~",
            id="headings",
        ),
        pytest.param(
            TABLE,
            f"<table><thead>{row('Model', 'Score', tag='th')}</thead><tbody>"
            f"{row('<strong>A</strong>', '81.2')}{row('B | C', '9')}</tbody></table>",
            "Model  Score\n-----  -----\nA       81.2\nB | C      9",
            id="table",
        ),
        pytest.param(
            "|a|b|c|\n|-|-|-|\n|1|",
            "<table><thead><tr><th>a</th><th>b</th><th>c</th></tr></thead><tbody>"
            '<tr><td>1</td><td colspan="2"></td></tr></tbody></table>',
            "a  b  c\n-  -  -\n1",
            id="short-row",
        ),
        pytest.param(
            "![a *b*](https://c.example/d.png)",
            f'<p><img src="https://c.example/d.png" alt="a b" width="528" style="{STYLE}" /></p>',
            "a b <https://c.example/d.png>",
            id="picture",
        ),
        pytest.param(
            '![a](https://c.example/d.png "e `f` [g](https://h.example)"){width=300}',
            f'<p><img src="https://c.example/d.png" alt="a" width="300" style="{STYLE}" /><br />'
            '<span class="caption">e <code>f</code> <a href="https://h.example">g</a></span></p>',
            "a <https://c.example/d.png>\ne f g",
            id="picture-with-a-caption",
        ),
        pytest.param(
            '[![a](https://c.example/d.png "e [g](https://h.example)")](https://i.example)',
            f'<p><a href="https://i.example"><img src="https://c.example/d.png" alt="a" width="528" '
            f'style="{STYLE}" /><br /><span class="caption">e g</span></a></p>',
            "a <https://i.example>",
            id="picture-in-a-link",
        ),
    ],
)
def test_a_text_in_html_and_as_plain_text(source: str, page: str, plain: str) -> None:
    assert html(source) == page
    assert markdown.to_text(source) == plain


@pytest.mark.parametrize("width", ["50%", "0", "-3", "9" * 400, "x", ""])
def test_a_width_that_is_no_number_is_that_of_the_mail(width: str) -> None:
    assert ' width="528" ' in html(f'![a](https://c.example/d.png){{width="{width}"}}')


@pytest.mark.parametrize(
    "source",
    [
        "**注意：**请看",
        "这是**“重要”**的。",
        "これは**「重要」**です。",
        "**这是重点。**这里",
        "``**`npm publish`**를``"[2:-2],
        "**스크립트(script)**라고",
        '**"중요"**합니다',
        "请看**[链接](https://u.example)**页",
        "**《论文》**作者",
        "**Transformer（变压器）**模型",
        "**¥100,-**割引",
        "**テスト。**テスト",
        "**「重点」**内容",
        "**重要！**🎉",
        "版本**v1.0**发布",
        "~~“删”~~了",
        "*（注）*后文",
        "a**b**c",
    ],
)
def test_emphasis_beside_cjk(source: str) -> None:
    assert not set("*~") & set(html(source))


@pytest.mark.parametrize(
    "source", ["5 ** 3 と 2 ** 4", "**„Achtung!“**dann", "Das **„Wort“**spiel", "__注意：__请看"]
)
def test_marks_without_emphasis_stay_text(source: str) -> None:
    assert html(source) == f"<p>{source}</p>"


@pytest.mark.parametrize(
    ("source", "plain"),
    [
        ("第一行\n第二行", "第一行第二行"),
        ("これは\n「重要」\nです。", "これは「重要」です。"),
        ("**第一行**\n第二行", "第一行第二行"),
        ("第一行\nsoup", "第一行 soup"),
        ("한국어\n문장", "한국어 문장"),
        ("汤\n🎉", "汤 🎉"),
        ("汤  \n汤", "汤\n汤"),
    ],
)
def test_line_ends_between_ideographs(source: str, plain: str) -> None:
    assert markdown.to_text(source) == plain


def test_a_wide_table_is_written_row_by_row() -> None:
    head = "| Model | " + "long " * 8 + "| " + "head " * 8 + "|\n|-|-|-|\n"
    text = markdown.to_text(head + "| A | 1 | 2 |\n| B | | 3 |")
    long, other = " ".join(["long"] * 8), " ".join(["head"] * 8)
    assert text == f"A\n{long}: 1\n{other}: 2\n\nB\n{other}: 3"


def test_cells_of_a_table_are_aligned_by_columns() -> None:
    assert markdown.to_text("|名|n|\n|-|-|\n|汤汤|1|\n|a|2|") == "名    n\n----  -\n汤汤  1\na     2"


def test_the_context_numbers_notes_and_resolves_pictures() -> None:
    source = "a[^1] ![b](pictures/c.png)\n\n[^1]: Note."
    picture = Picture("https://site.example/pictures/c.png", 200, 100)
    texts = {source: with_own_notes(source, 4)}
    with rendering(MarkdownContext(texts, {"pictures/c.png": picture})):
        page, plain = html(source), markdown.to_text(source)
    assert "<sup>4</sup>" in page and '<ol start="4" class="notes">' in page
    assert 'src="https://site.example/pictures/c.png" alt="b" width="200"' in page
    assert plain == "a[4] b <https://site.example/pictures/c.png>\n\n[4] Note."


def test_definitions_and_references_have_their_lines_and_mistakes() -> None:
    numbered = number_notes(["a[^1]\n\n[^1]: b\n\n> [^2]: c\n\n[^1]: d", "e\n\n- f[^1] `[^x]`\n  g[^3]"])
    found = [(one.label, one.line, mistake) for _, one, mistake in numbered.faults]
    assert found == [("2", 4, "unused"), ("1", 6, "repeated")]
    assert [reference for _, reference in numbered.missing] == [("3", 3)]
    assert parser.parse("[^e f]: g").links == (("E F", 0),)


@pytest.mark.parametrize(
    ("source", "page", "links", "plain"),
    [
        (
            "**a** *b* `c` ~~d~~",
            "<strong>a</strong> <em>b</em> <code>c</code> <del>d</del>",
            None,
            "a b c ~~d~~",
        ),
        (
            "[a `b`](https://c.example)",
            "a <code>b</code>",
            '<a href="https://c.example">a <code>b</code></a>',
            "a b",
        ),
        (
            "https://c.example",
            "https://c.example",
            '<a href="https://c.example">https://c.example</a>',
            "https://c.example",
        ),
        (
            "&amp; <b> \\*a\\* [[name]] <!-- d -->",
            "&amp;amp; &lt;b&gt; *a* [[name]] &lt;!-- d --&gt;",
            None,
            "&amp; <b> *a* [[name]] <!-- d -->",
        ),
        ("[^1] [ ] # a", "[^1] [ ] # a", None, "[^1] [ ] # a"),
    ],
)
def test_a_line_in_html_and_as_plain_words(source: str, page: str, links: str | None, plain: str) -> None:
    assert markdown.inline_html(source) == page
    assert markdown.inline_html(source, links=True) == (links or page)
    assert markdown.inline_text(source) == plain


def test_capitals_keep_code_addresses_and_placeholders() -> None:
    source = "Use `str::escape_debug` **now** [see](https://A.example/b) https://A.example/c [[name]]"
    assert markdown.inline_capitals(source) == "USE str::escape_debug NOW SEE https://A.example/c [[name]]"
    assert markdown.inline_capitals("看https://a.example，soup") == "看https://a.example，SOUP"


@pytest.mark.parametrize(
    ("cells", "is_whole"),
    [
        (["Alpha", "1.5T", "84.55", "fast"], True),
        (["Alpha", "84.55", "Params", "100,000", "second", "third"], False),
        (["Geschwindigkeitsbegrenzung", "Höchstgeschwindigkeit"], False),
        (["state-of-the-art", "out-of-the-box", "a"], True),
        (["汤" * 40, "汤" * 40, "汤"], True),
        (["![a](https://a.example/b.png)"], False),
        (["![a](https://a.example/b.png){width=20}"], True),
    ],
)
def test_words_of_a_table_that_fits_on_a_phone_are_whole(cells: list[str], is_whole: bool) -> None:
    page = markdown.to_html(f"|{'|'.join(cells)}|\n{'|-' * len(cells)}|")
    assert ('<table class="whole last">' in page) == is_whole


@pytest.mark.parametrize(("columns", "is_table"), [(20, True), (21, False)])
def test_a_table_has_at_most_20_columns(columns: int, is_table: bool) -> None:
    assert ("<table" in markdown.to_html("|a" * columns + "|\n" + "|-" * columns + "|")) == is_table


@pytest.mark.parametrize(
    ("source", "long"),
    [
        ("a\nhttps://a.example/页面，谢谢", [(1, "https://a.example/页面，谢谢")]),
        ("- b\n- https://a.example/b谢谢", [(1, "https://a.example/b谢谢")]),
        ("https://a.example/ジョン・レノン", []),
        ("https://a.example/?q=スープ&b=1", []),
        ("请看https://a.example，谢谢 <https://a.example/b谢谢> [c，d](https://a.example)", []),
    ],
)
def test_addresses_with_text_in_them(source: str, long: list[tuple[int, str]]) -> None:
    assert [(found.line, found.words) for found in inspection.long_addresses(source)] == long


@pytest.mark.parametrize(
    ("source", "rows", "heads"),
    [
        ("|a|b|\n|-|-|\n|1|2|3|\n|1\n1|2|3", [(2, 1), (4, 1)], []),
        ("> |a|b|\n> |-|-|\n> |1|2|\n> |1|2|3|", [(3, 1)], []),
        ("|a|b|\n|-|-|\n|`x\\|y`|2|\n|1|2\\||", [], []),
        ("a\n\n|a|b|c|\n|-|-|\n|1|", [], [2]),
        ("a | b and\n--- is a heading", [], []),
        ("```\n|a|b|\n|-|\n```", [], []),
    ],
)
def test_tables_that_are_not_read_as_they_look(
    source: str, rows: list[tuple[int, int]], heads: list[int]
) -> None:
    assert [(found.line, found.number) for found in inspection.long_rows(source)] == rows
    assert [found.line for found in inspection.unread_tables(source)] == heads


def test_the_elements_of_a_text_name_what_needs_css() -> None:
    source = '~~a~~[^1]\n\n- [x] b\n\n![c](https://c.example/d.png "e")\n\n[^1]: c'
    assert {"del", "input", "img", "figcaption"} <= prose.inventory(source).elements
    assert prose.inventory(source).has_notes
    assert prose.inventory("a") == (False, (), {"p"})
