"""Facts of a whole issue that its Markdown needs: the numbers of its notes, and its pictures."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from newsletter.render.pictures import Picture


@dataclass(frozen=True)
class MarkdownContext:
    """The number of the first note of each text of an issue that has notes, and the pictures by address."""

    first_notes: Mapping[str, int] = field(default_factory=dict)
    pictures: Mapping[str, Picture] = field(default_factory=dict)

    def first_note(self, source: str) -> int:
        """Return the number of the first note of a text; 1 for a text that is not of the issue."""
        return self.first_notes.get(source, 1)


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
