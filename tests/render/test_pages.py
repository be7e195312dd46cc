"""Tests of the web pages: their links, words, languages and safety, and of a newsletter's own pages."""

import datetime as dt
import json
import re
from pathlib import Path
from typing import Any, get_args

import jinja2.meta
import pytest

from newsletter.config import label_texts
from newsletter.errors import TemplateError
from newsletter.render import pages, templates
from newsletter.render.colour import channels, contrast
from newsletter.render.page_words import visible_text
from newsletter.render.pages import PAGES, TEXTS, render_page, render_style, sign_up_wording
from newsletter.render.template_files import BUILT_IN
from newsletter.render.themes import THEMES
from newsletter.render.translation import fields, translator
from newsletter.subscribers.origins import ConsentOrigin, StateOrigin
from tests.render import material
from tests.render.page_values import FORM, MASKED, SHARED, STATES, site

WEB = BUILT_IN / "web"
SOURCES = {path.name: path.read_text(encoding="utf-8") for path in sorted(WEB.iterdir())}
ARCHIVE = [path.read_text(encoding="utf-8") for path in sorted((BUILT_IN / "archive").iterdir())]
SENTENCE = re.compile(r'\bt\("([^"]+)"')
LANGUAGES = sorted(path.stem for path in TEXTS.glob("*.json"))


def state(name: str, *, base: str = "", **changes: Any) -> str:
    """Return the page of one of STATES, of a newsletter with `changes`."""
    page, values = STATES[name]
    return render_page(page, site(**changes), values, base=base)


def title(page: str) -> str:
    return str(material.parsed(page).findtext(".//title"))


def heading(document: Any) -> str:
    return str(document.find(".//h1").text_content())


def words(page: str) -> str:
    return visible_text(page)


def sentences() -> set[str]:
    return {pages.MOMENT}.union(*(SENTENCE.findall(source) for source in (*SOURCES.values(), *ARCHIVE)))


# Every page


def test_each_page_has_a_template_and_states() -> None:
    assert {f"{name}.html.j2" for name in PAGES} == SOURCES.keys() - {
        "layout.html.j2",
        "form.html.j2",
        "site.css.j2",
    }
    assert {name for name, _ in STATES.values()} == set(PAGES)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_reads_just_its_values(name: str) -> None:
    environment = templates._environment(None, True, traced=False)

    def read(template: str) -> set[str]:
        source = SOURCES[template]
        made = {*re.findall(r"{% (?:set|macro) (\w+)", source), "button", "hint"}
        return jinja2.meta.find_undeclared_variables(environment.parse(source)) - SHARED - made

    found = read(f"{name}.html.j2")
    if "web/form.html.j2" in SOURCES[f"{name}.html.j2"]:
        found |= read("form.html.j2") - {"action", "form"}  # of the archive
    assert found == set(PAGES[name])


@pytest.mark.parametrize("name", STATES)
def test_a_page_has_nothing_that_its_policy_forbids(name: str) -> None:
    document = material.parsed(state(name, base="/news"))
    assert not document.xpath("//script | //style | //@style | //@src | //iframe | //object | //base")
    assert not [key for element in document.iter() for key in element.attrib if key.startswith("on")]
    for target in document.xpath("//@href | //@action"):
        assert target.startswith("/news/") or target in ("https://soup.example.com", "#main", "data:,")
    assert {form.get("method") for form in document.iter("form")} <= {"post"}


@pytest.mark.parametrize("name", STATES)
def test_only_the_sign_up_page_may_be_found_by_search_engines(name: str) -> None:
    robots = material.parsed(state(name)).xpath("//meta[@name='robots']/@content")
    assert robots == ([] if name.startswith("sign_up") else ["noindex"])


@pytest.mark.parametrize("name", STATES)
def test_a_page_has_one_heading_and_its_landmarks(name: str) -> None:
    document = material.parsed(state(name))
    assert [len(list(document.iter(tag))) for tag in ("h1", "main", "header", "footer")] == [1, 1, 1, 1]
    assert document.xpath("//a[@class='skip']/@href") == ["#main"]
    footer = " ".join(document.find(".//footer").text_content().split())
    assert "Leave, or see your data" in footer
    assert "1 Kitchen Road, Example City" in footer
    assert "set no cookie, run no script and count nobody" in footer


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("sign_up", "check_mail"),
        ("sign_up", "sign_up invalid"),
        ("confirm", "confirmed"),
        ("unsubscribe", "unsubscribed"),
        ("unsubscribed", "returned"),
        ("lost", "lost_sent"),
        ("your_data", "erased"),
        ("test_link", "test_link pressed"),
    ],
)
def test_titles_tell_what_has_happened(before: str, after: str) -> None:
    assert title(state(before)) != title(state(after))


@pytest.mark.parametrize("name", STATES)
def test_only_the_page_of_own_data_has_an_address_in_full(name: str) -> None:
    shown = re.findall(r"[\w•]+@[\w.]+\w", words(state(name)))
    allowed = {
        "confirmed": {MASKED, "soup@example.com"},
        "sign_up invalid": {"name@example.com"},
        "your_data": {"sam@example.com"},
        "your_data unsure": {"sam@example.com"},
    }
    assert set(shown) <= allowed.get(name, {MASKED})


def test_values_are_escaped() -> None:
    hostile = "\"><script>alert('{x}')</script>&amp;{{ 1 }}"
    values: dict[str, Any] = {key: hostile for key in ("address", "sender", "problem", "trap", "reference")}
    of_site = {"name": hostile, "description": hostile, "postal_address": hostile}
    labels = {**site().labels, "unsubscribe": hostile}
    for name, (page, given) in STATES.items():
        changed = {**given, **{key: values[key] for key in given if key in values}}
        shown = render_page(page, site(labels=labels, **of_site), changed)
        assert "<script" not in shown, name
        assert hostile in material.parsed(shown).find(".//footer").text_content()


# Forms


def test_the_sign_up_page_names_and_describes_the_newsletter() -> None:
    document = material.parsed(state("sign_up"))
    assert heading(document) == "The Soup Letter"
    assert document.xpath("//meta[@name='description']/@content") == ["A pot of soup a week."]
    assert "A pot of soup a week." in words(state("sign_up"))
    assert len(list(document.iter("details"))) == 2
    bare = words(state("sign_up", description=None, url=None))
    assert "A pot" not in bare and "None" not in bare and "website" not in bare


def test_a_form_keeps_what_was_typed_and_explains_the_problem() -> None:
    document = material.parsed(state("sign_up invalid"))
    (field,) = document.xpath("//input[@name='address']")
    assert (field.get("value"), field.get("aria-invalid")) == ("sam@example", "true")
    (problem,) = document.xpath(f"//*[@id='{field.get('aria-describedby')}']")
    assert "no complete e-mail address" in problem.text_content()
    assert "Please type your e-mail address." in words(state("sign_up empty"))


@pytest.mark.parametrize(
    ("name", "action"),
    [
        ("sign_up", "/news/subscribe"),
        ("confirm_gone", "/news/subscribe"),
        ("lost", "/news/lost"),
        ("data_gone", "/news/lost"),
        ("unsubscribed", "/news/undo/1.f00d"),
        ("confirm", None),
        ("unsubscribe", None),
        ("test_link", None),
    ],
)
def test_a_form_posts_to_its_route(name: str, action: str | None) -> None:
    (form,) = material.parsed(state(name, base="/news")).iter("form")
    assert form.get("action") == action  # without one, a form posts to the address of its page


def test_people_do_not_meet_the_trap() -> None:
    document = material.parsed(state("sign_up"))
    (field,) = document.xpath("//input[@name='company_fax']")
    assert (field.get("tabindex"), field.get("autocomplete")) == ("-1", "off")
    assert field.getparent().get("aria-hidden") == "true"
    without = render_page("sign_up", site(), {**FORM, "trap": ""})
    assert len(material.parsed(without).xpath("//input")) == 1


def test_erasing_needs_a_tick() -> None:
    document = material.parsed(state("your_data", base="/news"))
    actions = document.xpath("//form/@action")
    assert actions == ["/news/me/d.1.99.f00d/leave", "/news/me/d.1.99.f00d/erase"]
    (tick,) = document.xpath("//input[@name='sure']")
    assert (tick.get("type"), "required" in tick.attrib) == ("checkbox", True)
    downloads = document.xpath("//a[@download]/@href")
    assert downloads == ["/news/me/d.1.99.f00d/data.json", "/news/me/d.1.99.f00d/data.csv"]
    assert "Please tick the box first." in words(state("your_data unsure"))


def test_own_data() -> None:
    facts = material.parsed(state("your_data")).xpath("//dl/div")
    shown = {pair.findtext("dt"): " ".join(pair.find("dd").text_content().split()) for pair in facts}
    assert shown == {
        "Address": "sam@example.com",
        "Name": "not given",
        "Asked for the newsletter": "2 March 2026, 09:14 UTC",
        "Confirmed": "2 March 2026, 09:14 UTC",
        "Status": "gets every issue",
        "Issues sent": "38, the last on 23 November 2026",
        "Opened mail, clicks, place": "never recorded",
    }
    assert "Left, import of old {list}.csv 2 March 2026" in words(state("your_data"))
    other = words(state("your_data unsure"))
    assert "Asked for the newsletter not known" in other
    assert "Leave the list" not in other  # who has left cannot leave again


@pytest.mark.parametrize("origin", [*get_args(ConsentOrigin), *get_args(StateOrigin)])
def test_each_origin_has_a_text(origin: str) -> None:
    page, values = STATES["your_data"]
    event = {"change": "left", "how": origin, "at": dt.datetime(2026, 3, 2, tzinfo=dt.UTC)}
    shown = words(render_page(page, site(language="de"), {**values, "history": [event]}))
    assert origin not in shown and re.search(r"Abgemeldet, \w+", shown)


@pytest.mark.parametrize("name", ["sign_up", "your_data"])
def test_a_tracked_newsletter_does_not_say_that_it_is_not(name: str) -> None:
    said = re.compile("watches you|Nobody records|never recorded")
    assert said.search(words(state(name)))
    tracked = words(state(name, labels={**site().labels, "untracked": ""}))
    assert not said.search(tracked)


def test_the_wording_of_a_consent_is_what_the_page_says() -> None:
    wording = sign_up_wording(site())
    assert wording in words(state("sign_up").replace("Leave this field empty", ""))
    assert wording.startswith("Your e-mail address Subscribe You confirm first")
    assert "What is kept about me?" in wording and wording.endswith("Leave, or see your data")
    for around in ("Skip to the content", "no cookie", "Soup Street"):
        assert around not in wording


# Languages


def test_all_languages_of_the_labels_have_texts() -> None:
    assert set(LANGUAGES) == set(label_texts._languages())


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_sentence_is_translated_with_its_fields(language: str) -> None:
    found = json.loads((TEXTS / f"{language}.json").read_text(encoding="utf-8"))
    assert found.keys() == sentences()
    for english, translated in found.items():
        assert sorted(fields(english)) == sorted(fields(translated)), english
        assert translated.strip() == translated != ""


def test_each_sentence_of_a_template_is_written_where_it_is_used() -> None:
    for name, source in SOURCES.items():
        assert len(re.findall(r"\bt\(", source)) == len(SENTENCE.findall(source)), name


@pytest.mark.parametrize("language", LANGUAGES)
def test_pages_are_in_the_language_of_the_newsletter(language: str) -> None:
    for name in STATES:
        english, shown = (material.parsed(state(name, language=one)) for one in ("en", language))
        direction = "rtl" if language in ("ar", "he") else "ltr"
        assert (shown.get("lang"), shown.get("dir")) == (language, direction)
        if heading(english) not in ("The Soup Letter", "No"):
            assert heading(shown) != heading(english), name


def test_a_language_without_texts_is_marked_as_english() -> None:
    root = material.parsed(state("confirm", language="sv"))
    assert (root.get("lang"), root.get("dir")) == ("en", "ltr")
    assert "deleted on 5 December 2026" in words(state("confirm", language="fa"))


def test_a_country_has_the_texts_of_its_language_and_its_own_dates() -> None:
    root = material.parsed(state("confirm", language="de-AT"))
    assert root.get("lang") == "de-AT"
    assert "am 5. Dezember 2026 gelöscht" in words(state("confirm", language="de-AT"))
    assert "December 5, 2026" in words(state("confirm", language="en-US"))


def test_times_are_those_of_utc() -> None:
    east = dt.timezone(dt.timedelta(hours=9))
    values = {**STATES["your_data"][1], "closes": dt.datetime(2026, 12, 1, 3, 5, tzinfo=east)}
    assert "until 30 November 2026, 18:05 UTC" in words(render_page("your_data", site(), values))
    with pytest.raises(TypeError, match="time zone"):
        render_page("your_data", site(), {**values, "closes": dt.datetime(2026, 12, 1)})
    with pytest.raises(TypeError, match=r"of the type \w*Path"):
        render_page("returned", site(), {"address": Path("a")})


def test_a_sentence_and_its_values_must_agree() -> None:
    t = translator({"Hello {name}": "<{name}> hallo"}, html=True)
    assert t("Hello {name}", name="A&B") == "&lt;A&amp;B&gt; hallo"
    assert t("Bye {name}", name="{name}") == "Bye {name}"
    assert translator({}, html=False)("A & {name}", name="B") == "A & B"
    for values, reason in (({}, "no value for name"), ({"name": "a", "x": 1}, "no field for the value x")):
        with pytest.raises(ValueError, match=reason):
            t("Hello {name}", **values)


# The style sheet

PROPERTY = re.compile(r"--([\w-]+): (#\w{6});")
ACCENTS = {
    "digest": ({}, {"accent": "#1f4b7a"}, {"accent": "#b3123f", "accent_dark": "#ff8fb0"}),
    "letter": ({}, {"accent": "#7a1f4b"}),
    "gazette": ({}, {"accent": "#1f4b7a"}, {"accent": "#b6f09c"}),
}
STYLES = [(theme, colours) for theme, several in ACCENTS.items() for colours in several]


def schemes(style: str) -> list[dict[str, str]]:
    """Return the colours of a style sheet: those of the light, and those of the dark."""
    light, dark = style.split("@media (prefers-color-scheme: dark)")[:2]
    of_light = dict(PROPERTY.findall(light))
    return [of_light, of_light | dict(PROPERTY.findall(dark))]


@pytest.mark.parametrize(("theme", "colours"), STYLES)
def test_colours_are_readable(theme: Any, colours: dict[str, str]) -> None:
    for found in schemes(render_style(site(theme=theme, colors=colours))):
        for text in ("ink", "head", "dim", "accent", "bad", "good"):
            for ground in ("canvas", "tint", "field"):
                assert _contrast(found, text, ground) >= 4.5, (text, ground)
        assert _contrast(found, "on-fill", "fill") >= 4.5
        assert all(_contrast(found, "edge", ground) >= 3 for ground in ("canvas", "tint", "field"))


def _contrast(found: dict[str, str], text: str, ground: str) -> float:
    return contrast(channels(found[text]), channels(found[ground]))


def test_every_theme_has_a_style_of_its_own_colours_and_fonts() -> None:
    styles = {theme: render_style(site(theme=theme)) for theme in THEMES}
    assert len(set(styles.values())) == len(THEMES)
    own = render_style(site(colors={"accent": "#123456"}, fonts={"text": ("Optima", "serif")}))
    assert "--fill: #123456" in own and "--text: 'Optima', serif;" in own


@pytest.mark.parametrize("theme", THEMES)
def test_a_style_sheet_loads_nothing_and_is_the_same_from_right_to_left(theme: Any) -> None:
    style = render_style(site(theme=theme))
    assert not re.search(r"url\(|@import|@font-face|https?:|!important", style)
    assert not re.search(r"[-\w]*\b(?:left|right)\b", style)
    assert style.count("{") == style.count("}") and "&#" not in style


def test_every_class_of_a_page_has_a_style() -> None:
    style = "".join(render_style(site(theme=theme)) for theme in THEMES)
    used = {name for source in SOURCES.values() for found in re.findall(r'class="([\w -]+)"', source)
            for name in found.split()}  # fmt: skip
    assert {name for name in used if f".{name}" not in style} == set()


# A newsletter's own pages


def own(templates_folder: Path, name: str, content: str) -> None:
    (templates_folder / "web").mkdir(exist_ok=True)
    (templates_folder / "web" / name).write_text(content, encoding="utf-8")


def test_an_own_page_replaces_the_built_in_one(templates: Path) -> None:
    own(
        templates,
        "returned.html.j2",
        '{% extends "web/layout.html.j2" %}{% block main %}<h1>Hej</h1>{% endblock %}',
    )
    own(templates, "site.css.j2", "body { color: {{ site.colors.accent }}; }")
    of = site(templates=str(templates))
    page = render_page("returned", of, {"address": MASKED})
    assert "<h1>Hej</h1>" in page and "1 Kitchen Road" in page
    assert render_style(of) == "body { color: #9a3412; }"
    own(
        templates,
        "layout.html.j2",
        "<title>{% block title %}{% endblock %}</title>{% block main %}{% endblock %}",
    )
    assert render_page("returned", of, {"address": MASKED}) == "<title></title><h1>Hej</h1>"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(
            "<p>\n{{ adress }}",
            "templates/web/returned.html.j2:2: 'adress' is undefined; this template can use `site`, `base`, "
            "`page`, `language`, `direction`, `labels`, `t`, `address`",
            id="unknown-value",
        ),
        pytest.param(
            "{% if %}",
            "templates/web/returned.html.j2:1: Expected an expression, got 'end of statement block'; "
            "correct the template, in this line or before it",
            id="syntax",
        ),
        pytest.param(
            '<p>\n{{ t("Hello {name}") }}',
            'templates/web/returned.html.j2:2: t("Hello {name}") has no value for name; '
            "correct the expression",
            id="no-value",
        ),
        pytest.param(
            "{{ t }}",
            "templates/web/returned.html.j2:1: t is a function; call it: t(…); correct the expression",
            id="not-called",
        ),
        pytest.param(
            '{{ t.__class__ }}',
            "templates/web/returned.html.j2:1: access to attribute '__class__' of 'Function' object is "
            "unsafe; templates can only read data; change it in the issue file",
            id="unsafe",
        ),
        pytest.param(
            '{% include "web/nothing.html.j2" %}',
            "templates/web/returned.html.j2:1: there is no template web/nothing.html.j2; correct the name, "
            "or add the file",
            id="missing-template",
        ),
    ],
)  # fmt: skip
def test_a_mistake_in_an_own_page_has_its_place(templates: Path, content: str, message: str) -> None:
    own(templates, "returned.html.j2", content)
    with pytest.raises(TemplateError) as caught:
        render_page("returned", site(templates=str(templates)), {"address": MASKED})
    assert str(caught.value.problems[0]) == message


@pytest.mark.parametrize(
    "name",
    ["sign_up", "confirm_gone", "unsubscribe", "unsubscribed", "lost", "data_gone", "test_link", "error"],
)
def test_values_may_be_missing(name: str) -> None:
    assert "None" not in render_page(name, site(), {})


def test_a_value_that_a_page_does_not_have_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="the page returned has no values adress"):
        render_page("returned", site(), {"adress": MASKED})
