"""Plain text of titles, texts and links that a stranger wrote."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.hidden_characters import find_hidden
from newsletter.sources.plain_text import address, one_line, paragraphs
from newsletter.yamlfile import fields
from newsletter.yamlfile.values import CONTROL


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("a\r\nb\tc\u2028d\x85e\x0bf", "a b c d e f", id="line-breaks"),
        pytest.param("so\x00u\x1b[31mp\x7f", "sou[31mp", id="control"),
        pytest.param("\ud800so\udfffup\ufffe\U0001ffff", "soup", id="surrogates"),
        pytest.param("<b>Soup</b> &amp; <i>bread</i>", "Soup & bread", id="html"),
        pytest.param("x <y and a < b & c", "x <y and a < b & c", id="no-html"),
        pytest.param("P &lt; 0.05", "P < 0.05", id="entity"),
        pytest.param("<script>alert(1)</script>Soup<style>p{}</style>", "Soup", id="script"),
        pytest.param("Soup<!-- </b> --></b>", "Soup", id="html-comment"),
        pytest.param("=?utf-8?q?=0ABcc:?=", "= ?utf-8?q?=0ABcc:?=", id="encoded-word"),
        pytest.param("exe\u202egpj.cod", "exegpj.cod", id="override"),
        pytest.param("so\u200bup \u3164\u2066x", "soup x", id="hidden"),
        pytest.param("שלום\u200f (x)", "שלום\u200f (x)", id="rtl-mark"),
        pytest.param(
            "\U0001f468\u200d\U0001f469\u200d\U0001f467 soup",
            "\U0001f468\u200d\U0001f469\u200d\U0001f467 soup",
            id="emoji",
        ),
        pytest.param("\u200b\u2800\ufeff", "", id="invisible-only"),
        pytest.param("x" * 5_000, "x" * 499 + "…", id="long"),
        pytest.param(
            "Dear [[name]] {{ issue }} {% x %}", "Dear [name] {{ issue }} {% x %}", id="placeholder"
        ),
        pytest.param("[here](https://x.example/)", "[here] (https://x.example/)", id="markdown-link"),
        pytest.param("<https://x.example/> a < b", "< https://x.example/> a < b", id="autolink"),
    ],
)
def test_a_line(text: str, expected: str) -> None:
    assert one_line(text) == expected


ANY_TEXT = st.text(st.characters(), max_size=200) | st.text(
    "=?<>&;/ab\u200d\u202e\u2066\u2800\n ", max_size=60
)


@given(ANY_TEXT)
def test_any_line_is_accepted_by_an_issue(text: str) -> None:
    line = one_line(text)
    assert line == "" or fields.one_line(line) == line
    assert find_hidden(line) == []
    assert not CONTROL.search(line)


@given(ANY_TEXT)
def test_any_text_has_no_characters_that_yaml_refuses(text: str) -> None:
    plain = paragraphs(text)
    assert not CONTROL.search(plain)
    plain.encode()


def test_paragraphs() -> None:
    assert paragraphs("One\nline.\n\n  Two. ") == "One line.\nTwo."
    assert paragraphs("<p>One\nline.</p><ul><li>a<li>b</ul>") == "One line.\na\nb"
    assert paragraphs("word " * 1_000).endswith("word …")
    assert len(paragraphs("word " * 1_000)) <= 3_002


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("https://example.com/a b?c=[1]&d=é", "https://example.com/a%20b?c=%5B1%5D&d=%C3%A9"),
        ("/leek", "https://soup.example.com/leek"),
        ("//other.example.com/x", "https://other.example.com/x"),
        ("https://user@example.com/", ""),
        ("https://example", ""),
        ("https://exa mple.com", ""),
        ("HTTP://EXAMPLE.com/x", "HTTP://EXAMPLE.com/x"),
        ("javascript:alert(1)", ""),
        ("java\nscript:alert(1)", "https://soup.example.com/java%0Ascript:alert(1)"),
        ("ftp://example.com/x", ""),
        ("https://[::1", ""),
        ("  ", ""),
        (None, ""),
        (["https://example.com"], ""),
    ],
)
def test_a_link_is_a_web_address_or_nothing(link: object, expected: str) -> None:
    assert address(link, "https://soup.example.com/feed") == expected
