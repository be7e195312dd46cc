"""Convert Markdown of issues to HTML and to plain text; `commonmark` has the parts."""

from newsletter.render.commonmark import html, one_line, text, web_html
from newsletter.render.commonmark.notes import NoteList, with_every_note
from newsletter.render.commonmark.prose import OMITTED as OMITTED
from newsletter.render.commonmark.prose import paragraphs as paragraphs
from newsletter.render.markdown_context import current
from newsletter.render.wrapping import WIDTH


def to_html(source: str, below: int = 3) -> str:
    """Convert a passage to HTML; its last block gets the class `last`, its headings start under h`below`."""
    context = current()
    if isinstance(source, NoteList):
        return html.notes_to_html(source.notes, below, context.pictures) if source.notes else ""
    return html.to_html(context.noted(source), below, context.pictures)


def to_web_html(source: str, below: int = 3) -> str:
    """Convert a passage to HTML of a web page; its headings start under h`below`."""
    context = current()
    if isinstance(source, NoteList):
        return web_html.notes_to_html(source.notes, below, context.pictures) if source.notes else ""
    return web_html.to_html(context.noted(source), below, context.pictures)


def to_text(source: str, width: int = WIDTH) -> str:
    """Convert a passage to wrapped plain text; a link's address follows its words in angle brackets."""
    context = current()
    if isinstance(source, NoteList):
        return text.notes_to_text(source.notes, width, context.pictures)
    return text.to_text(context.noted(source), width, context.pictures)


def to_text_with_every_note(source: str) -> str:
    """Convert a passage to plain text, with all notes in it, also those to which only other texts refer."""
    return text.to_text(with_every_note(source), WIDTH, current().pictures)


def inline_html(source: str, links: bool = False) -> str:
    """Convert a line, such as a title, to HTML; without `links`, only the words of links remain."""
    return one_line.to_html(source, links)


def inline_text(source: str) -> str:
    """Convert a line to plain words: code without its marks, links without their addresses."""
    return one_line.to_text(source)


def inline_capitals(source: str) -> str:
    """Convert a line to plain words in capitals; code, addresses and placeholders keep their case."""
    return one_line.to_capitals(source)
