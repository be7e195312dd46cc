"""Check for tracking pixels, remote files and active elements."""

import re
from collections.abc import Iterator

from newsletter.checks.css import stylesheets
from newsletter.checks.document import Document, Element
from newsletter.checks.mail.invisible_pictures import invisible_pictures
from newsletter.checks.proof import Proof
from newsletter.constants import PLACEHOLDER
from newsletter.errors import Problem

_REMOTE_CSS = re.compile(r"@import\b|@font-face\b|url\(\s*['\"]?(?:https?:)?//", re.IGNORECASE)
# An address of CSS in which escapes and white space are resolved, as browsers do.
_REMOTE = re.compile(r"@(?:import|font-face)$|(?:https?:)?[/\\]{2}|https?:", re.IGNORECASE)
# Active elements, and those that mail programs do not show but may load. <video>, <audio> with controls, and
# <source> and <track> in them are allowed, because readers see them: some programs show them, and the check
# `clients` warns of the others. They are findings where they are hidden, like pictures.
_FORBIDDEN_TAGS = (
    *("script", "iframe", "frame", "frameset", "object", "embed", "applet", "portal", "fencedframe"),
    *("link", "form", "input", "button", "base", "bgsound"),
    *("image", "use", "feimage"),  # of SVG
)
# The attributes that load an address beside `src`, and that no mail program shows.
_FORBIDDEN_ATTRIBUTES = ("dynsrc", "lowsrc", "v:background", "ping", "manifest", "archive", "codebase")
# <meta> elements that request an address; others, such as Content-Type and X-UA-Compatible, do not.
_FORBIDDEN_META = re.compile(r"\s*+(?:refresh|content-security-policy.*|link|set-cookie)\s*+", re.IGNORECASE)
_SCRIPT = re.compile(r"(?:javascript|vbscript):", re.IGNORECASE)
_IGNORED = re.compile(r"[\x00-\x20\x7f]")  # browsers ignore these characters in the scheme of an address
_FIX = "remove it from the template"
# The attributes with addresses that mail programs load when a mail is opened.
_LOADED = ("background", "data", "poster", "src", "srcset")


def tracking(proof: Proof) -> Iterator[Problem]:
    """A pixel, a picture for each reader, a remote font or style sheet, a script, a form.

    The severity is fixed if an address has the data of a reader in it: loading it reports who reads the mail.
    """
    # In the comments that only Outlook reads, there may be more elements.
    for document in (proof.document, proof.document.in_outlook):
        yield from _elements(proof, document)
        for element in document.elements:
            yield from _personal(proof, element)
            yield from _remote_css(proof, element)


def _elements(proof: Proof, document: Document) -> Iterator[Problem]:
    for image in invisible_pictures(document):
        fix = f"{_FIX}, or make it visible ({image.reason[:80]})"
        if image.certain:
            yield Problem(proof.where(image.element), f"an invisible picture: {image.address[:80]}", fix)
        else:
            what = f"a picture that a rule may hide: {image.address[:80]}"
            yield Problem(proof.where(image.element), what, fix, severity="warning")
    for element in document.named(*_FORBIDDEN_TAGS):
        what = f"<{element.tag}> is not allowed in a mail"
        # A <base> completes all other addresses, also those with the data of a reader.
        fixed = element.tag == "base" or _has_placeholder(element)
        yield Problem(proof.where(element), what, _FIX, fixed_severity=fixed)
    for meta in document.named("meta"):
        if _FORBIDDEN_META.fullmatch(meta.get("http-equiv", "")):
            what = f'<meta http-equiv="{meta.get("http-equiv", "")[:40]}"> is not allowed in a mail'
            yield Problem(proof.where(meta), what, _FIX, fixed_severity=_has_placeholder(meta))
    for element in document.elements:  # a link to a script is an error of the check `links`
        for name, value in element.attrib.items():
            if (element.tag, name) != ("a", "href") and _is_active(str(name).lower(), str(value)):
                what = f"the attribute {str(name)[:40]} of <{element.tag}> is not allowed in a mail"
                yield Problem(proof.where(element), what, _FIX, fixed_severity=_has_placeholder(element))


def _is_active(name: str, value: str) -> bool:
    """Return True for an attribute that runs a script, or loads what no mail program shows."""
    if name in _FORBIDDEN_ATTRIBUTES or name.startswith("on"):
        return True
    return bool(_SCRIPT.match(_IGNORED.sub("", value)))


def _has_placeholder(element: Element) -> bool:
    return any(PLACEHOLDER.search(str(value)) for value in element.attrib.values())


def _personal(proof: Proof, element: Element) -> Iterator[Problem]:
    """Yield the addresses with the data of a reader, and each other placeholder in CSS.

    CSS has several ways to write an address, and the data of a reader could add one.
    """
    for address in filter(PLACEHOLDER.search, filter(None, map(element.get, _LOADED))):
        yield _reporting(proof.where(element), address)
    css = _css(element)
    for placeholder in PLACEHOLDER.finditer(css):
        yield _reporting(proof.where(placeholder[0]), css[max(0, placeholder.end() - 80) : placeholder.end()])


def _reporting(where: str, address: str) -> Problem:
    what = f"loading this address reports who opens the mail: {address[:80]}"
    return Problem(where, what, _FIX, fixed_severity=True)


def _remote_css(proof: Proof, element: Element) -> Iterator[Problem]:
    css = _css(element)
    for match in _REMOTE_CSS.finditer(css):
        excerpt = css[match.start() : match.start() + 60].split("\n")[0]
        yield Problem(proof.where(excerpt), f"CSS loads a remote file ({excerpt})", _FIX)
    if _REMOTE_CSS.search(css):
        return
    addresses = stylesheets.addresses(css)
    readable = stylesheets.sheet(css).readable if element.tag == "style" else stylesheets.is_readable(css)
    if addresses is None or not readable:
        what = "CSS that cannot be read may load remote files, or hide pictures"
        yield Problem(proof.where(element), what, "correct its brackets and numbers")
    for address in addresses or ():
        if _REMOTE.match("".join(address.split())):
            yield Problem(proof.where(element), f"CSS loads a remote file ({address[:60]})", _FIX)


def _css(element: Element) -> str:
    return element.text or "" if element.tag == "style" else element.get("style", "")
