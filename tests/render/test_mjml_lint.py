"""Tests of the messages about mistakes in MJML, each with the line of its template."""

import pytest

from tests.render.material import Refusal

FOOTER = "<mj-section><mj-column>\n{}\n</mj-column></mj-section>"


@pytest.mark.parametrize(
    ("inside", "line", "message"),
    [
        pytest.param("\n<mj-txt>a</mj-txt>", 3, "<mj-txt> is not an MJML component; check", id="unknown"),
        pytest.param("<mj-section></mj-section>", 2, "<mj-section> inside <mj-column>; move", id="section"),
        pytest.param(
            "<mj-text>\n<mj-button>a</mj-button></mj-text>", 3, "<mj-button> inside <mj-t", id="in-text"
        ),
        pytest.param("<mj-raw>\n<mj-text>a</mj-text></mj-raw>", 3, "<mj-text> inside <mj-raw>", id="in-raw"),
        pytest.param("<mj-text>a</mj-text>\nb", 1, "text directly inside <mj-column>", id="loose-text"),
        pytest.param("\n<div>a</div>", 3, "<div> directly inside <mj-column>; put", id="html"),
        pytest.param(
            "<mj-text>a\np<0.05\n</mj-text>", 3, "not well-formed: a bare <; write it as &lt;", id="lt"
        ),
        pytest.param("<mj-text>a\np < 5\n</mj-text>", 3, "not well-formed: a bare <", id="lt-space"),
        pytest.param(
            "<mj-text\n align=left\n>a</mj-text>", 3, "an attribute's value without quotes", id="quotes"
        ),
        pytest.param('<mj-text align="left>a</mj-text>', 2, "a < inside an attribute; close", id="quote"),
        pytest.param(
            "<mj-text>\n\n<td nowrap></td></mj-text>", 4, "an attribute without a value", id="no-value"
        ),
        pytest.param(
            '<mj-text align="left"padding="0">a</mj-text>', 2, "attributes without a space", id="space"
        ),
        pytest.param(
            '<mj-text align="a" align="b">a</mj-text>', 2, "an attribute that occurs twice", id="twice"
        ),
        pytest.param(
            "<mj-text>\nyou & me</mj-text>", 3, "not well-formed: a bare &; write it as &amp;", id="amp"
        ),
        pytest.param(
            '<mj-text>\n<a href="?a=1&b=2">a</a></mj-text>', 3, "a bare &; write it as &amp;", id="query"
        ),
        pytest.param("<mj-text>&foo;</mj-text>", 2, "an & that does not start an entity", id="entity"),
        pytest.param("<mj-text>a\n<br>\n</mj-text>", 3, "<br> is not closed; write <br />", id="br"),
        pytest.param(
            "\n<mj-text>a\n", 3, "<mj-text> is not closed; add </mj-text> before </mj-col", id="unclosed"
        ),
        pytest.param(
            "<mj-text>\n<b>a</mj-text>", 3, "<b> is not closed; add </b> before", id="unclosed-html"
        ),
        pytest.param("<mj-text>a\n</b></mj-text>", 3, "</b> has no opening tag; delete it", id="stray"),
        pytest.param("<mj-text><b>\n<i>a</b></i></mj-text>", 3, "<i> is not closed", id="crossed"),
        pytest.param("<mj-text>\n<!-- a -- b --></mj-text>", 3, "-- inside a comment", id="comment"),
        pytest.param(
            "<mj-text>é\n<![CDATA[x]]></mj-text>", 3, "MJML does not allow <![CDATA[x]]> here", id="cdata"
        ),
        pytest.param(
            '\n<mj-include path="a.mjml" />',
            3,
            '<mj-include> is not supported; write {% include "…" %}',
            id="inc",
        ),
        pytest.param(
            "<mj-text>\n" + "<b>" * 200 + "</b>" * 200 + "</mj-text>", 3, "more than 200 levels", id="deep"
        ),
        pytest.param(
            "<mj-text>\n" + "<b>" * 300 + "</b>" * 300 + "</mj-text>", 3, "more than 200 levels", id="deeper"
        ),
    ],
)
def test_mjml_mistakes(refusal: Refusal, inside: str, line: int, message: str) -> None:
    answer = refusal("footer.mjml.j2", FOOTER.replace("{}", inside))
    assert answer.startswith(f"templates/footer.mjml.j2:{line}: ")
    assert message in answer


@pytest.mark.parametrize(
    ("name", "old", "new", "line", "message"),
    [
        pytest.param(
            "story.mjml.j2",
            "  </mj-text>\n  {% endif %}\n  {% if story.has",
            "  {% endif %}\n  {% if story.has",
            30,
            "<mj-text> is not",
            id="loop",
        ),
        pytest.param("story.mjml.j2", "</h3>", "", 32, "<h3> is not closed", id="two-loops"),
        pytest.param(
            "story.mjml.j2", "</mj-column></mj-section>", "</mj-section>", 9, "<mj-column> is not", id="far"
        ),
        pytest.param(
            "footer.mjml.j2", "</mj-column></mj-section>", "</mj-column>", 2, "<mj-section> is not", id="end"
        ),
        pytest.param(
            "layout.mjml.j2", "</mjml>", "<mj-body></mj-body></mjml>", 77, "a second <mj-body>", id="bodies"
        ),
        pytest.param(
            "layout.mjml.j2", "</mjml>", "<mj-head></mj-head></mjml>", 77, "a second <mj-head>", id="heads"
        ),
        pytest.param("layout.mjml.j2", "</mj-body>", "", 8, "<mj-body> is not closed", id="body"),
        pytest.param(
            "head.mjml.j2",
            "<mj-title>",
            "<mj-title><!-- x -->",
            17,
            "MJML does not allow <!-- x -->",
            id="title",
        ),
        pytest.param(
            "head.mjml.j2", "<mj-title>", "<mj-title><b>x</b>", 17, "MJML does not allow <b", id="title-html"
        ),
    ],
)
def test_mistakes_in_the_built_in_ones(
    refusal: Refusal, name: str, old: str, new: str, line: int, message: str
) -> None:
    answer = refusal(name, old=old, new=new)
    assert answer.startswith(f"templates/{name}:{line}: ")
    assert message in answer


@pytest.mark.parametrize(
    ("layout", "message"),
    [
        pytest.param("", "layout.mjml.j2: not well-formed: the template is empty", id="empty"),
        pytest.param("<mjml></mjml>", "layout.mjml.j2:1: there is no <mj-body>", id="no-body"),
        pytest.param(
            "<html><mj-body></mj-body></html>", "layout.mjml.j2:1: <mj-body> inside <html>", id="html"
        ),
        pytest.param("x<mjml></mjml>", "layout.mjml.j2:1: not well-formed: content before", id="before"),
        pytest.param("<mjml></mjml>x", "layout.mjml.j2:1: not well-formed: content after", id="after"),
        pytest.param(
            '<?xml version="1.0"?><mjml><mj-body></mj-body></mjml>', "MJML does not allow <?xml", id="xml"
        ),
    ],
)
def test_no_mail_at_all(refusal: Refusal, layout: str, message: str) -> None:
    assert message in refusal("layout.mjml.j2", layout)


def test_outlooks_own_tags_keep_their_names(refusal: Refusal) -> None:
    assert "templates/footer.mjml.j2:2: <v:rect> directly inside <mj-column>" in refusal(
        "footer.mjml.j2", FOOTER.replace("{}", "<v:rect></v:rect>")
    )
