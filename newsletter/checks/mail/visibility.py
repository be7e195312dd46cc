"""Find what hides an element from readers, on any screen and in any mail program."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

from newsletter.checks.css import hiding, text_styles
from newsletter.checks.css.cascade import Cascade
from newsletter.checks.css.possible import Application, Applications
from newsletter.checks.css.rules import Viewport
from newsletter.checks.document import Document, Element

# The elements that show their content everywhere. Others may hide it, as <details>, <canvas> and <template>.
_SHOWING_TAGS = re.compile(
    "html|body|div|p|span|font|center|a|img|table|caption|thead|tbody|tfoot|tr|td|th|ul|ol|li|dl|dt|dd|h[1-6]|"
    "b|strong|i|em|u|s|ins|big|small|su[bp]|cite|q|abbr|code|pre|kbd|samp|tt|mark|time|bdi|bdo|blockquote|"
    "address|article|aside|footer|header|main|nav|section|figure|figcaption|hgroup"
)
# Elements that show pictures, and those of Outlook, whose names have a prefix. The parser puts what follows
# a <source> into it.
_SHOWING_PICTURES = re.compile("picture|video|audio|source|track|label|del|strike|dfn|[vow]:[a-z]+")
_HIDING_ATTRIBUTES = ("hidden", "popover", "inert")
_RELATIVE_SIZE = re.compile(r".*(?:em|%)|smaller|larger|inherit|unset|revert")
_MIN_PIXELS = 6.0  # a smaller text cannot be read
_MIN_CONTRAST = 1.2  # below this, a text has nearly the colour of its background
_BLANK_LETTERS = "\u115f\u1160\u3164\uffa0"  # the fillers of Hangul


class LinkVisibility:
    """Judge links by their words, by the elements around them, and by the CSS of these."""

    def __init__(self, document: Document, links: Sequence[Element], cascade: Cascade | None = None) -> None:
        """Take a mail, its links, and its cascade if it is shown in dark mode too."""
        self._document, self._links, self._cascade = document, links, cascade

    @property
    def readable(self) -> bool:
        """Return False if there is CSS that was not judged."""
        return self._applications.readable and bool(self.viewports)

    @cached_property
    def viewports(self) -> list[Viewport]:
        """Return the screens on which the links may differ."""
        return self._applications.viewports

    @cached_property
    def _applications(self) -> Applications:
        chained = [
            element
            for link in self._links
            for inner in link.iter()
            for element in (inner, *inner.iterancestors())
            if isinstance(element.tag, str)
        ]
        names = hiding.NAMES | text_styles.NAMES
        return Applications(self._document, list(dict.fromkeys(chained)), names)

    def obstacle(self, inner: Element, viewport: Viewport) -> tuple[str, str] | None:
        """Return what hides an element, and its rule, which is empty if it applies for certain."""
        chain = [inner, *inner.iterancestors()]
        if reason := next(filter(None, map(structural, chain)), None):
            return reason, ""
        applied = [self._applications.of(element, viewport) for element in chain]
        found = [
            *(item for one in applied for item in declared(one)),
            *_hidden_text(applied),
        ]
        if not found and hiding.moved_away(map(values_of, applied)):
            found = [("it is moved by several elements", "")]
        # A reason that is certain first.
        found = found or (list(self._unreadable(chain, viewport)) if inner.tag != "img" else [])
        return min(found, key=lambda item: bool(item[1]), default=None)

    def _unreadable(self, chain: Sequence[Element], viewport: Viewport) -> Iterator[tuple[str, str]]:
        """Yield why a text cannot be read, also with the rules that may apply."""
        dark = bool(self._cascade and self._cascade.is_dark(viewport))
        for style, source in text_styles.styles(self._applications, chain, viewport, dark):
            if style.size < _MIN_PIXELS:
                yield "its letters are too small", source
            if style.contrast is not None and style.contrast < _MIN_CONTRAST:
                yield "it has the colour of its background", source


def has_words(element: Element) -> bool:
    """Return True if an element has letters of its own, or is a picture with a description that has some."""
    if element.tag == "img":
        return _has_letter(element.get("alt", ""))
    return _has_letter("".join((element.text or "", *(child.tail or "" for child in element))))


def _has_letter(text: str) -> bool:
    return any(character.isalpha() and character not in _BLANK_LETTERS for character in text)


def structural(element: Element, is_picture: bool = False) -> str | None:
    """Return why an element or its attributes hide its content."""
    tag = str(element.tag)
    if not _SHOWING_TAGS.fullmatch(tag) and not (is_picture and _SHOWING_PICTURES.fullmatch(tag)):
        return f"it is in <{tag}>"
    hidden = next((name for name in _HIDING_ATTRIBUTES if element.get(name) is not None), None)
    # A picture may be hidden from screen readers, and cannot be `inert` for the eye.
    if is_picture:
        return f"<{tag} {hidden}>" if hidden not in (None, "inert") else None
    if hidden or element.get("aria-hidden", "").lower() == "true":
        return f"<{tag} {hidden or 'aria-hidden'}>"
    return None


def declared(
    applied: Mapping[str, Sequence[Application]], is_picture: bool = False
) -> Iterator[tuple[str, str]]:
    """Yield the declarations that may hide an element, each with its rule."""
    for name, value in hiding.hiding_values(values_of(applied), is_picture):
        source = next(one.source for one in applied[name] if value_of(one) == value)
        yield f"{name}: {value}", source


def _hidden_text(chain: Sequence[dict[str, list[Application]]]) -> Iterator[tuple[str, str]]:
    """Yield the sizes and colours that hide a text: the innermost certain one, and all possible ones."""
    for names in (("font", "font-size"), ("color",)):
        inherited = True
        for applied in chain:
            items = [one for name in names for one in applied.get(name, ())]
            certain = max((one for one in items if not one.source), key=lambda one: one.rank, default=None)
            for one in items:
                judged = bool(one.source) or (inherited and one is certain)
                if judged and hiding.hides_text(one.declaration.name, value_of(one)):
                    yield f"{one.declaration.name}: {value_of(one)}", one.source
            if certain and not _RELATIVE_SIZE.fullmatch(value_of(certain)):
                inherited = False


def value_of(applied: Application) -> str:
    """Return a declaration's value in lower case."""
    return applied.declaration.value.lower()


def values_of(applied: Mapping[str, Sequence[Application]]) -> dict[str, list[str]]:
    """Return the values of each property."""
    return {name: [value_of(one) for one in items] for name, items in applied.items()}
