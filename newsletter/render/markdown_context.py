"""Facts of a whole issue that its Markdown needs: its notes, and its pictures."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from newsletter.render.commonmark.notes import NotedText, with_own_notes
from newsletter.render.pictures import Picture


@dataclass(frozen=True)
class MarkdownContext:
    """The texts of an issue that have notes, each with its notes, and the pictures by address."""

    texts: Mapping[str, NotedText] = field(default_factory=dict)
    pictures: Mapping[str, Picture] = field(default_factory=dict)

    def noted(self, source: str) -> NotedText:
        """Return a text with its notes; those of a text that is not of the issue are numbered from 1."""
        if isinstance(source, NotedText):
            return source
        known = self.texts.get(source)
        return with_own_notes(source) if known is None else known


_NONE = MarkdownContext()
_CURRENT: ContextVar[MarkdownContext] = ContextVar("markdown_context", default=_NONE)


def current() -> MarkdownContext:
    """Return the context of the issue that is being rendered; an empty one outside of rendering."""
    return _CURRENT.get()


@contextmanager
def rendering(context: MarkdownContext) -> Iterator[None]:
    """Use a context for all Markdown that is converted meanwhile, whatever template includes it."""
    token = _CURRENT.set(context)
    try:
        yield
    finally:
        _CURRENT.reset(token)
