"""Prepare the Markdown and the pictures of an issue: number its notes, and list its HTML elements."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple
from urllib.parse import unquote

from newsletter.display import printable
from newsletter.errors import MAX_PROBLEMS, IssueError, Problem
from newsletter.issue import files
from newsletter.issue.files import Text
from newsletter.issue.model import Issue
from newsletter.render.commonmark.prose import inventory
from newsletter.render.markdown_context import MarkdownContext
from newsletter.render.model import Site
from newsletter.render.pictures import BadPicture, Picture, resolve
from newsletter.render.section_notes import IssueNotes, issue_notes


class IssueMarkdown(NamedTuple):
    """The context of an issue's Markdown, its notes, and the names of the HTML elements that it becomes."""

    context: MarkdownContext
    notes: IssueNotes
    elements: tuple[str, ...]


def prepare(issue: Issue, site: Site) -> IssueMarkdown:
    """Return the facts of an issue's Markdown and its pictures, with the site's logo.

    Raise IssueError with every picture that cannot be shown.
    """
    with_notes: list[Text] = []
    pictures: dict[str, Picture] = {}
    problems: dict[str, Problem] = {}
    elements: set[str] = set()
    texts = list(files.texts(issue))
    for text in texts:
        # A template may make Markdown of a text of `extra`.
        if not text.markdown and text.loc[0] != "extra":
            continue
        found = inventory(text.content)
        elements |= found.elements
        if found.has_notes:
            with_notes.append(text)
        for src in found.pictures:
            if src in pictures or src in problems:
                continue
            try:
                pictures[src] = resolve(src, site)
            except BadPicture as failure:
                if text.markdown:
                    # The time to find a line grows with the text. Further problems are only counted.
                    where = "" if len(problems) < MAX_PROBLEMS else issue.path
                    problems[src] = _problem(issue, text, src, failure, where)
    for src, where in _placed_pictures(issue, texts, site):
        try:
            pictures[src] = resolve(src, site)
        except BadPicture as failure:
            problems[src] = Problem(where, f"the picture {printable(src)} {failure.what}", failure.fix)
    if problems:
        raise IssueError(list(problems.values()))
    notes = issue_notes(with_notes)
    if any(text.numbers for text in notes.texts.values()):
        elements.add("sup")
    return IssueMarkdown(MarkdownContext(notes.texts, pictures), notes, tuple(sorted(elements)))


def _placed_pictures(issue: Issue, texts: Iterable[Text], site: Site) -> Iterator[tuple[str, str]]:
    """Yield the address of each picture with a place of its own in the layout, and where it is written."""
    if site.logo:
        yield site.logo.src, site.logo_where
    for text in texts:
        if text.loc[-2:] == ("image", "src") and text.loc[0] != "extra":
            yield text.content, files.where(issue, text.loc)


def _problem(issue: Issue, text: Text, src: str, failure: BadPicture, where: str) -> Problem:
    """Return the problem of a picture in a text; its line is found if `where` is empty."""
    written = src
    if not where:
        # The parser encodes what is not ASCII.
        written = next((form for form in (src, unquote(src)) if form in text.content), unquote(src))
        where = files.where(issue, text.loc, written)
    shown = printable(written) or "without an address"
    return Problem(where, f"the picture {shown} {failure.what}", failure.fix)
