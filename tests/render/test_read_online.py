"""The link "Read in the browser" in the mail of each theme: its place, its look, and when there is none."""

from typing import get_args

import pytest
from playwright.sync_api import Browser

from newsletter.issue.model import Issue
from newsletter.render.model import Rendered
from newsletter.render.pipeline import render
from newsletter.render.themes import ThemeName
from tests.render import looks, material

PAGE = "https://soup.example.com/2026-04-27/"
LINK = f'a[href="{PAGE}"]'
WORDS = "Read in the browser"
THEMES = pytest.mark.parametrize("theme", get_args(ThemeName))
# Of each theme: the mail with a date, and with a number that makes the line of the date long.
NUMBERS = pytest.mark.parametrize("number", [None, 1234], ids=["date", "number"])


def mail_of(theme: ThemeName, issue: Issue | None = None, **changes: object) -> Rendered:
    fields = {"url": "https://soup.example.com", "theme": theme, **changes}
    return render(issue or material.issue(), material.site(**fields))


@THEMES
def test_the_mail_links_to_its_page_once(theme: ThemeName) -> None:
    mail = mail_of(theme)
    (link,) = [a for a in material.parsed(mail.html).iter("a") if a.get("href") == PAGE]
    assert link.text_content() == WORDS
    assert mail.text.count(f"\n\n{WORDS}: {PAGE}\n\n") == 1
    assert mail.text.count(PAGE) == 1


@THEMES
def test_the_preheader_stays_the_first_text(theme: ThemeName) -> None:
    texts = [text.strip() for text in material.parsed(mail_of(theme).html).find("body").itertext()]
    first = next(text for text in texts if text)
    assert first.startswith("A soup for a cold evening.")


@THEMES
def test_without_a_page_the_mail_has_no_trace_of_the_link(theme: ThemeName) -> None:
    without = mail_of(theme, url=None)
    assert not any(word in part for word in (PAGE, WORDS) for part in (without.html, without.text))
    assert mail_of(theme, archive=False) == without
    assert mail_of(theme, material.issue(archive=False)) == without
    assert mail_of(theme) != without


@THEMES
def test_the_words_are_a_label(theme: ThemeName) -> None:
    mail = mail_of(theme, labels=material.labels(read_online="Im Browser lesen"))
    assert ">Im Browser lesen</a>" in mail.html
    assert f"Im Browser lesen: {PAGE}" in mail.text


@THEMES
@NUMBERS
@pytest.mark.parametrize("width", [320, 375, 640])
def test_a_finger_hits_the_link(browser: Browser, theme: ThemeName, number: int | None, width: int) -> None:
    mail = mail_of(theme, material.issue(number=number))
    with looks.opened(browser, mail.html, width=width) as (page, _):
        box = page.locator(LINK).bounding_box()
        assert box and box["height"] == pytest.approx(44, abs=0.5)
        assert page.evaluate(looks.OVERFLOW) == []
        title = page.locator("h1").bounding_box()
        assert title and title["y"] >= box["y"] + box["height"]  # no other element lies over it


@THEMES
def test_the_link_is_at_the_end_of_its_line(browser: Browser, theme: ThemeName) -> None:
    for direction, language in (("ltr", "en"), ("rtl", "he")):
        with looks.opened(browser, mail_of(theme, language=language).html, width=640) as (page, _):
            box = page.locator(LINK).bounding_box()
            assert box
            end = box["x"] + box["width"] if direction == "ltr" else 640 - box["x"]
            assert end == pytest.approx(584, abs=1), direction


@THEMES
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_link_can_be_read(browser: Browser, theme: ThemeName, dark: bool) -> None:
    with looks.opened(browser, mail_of(theme).html, dark=dark) as (page, _):
        assert page.evaluate(looks.LOW_CONTRAST) == []


@THEMES
def test_long_words_wrap(browser: Browser, theme: ThemeName) -> None:
    long = "Read this letter with all its pictures in the browser of your computer or phone"
    mail = mail_of(theme, material.issue(date_line="W" * 60), labels=material.labels(read_online=long))
    with looks.opened(browser, mail.html, width=320) as (page, _):
        assert page.evaluate(looks.OVERFLOW) == []


@pytest.mark.parametrize("theme", ["digest", "gazette"])
def test_the_link_moves_no_other_line(browser: Browser, theme: ThemeName) -> None:
    tops = []
    for archive in (True, False):
        with looks.opened(browser, mail_of(theme, archive=archive).html, width=640) as (page, _):
            box = page.locator("h1").bounding_box()
            assert box
            tops.append(box["y"])
    assert abs(tops[0] - tops[1]) <= 6
