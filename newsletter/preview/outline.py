"""The outline of an issue: its parts from top to bottom, and their places in the mail."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from newsletter.checks.document import Element, words
from newsletter.checks.proof import Proof
from newsletter.issue import files
from newsletter.issue.model import Image, Issue, Passage, Story
from newsletter.render import markdown
from newsletter.yamlfile.values import Loc

Kind = Literal[
    "heading",  # `text` is a heading or a title
    "text",  # without a heading: `text` is the first words
    "image",  # without words: `text` describes the picture
]
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_TAGS: dict[Kind, tuple[str, ...]] = {
    "heading": _HEADINGS,
    "text": (*_HEADINGS, "p", "li", "pre"),
    "image": ("img",),
}
# Numbers of characters.
_MAX_TEXT, _MAX_PARSED = 60, 400


@dataclass(frozen=True)
class Part:
    """A section with its stories (`parts`), a story, or a passage; `where` is its `file:line`."""

    text: str
    where: str
    kind: Kind = "heading"
    sponsor: bool = False
    parts: tuple["Part", ...] = ()


def outline(issue: Issue) -> list[Part]:
    """Return the sections of an issue, with the passages before and after them.

    The stories of a section that begins with a story stand in the place of the section.
    """
    parts = [*_passages(issue, "opening", issue.opening)]
    for loc, section in issue.located_sections():
        stories = tuple(_stories(issue, loc, section.stories))
        named = _named(issue, loc, section.heading, section.text, section.image, stories)
        parts.extend([named] if named else stories)
    return [*parts, *_passages(issue, "closing", issue.closing)]


def flattened(parts: Sequence[Part]) -> list[Part]:
    """Return the parts in the order of the mail, each before its own parts."""
    return [part for section in parts for part in (section, *section.parts)]


def element_of(proof: Proof, number: int) -> Element | None:
    """Return the mail's element for a part, by its number from 0; None if it is not found.

    The parts are looked up in their order, so that a title that occurs twice is found twice.
    """
    elements, position = proof.document.elements, 0
    for part in flattened(outline(proof.issue))[: number + 1]:
        found = next((n for n in range(position, len(elements)) if _is_part(elements[n], part)), None)
        position = position if found is None else found + 1
    return None if found is None else elements[found]


def _is_part(element: Element, part: Part) -> bool:
    if element.tag not in _TAGS[part.kind]:
        return False
    if part.kind == "text":
        return words(element).startswith(part.text.removesuffix("…"))
    return (element.get("alt") if part.kind == "image" else words(element)) == part.text


def _passages(issue: Issue, field: str, passages: Sequence[Passage]) -> Iterator[Part]:
    for n, passage in enumerate(passages):
        if named := _named(issue, (field, n), passage.heading, passage.text, passage.image):
            yield named


def _stories(issue: Issue, section: Loc, stories: Sequence[Story]) -> Iterator[Part]:
    for n, story in enumerate(stories):
        where = files.where(issue, (*section, "stories", n, "title"))
        yield Part(_words(story.title), where, sponsor=story.sponsor)


def _named(
    issue: Issue,
    loc: Loc,
    heading: str | None,
    text: str | None,
    image: Image | None,
    parts: tuple[Part, ...] = (),
) -> Part | None:
    """Return a part named by its heading, its first words, or its picture; None if it has none of them."""
    if heading:
        return Part(_words(heading), files.where(issue, (*loc, "heading")), parts=parts)
    if text:
        return Part(_start(text), files.where(issue, (*loc, "text")), "text", parts=parts)
    if image:
        return Part(" ".join(image.alt.split()), files.where(issue, (*loc, "image")), "image", parts=parts)
    return None


def _words(source: str) -> str:
    return " ".join(markdown.inline_text(source).split()) or source


def _start(source: str) -> str:
    """Return the first words of Markdown; the rest is not parsed, because this runs without a time limit."""
    start = source.strip()[:_MAX_PARSED]
    words = next(filter(None, map(str.split, markdown.paragraphs(start))), start.split())
    line = " ".join(words).replace(markdown.OMITTED, "…")
    return line if len(line) <= _MAX_TEXT else f"{line[: _MAX_TEXT - 1].rstrip()}…"
