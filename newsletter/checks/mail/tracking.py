"""Check for tracking pixels, remote files and active elements."""

import re
from collections.abc import Iterator

from newsletter.checks.css import stylesheets
from newsletter.checks.document import Document, Element
from newsletter.checks.proof import Proof
from newsletter.constants import PLACEHOLDER
from newsletter.errors import Problem

_REMOTE_CSS = re.compile(r"@import\b|@font-face\b|url\(\s*['\"]?(?:https?:)?//", re.IGNORECASE)
# An address of CSS in which escapes and white space are resolved, as browsers do.
_REMOTE = re.compile(r"@(?:import|font-face)$|(?:https?:)?[/\\]{2}|https?:", re.IGNORECASE)
_FORBIDDEN_TAGS = ("script", "iframe", "object", "embed", "link", "form", "input", "button", "base")
_STYLED = {
    "width": re.compile(r"(?:^|;)width:(\d+(?:\.\d+)?)px"),
    "height": re.compile(r"(?:^|;)height:(\d+(?:\.\d+)?)px"),
}
_MIN_VISIBLE_PIXELS = 3  # a smaller picture is a tracking pixel
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
    for image in filter(_is_pixel, document.named("img")):
        what = f"an invisible picture: {image.get('src', '')[:80]}"
        yield Problem(proof.where(image), what, _FIX)
    for element in document.named(*_FORBIDDEN_TAGS):
        what = f"<{element.tag}> is not allowed in a mail"
        # A <base> completes all other addresses, also those with the data of a reader.
        fixed = element.tag == "base" or _has_placeholder(element)
        yield Problem(proof.where(element), what, _FIX, fixed_severity=fixed)


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
    if addresses is None:
        what = "CSS that cannot be read may load remote files"
        yield Problem(proof.where(element), what, "correct its brackets and numbers")
    for address in addresses or ():
        if _REMOTE.match("".join(address.split())):
            yield Problem(proof.where(element), f"CSS loads a remote file ({address[:60]})", _FIX)


def _css(element: Element) -> str:
    return element.text or "" if element.tag == "style" else element.get("style", "")


def _is_pixel(image: Element) -> bool:
    style = image.get("style", "").replace(" ", "").lower()
    sizes = [image.get(side) or _styled(style, pattern) for side, pattern in _STYLED.items()]
    small = [
        float(size) < _MIN_VISIBLE_PIXELS for size in sizes if size and re.fullmatch(r"\d+(\.\d+)?", size)
    ]
    return any(small) or "display:none" in style or "visibility:hidden" in style


def _styled(style: str, pattern: re.Pattern[str]) -> str | None:
    match = pattern.search(style)
    return match[1] if match else None
