"""Nothing in a mail watches its reader: no pixel, and nothing that is fetched behind their back."""

import re

from lxml import html

from newsletter.errors import Problem
from newsletter.models import Issue, Rendered

_FETCHED = re.compile(r"@import\b|@font-face\b|url\(\s*['\"]?(?:https?:)?//", re.IGNORECASE)
_PIXEL = 3  # pixels; nobody shows a picture that small


def tracking(issue: Issue, rendered: Rendered) -> list[Problem]:
    """Pixels, remote fonts and style sheets, scripts and frames in the HTML part."""
    root = html.document_fromstring(rendered.html.encode(), parser=html.HTMLParser(encoding="utf-8"))
    found = [_pixel(image) for image in root.iter("img") if _is_pixel(image)]
    for name in ("script", "iframe", "object", "embed", "link", "form"):
        found += [f"<{name}> has no place in a mail" for _ in root.iter(name)]
    styles = [style.text or "" for style in root.iter("style")]
    styles += [element.get("style", "") for element in root.iter() if isinstance(element.tag, str)]
    found += [f"CSS fetches from elsewhere ({hit[0]}…)" for css in styles for hit in _FETCHED.finditer(css)]
    return [Problem(issue.path, what, "take it out of the template") for what in found]


def _is_pixel(image: html.HtmlElement) -> bool:
    style = image.get("style", "").replace(" ", "").lower()
    sizes = [image.get(side) or _styled(style, side) for side in ("width", "height")]
    small = [float(size) < _PIXEL for size in sizes if size and re.fullmatch(r"\d+(\.\d+)?", size)]
    return any(small) or "display:none" in style or "visibility:hidden" in style


def _styled(style: str, side: str) -> str | None:
    found = re.search(rf"(?:^|;){side}:(\d+(?:\.\d+)?)px", style)
    return found[1] if found else None


def _pixel(image: html.HtmlElement) -> str:
    return f"a picture that nobody sees: {image.get('src', '')[:80]}"
