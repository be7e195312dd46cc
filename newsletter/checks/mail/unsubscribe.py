"""Check that both parts of the mail have an unsubscribe link."""

from collections.abc import Iterator
from itertools import islice

from newsletter.checks.css.rules import PHONE, WIDE, Viewport
from newsletter.checks.document import Element
from newsletter.checks.mail.visibility import LinkVisibility, has_words
from newsletter.checks.proof import Proof
from newsletter.errors import Problem

_LINK = "[[unsubscribe_url]]"
_SCREENS = {WIDE: "on a wide screen", PHONE: "on a phone"}


def unsubscribe(proof: Proof) -> Iterator[Problem]:
    """A part of the mail without an unsubscribe link that its reader can see."""
    fix = f"put {_LINK} into the footer template"
    links = [link for link in proof.document.links if link.get("href") == _LINK]
    if links:
        yield from _hidden(proof, links)
    else:
        yield Problem(proof.issue.path, "the HTML part has no unsubscribe link", fix)
    if _LINK not in proof.rendered.text:
        yield Problem(proof.issue.path, "the text part has no unsubscribe link", fix)


def _hidden(proof: Proof, links: list[Element]) -> Iterator[Problem]:
    """Yield the reason why no link is visible on the two usual screens, or else on the first other one."""
    other_document = proof.document.in_outlook
    in_outlook = [link for link in other_document.links if link.get("href") == _LINK]
    visibility = LinkVisibility(proof.document, links, proof.cascade)
    other = LinkVisibility(other_document, in_outlook)
    found = [_obstacle(links, visibility, viewport) for viewport in _SCREENS]
    named: list[tuple[tuple[str, str] | None, str]] = [
        (obstacle, f" {name}") for obstacle, name in zip(found, _SCREENS.values(), strict=True)
    ]
    if not any(found):
        screens = (viewport for viewport in visibility.viewports if viewport not in _SCREENS)
        rest = ((viewport, _obstacle(links, visibility, viewport)) for viewport in screens)
        named = list(islice(((one, _screen(viewport)) for viewport, one in rest if one), 1))
    if not any(obstacle for obstacle, _ in named):
        obstacles = [other.obstacle(element, WIDE) for element in _with_words(in_outlook)]
        if obstacles and all(obstacles):
            named = [(obstacles[0], " in Outlook on Windows")]
    yield from dict.fromkeys(
        _problem(proof, links[0], obstacle, screen) for obstacle, screen in named if obstacle
    )
    if not visibility.readable or not other.readable:
        what = "CSS that cannot be read may hide the unsubscribe link"
        yield Problem(
            proof.where("<style"), what, "use fewer rules and screen widths, and correct its brackets"
        )


def _screen(viewport: Viewport) -> str:
    return f" on a screen of {viewport.width} pixels" + (" in dark mode" if viewport.dark else "")


def _problem(proof: Proof, link: Element, obstacle: tuple[str, str], screen: str) -> Problem:
    reason, rule = obstacle
    if not rule:
        what = f"the unsubscribe link cannot be seen{screen}" + (f" ({reason[:80]})" if reason else "")
        return Problem(proof.where(link), what, "show it, with words of a normal size")
    keys = () if proof.locator.paused else (rule.split(" ", 1)[-1], *rule.split()[::-1], reason)
    where = next(filter(None, map(proof.locator.find, keys)), None) or proof.where(link)
    what = (
        f"the unsubscribe link may be hidden by a rule that some programs apply: {rule[:80]} ({reason[:80]})"
    )
    return Problem(where, what, "remove the rule, or exclude the link and what is around it")


def _obstacle(links: list[Element], visibility: LinkVisibility, viewport: Viewport) -> tuple[str, str] | None:
    """Return what hides the first link from a screen; None if one of the links is visible."""
    obstacles = [visibility.obstacle(element, viewport) for element in _with_words(links)]
    if not obstacles:
        return "it has no words", ""
    return obstacles[0] if all(obstacles) else None


def _with_words(links: list[Element]) -> list[Element]:
    return [element for link in links for element in link.iter() if has_words(element)]
