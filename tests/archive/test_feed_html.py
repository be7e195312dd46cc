"""Tests of the HTML in feeds: the text stays, and nothing is left that belongs to the page."""

from dataclasses import replace
from html import escape
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.archive.feed_html import entry_html, feed_html
from tests.archive.feed_html_rules import html_problems
from tests.archive.feed_samples import ARTICLE, CHANNEL, ISSUE

PAGE = "https://papers.example.com/2026-04-27/"


def text_of(html: str) -> str:
    """Return the text of HTML as browsers read it."""
    parts: list[str] = []
    parser = HTMLParser()
    parser.handle_data = parts.append  # type: ignore[method-assign]
    parser.feed(html)
    parser.close()
    return "".join(parts)


def test_an_article_becomes_plain_html() -> None:
    assert feed_html(ARTICLE, PAGE) == (
        "<section><h2>Maps &amp; territories</h2>\n"
        '<p>Is 1 &lt; 2?<sup><a href="https://papers.example.com/2026-04-27/#fn1">1</a></sup> '
        '<a href="https://papers.example.com/2026-04-20/">Last week</a> we asked <em>why</em>.</p>\n'
        '<figure><img src="https://papers.example.com/pictures/map.png" alt="A &quot;map&quot;">'
        "<figcaption>The map</figcaption></figure></section>\n"
        "<aside><ol><li>A note "
        '<a href="https://papers.example.com/2026-04-27/#fnref1">↩</a></li></ol></aside>'
    )


ARTICLES_AND_HTML = {
    "escaped text": ("<p>a &lt;b&gt; &amp;amp; &copy;</p>", "<p>a &lt;b&gt; &amp;amp; ©</p>"),
    "unescaped text": ("1 < 2 & 3 &c; <", "1 &lt; 2 &amp; 3 &amp;c; &lt;"),
    "end of CDATA": ("<p>a]]>b</p>", "<p>a]]&gt;b</p>"),
    "void elements": ("<p>a<br>b<br/>c</p><hr>", "<p>a<br>b<br>c</p><hr>"),
    "comments": ("<p>a<!-- <b>c --><?x y?>d</p>", "<p>ad</p>"),
    "script": ("a<script>if (1 < 2) '</p>'</script>b", "ab"),
    "style": ("a<style>p { }</style><template><p>x</p></template>b", "ab"),
    "drawing": ("a<svg><g><title>x</title></g></svg>b", "ab"),
    "empty drawing": ("a<svg/>b<iframe src='x'></iframe>c", "abc"),
    "form": ("<form action='/x'><label>Name<input name='a'></label></form>", "Name"),
    "other elements": ("<main><nav>a</nav> <font color='red'>b</font></main>", "a b"),
    "no end": ("<p>a<em>b", "<p>a<em>b</em></p>"),
    "only an end": ("<p>a</em></div></p>", "<p>a</p>"),
    "crossed ends": ("<p><em>a</p>b", "<p><em>a</em></p>b"),
    "attributes": ('<p id="a" class="b" style="c" onclick="d" data-x="e">f</p>', "<p>f</p>"),
    "language": ('<p lang="he" dir="rtl">a</p>', '<p lang="he" dir="rtl">a</p>'),
    "table": (
        '<table><tr><th scope="col" colspan="2" align="left">a</th></tr></table>',
        '<table><tr><th scope="col" colspan="2">a</th></tr></table>',
    ),
    "list": (
        '<ol start="3" reversed><li value="9">a</li></ol>',
        '<ol start="3" reversed=""><li value="9">a</li></ol>',
    ),
    "white space": ("<pre><code>  a\n\n  b</code></pre>", "<pre><code>  a\n\n  b</code></pre>"),
    "query": ('<a href="?a=1&amp;b=2">x</a>', f'<a href="{PAGE}?a=1&amp;b=2">x</a>'),
    "no scheme": ('<a href="//example.org/a">x</a>', '<a href="https://example.org/a">x</a>'),
    "mail": ('<a href="mailto:a@example.com">x</a>', '<a href="mailto:a@example.com">x</a>'),
    "international address": (
        '<a href="https://bücher.example/ü">x</a>',
        '<a href="https://xn--bcher-kva.example/%C3%BC">x</a>',
    ),
    "script as address": ('<a href="javascript:alert(1)">x</a>', "x"),
    "hidden script as address": ('<a href=" java&#10;script:alert(1)">x</a>', "x"),
    "data as address": ('<a href="data:text/html,x">x</a>', "x"),
    "broken address": ('<a href="https://[x">x</a>', "x"),
    "target of links": ('<a id="here">x</a>', "x"),
    "two addresses": (
        '<a href="/a" href="/b">x</a>',
        '<a href="https://papers.example.com/a">x</a>',
    ),
    "line break in an address": (
        '<a href="http://example.org/a&#10;b">x</a>',
        '<a href="http://example.org/ab">x</a>',
    ),
    "picture of a telephone": ('<img src="tel:1" alt="A">', "A"),
    "picture of a script": ('<img src="javascript:x" alt="A &lt; B">', "A &lt; B"),
    "no picture": ('<img alt="">', ""),
    "no description": ('<img src="a.png" alt>', f'<img src="{PAGE}a.png" alt="">'),
    "quotes": ('<p title="&quot;&gt;&lt;b&gt;">x</p>', '<p title="&quot;&gt;&lt;b&gt;">x</p>'),
    "capitals": ("<P>a</P>", "<p>a</p>"),
    "nothing": ("", ""),
}


@pytest.mark.parametrize(("article", "html"), ARTICLES_AND_HTML.values(), ids=ARTICLES_AND_HTML)
def test_what_a_feed_may_have_is_kept(article: str, html: str) -> None:
    assert feed_html(article, PAGE) == feed_html(html, PAGE) == html
    assert list(html_problems(html, "content")) == []


def test_the_html_of_an_entry_has_the_address_of_its_page() -> None:
    assert entry_html(CHANNEL, ISSUE) == feed_html(ARTICLE, PAGE)
    moved = replace(CHANNEL, url="https://example.org/archive")
    assert "https://example.org/archive/2026-04-27/#fn1" in entry_html(moved, ISSUE)


FRAGMENTS = "< > </ <p <a <img href= src= \" ' /> --> <!-- <![CDATA[ &lt; &#60;"
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\r\x00"), max_size=12)
NAMES = st.sampled_from(["section", "div", "blockquote", "aside", "nav", "center", "x-y"])
VALUES = TEXT | st.sampled_from(["#fn1", "/a b", "javascript:x", "https://example.org/?a=1&b", '"><script>'])
ATTRIBUTES = st.dictionaries(
    st.sampled_from(["class", "id", "style", "onclick", "title", "lang", "href", "src", "data-x"]), VALUES
)


def element(name: str, attributes: dict[str, str], inside: str) -> str:
    written = "".join(f' {key}="{escape(value)}"' for key, value in attributes.items())
    return f"<{name}{written}>{inside}</{name}>"


ARTICLES = st.recursive(
    TEXT.map(lambda text: escape(text, quote=False)),
    lambda inside: st.builds(element, NAMES, ATTRIBUTES, st.lists(inside, max_size=3).map("".join)),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None)
@given(ARTICLES)
def test_the_text_of_any_article_stays_and_nothing_else_of_the_page(article: str) -> None:
    made = feed_html(article, PAGE)
    assert text_of(made).strip() == text_of(article).strip()
    assert list(html_problems(made, "content")) == []


@settings(max_examples=300, deadline=None)
@given(st.lists(TEXT | st.sampled_from(FRAGMENTS.split())))
def test_no_text_becomes_an_element_that_a_feed_may_not_have(pieces: list[str]) -> None:
    made = feed_html("".join(pieces), PAGE)
    allowed = {"NotHtml"}  # such as a paragraph in another one
    assert {problem.rule for problem in html_problems(made, "content")} <= allowed
    assert feed_html(made, PAGE) == made.strip()
