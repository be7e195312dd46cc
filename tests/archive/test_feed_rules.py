"""Tests of the judge of feeds: a valid feed passes, and each rule finds a fault that was planted."""

import ast
import re
from pathlib import Path

import pytest

from newsletter.archive.atom import atom_feed
from newsletter.archive.json_feed import json_feed
from newsletter.archive.rss import rss_feed
from tests.archive.feed_rules import atom_problems, rss_problems
from tests.archive.feed_samples import CHANNEL, ISSUE, issue
from tests.archive.json_feed_rules import json_feed_problems

ISSUES = [issue(0), issue(1)]
ATOM = atom_feed(CHANNEL, ISSUES).decode()
RSS = rss_feed(CHANNEL, ISSUES).decode()
JSON = json_feed(CHANNEL, [ISSUE]).decode()
ENTRY = ATOM[ATOM.index("  <entry>") : ATOM.index("  </entry>") + len("  </entry>\n")]
ITEM = RSS[RSS.index("    <item>") : RSS.index("    </item>") + len("    </item>\n")]
SUBTITLE = "<subtitle>Five papers each Monday.</subtitle>"
SELF = '<link rel="self" type="application/atom+xml" href="https://papers.example.com/feed.xml" />'
RSS_SELF = f"<atom:{SELF[1:]}".replace("atom+xml", "rss+xml").replace("feed.xml", "rss.xml")
GUID = '<guid isPermaLink="false">tag:example.com,2026-05-04:2026-05-04</guid>'
PAGE = '<link rel="alternate" type="text/html" href="https://papers.example.com/2026-05-04/" />'
TITLE = "Maps &amp; territories, part 1"
RSS_TITLE = TITLE.replace("&amp;", "&#x26;")
DATE = "Mon, 04 May 2026 00:00:00 GMT"
CONTENT = ENTRY[ENTRY.index("<content") : ENTRY.index("</entry>")].rstrip()
RSS_CONTENT = CONTENT.replace('<content type="html">', "<content:encoded>").replace(
    "</content>", "</content:encoded>"
)

ATOM_FAULTS = [
    ("SAXError", "</feed>", ""),
    ("NotUTF8", 'encoding="utf-8"', 'encoding="iso-8859-1"'),
    ("BadCharacters", "Five papers", "Five\x92 papers"),
    ("BadCharacters", "Five papers", "Five\ufffd papers"),
    ("InvalidNamespace", "http://www.w3.org/2005/Atom", "http://purl.org/atom/ns#"),
    ("UndefinedElement", "<subtitle>", "<tagline>x</tagline><subtitle>"),
    ("DuplicateElement", SUBTITLE, SUBTITLE * 2),
    ("UnexpectedAttribute", "<subtitle>", '<subtitle class="x">'),
    ("UnexpectedText", SUBTITLE, f"{SUBTITLE}text"),
    ("MissingElement", "<id>tag:example.com,2026:archive</id>", ""),
    ("MissingElement", f"<title>{TITLE}</title>", ""),
    ("MissingElement", "<updated>2026-05-04T00:00:00Z</updated>\n    <summary>", "<summary>"),
    ("MissingElement", ATOM[ATOM.index("  <author>") : ATOM.index("  <generator>")], ""),
    ("MissingSelf", SELF, ""),
    ("RelativeSelf", "https://papers.example.com/feed.xml", "/feed.xml"),
    ("SelfDoesntMatchLocation", "https://papers.example.com/feed.xml", "https://example.com/feed.xml"),
    ("SelfNotAtom", "application/atom+xml", "text/html"),
    ("InvalidMIMEType", "application/atom+xml", "atom"),
    ("MissingHref", ' href="https://papers.example.com/"', ""),
    ("InvalidIRI", 'href="https://papers.example.com/"', 'href="https://papers.example.com/ x"'),
    ("AttrNotBlank", 'rel="self"', 'rel=""'),
    ("UnregisteredAtomLinkRel", 'rel="self"', 'rel="me"'),
    ("AtomLinkNotEmpty", SELF, SELF.replace(" />", ">x</link>")),
    ("DuplicateAtomLink", SELF, SELF * 2),
    ("MisplacedMetadata", "</feed>", "<rights>x</rights></feed>"),
    ("DuplicateEntries", "tag:example.com,2026-05-04:2026-05-04", "tag:example.com,2026-04-27:2026-04-27"),
    (
        "DuplicateUpdated",
        "<updated>2026-05-04T00:00:00Z</updated>\n    <s",
        "<updated>2026-04-27T00:00:00Z</updated><s",
    ),
    ("MissingDCLanguage", ' xml:lang="en"', ""),
    ("MissingTextualContent", ENTRY[ENTRY.index("    <summary") : ENTRY.index("  </entry>")], ""),
    ("MissingContentOrAlternate", ENTRY, ENTRY.replace(PAGE, "").replace(CONTENT, "")),
    ("UnexpectedWhitespace", "tag:example.com,2026:archive", "tag:example.com,2026:archive "),
    ("InvalidTAG", "tag:example.com,2026:archive", "tag:example.com:archive"),
    ("InvalidTAG", "tag:example.com,2026:archive", "tag:example.com,2026:ärchive"),
    ("InvalidFullLink", "tag:example.com,2026:archive", "archive"),
    ("NonCanonicalURI", "tag:example.com,2026:archive", "https://Example.com/"),
    ("InvalidRFC3339Date", "<published>2026-05-04T00:00:00Z", "<published>2026-05-04"),
    ("InvalidRFC3339Date", "<published>2026-05-04T00:00:00Z", "<published>2026-02-30T00:00:00Z"),
    ("ImplausibleDate", "<published>2026-05-04", "<published>1969-05-04"),
    ("NotBlank", TITLE, " "),
    ("NotBlank", "<generator>news", "<generator>"),
    ("NotBlank", SUBTITLE, "<subtitle />"),
    ("InvalidTextType", 'type="html"', 'type="markdown"'),
    ("ContainsUndeclaredHTML", TITLE, "A &lt;b&gt;map&lt;/b&gt;"),
    ("ContainsUndeclaredHTML", 'content type="html"', "content"),
]
HTML_FAULTS = [
    ("NotHtml", "&lt;/section&gt;", ""),
    ("NotHtml", "&lt;/h2&gt;", "&lt;/h3&gt;"),
    ("NotHtml", "&lt;em&gt;why&lt;/em&gt;", "&lt;figure&gt;&lt;/figure&gt;"),
    ("NotHtml", "&lt;em&gt;why&lt;/em&gt;", "&lt;center&gt;why&lt;/center&gt;"),
    ("SecurityRisk", "&lt;em&gt;why&lt;/em&gt;", "&lt;script&gt;1&lt;/script&gt;"),
    ("SecurityRisk", "&lt;em&gt;", "&lt;!-- x --&gt;&lt;em&gt;"),
    ("SecurityRiskAttr", "&lt;em&gt;", '&lt;em onclick="x"&gt;'),
    ("SecurityRiskAttr", "&lt;em&gt;", '&lt;em class="x"&gt;'),
    ("DangerousStyleAttr", "&lt;em&gt;", '&lt;em style="color:red"&gt;'),
    ("ContainsRelRef", 'src="https://papers.example.com', 'src="'),
    ("ContainsRelRef", "https://papers.example.com/2026-05-04/#fn1", "#fn1"),
    ("InvalidUriChar", "/pictures/map.png", "/pictures/map 2.png"),
    ("InvalidUriChar", "https://papers.example.com/2026-04-20/", "javascript:x"),
]
RSS_FAULTS = [
    ("SAXError", "</rss>", ""),
    ("InvalidRSSVersion", 'version="2.0"', 'version="0.92"'),
    ("MissingTitle", "<title>Example Papers</title>", ""),
    ("MissingLink", "<link>https://papers.example.com/</link>", ""),
    ("MissingDescription", "<description>Five papers each Monday.</description>", ""),
    ("MissingAtomSelfLink", RSS_SELF, ""),
    ("SelfDoesntMatchLocation", "https://papers.example.com/rss.xml", "https://example.com/rss.xml"),
    ("UnregisteredAtomLinkRel", 'rel="self"', 'rel="me"'),
    ("MisplacedItem", "</channel>", "<ttl>60</ttl></channel>"),
    ("UndefinedElement", "<pubDate>", "<updated>x</updated><pubDate>"),
    ("DuplicateElement", GUID, GUID * 2),
    ("UnexpectedAttribute", "<pubDate>", '<pubDate zone="x">'),
    ("UnexpectedText", GUID, f"{GUID}text"),
    ("MissingDCLanguage", "<language>en</language>", ""),
    ("InvalidLanguage", "<language>en", "<language>English language"),
    ("MissingGuid", GUID, ""),
    ("InvalidPermalink", 'isPermaLink="false"', 'isPermaLink="true"'),
    ("InvalidPermalink", ' isPermaLink="false"', ""),
    ("InvalidBooleanAttribute", 'isPermaLink="false"', 'isPermaLink="no"'),
    ("NotSufficientlyUnique", GUID, '<guid isPermaLink="false">12</guid>'),
    ("DuplicateValue", "tag:example.com,2026-05-04:2026-05-04", "tag:example.com,2026-04-27:2026-04-27"),
    ("InvalidFullLink", "<link>https://papers.example.com/2026-05-04/", "<link>/2026-05-04/"),
    ("InvalidRFC2822Date", DATE, "2026-05-04T00:00:00Z"),
    ("InvalidRFC2822Date", DATE, "Mon, 31 Feb 2026 00:00:00 GMT"),
    ("IncorrectDOW", DATE, DATE.replace("Mon", "Tue")),
    ("ImplausibleDate", DATE, "Sun, 04 May 1969 00:00:00 GMT"),
    ("InvalidRFC3339Date", "<atom:updated>2026-05-04T00:00:00Z", "<atom:updated>2026-05-04"),
    ("NotBlank", RSS_TITLE, ""),
    ("ContainsHTML", RSS_TITLE, "A &lt;b&gt;map&lt;/b&gt;"),
    ("CharacterData", RSS_TITLE, "A &lt;map"),
    ("NeedDescriptionBeforeContent", ITEM, ITEM.replace("description>", "comments>")),
    (
        "ItemMustContainTitleOrDescription",
        ITEM,
        ITEM.replace("description>", "comments>").replace(f"<title>{RSS_TITLE}</title>", ""),
    ),
    ("DuplicateItemSemantics", "<dc:creator>", "<author>a@example.com (A)</author><dc:creator>"),
    ("InvalidContact", "<generator>", "<managingEditor>a@example.com</managingEditor><generator>"),
    ("BadCharacters", "Five papers", "Five\x92 papers"),
]
JSON_FAULTS = [
    ("not JSON in UTF-8", '"items"', "items"),
    ("version", "version/1.1", "version/1"),
    ("title", '"title": "Example Papers"', '"title": ""'),
    ("items", '"items"', '"_items"'),
    ("feed_url", "https://papers.example.com/feed.json", "https://example.com/feed.json"),
    ("home_page_url", '"home_page_url"', '"_home_page_url"'),
    ("language", '"language": "en"', '"language": "English language"'),
    ("author without a name, an address or a picture", '"name"', '"_name"'),
    ("item without id", '"id": "tag:example.com,2026-04-27:2026-04-27"', '"id": ""'),
    (
        "id twice",
        '"items": [',
        '"items": [{"id": "tag:example.com,2026-04-27:2026-04-27", "content_text": ""},',
    ),
    ("item without content", '"items": [', '"items": [{"id": "x"},'),
    ("date", "2026-04-27T00:00:00Z", "2026-04-27"),
    ("type of a value", '"id": "tag:example.com,2026-04-27:2026-04-27"', '"id": 7'),
    ("address", "https://papers.example.com/2026-04-27/card.png", "card.png"),
    ("unknown name", '"summary"', '"abstract"'),
    ("ContainsRelRef", r"src=\"https://papers.example.com", r"src=\""),
]


def planted(document: str, old: str, new: str) -> bytes:
    """Return a feed with a fault in it, at the first place of `old`."""
    assert old in document
    return document.replace(old, new, 1).encode("utf-8")


def atom_rules(document: bytes) -> set[str]:
    return {problem.rule for problem in atom_problems(document, "https://papers.example.com/feed.xml")}


def rss_rules(document: bytes) -> set[str]:
    return {problem.rule for problem in rss_problems(document, "https://papers.example.com/rss.xml")}


def json_rules(document: bytes) -> set[str]:
    return {problem.rule for problem in json_feed_problems(document, "https://papers.example.com/feed.json")}


def test_feeds_without_a_fault_pass() -> None:
    assert atom_rules(ATOM.encode()) == rss_rules(RSS.encode()) == json_rules(JSON.encode()) == set()


def test_each_rule_has_a_fault() -> None:
    """The names of rules are all the strings in the judge that are written LikeThis."""
    faults = {rule for rule, _, _ in (*ATOM_FAULTS, *RSS_FAULTS, *HTML_FAULTS)}
    for name in ("feed_rules.py", "feed_html_rules.py"):
        tree = ast.parse(Path(__file__).with_name(name).read_text(encoding="utf-8"))
        texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
        rules = {
            text
            for text in texts
            if isinstance(text, str) and re.fullmatch("([A-Z]+[a-z]+[0-9]*){2,}|SAXError|NotUTF8", text)
        }
        assert len(rules) > 5 and rules - faults == set()


@pytest.mark.parametrize(("rule", "old", "new"), ATOM_FAULTS)
def test_a_fault_of_atom_is_found(rule: str, old: str, new: str) -> None:
    assert rule in atom_rules(planted(ATOM, old, new))


@pytest.mark.parametrize(("rule", "old", "new"), RSS_FAULTS)
def test_a_fault_of_rss_is_found(rule: str, old: str, new: str) -> None:
    assert rule in rss_rules(planted(RSS, old, new))


@pytest.mark.parametrize(("rule", "old", "new"), HTML_FAULTS)
def test_a_fault_of_the_content_is_found_in_both(rule: str, old: str, new: str) -> None:
    assert rule in atom_rules(planted(ATOM, old, new))
    assert rule in rss_rules(planted(RSS, old, new))


@pytest.mark.parametrize(("rule", "old", "new"), JSON_FAULTS)
def test_a_fault_of_json_is_found(rule: str, old: str, new: str) -> None:
    assert rule in json_rules(planted(JSON, old, new))
