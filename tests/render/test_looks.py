"""Tests of the mail in a real browser: in light and dark mode, from a small phone to a desktop."""

import re

import pytest
from playwright.sync_api import Browser

from newsletter.render.pipeline import render
from tests.render import looks, material

SCHEMES = pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])


@pytest.fixture(scope="module", params=["real", "full"])
def mail(request: pytest.FixtureRequest) -> str:
    return (
        material.real() if request.param == "real" else render(material.full_issue(), material.site())
    ).html


@SCHEMES
def test_text_can_be_read(browser: Browser, mail: str, dark: bool) -> None:
    with looks.opened(browser, mail, dark=dark) as (page, _):
        assert page.evaluate(looks.LOW_CONTRAST) == []


@pytest.mark.parametrize(
    ("dark", "old", "new"),
    [
        pytest.param(False, "color:#2b3442", "color:#9aa0a8", id="grey-on-white"),
        pytest.param(False, "background-color:#fdeee4", "background-color:#7c2d12", id="pill"),
        pytest.param(True, ".ink div, .mast div", ".mast div", id="dark-text-left-dark"),
        pytest.param(True, "body, .bg, .ink pre {", "body, .bg {", id="code-left-light"),
        pytest.param(True, ".card, .card > table {", ".none {", id="cards-left-light"),
    ],
)
def test_low_contrast_is_found(browser: Browser, dark: bool, old: str, new: str) -> None:
    mail = render(material.full_issue(), material.site()).html
    assert old in mail
    with looks.opened(browser, mail.replace(old, new), dark=dark) as (page, _):
        assert page.evaluate(looks.LOW_CONTRAST) != []


@pytest.mark.parametrize("width", [320, 375, 600, 720])
def test_nothing_sticks_out(browser: Browser, mail: str, width: int) -> None:
    with looks.opened(browser, mail, width=width) as (page, _):
        assert page.evaluate(looks.OVERFLOW) == []


def test_long_words_do_not_stick_out(browser: Browser) -> None:
    word = "W" * 300
    story = material.full_story(title=word, authors=(word,), tags=(word,))
    labels = material.labels(read_story=word, unsubscribe=word)
    mail = render(material.issue(story, subject=word), material.site(name=word, labels=labels)).html
    with looks.opened(browser, mail, width=320) as (page, _):
        assert page.evaluate(looks.OVERFLOW) == []


def test_what_sticks_out_is_found(browser: Browser, mail: str) -> None:
    wide = mail.replace("</h1>", '</h1><div style="width:900px">x</div>')
    with looks.opened(browser, wide) as (page, _):
        assert page.evaluate(looks.OVERFLOW) != []


def test_thumbs_find_links_on_a_phone(browser: Browser, mail: str) -> None:
    with looks.opened(browser, mail, width=375) as (page, _):
        assert page.evaluate(looks.SMALL_TARGETS, 44) == []
    with looks.opened(browser, mail, width=720) as (page, _):
        assert page.evaluate(looks.SMALL_TARGETS, 44) != []


@SCHEMES
def test_backgrounds(browser: Browser, mail: str, dark: bool) -> None:
    with looks.opened(browser, mail, dark=dark) as (page, _):
        found = page.evaluate(looks.BACKGROUNDS)
    brightest = [max(map(int, re.findall(r"\d+", colour)[:3])) for colour in found]
    assert max(brightest) < 70 if dark else min(brightest) > 240


def test_a_mail_that_stays_light_is_found(browser: Browser, mail: str) -> None:
    light = mail.replace("(prefers-color-scheme: dark)", "(max-width: 1px)")
    with looks.opened(browser, light, dark=True) as (page, _):
        assert page.evaluate(looks.BACKGROUNDS)[1] == "rgb(255, 255, 255)"


def test_nothing_is_fetched(browser: Browser) -> None:
    with looks.opened(browser, material.real().html) as (_, requests):
        assert requests == []


def test_only_the_editors_pictures_are_fetched(browser: Browser) -> None:
    mail = render(material.full_issue(), material.site()).html
    with looks.opened(browser, mail) as (_, requests):
        assert set(requests) == {f"https://pictures.example.com/a.png{query}" for query in ("", "?x=1&y=2")}


def test_placeholders_are_links(browser: Browser, mail: str) -> None:
    with looks.opened(browser, mail) as (page, _):
        assert page.locator('a[href="[[unsubscribe_url]]"]').count() == 1
