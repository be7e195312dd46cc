"""Check the elements of MJML with lxml before it is compiled, because mrml ignores most mistakes."""

import re
from collections.abc import Iterator
from html.entities import html5
from typing import cast

from lxml import etree

from newsletter.errors import TemplateError
from newsletter.render.mjml_attributes import misuses
from newsletter.render.mjml_reference import WITH_DEFAULTS
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
# The parents that each component may have.
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
# Components that contain only components: mrml would write text and HTML outside the table that it makes.
_NO_HTML = frozenset(parent for parents in _PARENTS.values() for parent in parents) - {"mj-attributes"}

_IMPORT = re.compile("@import", re.IGNORECASE)
_OUTLOOK = re.compile(r"\s*\[if")  # a conditional comment, whose content Outlook reads
_CSS_ESCAPE = re.compile(r"\\(?:([0-9a-fA-F]{1,6})\s?|(.))")
_ENTITY = re.compile(r"&([a-zA-Z][a-zA-Z0-9]*);")
_XML_ENTITIES = ("amp", "lt", "gt", "quot", "apos")
_VOID = ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr")
_CROSSED = re.compile(r"tag mismatch: (?P<tag>\S+) line (?P<line>\d+) and (?P<closing>\S+?),")
_UNFINISHED = re.compile(r"end of data in tag (?P<tag>\S+) line (?P<line>\d+)")
# libxml2's HTML parser, which premailer uses, drops elements below level 256; MJML's output adds 20 levels.
_LEVEL_200 = etree.XPath("/*" * 200)
_TOO_DEEP = ("more than 200 levels of tags", "nest fewer tags")
# Parts of libxml2's messages, each with the problem and the fix in plain words.
_MESSAGES = {
    "EntityRef": ("a bare &", "write it as &amp;"),
    "Entity '": ("an & that does not start an entity", "write it as &amp;"),
    "CharRef": ("an invalid character reference", "write & as &amp;"),
    "StartTag: invalid": ("a bare <", "write it as &lt;"),
    "Unescaped '<'": ("a < inside an attribute", "close the attribute's quotes, or write it as &lt;"),
    "AttValue": ("an attribute's value without quotes", 'write name="value"'),
    "mandates value": ("an attribute without a value", 'write name="value"'),
    "attributes construct": ("attributes without a space between them", "write a space between them"),
    "redefined": ("an attribute that occurs twice", "delete one"),
    "hyphen within comment": ("-- inside a comment", "write - once"),
    "Comment not terminated": ("a comment that does not end", "close it: -->"),
    "']]>'": ("]]> in text", "write it as ]]&gt;"),
    "amplification": ("an entity that repeats others many times", "write its text"),
    "Excessive depth": _TOO_DEEP,
    "Extra content": ("content after </mjml>", "move it inside, or delete it"),
    "Start tag expected": ("content before <mjml>", "move it inside, or delete it"),
    "Document is empty": ("the template is empty", "write <mjml>…</mjml>"),
}


def check(mjml: Filled) -> None:
    """Raise TemplateError, with file and line, for the first malformed or misplaced tag, or bad attribute."""
    # Each character becomes one byte, so that lxml's columns are positions. Colons become underscores, so
    # that Outlook's <v:rect> needs no namespace.
    source = _ENTITY.sub(_mask, mjml.text).replace(":", "_").encode("ascii", "replace")
    try:
        root = etree.fromstring(source, etree.XMLParser(resolve_entities=False, no_network=True))
    except etree.XMLSyntaxError as failure:
        raise _malformed(mjml, failure) from failure
    classes = {str(element.get("name")) for element in root.iter("mj-class")}
    for comment in root.iter(etree.Comment):
        if _OUTLOOK.match(comment.text or ""):
            _refuse_import(mjml, comment, comment.text or "")
    for element in root.iter(etree.Element):
        tag, parent = _tag_name(element.tag), element.getparent()
        above = "" if parent is None else _tag_name(parent.tag)
        if problem := _misplaced(element, tag, above):
            raise TemplateError(*problem, where=_where(mjml, element))
        if tag.rpartition(":")[2].lower() in ("mj-style", "style"):
            _refuse_import(mjml, element, "".join(_css(element)))
        if tag.startswith("mj"):
            _refuse_misuse(mjml, element, above, classes)
    if too_deep := cast(list[etree._Element], _LEVEL_200(root)):
        raise TemplateError(*_TOO_DEEP, where=_where(mjml, too_deep[0]))
    if root.find("mj-body") is None:
        raise TemplateError("there is no <mj-body> in <mjml>", "add one", where=mjml.where(0))
    for tag in ("mj-head", "mj-body"):
        if more := root.findall(tag)[1:]:  # mrml would keep the last one only
            raise TemplateError(f"a second <{tag}>", "move its content into one", where=_where(mjml, more[0]))


def _css(style: etree._Element) -> Iterator[str]:
    """Yield the text of a style sheet, also that in `<!-- -->`, which CSS reads."""
    yield style.text or ""
    for part in style.iterdescendants():
        yield from (part.text or "", part.tail or "")


def _refuse_import(mjml: Filled, style: etree._Element, css: str) -> None:
    """Raise TemplateError if a style sheet imports another one: mail that loads files tracks its reader."""
    if _IMPORT.search(_CSS_ESCAPE.sub(_unescape, css)):
        start = _position(mjml, style)
        rule = _IMPORT.search(mjml.text, start)
        what, fix = "@import loads another style sheet", "copy the rules of that style sheet to this place"
        raise TemplateError(what, fix, where=mjml.where(rule.start() if rule else start))


def _unescape(escape: re.Match[str]) -> str:
    return chr(int(escape[1], 16) % 0x110000) if escape[1] else escape[2]


def _refuse_misuse(mjml: Filled, element: etree._Element, above: str, classes: set[str]) -> None:
    """Raise TemplateError for the first attribute of an MJML element that has no effect."""
    attributes = cast(list[tuple[str, str]], element.items())
    for name, what, fix in misuses(str(element.tag), above, attributes, classes):
        start, end = _position(mjml, element), mjml.line(cast(int, element.sourceline) + 1)
        written = attribute_pattern(_tag_name(name)).search(mjml.text, start, end)
        # The match starts with a space, which can be the end of the line before.
        raise TemplateError(what, fix, where=mjml.where(written.start() + 1 if written else start))


def attribute_pattern(name: str) -> re.Pattern[str]:
    """Return a pattern for the name of an attribute, and the blank before it, in a start tag."""
    return re.compile(rf"\s{re.escape(name)}\s*+=")


def _where(mjml: Filled, element: etree._Element) -> str:
    """Return `file:line` of an element's start tag."""
    return mjml.where(_position(mjml, element))


def _position(mjml: Filled, element: etree._Element) -> int:
    """Return the position of an element's start tag; lxml has only the line in which the tag ends."""
    end = mjml.line(cast(int, element.sourceline) + 1)
    start = "<!--" if isinstance(element, etree._Comment) else f"<{_tag_name(element.tag)}"
    return max(0, mjml.text.rfind(start, 0, end))


def _misplaced(element: etree._Element, tag: str, above: str) -> tuple[str, str] | None:
    """Return the problem and the fix for an element in a wrong place; None if its place is right.

    `tag` and `above` are the names of the element and of its parent.
    """
    if not tag.startswith("mj"):
        fix = "put HTML into <mj-text> or <mj-raw>"
        return (f"<{tag}> directly inside <{above}>", fix) if above in _NO_HTML else None
    if tag == "mj-html-attributes":
        return f"<{tag}> is not supported", "write the attributes on HTML elements in <mj-text> or <mj-raw>"
    if tag == "mj-include":
        return "<mj-include> is not supported", 'write {% include "…" %}'
    if tag in _NO_HTML and any((text or "").strip() for text in (element.text, *(e.tail for e in element))):
        return f"text directly inside <{tag}>", "put it into <mj-text>"
    if tag == "mjml" and not above:
        return None
    if tag not in _PARENTS:
        return f"<{tag}> is not an MJML component", "check its spelling"
    if above in _PARENTS[tag]:
        return None
    if above == "mj-attributes":
        fix = "delete it, and write the attributes on the element"
        return None if tag in WITH_DEFAULTS else (f"<{tag}> has no effect inside <{above}>", fix)
    allowed = " or ".join(f"<{name}>" for name in _PARENTS[tag])
    return f"<{tag}> inside <{above}>", f"move it into {allowed}, or close <{above}> before it"


def _malformed(mjml: Filled, failure: etree.XMLSyntaxError) -> TemplateError:
    message = re.sub(r", line \d+, column \d+$", "", str(failure.msg))
    line, column = failure.position
    position = mjml.line(line) + max(0, column - 2)
    if match := _CROSSED.search(_tag_name(f"{message},")) or _UNFINISHED.search(_tag_name(message)):
        return _unclosed(mjml, position, **match.groupdict())
    known = (explanation for part, explanation in _MESSAGES.items() if part in message)
    what, fix = next(known, (message, "correct it"))
    return TemplateError(f"not well-formed: {what}", fix, where=mjml.where(position))


def _unclosed(mjml: Filled, position: int, tag: str, line: str, closing: str = "") -> TemplateError:
    if closing and not _is_open(closing, mjml.text[:position]):
        what, fix = f"</{closing}> has no opening tag", f"delete it, or open <{closing}> inside <{tag}>"
        return TemplateError(what, fix, where=mjml.where(position))
    before = f" before </{closing}>" if closing else ""
    fix = f"write <{tag} />" if tag in _VOID else f"add </{tag}>{before}"
    opening = max(0, mjml.text.find(f"<{tag}", mjml.line(int(line))))
    return TemplateError(f"<{tag}> is not closed", fix, where=mjml.where(opening))


def _is_open(tag: str, text: str) -> bool:
    return len(opening_tag(tag).findall(text)) > text.count(f"</{tag}>")


def opening_tag(tag: str) -> re.Pattern[str]:
    """Return a pattern that finds the opening tags of an element, without empty ones (`<br />`)."""
    return re.compile(rf"<{re.escape(tag)}\b[^<>]*(?<!/)>")


def _tag_name(tag: object) -> str:
    """Return a tag's name with its colons, which `check` replaced by underscores."""
    return str(tag).replace("_", ":")


def _mask(entity: re.Match[str]) -> str:
    """Return blanks for an entity that HTML defines and XML does not; return another entity unchanged."""
    known = f"{entity[1]};" in html5 and entity[1] not in _XML_ENTITIES
    return " " * len(entity[0]) if known else entity[0]
