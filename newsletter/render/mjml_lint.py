"""MJML's structure, checked by lxml before it is compiled: mrml passes over most mistakes in silence."""

import re
from html.entities import html5
from typing import cast

from lxml import etree

from newsletter.errors import TemplateError
from newsletter.render.templates import Filled

_IN_HEAD = ("mj-attributes", "mj-breakpoint", "mj-font", "mj-preview", "mj-style", "mj-title")
_IN_COLUMN = (
    "mj-accordion",
    "mj-button",
    "mj-carousel",
    "mj-divider",
    "mj-image",
    "mj-navbar",
    "mj-social",
    "mj-spacer",
    "mj-table",
    "mj-text",
)
# Where a component may stand.
_PARENTS = {
    "mj-head": ("mjml",),
    "mj-body": ("mjml",),
    "mj-wrapper": ("mj-body",),
    "mj-section": ("mj-body", "mj-wrapper"),
    "mj-hero": ("mj-body", "mj-wrapper"),
    "mj-group": ("mj-section",),
    "mj-column": ("mj-section", "mj-group"),
    "mj-raw": ("mj-head", "mj-body", "mj-wrapper", "mj-section", "mj-group", "mj-column", "mj-hero"),
    "mj-all": ("mj-attributes",),
    "mj-class": ("mj-attributes",),
    "mj-accordion-element": ("mj-accordion",),
    "mj-accordion-title": ("mj-accordion-element",),
    "mj-accordion-text": ("mj-accordion-element",),
    "mj-carousel-image": ("mj-carousel",),
    "mj-navbar-link": ("mj-navbar",),
    "mj-social-element": ("mj-social",),
    **dict.fromkeys(_IN_HEAD, ("mj-head",)),
    **dict.fromkeys(_IN_COLUMN, ("mj-column", "mj-hero")),
}
# These hold components; mrml would let text and HTML fall out of the table that it writes for them.
_NO_HTML = frozenset(above for parents in _PARENTS.values() for above in parents) - {"mj-attributes"}

_ENTITY = re.compile(r"&([a-zA-Z][a-zA-Z0-9]*);")
_XML_ENTITIES = ("amp", "lt", "gt", "quot", "apos")
_VOID = ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr")
_CROSSED = re.compile(r"tag mismatch: (?P<tag>\S+) line (?P<line>\d+) and (?P<closing>\S+?),")
_UNFINISHED = re.compile(r"end of data in tag (?P<tag>\S+) line (?P<line>\d+)")
# libxml2's HTML parser, which premailer uses, drops what is deeper than 256 levels; MJML becomes 20 of them.
_DEEPEST = etree.XPath("/*" * 200)
_TOO_DEEP = ("more than 200 levels of tags", "nest less deeply")
# What libxml2 says; in other words, and how to mend it.
_WORDS = {
    "EntityRef": ("a bare &", "write it as &amp;"),
    "Entity '": ("an & that starts no entity", "write it as &amp;"),
    "CharRef": ("a character reference that is none", "write & as &amp;"),
    "StartTag: invalid": ("a bare <", "write it as &lt;"),
    "Unescaped '<'": ("a < inside an attribute", "close the attribute's quotes, or write it as &lt;"),
    "AttValue": ("an attribute's value without quotes", 'write name="value"'),
    "mandates value": ("an attribute without a value", 'write name="value"'),
    "attributes construct": ("attributes without a space between them", "put one there"),
    "redefined": ("an attribute that is there twice", "delete one"),
    "hyphen within comment": ("-- inside a comment", "write - once"),
    "Comment not terminated": ("a comment that does not end", "close it: -->"),
    "']]>'": ("]]> in text", "write it as ]]&gt;"),
    "Excessive depth": _TOO_DEEP,
    "Extra content": ("something after </mjml>", "move it inside, or delete it"),
    "Start tag expected": ("something before <mjml>", "move it inside, or delete it"),
    "Document is empty": ("nothing at all", "write <mjml>…</mjml>"),
}


def check(mjml: Filled) -> None:
    """Raises TemplateError, with file and line, for the first thing that is malformed or out of place."""
    # One byte a character, whatever it is, so that lxml's columns are positions; and colons as in Outlook's
    # <v:rect> are no namespaces here.
    source = _ENTITY.sub(_mask, mjml.text).replace(":", "_").encode("ascii", "replace")
    try:
        root = etree.fromstring(source, etree.XMLParser(resolve_entities=False, no_network=True))
    except etree.XMLSyntaxError as problem:
        raise _malformed(mjml, problem) from problem
    for element in root.iter(etree.Element):
        if wrong := _wrong(element):
            raise TemplateError(*wrong, where=_where(mjml, element))
    if deep := cast(list[etree._Element], _DEEPEST(root)):
        raise TemplateError(*_TOO_DEEP, where=_where(mjml, deep[0]))
    if root.find("mj-body") is None:
        raise TemplateError("there is no <mj-body> in <mjml>", "add one", where=mjml.where(0))


def _where(mjml: Filled, element: etree._Element) -> str:
    """The place of an element, of which lxml only knows the line that its start tag ends in."""
    end = mjml.line(cast(int, element.sourceline) + 1)
    return mjml.where(max(0, mjml.text.rfind(f"<{_named(element.tag)}", 0, end)))


def _wrong(element: etree._Element) -> tuple[str, str] | None:
    tag, parent = _named(element.tag), element.getparent()
    above = _named(parent.tag) if parent is not None else ""
    if tag == "mj-include":
        return "<mj-include> is not read", 'write {% include "…" %}'
    if not tag.startswith("mj"):
        fix = "put HTML into <mj-text> or <mj-raw>"
        return (f"<{tag}> directly inside <{above}>", fix) if above in _NO_HTML else None
    if tag in _NO_HTML and any((text or "").strip() for text in (element.text, *(e.tail for e in element))):
        return f"text directly inside <{tag}>", "put it into <mj-text>"
    if tag == "mjml" and not above:
        return None
    if tag not in _PARENTS:
        return f"<{tag}> is no MJML component", "check its spelling"
    if above in _PARENTS[tag] or above == "mj-attributes":
        return None
    allowed = " or ".join(f"<{name}>" for name in _PARENTS[tag])
    return f"<{tag}> inside <{above}>", f"it belongs into {allowed}; is <{above}> closed before it?"


def _malformed(mjml: Filled, problem: etree.XMLSyntaxError) -> TemplateError:
    message = re.sub(r", line \d+, column \d+$", "", str(problem.msg))
    line, column = problem.position
    here = mjml.line(line) + max(0, column - 2)
    if found := _CROSSED.search(_named(f"{message},")) or _UNFINISHED.search(_named(message)):
        return _unclosed(mjml, here, **found.groupdict())
    what, fix = next((words for said, words in _WORDS.items() if said in message), (message, "correct it"))
    return TemplateError(f"not well-formed: {what}", fix, where=mjml.where(here))


def _unclosed(mjml: Filled, here: int, tag: str, line: str, closing: str = "") -> TemplateError:
    if closing and not _open(closing, mjml.text[:here]):
        what, fix = f"</{closing}> closes nothing", f"delete it, or open <{closing}> inside <{tag}>"
        return TemplateError(what, fix, where=mjml.where(here))
    before = f" before </{closing}>" if closing else ""
    fix = f"write <{tag} />" if tag in _VOID else f"add </{tag}>{before}"
    opening = max(0, mjml.text.find(f"<{tag}", mjml.line(int(line))))
    return TemplateError(f"<{tag}> is not closed", fix, where=mjml.where(opening))


def _open(tag: str, text: str) -> bool:
    return len(re.findall(rf"<{re.escape(tag)}\b[^>]*(?<!/)>", text)) > text.count(f"</{tag}>")


def _named(tag: object) -> str:
    """A tag's name with the colon that it had."""
    return str(tag).replace("_", ":")


def _mask(entity: re.Match[str]) -> str:
    """HTML's named entities, which XML does not know, as blanks of the same width."""
    known = f"{entity[1]};" in html5 and entity[1] not in _XML_ENTITIES
    return " " * len(entity[0]) if known else entity[0]
