"""Tests of the computed styles of a mail's texts against Chromium's, and of arbitrary CSS."""

import re
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from playwright.sync_api import Browser, Page

from newsletter.checks.css.cascade import Cascade
from newsletter.checks.css.rules import Viewport
from newsletter.checks.document import Document
from newsletter.render.pipeline import render
from tests.render import looks, material

VIEWPORTS = [Viewport(720), Viewport(720, dark=True), Viewport(375), Viewport(375, dark=True)]

# Each visible text: its words, its colour and background as they are shown, its size and weight.
TEXTS = """() => {
  const rgba = css => { const n = css.match(/[\\d.]+/g).map(Number); return n.length < 4 ? [...n, 1] : n }
  const over = ([r, g, b, a], under) => [r, g, b].map((c, i) => c * a + under[i] * (1 - a)).concat(1)
  const dark = matchMedia('(prefers-color-scheme: dark)').matches
  const schemes = getComputedStyle(document.documentElement).colorScheme
  const meta = document.querySelector('meta[name=color-scheme]')
  const canvas = dark && /dark/.test(schemes + (schemes === 'normal' && meta ? meta.content : ''))
    ? [18, 18, 18, 1] : [255, 255, 255, 1]
  const behind = element => element
    ? over(rgba(getComputedStyle(element).backgroundColor), behind(element.parentElement)) : canvas
  const found = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  while (walker.nextNode()) {
    const words = walker.currentNode.data.split(/[ \\t\\r\\n\\f]+/).filter(Boolean).join(' ')
    const element = walker.currentNode.parentElement, style = getComputedStyle(element)
    const seen = words.replace(/[\\s\\u2007\\u200a\\ufeff\\u034f\\u200b-\\u200f]/g, '')
    if (!seen || !element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue
    if (element.closest('[style*="max-height:0"], .flat')) continue
    const background = behind(element), colour = over(rgba(style.color), background)
    const hex = c => '#' + c.slice(0, 3).map(n => Math.round(n).toString(16).padStart(2, '0')).join('')
    if (parseFloat(style.fontSize) > 0)
      found.push([words, hex(colour), hex(background), parseFloat(style.fontSize), +style.fontWeight])
  }
  return found
}"""

TRICKY = """<!DOCTYPE html><html><head><meta name="color-scheme" content="light dark"><style>
  p { color: #111111 } .a { color: #222222 } #b { color: #333333 } p.a { color: #444444 }
  .later { color: #555555 } .later { color: #666666 }
  .important { color: #777777 !important }
  @media (max-width: 480px) { .phone { color: #aa0000 !important; font-size: 20px !important } }
  @media screen and (min-width: 481px) { .desk { background: #eeeeee url() } }
  @media (prefers-color-scheme: dark) { .night { color: #abcdef !important; background-color: #123456 } }
  @media not print { .not { color: #bb00bb } }
  @media print { .print { color: #00bb00 } }
  @media (prefers-color-scheme: light), (max-width: 400px) { .either { color: #0000bb } }
  div > .child { color: hsl(120, 50%, 30%) } .x + .y { color: rgb(10 20 30 / 50%) } [title] { color: teal }
  p { color: } .broken { color: #12 } .bad:unknown-thing, .fine { color: red }
  .half { background: rgba(0,0,0,.5) }
  .big { font: 700 2em/1.5 Arial } .inherit { font: inherit; color: inherit } .none { display: none }
  .up { background: currentColor } ul li:first-child { color: #0a0b0c } a:not(.x) { font-weight: bolder }
  .hidden { visibility: hidden } .hidden b { visibility: visible } .zero { font-size: 0 }
  @media screen { .x &gt; .entity { color: #cc0000 } .after { color: #00cc00 } }
  @supports (display: block) { .supports { color: #123123 } }
  .vars { color: red; color: color-mix(in srgb, red, no) } .pt { font-size: 12pt } .pc { font-size: 80% }
</style></head><body text="#0f0f0f" bgcolor="#fafafa">
  <p>plain</p> <p class="a">class and type</p> <p class="a" id="b">id</p> <p class="later">later wins</p>
  <p class="important" style="color: #888888">important beats inline</p>
  <p style="color:#888888 !important">x</p>
  <p class="phone" style="font-size: 14px">phone</p> <p class="desk">desk</p> <p class="night">night</p>
  <p class="not">not</p> <p class="print">print</p> <p class="either">either</p>
  <div>in a div <span class="child">child</span> tail</div>
  <p class="x">x</p><p class="y">y</p> <p title="t">title</p>
  <p class="broken">broken</p> <p class="fine">one bad selector ends its rule</p>
  <div class="half">half <div class="half">quarter
  <span style="color: rgba(255,255,255,.5)">veiled</span></div></div>
  <div class="big">big <span class="inherit">inherited</span> <b>bold</b> <small>small</small></div>
  <p class="none">none</p> <p class="hidden">hidden <b>but not this</b></p> <p class="zero">zero</p>
  <table bgcolor="#ffccbb"><tr><td bgcolor="fff">td</td><th>th</th>
  <td><font color="navy">font</font></td></tr></table>
  <a href="https://example.com/">a link</a> <a>no link</a> <a class="x" href="#">x</a>
  <ul><li>first</li><li>second</li></ul> <h1>h1</h1> <h3>h3</h3> <p class="supports">supports</p>
  <p class="pt">points</p> <p class="pc">percent <em style="font-size:2em">em</em></p>
  <p style="background-color: transparent; color: inherit">inherit</p> <p style="font-weight: 300">light</p>
  <p class="entity">an entity ends nothing</p> <p class="after">after it</p>
</body></html>"""

PLANTED = [
    pytest.param("color:#2b3442", "color:#9aa0a8", id="grey-on-white"),
    pytest.param("background-color:#fdeee4", "background-color:#7c2d12", id="pill"),
    pytest.param(".ink div, .mast div", ".mast div", id="dark-text-left-dark"),
    pytest.param("body, .bg, .ink pre {", "body, .bg {", id="code-left-light"),
    pytest.param(".card, .card > table {", ".none {", id="cards-left-light"),
    pytest.param("(max-width:479px)", "(max-width:9px)", id="no-phone"),
    pytest.param("(prefers-color-scheme: dark)", "(max-width: 1px)", id="never-dark"),
    pytest.param("#ffb38a !important", "#ffb38a", id="unimportant"),
    pytest.param(":root { color-scheme: light dark; }", "", id="scheme-by-meta"),
]


_CHANNELS = re.compile("[0-9a-f]{2}")


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with looks.opened(browser, "") as (page, _):
        yield page


def chromium(page: Page, mail: str, screen: Viewport) -> list[tuple[str, str, str, float, int]]:
    page.set_viewport_size({"width": screen.width, "height": 800})
    page.emulate_media(color_scheme="dark" if screen.dark else "light")
    page.set_content(mail)
    return [(words, *seen) for words, *seen in page.evaluate(TEXTS)]


def ours(mail: str, screen: Viewport) -> list[tuple[str, str, str, float, int]]:
    texts = []
    for run in Cascade(Document(mail)).runs(screen):
        backdrop, colour = run.style.backdrop, run.style.colour
        assert backdrop and colour
        colours = (str(backdrop.text(colour)), str(backdrop.background))
        texts.append((run.words, *colours, run.style.size, run.style.weight))
    return texts


def differences(mail: str, page: Page, screen: Viewport) -> list[str]:
    """Return the texts for which the two disagree by more than the rounding of a colour."""
    mine, theirs = ours(mail, screen), chromium(page, mail, screen)
    assert len(theirs) > 30
    pairs = zip_longest(mine, theirs, fillvalue=("", "", "", 0.0, 0))
    return [f"{screen}: {ours} is {theirs}" for ours, theirs in pairs if not _is_close(ours, theirs)]


def _is_close(ours: tuple[str, str, str, float, int], theirs: tuple[str, str, str, float, int]) -> bool:
    channels = ([int(part, 16) for part in _CHANNELS.findall(text[1] + text[2])] for text in (ours, theirs))
    close = all(abs(a - b) <= 2 for a, b in zip_longest(*channels, fillvalue=-9))
    words, sizes = (ours[0].split() == theirs[0].split()), abs(ours[3] - theirs[3])
    return words and close and sizes < 0.1 and ours[4] == theirs[4]


@pytest.mark.parametrize("screen", VIEWPORTS, ids=str)
@pytest.mark.parametrize("name", ["real", "full", "tricky"])
def test_chromium_sees_the_same(page: Page, name: str, screen: Viewport) -> None:
    mails = {"real": material.real().html, "full": render(material.full_issue(), material.site()).html}
    mail = mails.get(name, TRICKY)
    assert differences(mail, page, screen) == []


@pytest.mark.parametrize(("old", "new"), PLANTED)
def test_chromium_sees_planted_faults_the_same(page: Page, old: str, new: str) -> None:
    mail = render(material.full_issue(), material.site()).html
    assert old in mail
    for screen in VIEWPORTS:
        assert differences(mail.replace(old, new), page, screen) == []


@given(st.text("{}:;,.#@()[]/*!\\\"' <>-abc0123456789%\n", max_size=200) | st.text(max_size=60))
def test_arbitrary_css_raises_nothing(css: str) -> None:
    css = css.replace("<", "")
    mail = f"<style>{css} p {{ color: {css} }} @media {css} {{ p {{}} }}</style><p>x</p>"
    for screen in VIEWPORTS[:2]:
        assert [run.words for run in Cascade(Document(mail)).runs(screen)] in (["x"], [])


def test_many_rules_are_matched_in_time(tmp_path: Path) -> None:
    css = "".join(f".c{n} .d{n} > p {{ color: #{n % 1000:06d} }}" for n in range(6_000))
    deep = "<div>" * 200 + "<p>deep</p>"
    assert [run.words for run in Cascade(Document(f"<style>{css}</style>{deep}")).runs(Viewport())] == [
        "deep"
    ]
