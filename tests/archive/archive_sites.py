"""Built archives for tests: one of 66 issues in English, and small ones of example newsletters."""

import datetime as dt
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, Route

from newsletter.archive.page_frame import INDEX
from newsletter.archive.pages import NOT_FOUND, render_style
from newsletter.render.model import Site
from newsletter.services.archive import build_archive
from tests import newsletters, samples
from tests.render.looks import PICTURE

NEWEST = dt.date(2026, 11, 23)
LARGE = "large"
"""The name of the archive that has more issues than its first page lists, and so a page a year."""
SMALL = ("chinese", "essay", "german", "hebrew", "japanese")
"""The example newsletters with an archive of their own: four in other languages, one in its own theme."""
_ISSUES, _SMALL_ISSUES = 66, 3
LARGE_SOURCES = ("club", "developers", "essay", "links", "pictures", "shop")
"""The example newsletters in English, whose issues the large archive has."""
# The newsletter of the large archive, and the address of its server.
_BASE, _SERVER = "pictures", "https://news.example.com"
_ADDITIONS = 'description: "Beds, pots & one picture too many."\narchive: {sign_up: form}\n'
_PICTURE_TYPES = (".png", ".jpg", ".jpeg", ".gif", ".webp")
_TYPES = {".html": "text/html; charset=utf-8", ".css": "text/css", ".txt": "text/plain; charset=utf-8"}


@dataclass(frozen=True)
class BuiltSite:
    """A built archive: its name, its folder, and the newsletter's data for rendering."""

    name: str
    folder: Path
    site: Site

    @property
    def url(self) -> str:
        """Return the address of the archive without a slash at its end."""
        assert self.site.url
        return self.site.url

    def pages(self) -> dict[str, str]:
        """Return the HTML of each page by its path in the archive."""
        paths = sorted(self.folder.rglob("*.html"))
        return {path.relative_to(self.folder).as_posix(): path.read_text(encoding="utf-8") for path in paths}

    def kinds(self) -> list[str]:
        """Return the path of one page of each kind: the lists, the one for wrong addresses, six issues."""
        paths = list(self.pages())
        years = [path for path in paths if len(path.split("/")[0]) == 4]
        issues = [path for path in paths if path[:1] == "2" and path not in years]
        return [INDEX, NOT_FOUND, *years[-1:], *issues[-len(LARGE_SOURCES) :]]

    def style(self, theme: str, **changes: Any) -> str:
        """Return the style sheet in a theme; `changes` are other data of the newsletter."""
        return render_style(replace(self.site, theme=theme, **changes))


def build_sites(folder: Path) -> dict[str, BuiltSite]:
    """Build all archives below a folder; return them by name, the large one first."""
    large = _build(folder, LARGE, _BASE, LARGE_SOURCES, _ISSUES)
    return {LARGE: large} | {name: _build(folder, name, name, [name], _SMALL_ISSUES) for name in SMALL}


def _build(folder: Path, name: str, base: str, sources: Sequence[str], number: int) -> BuiltSite:
    source, target = folder / name, folder / f"{name}-site"
    write_newsletter(source, base, sources, number, large=name == LARGE)
    newsletter = samples.load(source)
    built = build_archive(newsletter, target, None, NEWEST, draw=False)
    assert (built.issues, built.problems) == (number, ()), built.problems
    return BuiltSite(name, target, newsletter.site)


def write_newsletter(
    folder: Path, base: str, sources: Sequence[str], number: int, *, large: bool = False
) -> None:
    """Write a newsletter with the settings of an example, and with issues of several: one a week."""
    examples = newsletters.FOLDER
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "issues").mkdir(parents=True)
    settings = (examples / base / "newsletter.yml").read_text(encoding="utf-8")
    if large:
        settings = settings.replace("https://plot.example.com/leave/", f"{_SERVER}/unsubscribe/") + _ADDITIONS
    (folder / "newsletter.yml").write_text(settings, encoding="utf-8")
    for source in {base, *sources}:
        if (pictures := examples / source / "pictures").is_dir():
            shutil.copytree(pictures, folder / "pictures", dirs_exist_ok=True)
    for week in range(number):
        (file,) = (examples / sources[week % len(sources)] / "issues").iterdir()
        name = f"{NEWEST - dt.timedelta(weeks=week)}{file.suffix}"
        text = _ready(file.read_text(encoding="utf-8"), file.suffix)
        (folder / "issues" / name).write_text(text, encoding="utf-8")


def _ready(text: str, suffix: str) -> str:
    """Return the text of an issue file with `ready: true`."""
    start = "---\n" if suffix == ".md" else ""
    assert "ready:" not in text and text.startswith(start)
    return f"{start}ready: true\n{text.removeprefix(start)}"


class Host:
    """A host of archives for one browser: it answers as a server of static files, without a network.

    `foreign` are the addresses of other hosts that were asked for; each is answered with a picture.
    `replaced` are other texts for files, by path and query, such as `style.css?dark`. With `holds_pictures`,
    pictures wait until `release_pictures`.
    """

    def __init__(self, context: BrowserContext, sites: Mapping[str, BuiltSite]) -> None:
        self.foreign = list[str]()
        self.replaced = dict[str, str]()
        self.holds_pictures = False
        self._sites = {urlsplit(site.url).netloc: site for site in sites.values()}
        self._held = list[Route]()
        context.route("**/*", self._answer)

    def release_pictures(self) -> None:
        held, self._held = self._held, []
        for route in held:
            self._fulfill(route)

    def _answer(self, route: Route) -> None:
        is_picture = urlsplit(route.request.url).path.endswith(_PICTURE_TYPES)
        if self.holds_pictures and is_picture:
            self._held.append(route)
        else:
            self._fulfill(route)

    def _fulfill(self, route: Route) -> None:
        address = urlsplit(route.request.url)
        site = self._sites.get(address.netloc)
        if site is None:
            self.foreign.append(route.request.url)
            route.fulfill(body=PICTURE, content_type="image/svg+xml")
            return
        path = address.path.removeprefix("/")
        file = site.folder / (path + INDEX if path.endswith("/") or not path else path)
        status = 200 if file.is_file() else 404
        file = file if file.is_file() else site.folder / NOT_FOUND
        text = self.replaced.get(f"{path}?{address.query}")
        body = file.read_bytes() if text is None else text.encode()
        route.fulfill(status=status, body=body, content_type=_TYPES.get(file.suffix, "image/png"))
