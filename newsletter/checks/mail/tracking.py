"""Check for tracking pixels, remote files and active elements."""

import re
from collections.abc import Iterator

from newsletter.checks.document import Element
from newsletter.checks.proof import Proof
from newsletter.errors import Problem

_REMOTE_CSS = re.compile(r"@import\b|@font-face\b|url\(\s*['\"]?(?:https?:)?//", re.IGNORECASE)
_FORBIDDEN_TAGS = ("script", "iframe", "object", "embed", "link", "form", "input", "button", "base")
_STYLED = {
    "width": re.compile(r"(?:^|;)width:(\d+(?:\.\d+)?)px"),
    "height": re.compile(r"(?:^|;)height:(\d+(?:\.\d+)?)px"),
}
_MIN_VISIBLE_PIXELS = 3  # a smaller picture is a tracking pixel
_FIX = "remove it from the template"


def tracking(proof: Proof) -> Iterator[Problem]:
    """A pixel, a remote font or style sheet, a script, a form."""
    for image in filter(_is_pixel, proof.document.named("img")):
        what = f"an invisible picture: {image.get('src', '')[:80]}"
        yield Problem(proof.where(image), what, _FIX)
    for element in proof.document.named(*_FORBIDDEN_TAGS):
        yield Problem(proof.where(element), f"<{element.tag}> is not allowed in a mail", _FIX)
    for element in proof.document.elements:
        css = element.text or "" if element.tag == "style" else element.get("style", "")
        for match in _REMOTE_CSS.finditer(css):
            excerpt = css[match.start() : match.start() + 60].split("\n")[0]
            yield Problem(proof.where(excerpt), f"CSS loads a remote file ({excerpt})", _FIX)


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
