"""Tests of the pages of the archive as HTML: heads, headings, links, lists, sign-up, languages and safety."""

import datetime as dt
import re
from collections import Counter
from collections.abc import Callable, Mapping
from html import escape
from itertools import pairwise
from typing import Any

import pytest

from newsletter.archive.issue_lists import MAX_ON_FIRST_PAGE, render_lists
from newsletter.archive.issue_page import RenderedIssue, render_issue
from newsletter.archive.issue_summary import IssueSummary, Neighbours, summarize
from newsletter.archive.page_frame import INDEX
from newsletter.archive.page_pictures import PagePicture
from newsletter.archive.pages import render_not_found, render_style
from newsletter.archive.sign_up import SignUpWay
from newsletter.config import loader
from newsletter.issue import files
from newsletter.issue.model import Image, Issue, Section
from newsletter.render.pages import TEXTS
from newsletter.render.translation import translations
from tests import newsletters
from tests.render import material
from tests.render.page_values import site

URL = "https://soup.example.com"
FORM = SignUpWay("form", "https://news.example.com/soup", "https://news.example.com/soup/lost")
WAYS = {
    "form": FORM,
    "page": SignUpWay("page", "https://example.com/join"),
    "mail": SignUpWay("mail", "join@example.com"),
    "none": SignUpWay(),
}
HOSTILE = "<&\"'> </title><script>1</script> {{ x }} {% x %}"
NOTES = "A claim.[^a] Another one.[^b]\n\n[^a]: The first note.\n[^b]: The second one."
MAX_BYTES = 60_000


def summary(number: int, **changes: Any) -> IssueSummary:
    """Return the summary of an issue, `number` weeks before the newest one."""
    date = dt.date(2026, 11, 23) - dt.timedelta(weeks=number)
    fields = {
        "name": date.isoformat(),
        "date": date,
        "title": f"Issue {number}: a title of a usual length, at last",
        "description": "A preheader of about a hundred characters, " * 2,
        "date_line": f"{date:%d %B %Y}",
    }
    return IssueSummary(**{**fields, **changes})


NEIGHBOURS = Neighbours(summary(1), summary(0))


def issue_page(issue: Issue | None = None, way: SignUpWay = FORM, **options: Any) -> str:
    return rendered(issue, way, **options).page


def rendered(
    issue: Issue | None = None,
    way: SignUpWay = FORM,
    *,
    neighbours: Neighbours = NEIGHBOURS,
    has_card: bool = False,
    **of: Any,
) -> RenderedIssue:
    """Render an issue of a newsletter with the data `of`."""
    return render_issue(issue or material.full_issue(), site(**of), way, neighbours, has_card=has_card)


def lists(number: int = 3, way: SignUpWay = FORM, **of: Any) -> dict[str, str]:
    """Render the lists of an archive of some issues."""
    return dict(render_lists([summary(n) for n in range(number)], site(**of), way))


def sectioned() -> Issue:
    """Return an issue with two sections, notes everywhere and a picture."""
    stories = material.full_story(), material.story(text=NOTES)
    parts = [
        Section(heading="First *part*", text=NOTES, stories=stories),
        Section(heading="Second part", stories=(material.story(), material.story(link=None))),
        Section(text="Without a heading.", stories=(material.story(),)),
    ]
    image = Image(src="https://pictures.example.com/top.png", alt="A pot", width=528)
    passages = (material.full_issue().opening[0],)
    return material.issue(stories=(), sections=tuple(parts), opening=passages, closing=passages, image=image)


def example(name: str) -> str:
    """Return the page of the issue of an example newsletter."""
    newsletter = loader.load(newsletters.FOLDER / name, {}, review=True)
    issue = files.load(files.find(newsletter.issues), newsletter.folder)
    return render_issue(issue, newsletter.site, FORM, NEIGHBOURS).page


PAGES: Mapping[str, Any] = {
    "full": issue_page,
    "sections": lambda: issue_page(sectioned()),
    "index": lambda: lists()[INDEX],
    "first-of-many": lambda: lists(200)[INDEX],
    "year": lambda: lists(200)[f"2025/{INDEX}"],
    "no-issue": lambda: lists(0)[INDEX],
    "not-found": lambda: render_not_found(site(), FORM),
    **{name: lambda name=name: example(name) for name in newsletters.NAMES},
}


@pytest.fixture(scope="module")
def parsed() -> Mapping[str, Any]:
    return {name: material.parsed(page()) for name, page in PAGES.items()}


def meta(document: Any, name: str) -> str | None:
    """Return the content of an element <meta> by its name or property; None if there is none."""
    found = document.xpath("//meta[@name=$name or @property=$name]/@content", name=name)
    assert len(found) < 2, found
    return str(found[0]) if found else None


def link(document: Any, relation: str) -> list[str]:
    return [str(href) for href in document.xpath("//head/link[@rel=$rel]/@href", rel=relation)]


# Every page


def active(document: Any) -> list[str]:
    """Return the elements and attributes that run or style something by themselves."""
    elements = document.xpath("//script | //style | //iframe | //object | //embed | //base")
    attributes = [(key, value) for node in document.iter() for key, value in node.attrib.items()]
    return [node.tag for node in elements] + [
        key
        for key, value in attributes
        if key == "style" or key.startswith("on") or re.match(r"\s*(java|vb)script:", value, re.IGNORECASE)
    ]


def misplaced_headings(document: Any) -> list[tuple[int, int]]:
    """Return the levels of each heading that is not in order, with that above it."""
    levels = [int(node.tag[1]) for node in document.iter("h1", "h2", "h3", "h4", "h5", "h6")]
    pairs = [(above, below) for above, below in pairwise([0, *levels]) if below > above + 1]
    return pairs + [(1, 1)] * (levels.count(1) - 1)


def wrong_ids(document: Any) -> list[str]:
    """Return the ids that are there twice, and the links within the page that lead to none."""
    ids = Counter(document.xpath("//@id"))
    within = [href[1:] for href in document.xpath("//a[starts-with(@href, '#')]/@href")]
    return [one for one, number in ids.items() if number > 1] + [one for one in within if one not in ids]


@pytest.mark.parametrize("name", PAGES)
def test_a_page_runs_and_styles_nothing_by_itself(parsed: Mapping[str, Any], name: str) -> None:
    assert active(parsed[name]) == []
    policy = parsed[name].xpath("//meta[@http-equiv='Content-Security-Policy']/@content")
    assert len(policy) == 1
    rules = dict(rule.strip().split(" ", 1) for rule in policy[0].split(";"))
    assert (rules["default-src"], rules["style-src"], rules["base-uri"]) == ("'none'", "'self'", "'none'")
    assert rules["form-action"] == "https://news.example.com"


@pytest.mark.parametrize("name", PAGES)
def test_headings_are_in_order(parsed: Mapping[str, Any], name: str) -> None:
    assert misplaced_headings(parsed[name]) == []


@pytest.mark.parametrize("name", PAGES)
def test_ids_are_unique_and_links_within_a_page_lead_to_them(parsed: Mapping[str, Any], name: str) -> None:
    assert wrong_ids(parsed[name]) == []
    assert parsed[name].xpath("//a[@href='#main']")


@pytest.mark.parametrize(
    ("check", "fault"),
    [
        pytest.param(active, "<script>1</script>", id="script"),
        pytest.param(active, '<p style="color: red">x</p>', id="style"),
        pytest.param(active, '<p onclick="1">x</p>', id="on"),
        pytest.param(active, '<a href=" JavaScript:1">x</a>', id="javascript"),
        pytest.param(misplaced_headings, "<h1>x</h1>", id="second-h1"),
        pytest.param(misplaced_headings, "<h2>x</h2><h4>y</h4>", id="skipped"),
        pytest.param(wrong_ids, '<p id="main">x</p>', id="id-twice"),
        pytest.param(wrong_ids, '<a href="#nowhere">x</a>', id="no-target"),
    ],
)
def test_a_planted_fault_is_found(check: Callable[[Any], list[Any]], fault: str) -> None:
    page = issue_page()
    assert check(material.parsed(page)) == []
    assert check(material.parsed(page.replace("</main>", f"{fault}</main>")))


@pytest.mark.parametrize("name", PAGES)
def test_each_time_is_a_date_for_machines(parsed: Mapping[str, Any], name: str) -> None:
    times = parsed[name].xpath("//time/@datetime")
    assert bool(times) == (name not in ("no-issue", "not-found"))
    assert [time for time in times if dt.date.fromisoformat(time).isoformat() != time] == []


# The head


def test_the_head_of_an_issue_tells_what_it_is() -> None:
    picture = Image(src="https://pictures.example.com/top.png?a=1&b=2", alt='A "pot"', width=528)
    document = material.parsed(issue_page(material.issue(image=picture, updated=dt.date(2026, 4, 29))))
    assert document.findtext(".//title") == "Leek & potato | The Soup Letter"
    assert meta(document, "description") == "A soup for a cold evening."
    assert link(document, "canonical") == [f"{URL}/2026-04-27/"]
    graph = {
        "og:site_name": "The Soup Letter",
        "og:title": "Leek & potato",
        "og:type": "article",
        "og:url": f"{URL}/2026-04-27/",
        "og:description": "A soup for a cold evening.",
        "og:image": "https://pictures.example.com/top.png?a=1&b=2",
        "og:image:alt": 'A "pot"',
        "article:published_time": "2026-04-27",
        "article:modified_time": "2026-04-29",
        "twitter:card": "summary_large_image",
    }
    assert {name: meta(document, name) for name in graph} == graph


def test_a_page_leads_to_the_feeds_by_absolute_addresses() -> None:
    for page in (issue_page(), *lists(200).values()):
        types = material.parsed(page).xpath("//head/link[@rel='alternate']/@type")
        assert types == ["application/atom+xml", "application/rss+xml", "application/feed+json"]
        assert link(material.parsed(page), "alternate") == [
            f"{URL}/{name}" for name in ("feed.xml", "rss.xml", "feed.json")
        ]


def test_the_picture_is_that_of_the_issue_else_a_drawn_one_else_that_of_a_story() -> None:
    own = Image(src="https://pictures.example.com/top.png", alt="A pot", width=528)
    of_story = material.full_story().image
    assert of_story
    cases = [
        (material.issue(material.full_story(), image=own), True, own.src),
        (material.issue(material.full_story()), True, f"{URL}/2026-04-27/card.png"),
        (material.issue(material.full_story()), False, of_story.src),
        (material.issue(), False, None),
    ]
    for issue, has_card, src in cases:
        document = material.parsed(issue_page(issue, has_card=has_card))
        assert meta(document, "og:image") == src
        assert (meta(document, "twitter:card") is None) == (src is None)


def test_without_an_address_nothing_needs_one() -> None:
    for page in (
        issue_page(url=None),
        *lists(200, url=None).values(),
        render_not_found(site(url=None), FORM),
    ):
        document = material.parsed(page)
        assert link(document, "canonical") == link(document, "alternate") == []
        assert meta(document, "og:url") is None
        assert "None" not in page and "feed.xml" not in page


# An issue


def test_the_issues_before_and_after_are_linked() -> None:
    document = material.parsed(issue_page())
    assert (link(document, "prev"), link(document, "next")) == (["../2026-11-16/"], ["../2026-11-23/"])
    pager = document.xpath("//nav[@class='pager']/a")
    assert [(a.get("rel"), a.get("href")) for a in pager] == [
        ("prev", "../2026-11-16/"),
        ("next", "../2026-11-23/"),
    ]
    assert [a.text_content().split(" · ")[0] for a in pager] == ["Older", "Newer"]
    for older, newer in ((NEIGHBOURS.older, None), (None, NEIGHBOURS.newer), (None, None)):
        document = material.parsed(issue_page(neighbours=Neighbours(older, newer)))
        assert len(link(document, "prev")) == len(document.xpath("//a[@rel='prev']")) == bool(older)
        assert len(link(document, "next")) == len(document.xpath("//a[@rel='next']")) == bool(newer)
        assert bool(document.xpath("//nav[@class='pager']")) == bool(older or newer)


@pytest.mark.parametrize("contents", ["stories", "sections", "off"])
def test_the_contents_lead_to_their_places(contents: str) -> None:
    document = material.parsed(issue_page(sectioned(), contents=contents))
    links = document.xpath("//nav[contains(@class, 'toc')]//a")
    assert bool(links) == (contents != "off")
    for one in links:
        place = document.get_element_by_id(one.get("href")[1:])
        heading = place.xpath("descendant::*[self::h2 or self::h3][1]")[0]
        assert heading.text_content().strip() == one.text_content().strip()


def test_notes_lead_to_their_texts() -> None:
    document = material.parsed(issue_page(sectioned()))
    notes = document.xpath("//sup/a | //a[.//sup]")
    assert len(notes) >= 4
    for note in notes:
        place = document.get_element_by_id(note.get("href")[1:])
        assert place.xpath("descendant-or-self::*[self::li or self::p]"), note.get("href")


def test_an_advertisement_says_what_it_is() -> None:
    document = material.parsed(issue_page(material.issue(material.story(sponsor=True), material.story())))
    (sponsor,) = document.xpath("//article[@class='sponsor']")
    assert sponsor.xpath("p[@class='label']/text()") == ["Advertisement"]
    assert set(sponsor.xpath(".//h2/a/@rel | .//p[@class='more']/a/@rel")) == {"sponsored"}


# Lists


def test_the_first_page_lists_the_newest_by_year() -> None:
    pages = lists(MAX_ON_FIRST_PAGE)
    assert list(pages) == [INDEX]
    document = material.parsed(pages[INDEX])
    assert document.xpath("//h2/span/text()") == ["2026", "2025"]
    links = document.xpath("//li/h3/a/@href")
    assert links == [summary(n).link for n in range(MAX_ON_FIRST_PAGE)]
    assert document.xpath("//li[@class='new']//a/@href") == links[:1]


def test_an_archive_of_more_has_a_page_for_each_year() -> None:
    pages = lists(200)
    years = ["2026", "2025", "2024", "2023"]
    assert list(pages) == [INDEX, *(f"{year}/{INDEX}" for year in years)]
    first = material.parsed(pages[INDEX])
    assert len(first.xpath("//li")) == MAX_ON_FIRST_PAGE
    assert first.xpath("//nav[@class='years']//a/@href") == [f"{year}/" for year in years]
    listed = []
    for year in years:
        document = material.parsed(pages[f"{year}/{INDEX}"])
        assert document.findtext(".//title") == f"{year} | The Soup Letter"
        assert link(document, "canonical") == [f"{URL}/{year}/"]
        assert link(document, "stylesheet") == ["../style.css"]
        assert document.xpath("//nav[@class='years']//a[@aria-current]/@href") == [f"../{year}/"]
        listed += document.xpath("//li/h2/a/@href")
    assert listed == [f"../{summary(n).link}" for n in range(200)]


def test_the_first_page_of_five_hundred_issues_is_light() -> None:
    page = lists(500)[INDEX]
    assert len(page.encode()) + len(render_style(site()).encode()) < MAX_BYTES


def test_the_page_for_wrong_addresses_has_absolute_links_only() -> None:
    page = render_not_found(site(), FORM)
    document = material.parsed(page)
    links = document.xpath("//a/@href | //link/@href | //img/@src")
    assert [href for href in links if not href.startswith(("https://", "#", "data:"))] == []
    assert meta(document, "robots") == "noindex"
    assert link(document, "canonical") == []
    without = material.parsed(render_not_found(site(url=None), SignUpWay())).xpath("//a/@href | //link/@href")
    assert [href for href in without if not href.startswith(("/", "#", "data:"))] == []


# The way to sign up


@pytest.mark.parametrize("kind", WAYS)
def test_a_page_offers_the_way_to_sign_up(kind: str) -> None:
    way = WAYS[kind]
    for page in (issue_page(way=way), lists(way=way)[INDEX]):
        document = material.parsed(page)
        places = document.xpath("//section[@id='subscribe']")
        assert len(places) == (kind != "none")
        assert len(document.xpath("//a[@href='#subscribe']")) == (kind != "none")
        policy = document.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")[0]
        assert ("form-action 'none'" in policy) == (kind != "form")
        if kind == "form":
            (form,) = places[0].xpath(".//form")
            assert (form.get("method"), form.get("action")) == ("post", f"{FORM.address}/subscribe")
            assert form.xpath(".//input[@type='hidden']/@value") == ["archive"]
            assert f"{FORM.address}/lost" in document.xpath("//footer//a/@href")
        elif kind != "none":
            assert places[0].xpath(".//a/@href") == [way.link]
            assert not document.xpath("//form | //footer//a[contains(@href, 'lost')]")
        if kind == "mail":
            assert "join@example.com" in places[0].text_content()


def test_pages_without_a_form_of_their_own_lead_to_that_of_the_first_page() -> None:
    year = material.parsed(lists(200)[f"2025/{INDEX}"])
    assert not year.xpath("//form") and year.xpath("//header//a[2]/@href") == ["../#subscribe"]
    wrong = material.parsed(render_not_found(site(), FORM))
    assert not wrong.xpath("//form") and f"{URL}/#subscribe" in wrong.xpath("//header//a/@href")


# Languages


@pytest.mark.parametrize("language", sorted(path.stem for path in TEXTS.glob("*.json")))
def test_a_page_speaks_the_language_of_the_newsletter(language: str) -> None:
    english = {sentence for sentence, text in translations(TEXTS, language).items() if text != sentence}
    assert {"All issues", "Older", "There is no such page", "Other issues"} <= english
    pages = (issue_page(language=language), lists(200, language=language)[INDEX])
    for page in (*pages, render_not_found(site(language=language), FORM)):
        document = material.parsed(page)
        assert document.get("lang") == language
        assert document.get("dir") == ("rtl" if language in ("ar", "he") else "ltr")
        texts = {str(text).strip().removesuffix(" ·") for text in document.xpath("//text() | //@aria-label")}
        assert texts & english == set()


# Hostile words


def test_no_word_becomes_markup() -> None:
    hostile = summary(1, title=HOSTILE, description=HOSTILE, date_line=HOSTILE)
    issue = material.issue(
        material.story(title=HOSTILE, authors=(HOSTILE,), tags=(HOSTILE,), button=HOSTILE),
        subject=HOSTILE,
        preheader=HOSTILE,
        number=HOSTILE,
        date_line=HOSTILE,
        image=Image(src="https://pictures.example.com/top.png", alt=HOSTILE, width=528),
    )
    of = {"name": HOSTILE, "description": HOSTILE, "postal_address": HOSTILE}
    one = material.parsed(issue_page(issue, neighbours=Neighbours(hostile, hostile), **of))
    listed = dict(render_lists([hostile], site(**of), FORM, PagePicture(f"{URL}/card.png", HOSTILE)))
    first, wrong = material.parsed(listed[INDEX]), material.parsed(render_not_found(site(**of), FORM))
    for document in (one, first, wrong):
        assert document.xpath("//script") == []
        assert HOSTILE in str(document.findtext(".//title"))
        assert document.xpath("//head/title/following-sibling::*"), "the title has not ended the head"
    for document in (one, first):
        names = ("description", "og:title", "og:description", "og:site_name", "og:image:alt")
        assert {name: meta(document, name) for name in names} == dict.fromkeys(names, HOSTILE)
    assert one.findtext(".//h1") == HOSTILE
    assert [a.xpath("text()")[0] for a in one.xpath("//nav[@class='pager']/a")] == [HOSTILE, HOSTILE]
    assert first.xpath("//li/h3/a/text()") == first.xpath("//li/p[1]/text()") == [HOSTILE]


def test_placeholders_are_filled_in_every_place() -> None:
    issue = material.issue(subject="[[name]], soup", preheader="Dear [[name]] & [[address]], [[")
    reader = "<b>you"
    of = {"labels": {**site().labels, "reader": reader}}
    about = summarize(issue, site(**of))
    assert (about.title, about.description) == (
        f"{reader}, soup",
        f"Dear {reader} & {reader}, [[",
    )
    pages = [
        issue_page(issue, **of),
        issue_page(neighbours=Neighbours(about, None), **of),
        *(page for _, page in render_lists([about], site(**of), FORM)),
    ]
    for page in pages:
        assert "[[name]]" not in page and "[[address]]" not in page
        assert f"{escape(reader)}, soup" in page
    assert meta(material.parsed(pages[0]), "og:title") == f"{reader}, soup"
    assert "[[name]]" not in rendered(issue, **of).text
