"""Tests of the layout of cards in Chromium: nothing is wider or higher than its place, in any script."""

from collections.abc import Iterator
from typing import get_args

import pytest
from playwright.sync_api import Browser, Page

from newsletter.archive.card import CARD_SIZE, render_card
from newsletter.render.model import Site
from newsletter.render.themes import ThemeName
from tests.render.looks import LOW_CONTRAST

TITLES = {
    "one-letter": ("en", "Q"),
    "short": ("en", "Small knives"),
    "usual": ("en", "Soup weather, garlic in, and a shed that reports itself"),
    "long": ("en", "Soup weather, garlic in, and a shed that says so; " * 4),
    "too-long": ("en", "Soup weather, garlic in, and a shed that says so; " * 10),
    "long-word": ("de", "Donaudampfschifffahrtsgesellschaftskapitänsmützen für alle"),
    "without-spaces": ("en", "W" * 200),
    "wide-letters": ("en", "WWWWW MMMMM " * 2),
    "arabic": ("ar", "حساء الشتاء والثوم في الأرض وكوخ يخبر عن نفسه " * 4),
    "hebrew": ("he", "מרק חורף, שום באדמה ומחסן שמדווח על עצמו " * 5),
    "english-in-hebrew": ("he", "Soup weather (and garlic)"),
    "japanese": ("ja", "冬のスープと、にんにくの植えつけ、自分で報告する物置の話。" * 7),
    "chinese": ("zh", "冬天的汤和大蒜" * 28),
    "korean": ("ko", "겨울 수프와 마늘 심기, 그리고 스스로 보고하는 창고 이야기 " * 6),
    "hindi": ("hi", "सर्दियों का सूप और लहसुन की बुवाई " * 6),
    "thai": ("th", "ซุปฤดูหนาวและการปลูกกระเทียมในสวนหลังบ้าน" * 4),
    "vietnamese": ("vi", "Ẩm thực mùa đông: ế ổ ữ ặ " * 8),
    "emoji": ("en", "🥣🧄👩‍🌾 " * 40),
    "markup": ("en", '<&"> ' * 40),
    "marks": ("en", "Z" + "\u0301" * 199),
}
NAMES = ("Plot", "The Weekly Letter of the Example City Allotment Association and its Friends " * 3, "W" * 90)
WIDTH, HEIGHT = CARD_SIZE
LEFT, RIGHT = (WIDTH - HEIGHT) / 2, (WIDTH + HEIGHT) / 2  # the sides of the square in the middle

# The edges of each text, the number of its lines in sight, their limit, and if whole lines are out of sight.
TEXTS = """() => [...document.querySelectorAll('.name, h1, .date')].map(element => {
  const box = element.getBoundingClientRect(), style = getComputedStyle(element)
  const inner = element.clientHeight - parseFloat(style.paddingTop) - parseFloat(style.paddingBottom)
  return {
    left: box.left, right: box.right, top: box.top, bottom: box.bottom,
    lines: inner / parseFloat(style.lineHeight), most: Number(style.webkitLineClamp),
    isWide: element.scrollWidth > element.clientWidth,
    isCut: element.scrollHeight > element.clientHeight + parseFloat(style.lineHeight) / 2,
  }
})"""
PAGE = "() => [document.documentElement.scrollWidth, document.documentElement.scrollHeight]"


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    with browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}) as page:
        yield page


def problems(page: Page, html: str) -> list[str]:
    """Return what is wrong with the places of the three texts of a card."""
    page.set_content(html)
    texts = page.evaluate(TEXTS)
    found = [] if page.evaluate(PAGE) == [WIDTH, HEIGHT] else ["the page is larger than the picture"]
    for number, text in enumerate(texts):
        if text["left"] < LEFT or text["right"] > RIGHT:
            found.append(f"{number} is not in the middle")
        if abs(text["lines"] - round(text["lines"])) > 0.05 or not 1 <= round(text["lines"]) <= text["most"]:
            found.append(f"{number} has {text['lines']} lines of {text['most']}")
        if text["isCut"] and round(text["lines"]) < text["most"]:
            found.append(f"{number} is cut without an ellipsis")
        if text["isWide"]:
            found.append(f"{number} is too wide")
    edges = [edge for text in texts for edge in (text["top"], text["bottom"])]
    if [0, *edges, HEIGHT] != sorted([0, *edges, HEIGHT]):
        found.append(f"texts overlap: {edges}")
    return found


@pytest.mark.parametrize("theme", get_args(ThemeName))
@pytest.mark.parametrize("title", TITLES)
def test_all_texts_stay_in_their_places(page: Page, title: str, theme: ThemeName, every_case: bool) -> None:
    language, text = TITLES[title]
    found = {}
    # By default each title meets one of the names, another one in each theme.
    turn = [*TITLES].index(title) + [*get_args(ThemeName)].index(theme)
    for name in NAMES if every_case else [NAMES[turn % len(NAMES)]]:
        for date_line in ("27 April 2026", "In the week after the first frost of the year " * 5, ""):
            site = Site(name, "x", language=language, theme=theme)
            found[name[:9], date_line] = problems(page, render_card(site, text.strip(), date_line))
    assert {key: value for key, value in found.items() if value} == {}


@pytest.mark.parametrize("theme", get_args(ThemeName))
@pytest.mark.parametrize("title", ["Q", "Small knives", "Soup weather, part 8", TITLES["usual"][1]])
def test_a_short_title_is_not_cut(page: Page, title: str, theme: ThemeName) -> None:
    page.set_content(render_card(Site("Plot", "x", theme=theme), title, "27 April 2026"))
    assert [text["isCut"] for text in page.evaluate(TEXTS)] == [False] * 3


@pytest.mark.parametrize("theme", get_args(ThemeName))
def test_the_contrast_is_enough(page: Page, theme: ThemeName) -> None:
    page.set_content(render_card(Site("Plot", "x", theme=theme), "Small knives", "27 April 2026"))
    assert page.evaluate(LOW_CONTRAST) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("-webkit-line-clamp", "-webkit-no-clamp", id="no-clamp"),
        pytest.param("overflow-wrap: anywhere; ", "", id="no-wrap"),
        pytest.param("/ 590px", "/ 1190px", id="not-in-the-middle"),
        pytest.param("align-items: center; height: 100%", "align-items: center; height: 130%", id="too-high"),
    ],
)
def test_a_planted_fault_is_found(page: Page, old: str, new: str) -> None:
    html = render_card(Site("Plot", "x"), "W" * 400, "27 April 2026")
    assert problems(page, html) == []
    assert old in html
    assert problems(page, html.replace(old, new)) != []
