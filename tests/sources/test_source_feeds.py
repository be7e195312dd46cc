"""Feeds: each format, encodings, and content that is broken or no feed."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from newsletter.errors import Unavailable
from newsletter.sources import web_feed
from newsletter.sources.entry import Entries, SourceEntry
from tests.sources.asking import content, request

LEEK = SourceEntry(
    "Leek & potato, the <quick> way",
    "https://soup.example.com/leek?a=1&b=2",
    ("Ada Example",),
    datetime(2026, 4, 28, 9, 0, tzinfo=UTC),
    "<p>It is <b>warm</b>.</p>",
)
RSS = """\
<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel>
<title>The Soup Letter</title><link>https://soup.example.com/</link><description>Soups</description>
<item><title>Leek &amp; potato, the &lt;quick&gt; way</title><link>/leek?a=1&amp;b=2</link>
<dc:creator>Ada Example</dc:creator><pubDate>Tue, 28 Apr 2026 11:00:00 +0200</pubDate>
<description>&lt;p&gt;It is &lt;b&gt;warm&lt;/b&gt;.&lt;/p&gt;</description></item>
</channel></rss>"""
ATOM = """\
<feed xmlns="http://www.w3.org/2005/Atom"><title>The Soup Letter</title><id>tag:soup.example.com,2026:1</id>
<updated>2026-04-29T00:00:00Z</updated>
<entry><title>Leek &amp; potato, the &lt;quick&gt; way</title><id>tag:soup.example.com,2026:2</id>
<link rel="self" href="/leek.atom"/><link rel="alternate" href="/leek?a=1&amp;b=2"/>
<author><name>Ada Example</name><email>ada@example.com</email></author>
<published>2026-04-28T09:00:00Z</published><updated>2026-04-29T09:00:00Z</updated>
<content type="html">&lt;p&gt;It is &lt;b&gt;warm&lt;/b&gt;.&lt;/p&gt;</content></entry></feed>"""
RDF = """\
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"
 xmlns:dc="http://purl.org/dc/elements/1.1/">
<channel rdf:about="https://soup.example.com/"><title>Soup</title><link>https://soup.example.com/</link></channel>
<item rdf:about="https://soup.example.com/leek"><title>Leek &amp; potato, the &lt;quick&gt; way</title>
<link>https://soup.example.com/leek?a=1&amp;b=2</link><dc:creator>Ada Example</dc:creator>
<dc:date>2026-04-28T09:00:00Z</dc:date>
<description>&lt;p&gt;It is &lt;b&gt;warm&lt;/b&gt;.&lt;/p&gt;</description></item></rdf:RDF>"""
JSON_FEED = json.dumps(
    {
        "version": "https://jsonfeed.org/version/1.1",
        "title": "The Soup Letter",
        "items": [
            {
                "id": "1",
                "url": "/leek?a=1&b=2",
                "title": "Leek & potato, the <quick> way",
                "authors": [{"name": "Ada Example"}, {"url": "https://soup.example.com/"}],
                "date_published": "2026-04-28T11:00:00+02:00",
                "content_html": "<p>It is <b>warm</b>.</p>",
                "summary": "Soup",
            }
        ],
    }
)
JSON_FEED_1_0 = JSON_FEED.replace('version/1.1"', 'version/1"').replace(
    '"authors": [{"name": "Ada Example"}, {"url": "https://soup.example.com/"}]',
    '"author": {"name": "Ada Example"}',
)


def read(text: str | bytes, content_type: str = "") -> Entries:
    return web_feed.read(request(), content(text, content_type))


def refusal(text: str | bytes, content_type: str = "") -> str:
    with pytest.raises(Unavailable) as raised:
        read(text, content_type)
    (problem,) = raised.value.problems
    assert problem.where == "newsletter.yml:11"
    prefix, suffix = "source soup: ", " (https://soup.example.com/feed.xml)"
    assert problem.what.startswith(prefix) and problem.what.endswith(suffix)
    return f"{problem.what.removeprefix(prefix).removesuffix(suffix)}; {problem.fix}"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(RSS, id="rss"),
        pytest.param(ATOM, id="atom"),
        pytest.param(RDF, id="rdf"),
        pytest.param(JSON_FEED, id="json-feed"),
        pytest.param(JSON_FEED_1_0, id="json-feed-1.0"),
        pytest.param("\ufeff" + RSS, id="rss-bom"),
        pytest.param("\ufeff" + JSON_FEED, id="json-feed-bom"),
    ],
)
def test_a_feed_of_each_format_has_the_same_entry(text: str) -> None:
    assert read(text) == Entries((LEEK,))


@pytest.mark.parametrize(
    ("encoding", "content_type"),
    [
        ("iso-8859-1", ""),
        ("iso-8859-1", "application/rss+xml"),
        ("utf-16", ""),
        ("utf-16", "application/rss+xml; charset=utf-16"),
        ("windows-1252", "text/xml; charset=windows-1252"),
    ],
)
def test_a_feed_in_another_encoding(encoding: str, content_type: str) -> None:
    text = RSS.replace("Leek &amp; potato", "Crème brûlée für zwei").replace("UTF-8", encoding)
    (entry,) = read(text.encode(encoding), content_type).entries
    assert entry.title == "Crème brûlée für zwei, the <quick> way"


@pytest.mark.parametrize("content_type", ["text/plain", "text/html", "application/octet-stream"])
def test_a_feed_with_a_wrong_content_type_is_no_broken_feed(content_type: str) -> None:
    assert read(RSS, content_type) == Entries((LEEK,))


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        pytest.param("<title>One\n   line\r\n\tonly</title>", "One line only", id="line-breaks"),
        pytest.param("<title>&lt;b&gt;Soup&lt;/b&gt; &amp;amp; bread</title>", "Soup & bread", id="html"),
        pytest.param("<title><![CDATA[a < b and c > d]]></title>", "a < b and c > d", id="comparison"),
        pytest.param("<title>AT&amp;amp;T</title>", "AT&T", id="escaped-twice"),
        pytest.param("<title>&lt;script&gt;x()&lt;/script&gt;Soup</title>", "Soup", id="script"),
    ],
)
def test_a_title_is_one_plain_line(title: str, expected: str) -> None:
    before = "<title>Leek &amp; potato, the &lt;quick&gt; way</title>"
    assert before in RSS
    assert read(RSS.replace(before, title)).entries[0].title == expected


def test_a_plain_title_of_atom_keeps_what_looks_like_html() -> None:
    text = ATOM.replace("Leek &amp; potato, the &lt;quick&gt; way", "Use &lt;b&gt;bold&lt;/b&gt; &amp;amp;")
    assert read(text).entries[0].title == "Use <b>bold</b> &amp;"


def test_a_date_that_is_missing_or_wrong_is_none() -> None:
    date = "<pubDate>Tue, 28 Apr 2026 11:00:00 +0200</pubDate>"
    for other in ("", "<pubDate>soon</pubDate>", "<pubDate>Tue, 99 Apr 2026 11:00:00 +0200</pubDate>"):
        assert read(RSS.replace(date, other)).entries[0].date is None


@pytest.mark.parametrize(
    "link",
    ["javascript:alert(1)", "file:///etc/passwd", "data:text/html,x", "mailto:a@example.com", ""],
)
def test_a_link_that_is_no_web_address_is_left_out(link: str) -> None:
    assert read(RSS.replace("/leek?a=1&amp;b=2", link)).entries[0].link == ""


def test_an_author_who_is_only_an_address_is_left_out() -> None:
    text = RSS.replace("<dc:creator>Ada Example</dc:creator>", "<author>ada@example.com</author>")
    assert read(text).entries[0].authors == ()


def test_a_truncated_feed_gives_the_entries_before_the_mistake() -> None:
    item = RSS[RSS.index("<item>") : RSS.index("</channel>")]
    found = read(RSS.replace(item, item + item.replace("leek", "lentil") + item)[:-250])
    assert [entry.link for entry in found.entries[:2]] == [LEEK.link, LEEK.link.replace("leek", "lentil")]
    (note,) = found.notes
    assert note.severity == "warning" and note.where == "newsletter.yml:11"
    assert note.what.startswith("source soup: the feed is broken (") and "could be read" in note.what


def test_an_empty_feed_has_no_entries() -> None:
    assert read(RSS[: RSS.index("<item>")] + "</channel></rss>") == Entries(())
    assert read('{"version": "https://jsonfeed.org/version/1.1", "items": []}') == Entries(())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "<!DOCTYPE html><html><title>Soup</title><p>no feed</p></html>",
            "gave no feed, but an HTML page; "
            "write the address of the feed: the page may name it as RSS or Atom",
            id="html",
        ),
        pytest.param(
            "Soup",
            'gave no feed, but content of the type "unknown"; '
            "write the address of the feed: the page may name it as RSS or Atom",
            id="text",
        ),
        pytest.param(" \n", "the response is empty; try again later", id="empty"),
        pytest.param(
            '{"papers": [], "next": null}',
            "gave JSON that is no JSON Feed: a mapping with the keys papers, next; "
            "write `json:` in place of `feed:`, with expressions",
            id="json",
        ),
        pytest.param("{", "gave no JSON, but other content; write the address of the API", id="broken-json"),
        pytest.param(
            '{"items": [], "version": ' + "[" * 100_000,
            "gave no JSON, but other content; write the address of the API",
            id="deep-json",
        ),
    ],
)
def test_content_that_is_no_feed_is_refused(text: str, expected: str) -> None:
    assert refusal(text) == expected


def test_a_type_that_is_quoted_is_printable() -> None:
    assert "\x1b" not in refusal("Soup", "text/\x1b[31mred")


def test_the_name_of_a_local_file_is_not_opened(tmp_path: Path) -> None:
    file = tmp_path / "feed.xml"
    file.write_text(RSS)
    assert refusal(str(file)).startswith("gave no feed")


def test_an_entity_bomb_is_not_expanded() -> None:
    levels = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    bomb = f'<!DOCTYPE rss [<!ENTITY e0 "soup">{levels}]>' + RSS.partition("?>")[2].replace("It is", "&e11;")
    assert sum(len(entry.text) for entry in read(bomb).entries) < 10_000


def test_an_entity_of_a_local_file_is_not_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("the secret soup")
    text = f'<!DOCTYPE rss [<!ENTITY x SYSTEM "{secret.as_uri()}">]>' + RSS.partition("?>")[2].replace(
        "Leek", "&x;"
    )
    assert "secret soup" not in repr(read(text))
