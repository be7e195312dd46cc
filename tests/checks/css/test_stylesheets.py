"""Tests of the rules that are read from a style sheet, as browsers read them."""

import pytest

from newsletter.checks.css.rules import matched_rules
from newsletter.checks.document import Document

PAGE = '<style>{}</style><table class="a"><tr class="a"><td>Hi</td></tr></table>'


@pytest.mark.parametrize(
    ("css", "colours"),
    [
        pytest.param(".a > td { color: red }", 1, id="plain"),
        pytest.param(".a &gt; td { color: red }", 0, id="entity"),
        pytest.param("@media screen { .a > td { color: red } }", 1, id="in-media"),
        pytest.param("@media screen { .a &gt; td { color: red } }", 0, id="entity-in-media"),
        pytest.param("@media screen { .x, .a &gt; td { color: red } td { color: red } }", 1, id="one-of-two"),
        pytest.param("@media screen { color: blue; td { color: red } }", 0, id="declaration-in-media"),
        pytest.param("@supports (x: y) { @media screen { b &gt; td { color: red } } }", 0, id="in-two"),
        pytest.param("#B { color: red } .A { color: red } td { color: red }", 1, id="names-without-element"),
    ],
)
def test_a_rule_that_browsers_drop_is_dropped(css: str, colours: int) -> None:
    document = Document(PAGE.format(css))
    assert len(matched_rules(document)[document.named("td")[0]]) == colours
