"""Find the uses of HTML and CSS in a mail, as marks, each with the clients that it does not affect."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from newsletter.checks.css import stylesheets
from newsletter.checks.css.stylesheets import Declaration, Rule, Selector
from newsletter.checks.document import Document, Element

WORD = "outlook.windows"  # it renders mails with Word, and only it parses conditional comments
# States of elements and links that a reader points at or uses: the mail is complete without their styles.
STATES = frozenset(
    f":{state}" for state in ["active", "focus", "focus-visible", "focus-within", "hover", "link", "visited"]
)
# Values that switch a property off; a mail program without the property shows the same.
_OFF_VALUES = ("none", "normal", "static", "visible")
_NOT_WORD, _END = re.compile(r"\[if !mso[^\[\]]*\]><!"), re.compile(r"<!\[endif\]")
_CONDITIONS = ("media", "supports", "container", "keyframes")


@dataclass(frozen=True)
class Use:
    """A mark in a mail: its spellings to search for, the best first, its element, and unaffected clients."""

    mark: str
    spellings: tuple[str, ...] = ()
    element: Element | None = None
    unaffected: frozenset[str] = frozenset()


class UsageScanner:
    """Yield the uses of a mail that apply in every client.

    It skips rules inside @media or @supports, rules for a state such as `:hover`, rules that match nothing in
    the mail (a client's own `[data-ogsc]`), and a value that follows a plainer one for the same property: a
    client that does not support these shows the mail as it is without them.
    """

    def __init__(self, document: Document) -> None:
        self._document = document

    def uses(self) -> Iterator[Use]:
        """Yield the uses in the order of the mail."""
        for element in self._document.elements:
            unaffected = frozenset([WORD]) if element in self._hidden_from_word else frozenset[str]()
            yield from (Use(mark, (), element, unaffected) for mark in _element_marks(element))
            if element.tag == "style":
                yield from self._sheet_uses(element, unaffected)
            elif style := element.get("style"):
                yield from self._block_uses(stylesheets.declarations(style), element, unaffected)

    def _sheet_uses(self, style: Element, unaffected: frozenset[str]) -> Iterator[Use]:
        sheet = stylesheets.sheet(style.text or "")
        for at_rule in sheet.at_rules:
            marks = [f"at:{at_rule.name}"]
            if at_rule.name == "media":
                plain = (re.sub(r"^(-webkit-)?(min-|max-)?", "", word) for word in sorted(at_rule.words))
                marks += [f"media:{word}" for word in plain]
            yield from (Use(mark, (str(at_rule), f"@{at_rule.name}"), None, unaffected) for mark in marks)
        for rule in sheet.rules:
            if not any(at_rule.name in _CONDITIONS for at_rule in rule.within):
                yield from self._rule_uses(rule, unaffected)

    def _rule_uses(self, rule: Rule, unaffected: frozenset[str]) -> Iterator[Use]:
        matching = [selector for selector in rule.selectors if selector.names <= self._names]
        stateless = [selector for selector in matching if not selector.parts & STATES]
        marked = [(selector, mark) for selector in stateless for mark in _selector_marks(selector)]
        marked += [(selector, "selector:&") for selector in stateless if rule.nested]
        marked += [(selector, "selector:,") for selector in stateless if len(matching) > 1]
        yield from (Use(mark, (selector.text,), None, unaffected) for selector, mark in marked)
        if stateless:
            for use in self._block_uses(rule.declarations, None, unaffected):
                yield Use(use.mark, (*use.spellings, stateless[0].text), None, use.unaffected)

    def _block_uses(
        self, block: Sequence[Declaration], element: Element | None, unaffected: frozenset[str]
    ) -> Iterator[Use]:
        plainer: set[str] = set()
        for declaration in block:
            name, value = declaration.name, declaration.value
            spellings = (f"{name}: {value}", f"{name}:{value}")
            has_word_picture = any(url in self._word_comments for url in declaration.urls)
            clients = unaffected | {WORD} if has_word_picture else unaffected
            yield from (Use(mark, spellings, element, clients) for mark in _property_marks(declaration))
            if name not in plainer:
                yield from (Use(mark, spellings, element, clients) for mark in _value_marks(declaration))
            plainer.add(name)

    @cached_property
    def _names(self) -> frozenset[str]:
        """Return the names that selectors can match: tags, classes, attributes and ids of all elements."""
        names = set[str]()
        for element in self._document.elements:
            names.add(str(element.tag))
            names.update(f".{name}" for name in element.get("class", "").split())
            names.update(f"[{name}]" for name in map(str, element.attrib))
            names.add(f"#{element.get('id')}")
        return frozenset(names)

    @cached_property
    def _word_comments(self) -> str:
        """Return the comments that only Word parses: `<!--[if mso]>…<![endif]-->`."""
        return "\n".join(text for text in self._document.comments if re.match(r"\[if [^\]]*\bmso", text))

    @cached_property
    def _hidden_from_word(self) -> set[Element]:
        """Return the elements in `<!--[if !mso]><!-->…<!--<![endif]-->`, or in one with `mso-hide: all`."""
        hidden = set(self._document.between(_NOT_WORD, _END))
        for element in self._document.elements:
            if re.search(r"mso-hide\s*:\s*all", element.get("style", "")):
                hidden.update(element.iter())
        return hidden


def _element_marks(element: Element) -> Iterator[str]:
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
    yield from (mark for picture in pictures if picture for mark in _picture_marks(picture))


def _selector_marks(selector: Selector) -> Iterator[str]:
    for part in sorted(selector.parts):
        yield f"pseudo{part}" if part[0] == ":" else f"selector:{part}"


def _property_marks(declaration: Declaration) -> Iterator[str]:
    """Yield the marks that count even if an earlier declaration sets the same property to a plainer value."""
    name, value = declaration.name, declaration.value
    if value.lower() not in _OFF_VALUES and (name, value) != ("background-size", "auto"):
        yield f"property:{name}"
    if name == "background" and declaration.urls:
        yield "property:background-image"
    yield from (mark for url in declaration.urls for mark in _picture_marks(url))


def _value_marks(declaration: Declaration) -> Iterator[str]:
    for word in sorted(declaration.words):
        yield f"value:{declaration.name}:{word}"
        yield f"word:{word}"
    yield from (f"function:{name}" for name in sorted(declaration.functions))
    yield from (f"unit:{unit}" for unit in sorted(declaration.units))
    if declaration.important:
        yield "word:!important"


def _picture_marks(url: str) -> Iterator[str]:
    if data := re.match(r"data:image/([\w.-]++)([^,]*+),", url.strip(), re.IGNORECASE):
        yield f"image:{data[1].lower()}"
        if data[2].lower().endswith(";base64"):
            yield "image:base64"
    elif ending := re.search(r"\.(\w+)$", re.split(r"[?#]", url.strip())[0]):
        yield f"image:{ending[1].lower()}"
