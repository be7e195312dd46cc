"""Tests of the sitemap and robots.txt."""

import datetime as dt
import re
import xml.etree.ElementTree as ET
from dataclasses import replace

from newsletter.archive.sitemap import MAX_URLS, robots, sitemap
from tests.archive.feed_samples import CHANNEL, ISSUE, issue

NAMESPACE = "{http://www.sitemaps.org/schemas/sitemap/0.9}"


def urls(document: bytes) -> list[tuple[str | None, str | None]]:
    """Return each address of a sitemap with its date, if its elements are those of the protocol."""
    root = ET.fromstring(document)
    assert root.tag == f"{NAMESPACE}urlset"
    assert {child.tag.removeprefix(NAMESPACE) for url in root for child in url} <= {"loc", "lastmod"}
    return [(url.findtext(f"{NAMESPACE}loc"), url.findtext(f"{NAMESPACE}lastmod")) for url in root]


def test_the_sitemap_has_the_index_and_each_issue_with_its_last_change() -> None:
    assert urls(sitemap(CHANNEL, [issue(0, updated=dt.date(2026, 5, 20)), issue(1)])) == [
        ("https://papers.example.com/", "2026-05-20"),
        ("https://papers.example.com/2026-05-04/", "2026-05-04"),
        ("https://papers.example.com/2026-04-27/", "2026-05-20"),
    ]


def test_the_sitemap_of_an_empty_archive_has_the_index() -> None:
    assert urls(sitemap(CHANNEL, [])) == [("https://papers.example.com/", None)]


def test_the_sitemap_does_not_depend_on_the_order() -> None:
    entries = [issue(n) for n in range(60)]
    assert sitemap(CHANNEL, entries) == sitemap(CHANNEL, entries[::-1])
    assert len(urls(sitemap(CHANNEL, entries))) == 61


def test_a_sitemap_has_no_more_addresses_than_search_engines_read() -> None:
    first = dt.date(1900, 1, 1)
    days = [first + dt.timedelta(days=n) for n in range(MAX_URLS + 5)]
    entries = [replace(ISSUE, name=day.isoformat(), date=day, updated=day) for day in days]
    document = sitemap(CHANNEL, entries)
    found = urls(document)
    assert len(found) == MAX_URLS and len(document) < 50_000_000
    assert found[1] == (f"https://papers.example.com/{days[-1]}/", days[-1].isoformat())


def test_addresses_are_escaped() -> None:
    channel = replace(CHANNEL, url="https://bücher.example/a&b")
    document = sitemap(channel, [])
    assert b"<loc>https://xn--bcher-kva.example/a&amp;b/</loc>" in document and document.isascii()


def test_robots_may_read_everything() -> None:
    text = robots(CHANNEL).decode()
    assert text == "User-agent: *\nAllow: /\n\nSitemap: https://papers.example.com/sitemap.xml\n"
    assert not re.search("Disallow: *[^ ]", text)


def test_robots_of_an_international_address_is_ascii() -> None:
    line = robots(replace(CHANNEL, url="https://bücher.example/é")).splitlines()[-1]
    assert line == b"Sitemap: https://xn--bcher-kva.example/%C3%A9/sitemap.xml"
