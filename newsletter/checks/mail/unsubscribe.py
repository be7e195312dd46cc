"""Check that both parts of the mail have an unsubscribe link."""

from collections.abc import Iterator

from newsletter.checks.css.rules import Viewport
from newsletter.checks.document import Element
from newsletter.checks.proof import Proof
from newsletter.errors import Problem

_LINK = "[[unsubscribe_url]]"
_MIN_PIXELS = 6.0  # a smaller text cannot be read
_SCREENS = {"on a wide screen": Viewport(720), "on a phone": Viewport(375)}


def unsubscribe(proof: Proof) -> Iterator[Problem]:
    """A part of the mail without an unsubscribe link that its reader can see."""
    fix = f"put {_LINK} into the footer template"
    links = [link for link in proof.document.links if link.get("href") == _LINK]
    if not links:
        yield Problem(proof.issue.path, "the HTML part has no unsubscribe link", fix)
    for screen, viewport in _SCREENS.items():
        if links and not _is_any_visible(proof, links, viewport):
            what = f"the unsubscribe link cannot be seen {screen}"
            yield Problem(proof.where(links[0]), what, "show it, with words of a normal size")
    if _LINK not in proof.rendered.text:
        yield Problem(proof.issue.path, "the text part has no unsubscribe link", fix)


def _is_any_visible(proof: Proof, links: list[Element], viewport: Viewport) -> bool:
    """Return True if one of the links has words that are shown, or a picture with a description."""
    shown = {run.element for run in proof.cascade.runs(viewport) if run.style.size >= _MIN_PIXELS}
    styles = proof.cascade.styles(viewport)
    shown.update(image for image in proof.document.named("img") if image.get("alt") and image in styles)
    return any(element in shown for link in links for element in link.iter())
