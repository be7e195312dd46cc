"""Tests of the page of an issue's card: its texts, its sizes of type, and a newsletter's own template."""

from pathlib import Path
from typing import get_args

import pytest

from newsletter.archive.card import render_card
from newsletter.errors import TemplateError
from newsletter.render.model import Site
from newsletter.render.themes import ThemeName
from tests.render.material import parsed

THEMES = get_args(ThemeName)
LETTER = Site("Plot & Pantry", "7 Allotment Lane, Example City")


def card(title: str = "Small knives", date_line: str = "27 April 2026", site: Site = LETTER) -> str:
    return render_card(site, title, date_line)


def size(title: str) -> int:
    """Return the size of the type of a title in pixels."""
    rule = next(line for line in card(title).splitlines() if line.startswith("h1 {"))
    return int(rule.partition("font-size: ")[2].partition("px")[0])


@pytest.mark.parametrize("theme", THEMES)
def test_the_name_the_title_and_the_date_in_each_theme(theme: ThemeName) -> None:
    page = parsed(card(site=Site("Plot & Pantry", "x", theme=theme)))
    texts = [page.find(f".//{place}").text_content() for place in ("header", "h1", "p[@class='date']")]
    assert texts == ["Plot & Pantry", "Small knives", "27 April 2026"]


@pytest.mark.parametrize("theme", THEMES)
def test_the_colours_and_fonts_of_the_newsletter(theme: ThemeName) -> None:
    colours, fonts = {"accent": "#7a1f4b"}, {"titles": ("Example Display",), "text": ("Example Sans",)}
    style = parsed(card(site=Site("A", "x", theme=theme, colors=colours, fonts=fonts))).get("style")
    assert "--accent: #7a1f4b" in style
    assert "--titles: 'Example Display', " in style and "--text: 'Example Sans', " in style


def test_texts_are_no_markup() -> None:
    page = parsed(card('1 <2> & "3" <script>4</script>', "<b>today</b>"))
    assert page.findtext(".//h1") == '1 <2> & "3" <script>4</script>'
    assert page.find(".//script") is None and page.find(".//b") is None


def test_no_date_line_no_line() -> None:
    assert 'class="date"' not in card(date_line="")


@pytest.mark.parametrize(("language", "direction"), [("en", "ltr"), ("he", "rtl"), ("ar", "rtl")])
def test_the_direction_is_that_of_the_language_and_of_each_text(language: str, direction: str) -> None:
    page = parsed(card(site=Site("A", "x", language=language)))
    assert (page.get("lang"), page.get("dir")) == (language, direction)
    assert [part.get("dir") for part in (page.find(".//h1"), *page.iterfind(".//p"))] == ["auto"] * 3


@pytest.mark.parametrize(
    ("shorter", "longer"),
    [
        pytest.param("Small knives", "Soup weather, garlic in, and a shed", id="length"),
        pytest.param("word " * 20, "word " * 40, id="very-long"),
        pytest.param("Small knives", "Kleine Küchenmesser", id="one-long-word"),
        pytest.param("soup and garlic", "冬のスープとにんにくの植えつけ", id="wide-characters"),
        pytest.param("word " * 10, "слово " * 5 + "سماء " * 5, id="high-letters"),
    ],
)
def test_a_longer_title_is_smaller(shorter: str, longer: str) -> None:
    assert size(shorter) > size(longer)


def test_high_letters_have_higher_lines() -> None:
    assert "line-height: 1.14;" in card("Small knives") and "line-height: 1.36;" in card("سماء")


def test_a_long_name_has_two_lines() -> None:
    names = ("Plot & Pantry", "The newsletter of the allotments of Example City")
    assert ["line-clamp: 2;" in card(site=Site(name, "x")) for name in names] == [False, True]


def test_the_sizes_have_limits() -> None:
    assert size("A") == 94
    assert size("word " * 100) == size("字" * 500) == 38
    assert size("w" * 200) == size("w " * 100) == 38
    assert size("Donaudampfschifffahrtsgesellschaft") == 56  # it is broken at any size


def test_a_newsletter_has_a_card_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "archive").mkdir()
    own = tmp_path / "archive" / "card.html.j2"
    own.write_text(
        "<h1>{{ title }}, {{ date_line }}, {{ site.name }}, {{ title_size }}</h1>", encoding="utf-8"
    )
    site = Site("A & B", "x", templates=str(tmp_path))
    assert card("Knives <1>", "today", site) == "<h1>Knives &lt;1&gt;, today, A &amp; B, 94</h1>"


def test_a_mistake_in_it_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "archive").mkdir()
    (tmp_path / "archive" / "card.html.j2").write_text("\n{{ subject }}", encoding="utf-8")
    with pytest.raises(TemplateError, match=r"card\.html\.j2:2: 'subject' is undefined") as mistake:
        card(site=Site("A", "x", templates=str(tmp_path)))
    assert "`title`" in mistake.value.hint
