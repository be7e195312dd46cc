"""An unsubscribe link that a template hides: the check finds each way, also one that it cannot compute."""

from dataclasses import replace

import pytest

from newsletter.checks.mail.unsubscribe import unsubscribe
from newsletter.checks.proof import Proof

LINK = '<a href="[[unsubscribe_url]]">Unsubscribe</a>'


def findings(mail: Proof, html: str, link: str = LINK) -> list[str]:
    """Return the findings for a mail with more HTML at its end, and another link."""
    rendered = mail.rendered
    start = rendered.html.index('<a href="[[uns')
    end = rendered.html.index("</a>", start) + 4
    body = rendered.html[:start] + link + rendered.html[end:]
    changed = replace(rendered, html=body.replace("</body>", f"{html}</body>"))
    proof = replace(mail, rendered=changed)
    proof.locator.paused = True
    return [problem.what for problem in unsubscribe(proof)]


RULES = {
    "media-height": "@media (min-height:1px){.foot{display:none !important}}",
    "media-range": "@media (width>=1px){.foot{display:none !important}}",
    "media-or": "@media (min-width:1px) or (color){.foot{display:none !important}}",
    "media-not": "@media not (min-width:9000px){.foot{display:none !important}}",
    "media-color-scheme": "@media (prefers-color-scheme){.foot{display:none !important}}",
    "media-tablet": "@media (min-width:500px) and (max-width:600px){.foot{display:none !important}}",
    "media-wide": "@media (min-width:1000px){.foot{display:none !important}}",
    "media-dark": "@media (prefers-color-scheme:dark){.foot{display:none !important}}",
    "scope": "@scope (body){.foot{display:none !important}}",
    "scope-itself": "@scope (.foot){:scope{display:none !important}}",
    "scope-declarations": "@scope (.foot){display:none !important}",
    "container": "@container (min-width:1px){.foot{display:none !important}}",
    "animation": "@keyframes k{to{opacity:0}} .foot{animation:k 0s forwards}",
    "unknown-pseudo": ".foot:not(:popover-open){display:none !important}",
    "hover": ".foot:hover{display:none !important}",
    "nesting": "body{.foot{display:none !important}}",
    "nesting-ampersand": ".foot{&:not(.x){display:none !important}}",
    "nesting-ampersand-last": ".foot{body &{display:none !important}}",
    "nesting-media": ".foot{@media (min-width:1px){display:none !important}}",
    "supports": "@supports (display:grid){.foot{display:none !important}}",
    "layer": "@layer a.b{.foot{display:none !important}}",
    "unknown-at-rule": "@future (x){.foot{display:none !important}}",
    "program": ".moz-text-html .foot{display:none !important}",
    "program-sibling": "u + .foot, u ~ div .foot a{display:none !important}",
    "outlook-on-the-web": "[data-ogsc] .foot{display:none !important}",
    "escape": ".foot{disp\\6c ay:n\\6f ne !important}",
    "shown-only-here": ".foot{display:none !important} @supports (x:y){.foot{display:block !important}}",
    "shown-in-no-browser": ".foot{display:none} @media screen and(min-width:1px){.foot{display:block}}",
    "shown-by-invalid-value": ".foot{display:none} .foot{display:bogus}",
    "first-line": ".foot div::first-line{font-size:0 !important}",
    "variable": ":root{--x:none} .foot{display:var(--x) !important}",
    "size": "@media (min-height:1px){.foot a{font-size:0 !important}}",
    "colour": "@media (min-height:1px){.foot a{color:transparent !important}}",
    "attribute": '[class~="foot"]{display:none !important}',
    "deep": "@media " + "(" * 3000 + "{.foot{display:none}}",
}


@pytest.mark.parametrize("css", [pytest.param(css, id=name) for name, css in RULES.items()])
def test_a_rule_that_browsers_apply(footer: Proof, css: str) -> None:
    assert findings(footer, f"<style>{css}</style>")


MANY = "".join(f".missing{number}, #missing{number}{{display:none}}" for number in range(5_001))


def test_many_rules_of_classes_that_the_mail_does_not_have(footer: Proof) -> None:
    assert findings(footer, f"<style>{MANY}</style>") == []
    assert findings(footer, f"<style>{MANY}.foot{{display:none}}</style>")
    assert findings(footer, f"<style>{MANY}.other a{{display:none}}</style>")
    assert findings(footer, f"<style>{MANY}@media (min-height:1px){{.FOOT,.foot{{display:none}}}}</style>")


def test_a_media_attribute(footer: Proof) -> None:
    (found,) = findings(footer, '<style media="(min-height:1px)">.foot{display:none}</style>')
    assert "may be hidden by a rule" in found


STYLES = [
    "width:0;height:1px;overflow:hidden",
    "max-height:1px;overflow-y:clip",
    "text-indent:-9999px",
    "margin-left:-9999px",
    "margin:0 0 0 -999em",
    "position:absolute;left:-9999px",
    "position:relative;top:-2000px",
    "transform:scale(0)",
    "scale:0",
    "clip-path:inset(100%)",
    "-webkit-mask:linear-gradient(transparent,transparent)",
    "filter:opacity(0)",
    "zoom:0.01",
    "content-visibility:hidden",
    "-webkit-text-fill-color:transparent",
    "pointer-events:none",
    "opacity:0.01",
    "opacity:calc(0)",
    "visibility:collapse",
    "display:table-column",
    "content:url(x.png)",
    "color:transparent",
    "font:1px serif",
    "font-size:0.01em",
    "mso-hide:all",
]


@pytest.mark.parametrize("style", STYLES)
def test_a_style_that_hides(footer: Proof, style: str) -> None:
    assert findings(footer, "", f'<div style="{style}">{LINK}</div>')
    assert findings(footer, "", LINK.replace("<a ", f'<a style="{style}" '))


@pytest.mark.parametrize("value", ["(" * 3000, "9" * 5000])
def test_a_style_that_cannot_be_read(footer: Proof, value: str) -> None:
    assert findings(footer, "", f'<div style="display:none;x:{value}">{LINK}</div>')


@pytest.mark.parametrize("style", ["margin-left:-39px", "position:relative;top:-39px", "padding-left:299px"])
def test_many_small_moves(footer: Proof, style: str) -> None:
    assert findings(footer, "", f'<div style="{style}">' * 4 + LINK)
    assert not findings(footer, "", f'<div style="{style}">' + LINK)


def test_words_in_the_colour_of_their_background(footer: Proof) -> None:
    assert findings(footer, "", LINK.replace("<a ", '<a style="color:#fff;background:#ffffff" '))


COLOURED = f'<div class="on" style="background:#fff;color:#333">{LINK.replace("<a ", "<a class=w ")}</div>'
COLOURS = {
    "media": "@media (min-height:1px){.w{color:#fff !important}}",
    "supports": "@supports (display:grid){.w{color:white}}",
    "layer": "@layer x{.w{color:#fefefe}}",
    "container": "@container (min-width:1px){.w{color:hsl(0,0%,100%)}}",
    "future": "@future{.w{color:#fff}}",
    "style-attribute": '</style><style media="(min-height:1px)">.w{color:#fff}',
    "selector": ".w:not(.x){color:#fff}",
    "attribute": '[class="w"]{color:#fff}',
    "nested": ".on{.w{color:#fff}}",
    "program": "u + .body .w{color:#fff}",
    "background": "a{color:#333} @media (min-height:1px){.on{background:#333 !important}}",
    "background-colour": "a{color:#333} @supports (display:grid){.w{background-color:#333}}",
    "both": "@media (hover){.w{color:#123456;background:#123456}}",
    "two-conditions": "@media (hover){.w{color:#123456}} @media (min-height:1px){.w{background:#123456}}",
    "specific": "@media (min-height:1px){.on .w.w{color:#fff} .w{color:#000}}",
    "other-condition": "@media (min-height:1px){.w{color:#fff}} @future{.w{background:#000}}",
    "other-selector": ".w:not(.x){color:#fff} .w:not(.w){background:#000}",
    "other-program": "u + .body .w{color:#fff} .nothing .w{background:#000}",
    "other-place": ".on{.w{color:#fff}} .x{.w{background:#000}}",
    "tablet": "@media (min-width:500px) and (max-width:600px){.w{color:#fff}}",
    "dark": "@media (min-width:9em) and (prefers-color-scheme:dark){.on .w.w{color:#fff !important}}",
    "dark-and-more": "@media (min-height:1px) and (prefers-color-scheme:dark){.w{color:#fff}}",
    "inherited": ".w{color:inherit} @media (min-height:1px){.on{color:#fff !important}}",
    "translucent": "@media (min-height:1px){.w{color:rgb(0 0 0 / 0.02)}}",
}


@pytest.mark.parametrize("css", [pytest.param(css, id=name) for name, css in COLOURS.items()])
def test_a_rule_that_gives_words_the_colour_of_their_background(footer: Proof, css: str) -> None:
    assert findings(footer, f"<style>{css}</style>", COLOURED)


@pytest.mark.parametrize(
    "css",
    [
        "@media (min-height:1px){.w{color:#fff;background:#000}}",
        "@media (min-height:1px){.w{color:#fff} .on{background:#000 !important}}",
        "[data-ogsc] .w{color:#fff} [data-ogsb] .on{background:#000 !important}",
        ".moz-text-html .on{background:#000 !important} .moz-text-html .w{color:#ddd}",
        "@media print{.w{color:#fff}}",
        "@media (min-height:1px){.on{color:#fff !important} .w{color:#333}}",
        ".w:hover{color:#fff;background:#333}",
        ".on::after{color:#fff}",
    ],
)
def test_rules_that_give_words_another_colour(clean: Proof, css: str) -> None:
    assert findings(clean, f"<style>{css}</style>", COLOURED) == []


ELEMENTS = [
    "<datalist>{}</datalist>",
    "<canvas>{}</canvas>",
    "<details>{}</details>",
    "<dialog>{}</dialog>",
    "<div popover>{}</div>",
    "<audio>{}</audio>",
    "<div inert>{}</div>",
    '<svg width="0"><foreignObject>{}</foreignObject></svg>',
    "<select><option>{}</option></select>",
    "<template>{}</template>",
    "<noembed>{}</noembed>",
    "<textarea>{}</textarea>",
    "<x-future>{}</x-future>",
]


@pytest.mark.parametrize("html", ELEMENTS)
def test_an_element_that_hides(footer: Proof, html: str) -> None:
    assert findings(footer, "", html.format(LINK))


@pytest.mark.parametrize(
    "words", [".", "&ndash;", "&#8203;", "&#x3164;", "123", '<img src="a.png" alt="." />']
)
def test_a_link_without_letters(footer: Proof, words: str) -> None:
    assert findings(footer, "", LINK.replace("Unsubscribe", words))


def test_a_rule_for_outlook(footer: Proof) -> None:
    css = "<style>.foot{display:none !important}</style>"
    assert "Outlook" in findings(footer, f"<!--[if mso]>{css}<![endif]-->")[0]


FINE = [
    "",
    "@media (hover:hover){.promo{display:none}}",
    "@media print{.foot{display:none}}",
    "@media (min-height:1px){.foot{color:#123456;padding:4px}}",
    ".foot::after{content:'';position:absolute;opacity:0}",
    "u + .body .gmail-hide{display:none}",
    ".card:hover .tip, .foot .tip{display:none}",
    '*[class="mobile-hide"]{display:none !important}',
    "@supports (display:grid){.foot{display:grid;margin:0 auto;width:100%}}",
    ".moz-text-html .foot{line-height:20px}",
    "body{.promo{display:none}}",
]


@pytest.mark.parametrize("css", FINE)
def test_ordinary_rules_are_no_findings(clean: Proof, css: str) -> None:
    assert findings(clean, f"<style>{css}</style>") == []


@pytest.mark.parametrize(
    "link",
    [
        f'<div style="overflow:hidden;border-radius:8px;max-width:600px;width:100%">{LINK}</div>',
        f'<td width="0" style="padding:4px;margin:-10px 0;opacity:0.8">{LINK}</td>',
        '<a href="[[unsubscribe_url]]"><img src="https://example.com/a.png" width="90" alt="Leave" /></a>',
        '<a href="[[unsubscribe_url]]">配信停止</a>',
        '<a href="[[unsubscribe_url]]" style="display:none">no</a> ' + LINK,
    ],
)
def test_links_that_are_visible(clean: Proof, link: str) -> None:
    assert findings(clean, "", link) == []


def test_one_link_for_each_screen(clean: Proof) -> None:
    css = ".phone{display:none} @media (max-width:479px){.phone{display:block} .wide{display:none}}"
    link = f'<div class="wide">{LINK}</div><div class="phone">{LINK}</div>'
    assert findings(clean, f"<style>{css}</style>", link) == []
