"""Tests that the table of MJML's attributes has what mrml writes into the mail, and of values and classes."""

import re
from collections.abc import Iterator

import pytest
from mjml import mjml2html

from newsletter.render.mjml_attributes import misuses
from newsletter.render.mjml_reference import EFFECTIVE, IGNORED, type_of

IN_COLUMN = "<mjml><mj-body><mj-section><mj-column>{}</mj-column></mj-section></mj-body></mjml>"
TEXT = "<mj-column><mj-text>a</mj-text></mj-column>"
# A small mail for each component, in which each attribute that mrml knows can show: {} is the attribute.
MAILS = {
    "mjml": "<mjml {}><mj-body></mj-body></mjml>",
    "mj-breakpoint": "<mjml><mj-head><mj-breakpoint {} /></mj-head>"
    f"<mj-body><mj-section>{TEXT}</mj-section></mj-body></mjml>",
    "mj-body": f"<mjml><mj-body {{}}><mj-section>{TEXT}</mj-section></mj-body></mjml>",
    "mj-wrapper": f'<mjml><mj-body><mj-wrapper background-url="u.png" {{}}><mj-section>{TEXT}</mj-section>'
    f"<mj-section>{TEXT}</mj-section></mj-wrapper></mj-body></mjml>",
    "mj-section": f'<mjml><mj-body><mj-section background-url="u.png" {{}}>{TEXT}</mj-section></mj-body>'
    "</mjml>",
    "mj-hero": '<mjml><mj-body><mj-hero background-url="u.png" background-width="500px" height="300px" '
    'background-height="200px" {}><mj-text>a</mj-text></mj-hero></mj-body></mjml>',
    "mj-group": f"<mjml><mj-body><mj-section><mj-group {{}}>{TEXT}{TEXT}</mj-group></mj-section></mj-body>"
    "</mjml>",
    "mj-column": '<mjml><mj-body><mj-section><mj-column padding="5px" {}><mj-text>a</mj-text></mj-column>'
    "</mj-section></mj-body></mjml>",
    "mj-raw": "<mjml><mj-body><mj-raw {}><b>a</b></mj-raw></mj-body></mjml>",
    "mj-accordion": "<mj-accordion {}><mj-accordion-element><mj-accordion-title>a</mj-accordion-title>"
    "</mj-accordion-element></mj-accordion>",
    "mj-accordion-element": "<mj-accordion><mj-accordion-element {}><mj-accordion-title>a"
    "</mj-accordion-title></mj-accordion-element></mj-accordion>",
    "mj-accordion-title": "<mj-accordion><mj-accordion-element><mj-accordion-title {}>a</mj-accordion-title>"
    "</mj-accordion-element></mj-accordion>",
    "mj-accordion-text": "<mj-accordion><mj-accordion-element><mj-accordion-text {}>a</mj-accordion-text>"
    "</mj-accordion-element></mj-accordion>",
    "mj-button": '<mj-button href="/a" {}>a</mj-button>',
    "mj-carousel": '<mj-carousel {}><mj-carousel-image src="a.png" /><mj-carousel-image src="b.png" />'
    "</mj-carousel>",
    "mj-carousel-image": '<mj-carousel><mj-carousel-image src="a.png" href="/a" {} />'
    '<mj-carousel-image src="b.png" /></mj-carousel>',
    "mj-divider": "<mj-divider {} />",
    "mj-image": '<mj-image src="a.png" href="/a" {} />',
    "mj-navbar": '<mj-navbar hamburger="hamburger" {}><mj-navbar-link href="/a">a</mj-navbar-link>'
    "</mj-navbar>",
    "mj-navbar-link": '<mj-navbar><mj-navbar-link href="/a" {}>a</mj-navbar-link></mj-navbar>',
    "mj-social": '<mj-social {}><mj-social-element name="facebook" href="/a">a</mj-social-element>'
    '<mj-social-element name="x" href="/b">b</mj-social-element></mj-social>',
    "mj-social-element": '<mj-social><mj-social-element href="/a" {}>a</mj-social-element></mj-social>',
    "mj-spacer": "<mj-spacer {} />",
    "mj-table": "<mj-table {}><tr></tr></mj-table>",
    "mj-text": '<mj-text height="50px" {}>a</mj-text>',
}
# The ids that mrml makes at random.
RANDOM_ID = re.compile(r"\b[0-9a-f]{8,32}\b")


def mail(tag: str, attribute: str = "") -> str:
    """Return the mail of a component with an attribute, which replaces that of the mail."""
    source = MAILS[tag] if MAILS[tag].startswith("<mjml") else IN_COLUMN.replace("{}", MAILS[tag])
    name = attribute.partition("=")[0]
    if name:
        source = re.sub(rf'(<{tag}\b[^>]*?) {re.escape(name)}="[^"]*"', r"\1", source, count=1)
    return RANDOM_ID.sub("", mjml2html(source.replace("{}", attribute)))


def values(tag: str, name: str) -> Iterator[str]:
    """Yield valid values of an attribute; the default value of a component is one of them at most."""
    kind, _, options = type_of(tag, name).partition("(")
    if kind == "enum":
        yield from options.rstrip(")").split(",")
    yield from {
        "color": ("#abcdef",),
        "boolean": ("true",),
        "integer": ("7",),
        "string": ("1px solid #abcdef", "7px", "facebook", "fixed-height", "underline"),
    }.get(kind, ("7px", "37px"))


@pytest.mark.parametrize("tag", sorted(MAILS))
def test_an_attribute_has_an_effect_unless_it_is_listed_as_ignored(tag: str) -> None:
    names = EFFECTIVE.get(tag, frozenset()) - {"mj-class"} | IGNORED.get(tag, frozenset())
    changed = {
        name
        for name in names
        if any(mail(tag, f'{name}="{value}"') != mail(tag) for value in values(tag, name))
    }
    assert names - changed == IGNORED.get(tag, frozenset())


def test_every_component_is_tried() -> None:
    assert EFFECTIVE.keys() | IGNORED.keys() == MAILS.keys() | {"mj-all", "mj-class", "mj-font", "mj-style"}


@pytest.mark.parametrize(
    ("tag", "attribute", "value"),
    [
        pytest.param("mj-text", "padding", "0", id="zero"),
        pytest.param("mj-text", "padding", "10px 1.5px 0 5%", id="four-edges"),
        pytest.param("mj-text", "padding", "  10px  ", id="blanks"),
        pytest.param("mj-text", "padding", "", id="empty"),
        pytest.param("mj-text", "line-height", "1.5", id="line-height"),
        pytest.param("mj-text", "line-height", "150%", id="line-height-share"),
        pytest.param("mj-text", "letter-spacing", "-0.5em", id="negative"),
        pytest.param("mj-text", "align", "justify", id="justify"),
        pytest.param("mj-text", "color", "RebeccaPurple", id="colour-name"),
        pytest.param("mj-text", "color", "#ABC", id="three-digits"),
        pytest.param("mj-text", "color", "rgba(0, 10, 20, .5)", id="rgba"),
        pytest.param("mj-button", "background-color", "none", id="no-background"),
        pytest.param("mj-image", "height", "auto", id="auto"),
        pytest.param("mj-section", "full-width", "", id="empty-choice"),
        pytest.param("mj-table", "cellpadding", "4", id="number"),
        pytest.param("mj-class", "align", "justify", id="class-of-several-components"),
        pytest.param("mj-all", "width", "50%", id="default-of-several-components"),
    ],
)
def test_valid_values(tag: str, attribute: str, value: str) -> None:
    assert list(misuses(tag, "", [(attribute, value)], ())) == []
