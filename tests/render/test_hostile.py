"""Tests that both parts show text as it was typed, in every field, and that it never becomes markup."""

import re
from collections.abc import Mapping

import pytest

from newsletter.issue.model import Image, Issue, Link, Passage
from newsletter.render.model import Rendered, Site
from newsletter.render.pipeline import render
from tests.render import material

TYPED = {
    "specials": "<&\">'",
    "entities": "&nbsp; &amp; &lt;b&gt; &#60; &copy &#x110000;",
    "jinja": "{{ 7*7 }} {% raw %} {# c #} {{ issue }}",
    "jinja-end": "{% endraw %}{% endfor %}",
    "cdata": "<![CDATA[x]]> ]]>",
    "mjml-end": "</mj-text></mj-column>",
    "mjml": "<mj-text>x</mj-text> <mj-foo>",
    "mjml-include": '<mj-include path="/etc/passwd"/>',
    "comment": "a --> b <!-- c",
    "outlook": "<!--[if mso]>x<![endif]-->",
    "script": "<script>alert(1)</script>",
    "style": "</title></style><style>",
    "attribute": "\" onmouseover=\"x' y='",
    "xml": '<?xml version="1.0"?><!DOCTYPE x>',
    "backslash": r"C:\new \u{301} \1 \g<0> %s {} $1",
    "rtl": "مرحبا (abc) שלום \u202eback\u202c",
    "emoji": "👩‍👩‍👧‍👦 🏳️‍🌈 👍🏽",
    "accents": "e\u0301\u0302 ze\u200bro\u200d\u2060\ufeff so\u00adft",
    "beyond": "\U0001d573\U0001d58a \U0010ffff \ue0f0x:1\ue0f1",
    "long": "W" * 400,
    "placeholder": "[[unsubscribe_url]] [[x]]",
    "br": "a <br> b",
}


def everywhere(typed: str) -> tuple[Issue, Site]:
    """Return an issue and a site with the same text in all of their lines."""
    story = material.full_story(
        title=typed,
        authors=(typed,),
        passages=(Passage(heading=typed, text="Text."),),
        tags=(typed,),
        links=(Link(text=typed, link="https://example.com/"),),
        image=Image(src="https://example.com/a.png", alt=typed),
    )
    opening = (Passage(heading=typed, text="Text."),)
    issue = material.issue(story, subject=typed, preheader=typed, opening=opening)
    labels = dict.fromkeys(("in_this_issue", "read_story", "reason", "untracked", "unsubscribe"), typed)
    return issue, material.site(name=typed, postal_address=typed, labels=material.labels(**labels))


@pytest.fixture(params=list(TYPED.values()), ids=list(TYPED), scope="module")
def typed(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def mail(typed: str) -> Rendered:
    return render(*everywhere(typed))


def test_html_shows_what_was_typed(typed: str, mail: Rendered) -> None:
    page = material.parsed(mail.html)
    shown = " ".join(" ".join(page.body.itertext()).split())
    # Preheader, name, subject, in this issue (2), opening, story (6), footer (4).
    assert shown.count(typed) == 16
    assert page.findtext(".//title") == typed
    assert page.find(".//img").get("alt") == typed
    assert page.find(".//div[@role]").get("aria-label") == typed


def test_html_has_no_more_markup_than_with_a_plain_word(mail: Rendered) -> None:
    plain = render(*everywhere("word"))
    assert tags(mail.html) == tags(plain.html)


def tags(mail: str) -> Mapping[str, int]:
    names = [str(e.tag) for e in material.parsed(mail).iter()]
    return {name: names.count(name) for name in names}


def test_text_shows_what_was_typed(typed: str, mail: Rendered) -> None:
    flowing = "".join(mail.text.split())
    in_capitals = re.sub(r"\[\[.*?\]\]|[^\[]+", lambda m: m[0] if m[0][0] == "[" else m[0].upper(), typed)
    assert flowing.count("".join(typed.split())) >= 9
    assert flowing.count("".join(in_capitals.split())) >= 4
    assert max(map(len, mail.text.split("\n"))) <= 72


@pytest.mark.parametrize(
    ("markdown", "page", "text"),
    [
        pytest.param("a <b>c</b> <!-- d", "a <b>c</b> <!-- d", "a <b>c</b> <!-- d", id="html"),
        pytest.param("<div>\n<mj-text>x", "<div> <mj-text>x", "<div> <mj-text>x", id="html-block"),
        pytest.param("`<mj-text>{{ 7*7 }}`", "<mj-text>{{ 7*7 }}", "<mj-text>{{ 7*7 }}", id="code"),
        pytest.param(
            "```\n</mj-raw> {{ x }}\n```", "</mj-raw> {{ x }}", "</mj-raw> {{ x }}", id="code-block"
        ),
        pytest.param("&amp; &nbsp;&lt;b&gt; &copy;", "& \u00a0<b> ©", "& \u00a0<b> ©", id="entities"),
        pytest.param(
            "[x](javascript:alert(1))", "[x](javascript:alert(1))", "[x](javascript:alert(1))", id="js"
        ),
        pytest.param(
            "a\u2028b\u2029c\u0085d", "a\u2028b\u2029c\u0085d", "a\u2028b\u2029c\u0085d", id="separators"
        ),
        pytest.param(
            "bell\x07 \x1b[31m \uffff",
            "bell\ufffd \ufffd[31m \ufffd",
            "bell\ufffd \ufffd[31m \ufffd",
            id="control",
        ),
        pytest.param("one\r\ntwo\rthree", "one two three", "one two three", id="carriage-returns"),
    ],
)
def test_markdown(markdown: str, page: str, text: str) -> None:
    passage = Passage.model_construct(heading=None, text=markdown)
    mail = render(material.issue(material.story(passages=(passage,))), material.site())
    shown = re.sub(r"[ \n]+", " ", " ".join(material.parsed(mail.html).body.itertext()))
    assert f" {page} " in shown
    assert re.sub(r"[ \n]+", " ", text) in re.sub(r"[ \n]+", " ", mail.text)


@pytest.mark.parametrize(
    ("address", "href"),
    [
        pytest.param("https://example.com/?a=1&b=2", "https://example.com/?a=1&amp;b=2", id="ampersand"),
        pytest.param("https://example.com/?a=&copy=1", "https://example.com/?a=&amp;copy=1", id="entity"),
        pytest.param('https://example.com/"x', "https://example.com/%22x", id="quote"),
        pytest.param("[[unsubscribe_url]]", "[[unsubscribe_url]]", id="placeholder"),
        pytest.param(
            "https://example.com/?to=[[address]]", "https://example.com/?to=%5B%5Baddress%5D%5D", id="leak"
        ),
    ],
)
def test_links_of_markdown(address: str, href: str) -> None:
    passage = Passage(text=f"[x]({address})")
    mail = render(material.issue(material.story(passages=(passage,))), material.site())
    assert f'<a href="{href}" style' in mail.html


def test_an_address_in_the_story() -> None:
    link = "https://example.com/?a=1&b=2&copy=x#y;z"
    mail = render(material.issue(material.story(link=link)), material.site())
    assert mail.html.count(f'href="{link.replace("&", "&amp;")}"') == 3
    assert f"\n{link}\n" in mail.text


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"opening": (), "closing": ()}, id="no-opening-no-closing"),
        pytest.param({"opening": (Passage(text="Only text."),)}, id="opening-without-heading"),
        pytest.param({"stories": (material.story(authors=(), tags=(), links=()),)}, id="bare-story"),
        pytest.param({"stories": (material.full_story(),) * 40}, id="40-stories"),
    ],
)
def test_shapes(changes: dict[str, object]) -> None:
    issue = material.issue().model_copy(update=changes)
    mail = render(issue, material.site())
    assert mail.html.count('class="btn"') == len(issue.stories)
    assert mail.text.count("https://soup.example.com/leek") == len(issue.stories)
    assert "\n\n\n" not in mail.text


def test_without_the_promise_where_there_is_tracking() -> None:
    mail = render(material.issue(), material.site(labels=material.labels(untracked="")))
    assert "You get this because you signed up for The Soup Letter.<br>" in mail.html
    assert "\nYou get this because you signed up for The Soup Letter.\n" in mail.text


def test_an_issue_changes_no_template() -> None:
    before = material.real()
    render(*everywhere("{% set labels = {} %}{{ labels.update(x=1) }}"))
    assert render(material.real_issue(), material.real_site()) == before
