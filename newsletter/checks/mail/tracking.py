"""Check for tracking pixels, remote files and active elements."""

import re
from collections.abc import Iterator

from newsletter.checks.document import Element
from newsletter.checks.proof import Proof
from newsletter.constants import PLACEHOLDER
from newsletter.errors import Problem

_REMOTE_CSS = re.compile(r"@import\b|@font-face\b|url\(\s*['\"]?(?:https?:)?//", re.IGNORECASE)
_FORBIDDEN_TAGS = ("script", "iframe", "object", "embed", "link", "form", "input", "button", "base")
_STYLED = {
    "width": re.compile(r"(?:^|;)width:(\d+(?:\.\d+)?)px"),
    "height": re.compile(r"(?:^|;)height:(\d+(?:\.\d+)?)px"),
}
_MIN_VISIBLE_PIXELS = 3  # a smaller picture is a tracking pixel
_FIX = "remove it from the template"
# The attributes with addresses that mail programs load when a mail is opened.
_LOADED = ("background", "data", "poster", "src", "srcset")
_CSS_URL = re.compile(r"url\([^()]*", re.IGNORECASE)


def tracking(proof: Proof) -> Iterator[Problem]:
    """A pixel, a picture for each reader, a remote font or style sheet, a script, a form.

    The severity is fixed if an address has the data of a reader in it: loading it reports who reads the mail.
    """
    for image in filter(_is_pixel, proof.document.named("img")):
        what = f"an invisible picture: {image.get('src', '')[:80]}"
        yield Problem(proof.where(image), what, _FIX)
    for element in proof.document.named(*_FORBIDDEN_TAGS):
        what = f"<{element.tag}> is not allowed in a mail"
        yield Problem(proof.where(element), what, _FIX, fixed_severity=_has_placeholder(element))
    for element in proof.document.elements:
        for address in filter(PLACEHOLDER.search, filter(None, map(element.get, _LOADED))):
            yield _personal(proof.where(element), address)
        for address in filter(PLACEHOLDER.search, _CSS_URL.findall(_css(element))):
            yield _personal(proof.where(address), address)
    for css in map(_css, proof.document.elements):
        for match in _REMOTE_CSS.finditer(css):
            excerpt = css[match.start() : match.start() + 60].split("\n")[0]
            yield Problem(proof.where(excerpt), f"CSS loads a remote file ({excerpt})", _FIX)


def _has_placeholder(element: Element) -> bool:
    return any(PLACEHOLDER.search(str(value)) for value in element.attrib.values())


def _personal(where: str, address: str) -> Problem:
    what = f"loading this address reports who opens the mail: {address[:80]}"
    return Problem(where, what, _FIX, fixed_severity=True)


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
