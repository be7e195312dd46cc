"""Tests of the three feeds: valid by the rules of the W3C's feed validator, and as feedparser reads them."""

import datetime as dt
import json
import re
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import feedparser
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.archive.atom import atom_feed
from newsletter.archive.clean_text import clean
from newsletter.archive.feed_html import entry_html
from newsletter.archive.json_feed import json_feed
from newsletter.archive.model import Channel, FeedEntry
from newsletter.archive.rss import rss_feed
from tests.archive.feed_html_rules import Problem
from tests.archive.feed_rules import atom_problems, rss_problems
from tests.archive.feed_samples import CHANNEL, ISSUE, issue
from tests.archive.json_feed_rules import json_feed_problems

Write = Callable[[Channel, Sequence[FeedEntry]], bytes]
FEEDS: dict[str, tuple[Write, Callable[[bytes, str], list[Problem]], str]] = {
    "atom": (atom_feed, atom_problems, "feed.xml"),
    "rss": (rss_feed, rss_problems, "rss.xml"),
    "json": (json_feed, json_feed_problems, "feed.json"),
}
ALL = pytest.mark.parametrize("name", FEEDS)
XML = pytest.mark.parametrize("write", [atom_feed, rss_feed], ids=["atom", "rss"])
ISSUES = [issue(n) for n in range(60)]
HOSTILE = "A < b & c > \"d\" 'e' ]]> <!-- <![CDATA[ <script> &copy; \x00\x0b\x1f\x85\ud800\ufffe end"
HEBREW = replace(CHANNEL, name="מאמרים", language="he", direction="rtl", description=None)
SETTINGS = settings(max_examples=60, deadline=None)


def problems(name: str, channel: Channel, entries: Sequence[FeedEntry]) -> list[Problem]:
    write, judge, file = FEEDS[name]
    return judge(write(channel, entries), channel.address(file))


def read(name: str, channel: Channel, entries: Sequence[FeedEntry]) -> list[dict[str, Any]]:
    """Return the id, title, dates and content of each entry of a feed, the same names for all formats."""
    document = FEEDS[name][0](channel, entries)
    if name == "json":
        names = {
            "id": "id",
            "title": "title",
            "html": "content_html",
            "url": "url",
            "updated": "date_modified",
        }
        return [
            {key: item.get(value, "") for key, value in names.items()}
            for item in json.loads(document)["items"]
        ]
    atom, content = "{http://www.w3.org/2005/Atom}", "{http://purl.org/rss/1.0/modules/content/}"
    tags = {
        "atom": ("entry", "id", "title", "content", "updated"),
        "rss": ("item", "guid", "title", f"{content}encoded", f"{atom}updated"),
    }[name]
    entry, *fields = [tag if name == "rss" or tag.startswith("{") else atom + tag for tag in tags]
    found = []
    for element in ET.fromstring(document).iter(entry):
        values = dict(zip(("id", "title", "html", "updated"), map(element.findtext, fields), strict=True))
        link = element.find(f"{atom}link")
        values["url"] = element.findtext("link") if link is None else link.get("href")
        found.append({key: value or "" for key, value in values.items()})
    return found


@ALL
@pytest.mark.parametrize(
    ("channel", "entries"),
    [
        pytest.param(CHANNEL, ISSUES, id="60-issues"),
        pytest.param(CHANNEL, [], id="no-issue"),
        pytest.param(replace(CHANNEL, description=None), [ISSUE], id="no-description"),
        pytest.param(CHANNEL, [replace(ISSUE, summary="", text=None, image=None)], id="only-what-is-needed"),
        pytest.param(CHANNEL, [replace(ISSUE, html="<p>.</p>")], id="short"),
        pytest.param(HEBREW, ISSUES, id="right-to-left"),
        pytest.param(
            replace(CHANNEL, domain="bücher.example", url="https://bücher.example/x"), ISSUES, id="idn"
        ),
        pytest.param(
            CHANNEL, [issue(n, updated=dt.date(2027, 1, 1)) for n in range(9)], id="corrected-in-one-day"
        ),
        pytest.param(
            replace(CHANNEL, name=HOSTILE, description=HOSTILE, author=HOSTILE),
            [replace(ISSUE, title=HOSTILE.replace("&copy;", ""), summary=HOSTILE, text=HOSTILE)],
            id="hostile-texts",
        ),
    ],
)
def test_feeds_are_valid(name: str, channel: Channel, entries: list[FeedEntry]) -> None:
    assert problems(name, channel, entries) == []


@ALL
def test_feeds_have_the_newest_20_issues(name: str) -> None:
    urls = [entry["url"] for entry in read(name, CHANNEL, ISSUES)]
    assert urls == [CHANNEL.entry_url(issue(n)) for n in range(59, 39, -1)]


@ALL
def test_the_same_issues_make_the_same_bytes(name: str) -> None:
    write = FEEDS[name][0]
    assert write(CHANNEL, ISSUES) == write(CHANNEL, ISSUES[::-1]) == write(CHANNEL, tuple(ISSUES))


def test_all_feeds_have_the_same_ids_titles_contents_and_changes() -> None:
    entries = [*ISSUES[:3], replace(issue(3), title=HOSTILE), issue(4, updated=dt.date(2026, 6, 30))]
    atom, rss, feed = (read(name, CHANNEL, entries) for name in FEEDS)
    assert atom == rss == feed
    assert [entry["updated"] for entry in atom[:2]] == ["2026-06-30T00:00:36Z", "2026-05-18T00:00:00Z"]


@ALL
def test_ids_stay_when_the_site_titles_and_the_order_change(name: str) -> None:
    moved = replace(CHANNEL, url="https://example.org/archive", name="Another name")
    before = read(name, CHANNEL, ISSUES)
    after = read(name, moved, [replace(entry, title="New") for entry in reversed(ISSUES)])
    assert [entry["id"] for entry in before] == [entry["id"] for entry in after]
    assert [entry["updated"] for entry in before] == [entry["updated"] for entry in after]
    assert not any(
        old["url"] == new["url"] or old["title"] == new["title"]
        for old, new in zip(before, after, strict=True)
    )


@ALL
def test_an_older_issue_that_is_added_or_left_out_changes_no_other(name: str) -> None:
    some = ISSUES[:5]
    entries = read(name, CHANNEL, some)
    assert read(name, CHANNEL, [issue(-1), *some])[:5] == entries
    assert read(name, CHANNEL, some[1:]) == entries[:-1]


@ALL
def test_a_change_of_the_text_alone_is_not_an_update(name: str) -> None:
    """A correction of a comma should not make an issue unread again; the editor decides with `updated`."""
    before, after = (read(name, CHANNEL, [entry])[0] for entry in (ISSUE, replace(ISSUE, html="<p>New</p>")))
    assert before["html"] != after["html"] and before["updated"] == after["updated"]
    (updated,) = read(name, CHANNEL, [replace(ISSUE, updated=dt.date(2026, 4, 29))])
    assert updated["updated"] == "2026-04-29T00:00:02Z"


def test_a_feed_is_updated_with_the_entries_that_it_has() -> None:
    corrected = [issue(0, updated=dt.date(2027, 12, 1)), *ISSUES[1:]]
    assert b"2027-12-01" in atom_feed(CHANNEL, corrected[:20])
    assert atom_feed(CHANNEL, corrected) == atom_feed(CHANNEL, ISSUES)
    assert rss_feed(CHANNEL, corrected) == rss_feed(CHANNEL, ISSUES)


def test_a_feed_without_entries_has_dates_only_where_atom_needs_one() -> None:
    assert b"Date" not in rss_feed(CHANNEL, []) and b"date_" not in json_feed(CHANNEL, [])
    assert atom_feed(CHANNEL, []).count(b"<updated>2026-01-01T00:00:00Z</updated>") == 1


@ALL
def test_feeds_do_not_depend_on_the_clock_or_the_version(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    document = FEEDS[name][0](CHANNEL, ISSUES)
    monkeypatch.setattr(time, "time", lambda: 4_000_000_000.0)
    assert FEEDS[name][0](CHANNEL, ISSUES) == document
    assert not re.search(rb"generator.*[0-9]", document)


@ALL
def test_feeds_have_no_address_of_a_person(name: str) -> None:
    assert b"@" not in FEEDS[name][0](CHANNEL, ISSUES)


@XML
def test_feedparser_reads_what_was_written(write: Write) -> None:
    issues = [*ISSUES[:2], replace(issue(2), title='A < b & "c" ]]> d', summary="1 < 2 & 3")]
    parsed = feedparser.parse(write(CHANNEL, issues))
    assert parsed.bozo is False
    assert parsed.feed.title == CHANNEL.name and parsed.feed.subtitle == CHANNEL.description
    assert parsed.feed.link == "https://papers.example.com/" and parsed.feed.language == "en"
    for entry, written in zip(parsed.entries, reversed(issues), strict=True):
        assert (entry.id, entry.link) == (CHANNEL.entry_id(written), CHANNEL.entry_url(written))
        assert entry.title == written.title
        assert entry.get("author", parsed.feed.get("author")) == CHANNEL.author
        assert entry.published_parsed[:6] == written.published_at.timetuple()[:6]
        assert entry.updated_parsed[:6] == written.updated_at.timetuple()[:6]
        (content,) = entry.content
        assert content.type == "text/html"
        assert same_html(content.value) == same_html(entry_html(CHANNEL, written))


@XML
def test_feedparser_reads_a_feed_without_issues(write: Write) -> None:
    parsed = feedparser.parse(write(CHANNEL, []))
    assert parsed.bozo is False and parsed.feed.title == CHANNEL.name and parsed.entries == []


def same_html(html: str) -> str:
    """Return HTML as feedparser writes it: with a slash in empty elements, attributes in their order."""

    def ordered(match: re.Match[str]) -> str:
        return " ".join([f"<{match[1]}", *sorted(re.findall('[a-z]+="[^"]*"', match[2]))]) + ">"

    return re.sub(r"<([a-z0-9]+)([^<>]*?)\s*/?>", ordered, html).strip()


def test_readers_of_right_to_left_languages_see_the_direction() -> None:
    (entry,) = read("atom", HEBREW, [replace(ISSUE, html="<p>שלום</p>")])
    assert entry["html"] == '<div dir="rtl"><p>שלום</p></div>'


def test_titles_in_rss_are_escaped_as_its_profile_says() -> None:
    feed = rss_feed(
        replace(CHANNEL, name="A & B", description="<b> & co"), [replace(ISSUE, title="1 < 2 & 3")]
    )
    assert b"<title>A &#x26; B</title>" in feed and b"<title>1 &#x3C; 2 &#x26; 3</title>" in feed
    assert b"<description>&#x3C;b&gt; &#x26; co</description>" in feed
    assert b"&#x" not in feed.partition(b"<guid")[2]


def test_the_summary_in_rss_is_html_and_in_the_others_plain_text() -> None:
    entry = replace(ISSUE, summary="Use <b> & co")
    item = ET.fromstring(rss_feed(CHANNEL, [entry])).find("channel/item")
    assert item is not None and item.findtext("description") == "Use &lt;b&gt; &amp; co"
    feed = ET.fromstring(atom_feed(CHANNEL, [entry]))
    assert [element.text for element in feed.iter("{http://www.w3.org/2005/Atom}summary")] == [entry.summary]
    assert json.loads(json_feed(CHANNEL, [entry]))["items"][0]["summary"] == entry.summary


def test_the_json_feed_leaves_out_what_is_not_there() -> None:
    bare = replace(ISSUE, summary="", text=None, image=None, html="")
    feed = json.loads(json_feed(replace(CHANNEL, description=None), [bare]))
    assert "description" not in feed
    assert sorted(feed["items"][0]) == [
        "content_html",
        "date_modified",
        "date_published",
        "id",
        "title",
        "url",
    ]


@ALL
def test_the_content_has_no_control_characters_and_its_letters_are_readable(name: str) -> None:
    entry = replace(ISSUE, html="<p>été\x00\x0b\x85\ud800</p>", summary="日本語")
    assert read(name, CHANNEL, [entry])[0]["html"] == "<p>été</p>"
    assert "日本語".encode() in FEEDS[name][0](CHANNEL, [entry])


TEXTS = st.text(st.characters(codec=None), max_size=30) | st.sampled_from(
    [HOSTILE, "]]>", "\r\n", "&#0;", "\x85"]
)


@SETTINGS
@given(title=TEXTS, summary=TEXTS, text=TEXTS, name=TEXTS)
def test_any_text_comes_through(title: str, summary: str, text: str, name: str) -> None:
    channel = replace(CHANNEL, name=name, author=name)
    entry = replace(ISSUE, title=title, summary=summary, text=text, html="<p>x</p>")
    for kind in FEEDS:
        (found,) = read(kind, channel, [entry])
        assert found["title"] == clean(title)
        assert found["id"] == CHANNEL.entry_id(ISSUE)
    assert json.loads(json_feed(channel, [entry]))["items"][0].get("content_text", "") == clean(text)
    blank_or_html = {"NotBlank", "ContainsHTML", "ContainsUndeclaredHTML", "title", "CharacterData"}
    for kind in FEEDS:
        assert {problem.rule for problem in problems(kind, channel, [entry])} <= blank_or_html


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("a\x00\x08\x0b\x0c\x1f\x7f\x80\x9fb", "ab"),
        ("\ud800\udfff\ufffe\uffffx", "x"),
        ("tab\tline\nend", "tab\tline\nend"),
        ("a\r\nb\rc", "a\nb\nc"),
        ("\ufffd \U0001f600 \u2028", "\ufffd \U0001f600 \u2028"),
    ],
)
def test_only_what_xml_cannot_have_is_removed(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned
