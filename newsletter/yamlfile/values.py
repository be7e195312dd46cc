"""YAML as plain values: nothing that a file's writer did not write, and nothing that blows up.

PyYAML's C parser is used for its events only. Its composer recurses in C (a hundred thousand `[` end
the process), builds what aliases multiply, keeps the last of duplicate keys and turns `off`, `12:30:45`
and `2026-04-27` into something nobody wrote; `SafeComposer` refuses all of that instead.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, NoReturn

import yaml

from newsletter.display import printable

Loc = tuple[str | int, ...]

MAX_DEPTH = 20
MAX_VALUES = 10_000
MAX_CHARACTERS = 2_000_000

CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
"""Characters that nobody sees and that break lines, headers or YAML; tab and newline are none of them."""

_INTEGER = re.compile(r"-?[1-9][0-9]{0,17}|0")
_DECIMAL = re.compile(r"-?[0-9]+\.[0-9]+")
_LOST = re.compile(r"[ \t]+#[^\s#]")
_TAG = "tag:yaml.org,2002:"
_TAGS = ("!", _TAG + "str", _TAG + "seq", _TAG + "map")
_RESOLVER: Any = yaml.resolver.Resolver()
_READ_AS = {
    "null": ("nothing", ""),
    "bool": ("true or false", ", or write true or false"),
    "int": ("another number", ", or write a number in plain digits"),
    "float": ("another number", ", or write a number in plain digits"),
    "timestamp": ("a date", ""),
    "merge": ("a merge of two mappings", ""),
    "value": ("a default value", ""),
}


class Refusal(NamedTuple):
    """A value that is not taken; reading goes on behind it."""

    loc: Loc
    line: int
    what: str
    fix: str


class Unreadable(Exception):
    """Reading cannot go on from this line."""

    def __init__(self, line: int, what: str, fix: str) -> None:
        super().__init__(what)
        self.line, self.what, self.fix = line, what, fix


def dotted(loc: Loc) -> str:
    """`stories[2].link` for `("stories", 2, "link")`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{_key(part)}" for part in loc).lstrip(".")


def _key(key: str) -> str:
    return key if re.fullmatch(r"[\w-]{1,60}", key) else f'"{printable(key)}"'


class SafeComposer:
    """Events to values: mappings as dicts, sequences as tuples, and the line that each one starts on."""

    def __init__(self, text: str) -> None:
        self.lines: dict[Loc, int] = {(): 1}
        self.refusals: list[Refusal] = []
        self._text = text
        self._anchors: dict[str, tuple[Any, Loc, int]] = {}
        self._used: set[str] = set()
        self._values = self._characters = 0

    def build(self, events: Iterable[Any]) -> Any:
        """The one document's value; None where there is no document. Raises Unreadable."""
        self._events: Iterator[Any] = iter(events)
        data, documents = None, 0
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    _stop(event, "a second document starts here", "keep one in a file: delete this `---`")
                data = self._value(next(self._events), ())
        for name, (value, loc, line) in self._anchors.items():
            if name not in self._used and not isinstance(value, dict | tuple):
                self._refuse_name(name, loc, line, "nothing uses it")
        return data

    def _value(self, event: Any, loc: Loc) -> Any:
        line = _line(event)
        self.lines.setdefault(loc, line)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, loc)
        self._count(event, len(loc))
        if event.tag and event.tag not in _TAGS:
            what = f"YAML reads {printable(event.tag.replace(_TAG, '!!'))} as a tag, and none are read here"
            self._refuse(loc, line, what, "delete it, or put text that starts with ! in quotes")
        if isinstance(event, yaml.ScalarEvent):
            value = self._scalar(event, loc)
        elif isinstance(event, yaml.SequenceStartEvent):
            value = self._sequence(loc)
        else:
            value = self._mapping(loc)
        if event.anchor in self._anchors:
            self._refuse_name(event.anchor, loc, line, "it is there twice")
        elif event.anchor:
            self._anchors[event.anchor] = value, loc, line
        return value

    def _alias(self, event: Any, loc: Loc) -> Any:
        name = event.anchor
        if name not in self._anchors:
            what = f"YAML reads *{printable(name)} as the name of a value further up, and there is none"
            _stop(event, what, "put text that starts with * in quotes")
        self._used.add(name)
        value = self._anchors[name][0]
        self._repeat(event, value, len(loc))
        return value

    def _repeat(self, event: Any, value: Any, depth: int) -> None:
        """Counts what an alias stands for as if it were written out."""
        self._count(event, depth, value)
        parts = (*value, *value.values()) if isinstance(value, dict) else value
        for part in parts if isinstance(value, dict | tuple) else ():
            self._repeat(event, part, depth + 1)

    def _count(self, event: Any, depth: int, value: Any = None) -> None:
        self._values += 1
        self._characters += len(value) if isinstance(value, str) else 0
        if depth > MAX_DEPTH:
            _stop(event, f"nested deeper than {MAX_DEPTH} levels", "write it with fewer levels")
        if self._values > MAX_VALUES or self._characters > MAX_CHARACTERS:
            what = f"more than {MAX_VALUES:,} values or {MAX_CHARACTERS:,} characters up to here"
            _stop(event, what, "shorten it; aliases (`*name`) count as what they stand for")

    def _sequence(self, loc: Loc) -> tuple[Any, ...]:
        items: list[Any] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._value(event, (*loc, len(items))))
        return tuple(items)

    def _mapping(self, loc: Loc) -> dict[str, Any]:
        items: dict[str, Any] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                _stop(event, "a key that is not text", "write `key: value`, with text in front of the colon")
            here = (*loc, event.value)
            self._vet_key(event, here, twice=event.value in items)
            self.lines[here] = _line(event)
            items[event.value] = self._value(next(self._events), here)
        return items

    def _vet_key(self, event: Any, here: Loc, *, twice: bool) -> None:
        line = _line(event)
        if twice:
            self._refuse(here, line, f"is there twice (first in line {self.lines[here]})", "delete one")
        elif event.implicit[0] and event.value == "<<":
            self._refuse(here, line, "merging is not read here", "write the keys out")
        elif event.tag or event.anchor:
            self._refuse(
                here, line, "a key with a tag or an anchor is not read here", "put the key in quotes"
            )
        elif CONTROL.search(event.value):
            self._refuse(here, line, "holds a control character", "delete it")

    def _scalar(self, event: Any, loc: Loc) -> Any:
        text: str = event.value
        line = _line(event)
        if event.tag or not event.implicit[0]:
            if found := CONTROL.search(text):
                self._refuse(loc, line, f"holds a control character (U+{ord(found[0]):04X})", "delete it")
            return text
        kind: str = _RESOLVER.resolve(yaml.ScalarNode, text, (True, False)).removeprefix(_TAG)
        if kind == "str":
            if _LOST.match(self._text, event.end_mark.index):
                fix = 'put all of it in quotes; where a comment is meant, write a space after "#"'
                self._refuse(loc, line, 'what follows " #" is a comment for YAML', fix)
            return text
        known, value = _plain(kind, text)
        if not known:
            read_as, otherwise = _READ_AS[kind]
            fix = f'quote it: "{printable(text)}"{otherwise}'
            self._refuse(loc, line, f"YAML reads {printable(text)} as {read_as}", fix)
        return value

    def _refuse_name(self, name: str, loc: Loc, line: int, why: str) -> None:
        what = f"YAML reads &{printable(name)} as the name of a value, and {why}"
        self._refuse(loc, line, what, "put text that starts with & in quotes")

    def _refuse(self, loc: Loc, line: int, what: str, fix: str) -> None:
        self.refusals.append(Refusal(loc, line, what, fix))


def _plain(kind: str, text: str) -> tuple[bool, Any]:
    """Whether a value stands for itself in YAML too, and what it then is."""
    if kind == "null" and text in ("", "~", "null"):
        return True, None
    if kind == "bool" and text in ("true", "false"):
        return True, text == "true"
    if kind == "int" and _INTEGER.fullmatch(text):
        return True, int(text)
    if kind == "float" and _DECIMAL.fullmatch(text) and str(float(text)) == text:
        return True, float(text)
    return False, text


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


def _stop(event: Any, what: str, fix: str) -> NoReturn:
    raise Unreadable(_line(event), what, fix)
