"""Judge Atom and RSS feeds by the rules of the W3C's feed validator, which cannot be installed.

The names are those of its documentation, https://validator.w3.org/feed/docs/. They come from RFC 4287, from
the specification of RSS 2.0 and from the RSS Advisory Board's Best Practices Profile. test_feed_rules.py
breaks each of them.
"""

import datetime as dt
import re
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from email.utils import parsedate_to_datetime

from tests.archive.feed_html_rules import Problem, html_problems

ATOM = "{http://www.w3.org/2005/Atom}"
CONTENT = "{http://purl.org/rss/1.0/modules/content/}"
DC = "{http://purl.org/dc/elements/1.1/}"
LANG = "{http://www.w3.org/XML/1998/namespace}lang"

# The elements of each element; those with a star may be there more than once.
ATOM_CHILDREN = {
    "feed": "id title subtitle updated link* author* contributor* category* generator icon logo entry*",
    "entry": "id title link* author* contributor* category* published updated summary content rights source",
    "author": "name uri email",
}
ATOM_ATTRIBUTES = {
    "link": "rel type href hreflang title length",
    "content": "type src",
    **dict.fromkeys(("title", "subtitle", "summary", "rights"), "type"),
    "generator": "uri version",
}
RSS_CHILDREN = {
    "rss": "channel",
    "channel": (
        "title link description language copyright managingEditor webMaster pubDate lastBuildDate category* "
        f"generator docs ttl image {ATOM}link* item*"
    ),
    "item": (
        "title link description author category* comments enclosure guid pubDate source "
        f"{CONTENT}encoded {DC}creator* {DC}date {ATOM}updated"
    ),
}
RSS_ATTRIBUTES = {
    "rss": "version",
    "guid": "isPermaLink",
    f"{ATOM}link": ATOM_ATTRIBUTES["link"],
}
RELATIONS = {"alternate", "enclosure", "related", "self", "via"}
FEED_TYPES = {"application/atom+xml", "application/rss+xml"}
_ADDRESS = re.compile(r"https?://[0-9a-z.-]+(:[0-9]+)?(/[0-9A-Za-z;/?:@&=+$.\-_!~*'()%,#]*)?")
_TAG = re.compile(
    r"tag:[a-z0-9.-]+,[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?:[0-9A-Za-z;/?:@&=+$.\-_!~*'()%,]*(#[0-9A-Za-z]*)?"
)
_RFC3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})"
)
_RFC2822 = re.compile(
    r"((Mon|Tue|Wed|Thu|Fri|Sat|Sun), )?[0-9]{1,2} (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) "
    r"[0-9]{4} [0-9]{2}:[0-9]{2}(:[0-9]{2})? ([+-][0-9]{4}|GMT|UT|Z)"
)
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*")
_TYPE = re.compile(r"[^\s()<>,;:\\\"/\[\]?=]+/[^\s()<>,;:\\\"/\[\]?=]+")


def atom_problems(document: bytes, location: str) -> list[Problem]:
    """Return each broken rule of an Atom feed that can be read at `location`."""
    return _problems(document, lambda feed: _atom(feed, location))


def rss_problems(document: bytes, location: str) -> list[Problem]:
    """Return each broken rule of an RSS feed that can be read at `location`."""
    return _problems(document, lambda rss: _rss(rss, location, document))


def _problems(document: bytes, judge: Callable[[ET.Element], Iterator[Problem]]) -> list[Problem]:
    try:
        root = ET.fromstring(document)
    except ET.ParseError as failure:
        return [Problem("SAXError", str(failure))]
    found = list(judge(root))
    if not document.startswith(b'<?xml version="1.0" encoding="utf-8"?>'):
        found.append(Problem("NotUTF8", "the encoding is not stated, or is another one"))
    for element in root.iter():
        for text in (element.text or "", *element.attrib.values()):
            if re.search("[\x80-\x9f\ufffd]", text):
                found.append(Problem("BadCharacters", element.tag))
    return found


def _atom(feed: ET.Element, location: str) -> Iterator[Problem]:
    if feed.tag != f"{ATOM}feed":
        yield Problem("InvalidNamespace", feed.tag)
        return
    yield from _elements(feed, ATOM_CHILDREN, ATOM_ATTRIBUTES, ATOM)
    yield from _missing(feed, ("id", "title", "updated"), ATOM)
    yield from _self_link(feed, location, "MissingSelf")
    yield from _links(feed)
    entries = feed.findall(f"{ATOM}entry")
    if feed.find(f"{ATOM}author") is None and not all(e.find(f"{ATOM}author") is not None for e in entries):
        yield Problem("MissingElement", "author")
    order = [child.tag == f"{ATOM}entry" for child in feed]
    if order != sorted(order):
        yield Problem("MisplacedMetadata", "the feed has elements after an entry")
    for entry in entries:
        yield from _atom_entry(entry)
    for element in feed.iter():
        yield from _atom_value(element, element.text or "")
    yield from _repeated("DuplicateEntries", entries, f"{ATOM}id")
    yield from _repeated("DuplicateUpdated", entries, f"{ATOM}updated")
    if not feed.get(LANG):
        yield Problem("MissingDCLanguage", "xml:lang")


def _atom_entry(entry: ET.Element) -> Iterator[Problem]:
    yield from _missing(entry, ("id", "title", "updated"), ATOM)
    yield from _links(entry)
    content = entry.find(f"{ATOM}content")
    if content is None and entry.find(f"{ATOM}summary") is None:
        yield Problem("MissingTextualContent", "an entry")
    if content is None and "alternate" not in [link.get("rel") for link in entry.findall(f"{ATOM}link")]:
        yield Problem("MissingContentOrAlternate", "an entry")


def _atom_value(element: ET.Element, text: str) -> Iterator[Problem]:
    match element.tag.removeprefix(ATOM):
        case "id":
            yield from _white_space(element)
            yield from _identifier(text.strip())
        case "published" | "updated":
            yield from _white_space(element)
            yield from _rfc3339(text.strip())
        case "title" | "subtitle" | "summary" | "rights" | "content" as name:
            yield from _text_construct(name, element.get("type", "text"), text)
        case "name" | "generator" as name if not text.strip():
            yield Problem("NotBlank", name)


def _text_construct(name: str, kind: str, text: str) -> Iterator[Problem]:
    if not text.strip():
        yield Problem("NotBlank", name)
    if kind not in ("text", "html"):
        yield Problem("InvalidTextType", kind)
    if kind == "html":
        yield from html_problems(text, name)
    elif _looks_like_html(text):
        yield Problem("ContainsUndeclaredHTML", text)


def _rss(rss: ET.Element, location: str, document: bytes) -> Iterator[Problem]:
    channel = rss.find("channel")
    if rss.tag != "rss" or rss.get("version") != "2.0" or channel is None:
        yield Problem("InvalidRSSVersion", rss.tag)
        return
    yield from _elements(rss, RSS_CHILDREN, RSS_ATTRIBUTES, "")
    for name in ("title", "link", "description"):
        if channel.find(name) is None:
            yield Problem(f"Missing{name.title()}", "channel")
    yield from _self_link(channel, location, "MissingAtomSelfLink")
    yield from _links(channel)
    order = [child.tag == "item" for child in channel]
    if order != sorted(order):
        yield Problem("MisplacedItem", "the channel has elements after an item")
    language = channel.findtext("language")
    if language is None:
        yield Problem("MissingDCLanguage", "language")
    elif not _LANGUAGE.fullmatch(language):
        yield Problem("InvalidLanguage", language)
    for item in channel.findall("item"):
        yield from _rss_item(item)
    for parent in (channel, *channel.findall("item")):
        for element in parent:
            yield from _rss_value(parent.tag, element, element.text or "")
    yield from _repeated("DuplicateValue", channel.findall("item"), "guid")
    # Which characters an XML document has escaped, and how, is known from its bytes only.
    for title in re.findall(rb"<title>(.*?)</title>", document, re.DOTALL):
        if re.search(rb"&(lt|#60);[/a-zA-Z]|&(amp|#38);#[x0-9]", title):
            yield Problem("CharacterData", title.decode())


def _rss_item(item: ET.Element) -> Iterator[Problem]:
    names = [child.tag for child in item]
    if "title" not in names and "description" not in names:
        yield Problem("ItemMustContainTitleOrDescription", "item")
    if f"{CONTENT}encoded" in names and "description" not in names[: names.index(f"{CONTENT}encoded")]:
        yield Problem("NeedDescriptionBeforeContent", "item")
    if {"author", f"{DC}creator"} <= set(names) or {"pubDate", f"{DC}date"} <= set(names):
        yield Problem("DuplicateItemSemantics", "item")
    guid = item.find("guid")
    if guid is None:
        yield Problem("MissingGuid", "item")
    elif guid.get("isPermaLink") not in (None, "true", "false"):
        yield Problem("InvalidBooleanAttribute", "isPermaLink")
    elif guid.get("isPermaLink") == "false":
        if re.fullmatch("[0-9]{0,8}", guid.text or ""):
            yield Problem("NotSufficientlyUnique", "guid")
    elif not _ADDRESS.fullmatch(guid.text or ""):
        yield Problem("InvalidPermalink", guid.text or "")


def _rss_value(parent: str, element: ET.Element, text: str) -> Iterator[Problem]:
    match parent, element.tag:
        case "item", "description":
            yield from html_problems(text, "description")
        case _, "title" | "description":
            if not text.strip():
                yield Problem("NotBlank", element.tag)
            if _looks_like_html(text):
                yield Problem("ContainsHTML", text)
        case _, "link" if not _ADDRESS.fullmatch(text):
            yield Problem("InvalidFullLink", text)
        case _, "pubDate" | "lastBuildDate":
            yield from _rfc2822(text)
        case _, "author" | "managingEditor" | "webMaster":
            if not re.fullmatch(r"[^@\s]+@[^@\s]+ \(.+\)", text):
                yield Problem("InvalidContact", text)
        case _, tag if tag == f"{CONTENT}encoded":
            yield from html_problems(text, "content:encoded")
        case _, tag if tag == f"{ATOM}updated":
            yield from _rfc3339(text)


def _elements(
    element: ET.Element, children: Mapping[str, str], attributes: Mapping[str, str], namespace: str
) -> Iterator[Problem]:
    """Yield elements and attributes that the format does not know, elements twice, and text around them."""
    name = element.tag.removeprefix(namespace)
    known = children.get(name, "").split()
    for tag, number in Counter(child.tag.removeprefix(namespace) for child in element).items():
        if tag not in known and f"{tag}*" not in known:
            yield Problem("UndefinedElement", f"{name}: {tag}")
        elif number > 1 and f"{tag}*" not in known:
            yield Problem("DuplicateElement", f"{name}: {tag}")
    for attribute in element.attrib:
        if attribute != LANG and attribute not in attributes.get(name, "").split():
            yield Problem("UnexpectedAttribute", f"{name}: {attribute}")
    if known and "".join([element.text or "", *(child.tail or "" for child in element)]).strip():
        yield Problem("UnexpectedText", name)
    for child in element:
        yield from _elements(child, children, attributes, namespace)


def _links(parent: ET.Element) -> Iterator[Problem]:
    links = parent.findall(f"{ATOM}link")
    for link in links:
        relation, kind, href = link.get("rel", "alternate"), link.get("type"), link.get("href")
        if href is None:
            yield Problem("MissingHref", relation)
        elif not _ADDRESS.fullmatch(href):
            yield Problem("InvalidIRI", href)
        if not relation:
            yield Problem("AttrNotBlank", "rel")
        elif relation not in RELATIONS:
            yield Problem("UnregisteredAtomLinkRel", relation)
        if kind is not None and not _TYPE.fullmatch(kind):
            yield Problem("InvalidMIMEType", kind)
        elif relation == "self" and kind is not None and kind not in FEED_TYPES:
            yield Problem("SelfNotAtom", kind)
        if (link.text or "").strip():
            yield Problem("AtomLinkNotEmpty", link.text or "")
    pairs = Counter((link.get("rel"), link.get("type"), link.get("hreflang")) for link in links)
    yield from (Problem("DuplicateAtomLink", str(pair)) for pair, number in pairs.items() if number > 1)


def _self_link(parent: ET.Element, location: str, rule: str) -> Iterator[Problem]:
    found = [link.get("href", "") for link in parent.findall(f"{ATOM}link") if link.get("rel") == "self"]
    if not found:
        yield Problem(rule, parent.tag)
    for href in found:
        if href.startswith(("/", ".")) or "//" not in href:
            yield Problem("RelativeSelf", href)
        elif href != location:
            yield Problem("SelfDoesntMatchLocation", href)


def _missing(parent: ET.Element, names: Iterable[str], namespace: str) -> Iterator[Problem]:
    yield from (
        Problem("MissingElement", name) for name in names if parent.find(f"{namespace}{name}") is None
    )


def _repeated(rule: str, entries: Iterable[ET.Element], tag: str) -> Iterator[Problem]:
    values = Counter(value for entry in entries if (value := entry.findtext(tag)))
    yield from (Problem(rule, value) for value, number in values.items() if number > 1)


def _white_space(element: ET.Element) -> Iterator[Problem]:
    if (text := element.text or "") != text.strip():
        yield Problem("UnexpectedWhitespace", element.tag)


def _identifier(text: str) -> Iterator[Problem]:
    if text.startswith("tag:"):
        if not _TAG.fullmatch(text):
            yield Problem("InvalidTAG", text)
    elif not re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", text):
        yield Problem("InvalidFullLink", text)
    elif re.match(r"https?://[^/]*([A-Z]|$)", text):
        yield Problem("NonCanonicalURI", text)


def _rfc3339(text: str) -> Iterator[Problem]:
    try:
        if not _RFC3339.fullmatch(text):
            raise ValueError
        time = dt.datetime.fromisoformat(text)
    except ValueError:
        yield Problem("InvalidRFC3339Date", text)
        return
    if time.year < 1990:
        yield Problem("ImplausibleDate", text)


def _rfc2822(text: str) -> Iterator[Problem]:
    try:
        if not _RFC2822.fullmatch(text):
            raise ValueError
        time = parsedate_to_datetime(text)
    except ValueError:
        yield Problem("InvalidRFC2822Date", text)
        return
    if "," in text and f"{time:%a}" != text[:3]:
        yield Problem("IncorrectDOW", text)
    if time.year < 1990:
        yield Problem("ImplausibleDate", text)


def _looks_like_html(text: str) -> bool:
    return bool(re.search(r"</(a|b|div|em|i|p|script|span|strong)>|&(amp|lt|gt|quot|apos|#?[0-9]+);", text))
