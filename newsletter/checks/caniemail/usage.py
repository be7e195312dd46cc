"""What a mail uses of HTML and CSS, as marks, and whom that cannot harm."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from newsletter.checks.css import stylesheets
from newsletter.checks.css.stylesheets import Declaration, Rule, Selector
from newsletter.checks.document import Document, Element

WORD = "outlook.windows"  # draws mails with Word, and reads what others take for comments
# What an element or a link does when it is pointed at or used: the mail is whole without it.
STATES = frozenset(
    f":{state}" for state in ["active", "focus", "focus-visible", "focus-within", "hover", "link", "visited"]
)
# What says that a property does nothing; all programs agree on that.
_NOTHING = ("none", "normal", "static", "visible")
_CONDITIONS = ("media", "supports", "container", "keyframes")


@dataclass(frozen=True)
class Use:
    """A mark, how it is spelled (the best to search for first), its element, and clients that it spares."""

    mark: str
    spelled: tuple[str, ...] = ()
    element: Element | None = None
    spares: frozenset[str] = frozenset()


class UsageScanner:
    """Reads the uses of a mail that are there for everybody.

    That leaves out what stands inside @media or @supports, under `:hover` and the like, in rules that fit
    nothing in the mail (a client's own `[data-ogsc]`), and a value that follows a plainer one for the same
    property: whoever does not know these shows the mail as it is without them.
    """

    def __init__(self, document: Document) -> None:
        self._document = document

    def uses(self) -> Iterator[Use]:
        """In the order of the mail."""
        for element in self._document.elements:
            spares = frozenset([WORD]) if element in self._not_for_word else frozenset[str]()
            yield from (Use(mark, (), element, spares) for mark in _of_element(element))
            if element.tag == "style":
                yield from self._of_sheet(element, spares)
            elif style := element.get("style"):
                yield from self._of_block(stylesheets.declarations(style), element, spares)

    def _of_sheet(self, style: Element, spares: frozenset[str]) -> Iterator[Use]:
        sheet = stylesheets.sheet(style.text or "")
        for at_rule in sheet.at_rules:
            marks = [f"at:{at_rule.name}"]
            if at_rule.name == "media":
                plain = (re.sub(r"^(-webkit-)?(min-|max-)?", "", word) for word in sorted(at_rule.words))
                marks += [f"media:{word}" for word in plain]
            yield from (Use(mark, (str(at_rule), f"@{at_rule.name}"), None, spares) for mark in marks)
        for rule in sheet.rules:
            if not any(at_rule.name in _CONDITIONS for at_rule in rule.within):
                yield from self._of_rule(rule, spares)

    def _of_rule(self, rule: Rule, spares: frozenset[str]) -> Iterator[Use]:
        fitting = [one for one in rule.selectors if one.names <= self._names]
        lasting = [one for one in fitting if not one.parts & STATES]
        signs = [(one, mark) for one in lasting for mark in _of_selector(one)]
        signs += [(one, "selector:&") for one in lasting if rule.nested]
        signs += [(one, "selector:,") for one in lasting if len(fitting) > 1]
        yield from (Use(mark, (one.text,), None, spares) for one, mark in signs)
        if lasting:
            for use in self._of_block(rule.declarations, None, spares):
                yield Use(use.mark, (*use.spelled, lasting[0].text), None, use.spares)

    def _of_block(
        self, block: Sequence[Declaration], element: Element | None, spares: frozenset[str]
    ) -> Iterator[Use]:
        for number, one in enumerate(block):
            spelled = (f"{one.name}: {one.value}", f"{one.name}:{one.value}")
            drawn = any(url in self._for_word for url in one.urls)
            spared = spares | {WORD} if drawn else spares
            yield from (Use(mark, spelled, element, spared) for mark in _of_property(one))
            if one.name not in (before.name for before in block[:number]):
                yield from (Use(mark, spelled, element, spared) for mark in _of_value(one))

    @cached_property
    def _names(self) -> frozenset[str]:
        """What selectors can ask for, of all elements."""
        names = set[str]()
        for element in self._document.elements:
            names.add(str(element.tag))
            names.update(f".{name}" for name in element.get("class", "").split())
            names.update(f"[{name}]" for name in map(str, element.attrib))
            names.add(f"#{element.get('id')}")
        return frozenset(names)

    @cached_property
    def _for_word(self) -> str:
        """What only Word reads: `<!--[if mso]>…<![endif]-->`."""
        return "\n".join(text for text in self._document.comments if re.match(r"\[if [^\]]*\bmso", text))

    @cached_property
    def _not_for_word(self) -> set[Element]:
        """The elements inside `<!--[if !mso]><!-->…<!--<![endif]-->`, or inside one with `mso-hide: all`."""
        hidden = set(self._document.between(r"\[if !mso.*?\]><!", r"<!\[endif\]"))
        for element in self._document.elements:
            if re.search(r"mso-hide\s*:\s*all", element.get("style", "")):
                hidden.update(element.iter())
        return hidden


def _of_element(element: Element) -> Iterator[str]:
    tag = str(element.tag)
    yield f"element:{tag}"
    yield from (f"attribute:{name}" for name in map(str, element.attrib))
    if tag in ("input", "button"):
        yield f"typed:{tag}:{element.get('type', 'text' if tag == 'input' else 'submit').lower()}"
    elif tag == "meta":
        yield f"typed:meta:{element.get('name', '').lower()}"
    elif tag == "a" and (href := element.get("href", "")):
        yield "typed:a:#" if href[0] == "#" and href[1:] else f"typed:a:{href.partition(':')[0].lower()}"
    pictures = (
        element.get("src") if tag == "img" else None,
        element.get("background"),
        element.get("poster"),
    )
    yield from (mark for picture in pictures if picture for mark in _of_picture(picture))


def _of_selector(selector: Selector) -> Iterator[str]:
    for part in sorted(selector.parts):
        yield f"pseudo{part}" if part[0] == ":" else f"selector:{part}"


def _of_property(one: Declaration) -> Iterator[str]:
    """What a declaration is, whatever was said before of the same property."""
    if one.value.lower() not in _NOTHING and (one.name, one.value) != ("background-size", "auto"):
        yield f"property:{one.name}"
    if one.name == "background" and one.urls:
        yield "property:background-image"
    yield from (mark for url in one.urls for mark in _of_picture(url))


def _of_value(one: Declaration) -> Iterator[str]:
    for word in sorted(one.words):
        yield f"value:{one.name}:{word}"
        yield f"word:{word}"
    yield from (f"function:{name}" for name in sorted(one.functions))
    yield from (f"unit:{unit}" for unit in sorted(one.units))
    if one.important:
        yield "word:!important"


def _of_picture(url: str) -> Iterator[str]:
    if data := re.match(r"data:image/([\w.-]+)[^,]*?(;base64)?,", url.strip(), re.IGNORECASE):
        yield f"image:{data[1].lower()}"
        if data[2]:
            yield "image:base64"
    elif ending := re.search(r"\.(\w+)$", re.split(r"[?#]", url.strip())[0]):
        yield f"image:{ending[1].lower()}"
