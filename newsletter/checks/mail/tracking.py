"""Nothing in a mail watches its reader: no pixel, and nothing that is fetched behind their back."""

import re
from collections.abc import Iterator

from newsletter.checks.document import Element
from newsletter.checks.proof import Proof
from newsletter.errors import Problem

_FETCHED = re.compile(r"@import\b|@font-face\b|url\(\s*['\"]?(?:https?:)?//", re.IGNORECASE)
_NO_PLACE = ("script", "iframe", "object", "embed", "link", "form", "input", "button", "base")
_PIXEL = 3  # pixels; nobody shows a picture that small
_FIX = "take it out of the template"


def tracking(proof: Proof) -> Iterator[Problem]:
    """A pixel, a remote font or style sheet, a script, a form."""
    for image in filter(_is_pixel, proof.document.named("img")):
        what = f"a picture that nobody sees: {image.get('src', '')[:80]}"
        yield Problem(proof.where(image), what, _FIX)
    for element in proof.document.named(*_NO_PLACE):
        yield Problem(proof.where(element), f"<{element.tag}> has no place in a mail", _FIX)
    for element in proof.document.elements:
        css = element.text or "" if element.tag == "style" else element.get("style", "")
        for hit in _FETCHED.finditer(css):
            fetched = css[hit.start() : hit.start() + 60].split("\n")[0]
            yield Problem(proof.where(fetched), f"CSS fetches from elsewhere ({fetched})", _FIX)


def _is_pixel(image: Element) -> bool:
    style = image.get("style", "").replace(" ", "").lower()
    sizes = [image.get(side) or _styled(style, side) for side in ("width", "height")]
    small = [float(size) < _PIXEL for size in sizes if size and re.fullmatch(r"\d+(\.\d+)?", size)]
    return any(small) or "display:none" in style or "visibility:hidden" in style


def _styled(style: str, side: str) -> str | None:
    found = re.search(rf"(?:^|;){side}:(\d+(?:\.\d+)?)px", style)
    return found[1] if found else None
