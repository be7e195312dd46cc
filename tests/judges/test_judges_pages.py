"""Tests that the judges find nothing in the web pages, and that each fits a phone, its button at the top."""

from collections.abc import Iterator, Mapping
from itertools import cycle, product
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from newsletter.render.pages import render_page, render_style
from newsletter.render.themes import THEMES
from tests.judges import axe, nu
from tests.render.looks import LOW_CONTRAST, OVERFLOW
from tests.render.page_values import STATES, site

_LINK = '<link rel="stylesheet" href="/site.css">'
_PHONE_HEIGHT = 667
_BUTTON_BOTTOM = "() => document.querySelector('main .btn[type=submit]').getBoundingClientRect().bottom"
_MIN_TARGET_PIXELS = 40
# The visible links and controls that do not stand in a sentence and are too low for a finger.
_LOW_TARGETS = """least => [...document.querySelectorAll('main a, .top a, .foot a, .btn, summary')]
  .filter(e => e.checkVisibility() && e.getBoundingClientRect().height < least).map(e => e.outerHTML)"""
# The pages on which one button is all that there is to do.
_WITH_BUTTON = ("sign_up", "sign_up invalid", "confirm", "unsubscribe", "unsubscribed", "lost", "test_link")
_LONG = {"name": "The Exceedingly Long Name of a Newsletter about Soup", "description": "Soup. " * 20}
_LOOKS = list(product(THEMES, axe.WINDOWS))


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    with axe.judging(browser) as page:
        yield page


def styled(state: str, **changes: Any) -> str:
    """Return the page of a state with its style sheet inside it: nothing serves it here."""
    of = site(**changes)
    shown = render_page(STATES[state][0], of, STATES[state][1])
    assert _LINK in shown
    return shown.replace(_LINK, f"<style>{render_style(of)}</style>")


def test_nu_finds_nothing(tmp_path: Path) -> None:
    themes = cycle(THEMES)
    pages = {state: styled(state, theme=next(themes)) for state in STATES}
    pages["hebrew"] = styled("your_data", language="he")
    faults = {
        "stray": pages["lost"].replace("</main>", "</b></main>"),
        "css": pages["lost"].replace("margin: 0;", "margin: wide;", 1),
    }
    found = nu.judge(pages | faults, tmp_path)
    assert all(found.pop(fault) for fault in faults)
    assert found == {state: [] for state in pages}


def test_axe_finds_nothing(page: Page) -> None:
    looks = cycle(_LOOKS)
    for state in STATES:
        theme, window = next(looks)
        assert axe.judge(page, styled(state, theme=theme), [window]) == [], (state, theme, window)


def test_axe_reads_a_planted_fault(page: Page) -> None:
    faulty = styled("lost").replace('for="address"', "")
    assert [verdict.rule for verdict in axe.judge(page, faulty, axe.WINDOWS[:1])] == ["label"]


@pytest.mark.parametrize("theme", THEMES)
def test_a_page_fits_a_phone_with_its_button_above_the_fold(page: Page, theme: str) -> None:
    page.set_viewport_size({"width": 375, "height": _PHONE_HEIGHT})
    for state in STATES:
        page.set_content(styled(state, theme=theme))
        assert page.evaluate(OVERFLOW) == [], state
        page.evaluate("() => document.querySelectorAll('details').forEach(it => it.open = true)")
        assert page.evaluate(_LOW_TARGETS, _MIN_TARGET_PIXELS) == [], state
        if state in _WITH_BUTTON:
            assert page.evaluate(_BUTTON_BOTTOM) < _PHONE_HEIGHT, state


@pytest.mark.parametrize("changes", [{"language": "de"}, {"language": "ar"}, _LONG], ids=["de", "ar", "long"])
def test_other_words_fit_a_narrow_phone(page: Page, changes: Mapping[str, Any]) -> None:
    page.set_viewport_size({"width": 320, "height": _PHONE_HEIGHT})
    for state in STATES:
        page.set_content(styled(state, **changes))
        assert page.evaluate(OVERFLOW) == [], state


def test_each_text_has_contrast_in_colours_of_its_own(page: Page) -> None:
    colours = {"accent": "#b3123f", "accent_dark": "#ff8fb0"}
    for theme, scheme in product(THEMES, ("light", "dark")):
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        for state in ("sign_up invalid", "your_data unsure", "unsubscribed", "not_found"):
            page.set_content(styled(state, theme=theme, colors=colours))
            assert page.evaluate(LOW_CONTRAST) == [], (state, theme, scheme)
