"""Themes: each writes everything that an issue can have, readably, and an owner's colours and fonts."""

import re
from dataclasses import replace
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from newsletter.checks import registry
from newsletter.checks.css.colours import Colour
from newsletter.checks.css.rules import WIDE, Viewport
from newsletter.checks.document import words
from newsletter.checks.mail.contrast import contrast
from newsletter.checks.proof import Proof
from newsletter.config import loader
from newsletter.config.themes import Colors, FontLists
from newsletter.issue.model import Image, Issue, Passage, Section, Story
from newsletter.render import colour, template_files, themes
from newsletter.render.pipeline import render
from newsletter.render.themes import THEMES, ThemeName
from tests.render import looks, material

NAMES = pytest.mark.parametrize("theme", THEMES)
DARK = replace(WIDE, dark=True)
ACCENTS = ["#1f4b7a", "#c2185b", "#00564d", "#000000", "#ffdc3c", "#e8e8e4"]
PICTURE = Image(
    src="https://pictures.example.com/b.png",
    alt="A pot",
    caption="The **pot**",
    link="https://soup.example.com/pot",
)
ADVERTISEMENT = Story(title="Pots", text="Ten litres.", sponsor=True)
SMALL = Image(src="https://pictures.example.com/c.png", alt="A spoon", width=176)


def everything(**changes: Any) -> Issue:
    """Return an issue with every part that a template can be given, in the places where it may stand."""
    full = material.full_story(
        passages=(Passage(heading="Why `it` works", text="So."), Passage(text="Thus.", image=SMALL))
    )
    sections = (
        Section(
            heading="Kitchen",
            text="Some *words*.",
            image=PICTURE,
            stories=(full, full.model_copy(update={"image": SMALL}), Story(title="Brief", text="One line.")),
        ),
        Section(text="> I have a calendar.\n>\n> A tidy reader", stories=(ADVERTISEMENT,)),
        Section(
            heading="Garden",
            stories=(
                Story(title="`Garlic`", image=SMALL, text="Now.", tags=("job",)),
                full.model_copy(update={"title": "Pans", "sponsor": True, "button": "Buy"}),
                Story(title="Leaves", link="https://soup.example.com/leaves", text="Leave them. " * 20),
                Story(title="Seeds", link="https://soup.example.com/seeds"),
                Story(title="Soil", link="https://soup.example.com/soil", text="Dig."),
            ),
        ),
    )
    opening = Passage(heading="Opening", text=material.EVERYTHING, image=PICTURE)
    fields: dict[str, Any] = {
        "stories": (),
        "sections": sections,
        "number": 12,
        "image": PICTURE,
        "opening": (opening, Passage(text="More.")),
        "closing": (Passage(heading="Bye", text="See *you*."), Passage(text="The cook")),
    }
    return material.issue(**{**fields, **changes})


SECTIONS = (Section(heading="Kitchen", stories=(material.story(), ADVERTISEMENT)), Section(text="End."))
ISSUES = {
    "everything": everything(),
    "list of stories": everything(contents="stories", image=SMALL, sections=SECTIONS, opening=()),
    "list of sections": everything(contents="sections", sections=SECTIONS, opening=(), closing=()),
    "opening only": everything(sections=(), opening=(Passage(text="Only this."),), closing=(), number=None),
    "one story": material.issue(),
}


def newsletter(theme: ThemeName, folder: Path = Path("/nowhere"), **changes: Any) -> loader.Newsletter:
    """Return a newsletter with this theme; `changes` are of its newsletter.yml, and are not validated."""
    loaded = loader.load(material.REPOSITORY, {})
    changes = {"theme": theme, "logo": SMALL, **changes}
    return replace(loaded, folder=folder, config=loaded.config.model_copy(update=changes))


def colors(**chosen: str) -> Colors:
    return Colors.model_construct(**chosen)


def proof(issue: Issue, of: loader.Newsletter) -> Proof:
    return Proof(issue, render(issue, of.site), of)


@cache
def usual(theme: ThemeName, name: str = "everything") -> Proof:
    """Return the proof of one of ISSUES in the theme's own colours; its styles are computed once."""
    return proof(ISSUES[name], newsletter(theme))


def found(one: Proof) -> list[str]:
    """Return what the checks find that depend on the template alone."""
    names = (
        "contrast",
        "headings",
        "accessibility",
        "tap-targets",
        "markup",
        "unsubscribe",
    )
    return [problem.what for name in names for problem in registry.CHECKS[name].find(one)]


def words_of(one: Proof, viewport: Viewport = WIDE) -> dict[str, Colour]:
    """Return the visible words of a mail, each with the colour of its background."""
    return {
        run.words: run.style.backdrop.background for run in one.cascade.runs(viewport) if run.style.backdrop
    }


@pytest.mark.parametrize(
    ("theme", "name"),
    [("digest", "everything"), *product(("letter", "gazette"), ISSUES), ("digest", "opening only")],
)
def test_a_theme_writes_every_part_and_no_check_finds_anything(theme: ThemeName, name: str) -> None:
    one, issue = usual(theme, name), ISSUES[name]
    assert found(one) == []
    written = " ".join(words(one.document.root).split())
    for _, story in issue.located_stories():
        assert story.title.replace("`", "") in written.replace("`", "")
        for link in story.links:
            assert link.text in written


@NAMES
def test_an_owners_accent_is_readable_wherever_a_theme_uses_it(theme: ThemeName) -> None:
    assert not themes.accent_problem(theme, "#c2185b")
    one = proof(ISSUES["everything"], newsletter(theme, colors=colors(accent="#c2185b")))
    assert [problem.what for problem in contrast(one)] == []


@NAMES
def test_a_dark_accent_is_used_in_the_dark(theme: ThemeName) -> None:
    chosen = newsletter(theme, colors=colors(accent_dark="#7fd4a8"))
    one = proof(ISSUES["list of stories"], chosen)
    shown = {str(run.style.colour) for run in one.cascade.runs(DARK)}
    assert "#7fd4a8" in shown


@NAMES
def test_no_rule_is_escaped(theme: ThemeName) -> None:
    # Browsers drop a rule with `&gt;` in its selector, and dark text stays on a light ground.
    assert not [style for style in usual(theme).document.named("style") if "&" in (style.text or "")]


def test_low_contrast_is_found() -> None:
    accent = "#ffcc00"  # refused in newsletter.yml
    assert themes.accent_problem("letter", accent)
    problems = found(proof(ISSUES["one story"], newsletter("letter", colors=colors(accent=accent))))
    assert any("contrast 1.5 in light mode" in problem for problem in problems)


@pytest.mark.parametrize(("theme", "language"), [("letter", "en"), ("gazette", "ar")])
def test_nothing_sticks_out_on_a_small_phone(browser: Browser, theme: ThemeName, language: str) -> None:
    long = "W" * 200
    issue = everything(subject=long, preheader=long)
    mail = render(issue, newsletter(theme, language=language, name=long).site).html
    with looks.opened(browser, mail, width=320) as (page, _):
        assert page.evaluate(looks.OVERFLOW) == []
        assert page.evaluate("document.documentElement.dir") == ("rtl" if language == "ar" else "ltr")


# Parts


def test_a_letter_has_its_subject_as_title_and_a_signature() -> None:
    one = usual("letter")
    (title,) = one.document.named("h1")
    assert words(title) == "Leek & potato"
    sizes = {run.words: run.style.size for run in one.cascade.runs(WIDE)}
    assert sizes["A soup for a cold evening."] == 21
    assert sizes["The cook"] == 32
    assert "***" in sizes, "a rule is an asterism"
    assert 'class="toc' not in one.rendered.html


def test_a_gazette_lists_its_sections_and_marks_their_headings() -> None:
    one = usual("gazette")
    grounds = words_of(one)
    assert str(grounds["Garden"]) == "#ffdc3c"
    anchors = [link.get("href")[1:] for link in one.document.links if link.get("href", "").startswith("#")]
    assert anchors == ["section-1", "section-3"]
    headings = {heading.get("id"): words(heading) for heading in one.document.named("h2")}
    assert [headings[anchor] for anchor in anchors] == ["Kitchen", "Garden"]
    sizes = {run.words: run.style.size for run in one.cascade.runs(WIDE)}
    assert (sizes["I have a calendar."], sizes["A tidy reader"]) == (31, 14)


@NAMES
def test_an_advertisement_says_what_it_is_on_a_ground_of_its_own(theme: ThemeName) -> None:
    one = usual(theme)
    text = words(one.document.root)
    assert text.index("Advertisement") < text.index("Ten litres.")
    grounds = words_of(one)
    assert grounds["Ten litres."] != grounds["Now."]


def test_a_mail_stays_small() -> None:
    for theme, most in {"letter": 22_000, "gazette": 26_000}.items():
        stories = [material.story(title=f"Story {n}") for n in range(5)]
        html = render(material.issue(*stories), newsletter(theme).site).html  # type: ignore[arg-type]
        assert len(html.encode()) < most, theme


# Colours and fonts


def test_a_missing_dark_accent_is_a_lighter_shade_of_the_other() -> None:
    for theme, one in THEMES.items():
        for accent in ACCENTS:
            dark = themes.palette(theme, {"accent": accent})["accent_dark"]
            assert colour.lowest_contrast(dark, one.dark)[0] >= 7, (theme, accent)
        assert themes.palette(theme, {})["accent_dark"] == one.accent_dark


def test_text_on_a_marker_is_the_one_that_stays_readable() -> None:
    texts = {accent: themes.palette("gazette", {"accent": accent})["on_accent"] for accent in ACCENTS}
    assert texts["#ffdc3c"] == texts["#e8e8e4"] == "#0b0c0d"
    assert texts["#1f4b7a"] == texts["#c2185b"] == "#ffffff"


@NAMES
def test_a_refused_accent_comes_with_one_that_is_accepted(theme: ThemeName) -> None:
    for accent in ("#ffcc00", "#00b8a0", "#777777", "#ff0000"):
        for find in (themes.accent_problem, themes.dark_accent_problem):
            if problem := find(theme, accent):
                for word in problem[1].replace(",", "").split():
                    assert not word.startswith("#") or find(theme, word) is None, (accent, word)


@NAMES
def test_fonts_of_the_owner_come_first(theme: ThemeName) -> None:
    chosen = {"text": ("Optima", "Verdana"), "titles": ("Cochin", "Cambria", "serif")}
    html = render(ISSUES["one story"], newsletter(theme, fonts=FontLists(**chosen)).site).html
    assert "Optima, Verdana" in html.replace("'", "").replace("&#39;", "")
    assert "Cochin, Cambria, serif" in html.replace("'", "").replace("&#39;", "")
    word = html[html.index("<!--[if mso]><style>") :]
    assert "'Verdana'" in word and "'Cambria'" in word, "Word knows these of the lists"


# Folders


def test_own_templates_come_before_the_themes_and_those_before_the_shared_ones(tmp_path: Path) -> None:
    own = tmp_path / "templates"
    own.mkdir()
    (own / "footer.mjml.j2").write_text(
        "<mj-section><mj-column><mj-text>Ours</mj-text></mj-column></mj-section>"
    )
    mail = render(ISSUES["one story"], newsletter("letter", tmp_path).site)
    assert "Ours" in mail.html and "#fdfbf5" in mail.html
    text = render(ISSUES["one story"], newsletter("digest", contents="off").site).text
    assert mail.text.replace("A soup for a cold evening.\n\n", "", 1) == text, "the text part is shared"


def test_the_theme_comes_first_where_the_own_templates_are_the_built_in_ones() -> None:
    shared = newsletter("letter", template_files.BUILT_IN.parent).site
    assert render(ISSUES["one story"], shared) == render(ISSUES["one story"], newsletter("letter").site)


def test_a_theme_has_every_shared_file() -> None:
    for theme in THEMES:
        names = [file.name for file in template_files.theme_templates(theme)]
        assert names == sorted(set(names))
        assert {file.name for file in template_files.BUILT_IN.glob("*.j2")} <= set(names)


@pytest.mark.parametrize("name", THEMES)
def test_the_grounds_that_an_accent_is_judged_on_are_those_of_the_templates(name: ThemeName) -> None:
    files = template_files.theme_templates(name)
    source = "\n".join(file.read_text(encoding="utf-8") for file in files if file.name.endswith(".mjml.j2"))
    assert all(ground in source for ground in (*THEMES[name].light, *THEMES[name].dark))


@pytest.mark.parametrize("viewport", [WIDE, DARK], ids=["light", "dark"])
@NAMES
def test_the_words_in_place_of_a_picture_in_a_text_can_be_read(theme: ThemeName, viewport: Viewport) -> None:
    linked = "Text.\n\n[![A pot](https://pictures.example.com/b.png)](https://soup.example.com)"
    cascade = proof(everything(opening=(Passage(text=linked),)), newsletter(theme)).cascade
    styles = [style for element, style in cascade.styles(viewport).items() if element.tag == "img"]
    contrasts = [style.contrast for style in styles if style.backdrop]
    assert len(contrasts) > 1 and min(contrast or 0 for contrast in contrasts) >= 4.5


@NAMES
def test_a_title_is_underlined_where_it_is_the_only_link_to_its_story(theme: ThemeName) -> None:
    text = "A text that is too long for a line of a list: " + "more words, " * 9
    brief = Story(title="Brief", link="https://soup.example.com/brief", text=text)
    html = render(material.issue(brief, material.story()), newsletter(theme).site).html
    title = re.findall(r"<a [^>]*>Brief</a>", html)[-1]  # the first is in the contents
    assert "text-decoration:underline" in title


def test_a_section_without_stories_has_a_whole_line_of_the_contents() -> None:
    sections = (Section(heading="News", stories=(material.story(),)), Section(heading="Dates", text="None."))
    issue = everything(contents="sections", sections=sections)
    cells = re.findall(r"<td class=\"first[^>]*>", render(issue, newsletter("gazette").site).html)
    assert ["colspan" in cell for cell in cells] == [False, True]
