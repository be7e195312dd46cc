"""The drawn pictures of an archive: kept from build to build, drawn again for another text, and optional."""

import datetime as dt
from pathlib import Path

import pytest

from newsletter.config.loader import Newsletter
from newsletter.services.archive import Built, build_archive
from tests import samples
from tests.render import material
from tests.services.archive_material import add, soup

TODAY = dt.date(2026, 5, 12)
FIRST, SECOND = "2026-04-20", "2026-05-11"

pytestmark = pytest.mark.usefixtures("chromium")


@pytest.fixture
def newsletter(tmp_path: Path) -> Newsletter:
    return soup(tmp_path / "soup", FIRST, SECOND)


def build(newsletter: Newsletter, *, draw: bool = True) -> Built:
    newsletter = samples.load(newsletter.folder)
    return build_archive(newsletter, newsletter.folder.parent / "site", None, TODAY, draw=draw)


def pictures(newsletter: Newsletter) -> dict[str, bytes]:
    root = newsletter.folder.parent / "site"
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("card.png")}


def og_image(newsletter: Newsletter, name: str) -> list[str]:
    page = newsletter.folder.parent / "site" / name / "index.html"
    found: list[str] = material.parsed(page.read_text(encoding="utf-8")).xpath(
        "//meta[@property='og:image']/@content"
    )
    return found


def test_a_picture_is_drawn_once_and_again_for_another_title(newsletter: Newsletter) -> None:
    assert build(newsletter).problems == ()
    before = pictures(newsletter)
    assert set(before) == {"card.png", f"{FIRST}/card.png", f"{SECOND}/card.png"}
    assert all(png.startswith(b"\x89PNG") for png in before.values())
    assert og_image(newsletter, FIRST) == [f"https://soup.example.com/{FIRST}/card.png"]
    assert build(newsletter).changes.written == 0
    add(newsletter, FIRST, subject="Another title")
    build(newsletter)
    after = pictures(newsletter)
    assert [path for path in after if after[path] != before[path]] == [f"{FIRST}/card.png"]


def test_without_drawing_the_pictures_of_the_last_build_are_kept(newsletter: Newsletter) -> None:
    build(newsletter)
    add(newsletter, FIRST, subject="Another title")
    assert build(newsletter, draw=False).problems == ()
    assert set(pictures(newsletter)) == {"card.png", f"{SECOND}/card.png"}
    assert og_image(newsletter, FIRST) == []


def test_without_chromium_the_archive_has_no_pictures_and_says_so(
    newsletter: Newsletter, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path))
    (problem,) = build(newsletter).problems
    assert problem.severity == "note"
    assert problem.what.startswith("3 pages have no picture for other sites that show a link to it: ")
    assert not pictures(newsletter)


@pytest.mark.every_case
def test_more_issues_than_one_browser_draws(tmp_path: Path) -> None:
    days = (TODAY - dt.timedelta(days=30 + number) for number in range(205))
    newsletter = soup(tmp_path / "soup", *(day.isoformat() for day in days))
    assert build(newsletter).problems == ()
    assert len(pictures(newsletter)) == 206
