"""Tests of built archives: the judges, feeds, looks, weight, and what a browser asks for.

The axe checker judges a page of each kind in one look each, and with `--every-case` all pages, those of each
kind in all looks.
"""

import html
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import cycle, product
from pathlib import Path

import feedparser
import pytest
from playwright.sync_api import Browser, Page

from newsletter.archive.page_frame import INDEX
from newsletter.archive.pages import NOT_FOUND, STYLE
from newsletter.render.themes import THEMES
from tests.archive.archive_sites import LARGE, BuiltSite, Host, build_sites
from tests.archive.feed_rules import atom_problems, rss_problems
from tests.archive.json_feed_rules import json_feed_problems
from tests.judges import axe, nu
from tests.render.looks import LOW_CONTRAST, OVERFLOW, opened

_MAX_FIRST_PAGE_BYTES = 60_000
_MIN_TARGET_PIXELS = 40
# The width of the window in pixels, and True for dark mode.
_WINDOWS = [(1280, False), (375, True), (1280, True), (375, False)]
_LOOKS = list(product(THEMES, _WINDOWS))
_OWN_COLOURS = {"accent": "#b3123f", "accent_dark": "#ff8fb0"}
# The links and controls of the templates that are too low for a finger; a row of the list is one link.
_LOW_TARGETS = """least => [...document.querySelectorAll(`.top a, .foot a, .toc a, .more a, .pager a,
  .years a, .meta > a, .issues li, .btn, input[type=email]`)]
  .filter(e => e.checkVisibility() && e.getBoundingClientRect().height < least).map(e => e.outerHTML)"""
_SHIFTS = """window.shift = 0
new PerformanceObserver(list => list.getEntries().forEach(entry => window.shift += entry.value))
  .observe({ type: 'layout-shift', buffered: true })"""
_THEME_OF_STYLE = """() => document.styleSheets.length == 1 && document.styleSheets[0].cssRules.length
  && new URL(document.styleSheets[0].href).search.slice(1).split('-')[0]"""
_DRAWN = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
# Nu reads files, which are not 'self' of a page's policy. What the policy allows, a browser shows.
_BLOCKED = re.compile("(Resource|Inline style) violates Content Security Policy .*")
# The only picture of another host in the example newsletters.
_FOREIGN = "https://shop.example.com/plane.jpg"


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, BuiltSite]:
    return build_sites(tmp_path_factory.mktemp("sites"))


@pytest.fixture(scope="module")
def large(sites: Mapping[str, BuiltSite]) -> BuiltSite:
    return sites[LARGE]


class Visit:
    """A browser that visits archives, and what it says of their pages."""

    def __init__(self, page: Page, host: Host, sites: Mapping[str, BuiltSite]) -> None:
        self.page, self.host, self._sites = page, host, sites
        self.complaints = list[str]()
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(error.message))
        page.on("requestfailed", lambda request: self.complaints.append(request.url))

    def enters(self, name: str) -> BuiltSite:
        """Go to an archive and load axe, which stays there for `styled` pages."""
        site = self._sites[name]
        if not self.page.url.startswith(f"{site.url}/"):
            self.page.goto(f"{site.url}/")
            self.page.evaluate(f"{axe.installed.axe()};0")
        return site

    def styled(self, site: BuiltSite, html: str, theme: str, colors: Mapping[str, str] | None = None) -> str:
        """Return a page whose style sheet is that of a theme."""
        key = f"{theme}-{'own' if colors else 'default'}"
        assert f'{STYLE}"' in html
        changes = {} if colors is None else {"colors": colors}
        self.host.replaced[f"{STYLE}?{key}"] = site.style(theme, **changes)
        return html.replace(f'{STYLE}"', f'{STYLE}?{key}"')

    def shows(self, name: str, path: str, theme: str, colors: Mapping[str, str] | None = None) -> None:
        """Show a page of an archive in a theme."""
        site = self.enters(name)
        self.page.set_content(self.styled(site, site.pages()[path], theme, colors))
        assert self.theme() == theme

    def theme(self) -> str:
        """Return the theme of the style sheet that the page has loaded."""
        return str(self.page.evaluate(_THEME_OF_STYLE))


@contextmanager
def visiting(browser: Browser, sites: Mapping[str, BuiltSite]) -> Iterator[Visit]:
    context = browser.new_context()
    try:
        host = Host(context, sites)
        context.add_init_script(_SHIFTS)
        yield Visit(context.new_page(), host, sites)
    finally:
        context.close()


@pytest.fixture(scope="module")
def visit(browser: Browser, sites: Mapping[str, BuiltSite]) -> Iterator[Visit]:
    with visiting(browser, sites) as visit:
        yield visit


def kinds(sites: Mapping[str, BuiltSite]) -> Iterator[tuple[str, str]]:
    """Yield the archive and the path of one page of each kind."""
    for name, site in sites.items():
        paths = site.kinds() if name == LARGE else [INDEX, site.kinds()[-1]]
        yield from ((name, path) for path in paths)


# The judges


def test_nu_finds_nothing(sites: Mapping[str, BuiltSite], large: BuiltSite, tmp_path: Path) -> None:
    pages = {f"{name}/{path}": page for name, site in sites.items() for path, page in site.pages().items()}
    index = large.pages()[INDEX]
    link = f'<link rel="stylesheet" href="./{STYLE}">'
    assert link in index
    pages |= {theme: index.replace(link, f"<style>{large.style(theme)}</style>") for theme in THEMES}
    for site in sites.values():
        contents = {item["content_html"] for item in feed(site)["items"]}
        start = f'<!DOCTYPE html><html lang="{site.site.language}"><title>Feed</title><h1>Feed</h1>'
        pages |= {f"{site.name} feed {n}": start + one for n, one in enumerate(contents)}
    newest = large.pages()[large.kinds()[-1]]
    faults = {
        "stray": newest.replace("</main>", "</b></main>"),
        "id": newest.replace("</main>", '<p id="main">again</p></main>'),
        "heading": newest.replace("</main>", "<h1>x</h1><h6>y</h6></main>"),
        "css": pages["letter"].replace("margin: 0;", "margin: wide;", 1),
    }
    judged = nu.judge(pages | faults, tmp_path)
    found = {
        name: [str(verdict) for verdict in verdicts if not _BLOCKED.fullmatch(verdict.rule)]
        for name, verdicts in judged.items()
    }
    assert all(found.pop(fault) for fault in faults)
    assert {name: verdicts for name, verdicts in found.items() if verdicts} == {}
    assert len(found) > 90


def test_axe_finds_nothing(visit: Visit, sites: Mapping[str, BuiltSite], every_case: bool) -> None:
    looks = cycle([look] for look in _LOOKS)
    chosen = [(name, path, _LOOKS if every_case else next(looks)) for name, path in kinds(sites)]
    if every_case:
        chosen += [(name, path, next(looks)) for name, site in sites.items() for path in site.pages()]
    for name, path, seen in chosen:
        site = visit.enters(name)
        for theme, window in seen:
            page = visit.styled(site, site.pages()[path], theme)
            found = axe.judge(visit.page, page, [window])
            assert list(map(str, found)) == [], (name, path, theme, window)
            assert visit.theme() == theme


@pytest.mark.parametrize(
    ("rule", "old", "new"),
    [
        pytest.param("label", 'for="address"', "", id="no-label"),
        pytest.param("heading-order", "<h2", "<h6", id="heading-order"),
        pytest.param("image-alt", " alt=", " data-alt=", id="no-alt"),
        pytest.param("region", "</main>", "</main><p>Outside</p>", id="outside"),
    ],
)
def test_axe_reads_a_planted_fault(visit: Visit, rule: str, old: str, new: str) -> None:
    site = visit.enters(LARGE)
    page = site.pages()[next(path for path in site.kinds() if "head.png" in site.pages()[path])]
    assert old in page
    found = axe.judge(visit.page, page.replace(old, new, 1), _WINDOWS[:1])
    assert rule in {verdict.rule for verdict in found}


# Feeds


def feed(site: BuiltSite) -> dict[str, list[dict[str, str]]]:
    read: dict[str, list[dict[str, str]]] = json.loads((site.folder / "feed.json").read_bytes())
    return read


def test_feeds_break_no_rule(sites: Mapping[str, BuiltSite]) -> None:
    rules = {"feed.xml": atom_problems, "rss.xml": rss_problems, "feed.json": json_feed_problems}
    for site in sites.values():
        for name, problems in rules.items():
            document = (site.folder / name).read_bytes()
            assert problems(document, f"{site.url}/{name}") == [], (site.name, name)
            assert problems(document, "https://elsewhere.example/feed"), "a planted fault is found"
        for name in ("feed.xml", "rss.xml"):
            read = feedparser.parse((site.folder / name).read_bytes())
            assert not read.bozo
            assert [entry.title for entry in read.entries] == [item["title"] for item in feed(site)["items"]]
            assert [entry.link for entry in read.entries] == [item["url"] for item in feed(site)["items"]]
    assert len(feed(sites[LARGE])["items"]) == 20


# Looks


@pytest.mark.parametrize("theme", THEMES)
def test_a_page_fits_a_phone_and_its_links_a_finger(
    visit: Visit, sites: Mapping[str, BuiltSite], theme: str
) -> None:
    for name, path in kinds(sites):
        visit.page.set_viewport_size({"width": 375, "height": 667})
        visit.shows(name, path, theme)
        assert visit.page.evaluate(OVERFLOW) == [], (name, path)
        assert visit.page.evaluate(_LOW_TARGETS, _MIN_TARGET_PIXELS) == [], (name, path)
        visit.page.set_viewport_size({"width": 320, "height": 667})
        assert visit.page.evaluate(OVERFLOW) == [], (name, path)


@pytest.mark.parametrize("theme", THEMES)
def test_each_text_has_contrast(visit: Visit, large: BuiltSite, theme: str) -> None:
    for path, colours in product(large.kinds(), (None, _OWN_COLOURS)):
        visit.shows(LARGE, path, theme, colours)
        for scheme in ("light", "dark"):
            visit.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
            assert visit.page.evaluate(LOW_CONTRAST) == [], (path, scheme, colours)


def test_looks_find_planted_faults(browser: Browser) -> None:
    wide = '<div style="width: 500px">Wide</div>'
    faults = f'{wide}<p class="meta"><a href="/" style="color: #f8f8f8">Low and pale</a></p>'
    with opened(browser, faults, width=375) as (page, _):
        for script, options in ((OVERFLOW, None), (_LOW_TARGETS, _MIN_TARGET_PIXELS), (LOW_CONTRAST, None)):
            assert page.evaluate(script, options), script


# What a browser asks for


def loaded(visit: Visit, address: str) -> float:
    """Open a page, whose pictures come after its text; return the sum of its layout shifts."""
    visit.host.holds_pictures = True
    visit.page.goto(address, wait_until="domcontentloaded")
    visit.page.evaluate(_DRAWN)
    visit.host.holds_pictures = False
    visit.host.release_pictures()
    visit.page.wait_for_load_state("load")
    visit.page.evaluate(_DRAWN)
    return float(visit.page.evaluate("() => window.shift"))


def test_pages_load_from_their_host_alone_without_a_shift(
    browser: Browser, sites: Mapping[str, BuiltSite]
) -> None:
    with visiting(browser, sites) as visit:
        for (name, path), width in product(kinds(sites), (375, 1280)):
            visit.page.set_viewport_size({"width": width, "height": 667})
            foreign = _FOREIGN in sites[name].pages()[path]
            shift = loaded(visit, f"{sites[name].url}/{path.removesuffix(INDEX)}")
            assert visit.page.title() == html.unescape(
                sites[name].pages()[path].split("<title>")[1].split("</title>")[0]
            )
            assert visit.page.evaluate("() => document.styleSheets.length") == 1
            assert (visit.complaints, visit.host.foreign) == ([], [_FOREIGN] if foreign else []), path
            if not foreign:  # its height is not known
                assert shift == 0, (path, width)
            visit.host.foreign.clear()


def test_a_planted_shift_and_a_planted_script_are_found(browser: Browser, large: BuiltSite) -> None:
    path = next(path for path in large.kinds() if "head.png" in large.pages()[path])
    link = path.removesuffix(INDEX)
    with visiting(browser, {LARGE: large}) as visit:
        page = large.pages()[path]
        visit.host.replaced[f"{link}?shift"] = page.replace(" height=", " data-height=")
        visit.page.set_viewport_size({"width": 375, "height": 667})
        assert loaded(visit, f"{large.url}/{link}?shift") > 0.01
        assert visit.complaints == []
        visit.host.replaced[f"{link}?script"] = page.replace("</main>", "<script>1</script></main>")
        loaded(visit, f"{large.url}/{link}?script")
        assert len(visit.complaints) == 1 and "Content Security Policy" in visit.complaints[0]


def test_a_wrong_address_shows_its_page_at_any_depth(browser: Browser, large: BuiltSite) -> None:
    with visiting(browser, {LARGE: large}) as visit:
        for path in ("nothing", "2026-11-23/nothing/at/all/"):
            response = visit.page.goto(f"{large.url}/{path}")
            assert response and response.status == 404
            assert visit.page.evaluate("() => document.styleSheets[0].href") == f"{large.url}/{STYLE}"
            visit.page.get_by_role("main").get_by_role("link").click()
            visit.page.wait_for_url(f"{large.url}/")


def test_the_first_page_is_light(large: BuiltSite) -> None:
    size = sum((large.folder / name).stat().st_size for name in (INDEX, STYLE))
    assert size < _MAX_FIRST_PAGE_BYTES
    assert large.pages()[INDEX].count("<time") == 60
    assert NOT_FOUND in large.pages()
