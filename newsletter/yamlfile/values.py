"""Compose YAML events into plain values, with limits on depth and size, and without conversions.

Only the events of PyYAML's C parser are used. PyYAML's composer recurses in C (a hundred thousand `[` crash
the process), expands nested aliases without a limit, keeps the last of duplicate keys, and converts `off`,
`12:30:45` and `2026-04-27` to values of other types; `SafeComposer` rejects all of these.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, NoReturn

import yaml

from newsletter.display import printable
from newsletter.yamlfile.lookalikes import find_in_key

Loc = tuple[str | int, ...]

MAX_DEPTH = 20
MAX_VALUES = 10_000
MAX_CHARACTERS = 2_000_000

CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
"""Invisible characters that break lines, headers or YAML; tab and newline are allowed."""

_INTEGER = re.compile(r"-?[1-9][0-9]{0,17}|0")
_DECIMAL = re.compile(r"-?[0-9]+\.[0-9]+")
_COMMENT_WITHOUT_SPACE = re.compile(r"[ \t]+#[^\s#]")
_TAG_PREFIX = "tag:yaml.org,2002:"
_ALLOWED_TAGS = ("!", _TAG_PREFIX + "str", _TAG_PREFIX + "seq", _TAG_PREFIX + "map")
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
    """A rejected value; reading continues after it."""

    loc: Loc
    line: int
    what: str
    fix: str


class Unreadable(Exception):
    """The error for YAML that cannot be read, or is too large or too deep; reading stops at its line."""

    def __init__(self, line: int, what: str, fix: str) -> None:
        super().__init__(what)
        self.line, self.what, self.fix = line, what, fix


def dotted(loc: Loc) -> str:
    """Return a location as text: `stories[2].link` for `("stories", 2, "link")`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{_quoted_key(part)}" for part in loc).lstrip(
        "."
    )


def _quoted_key(key: str) -> str:
    return key if re.fullmatch(r"[\w-]{1,60}", key) else f'"{printable(key)}"'


class SafeComposer:
    """Turn YAML events into values: mappings as dicts, sequences as tuples, with the first line of each."""

    def __init__(self, text: str) -> None:
        self.lines: dict[Loc, int] = {(): 1}
        self.refusals: list[Refusal] = []
        self.folded: dict[Loc, int] = {}
        self._text = text
        self._anchors: dict[str, tuple[Any, Loc, int]] = {}
        self._used: set[str] = set()
        self._values = self._characters = 0

    def build(self, events: Iterable[Any]) -> Any:
        """Return the value of the only document, or None; raise Unreadable if reading has to stop."""
        self._events: Iterator[Any] = iter(events)
        data, documents = None, 0
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    _stop(
                        event,
                        "a second document starts here",
                        "keep one document in the file: delete this `---`",
                    )
                data = self._value(next(self._events), ())
        for name, (value, loc, line) in self._anchors.items():
            if name not in self._used and not isinstance(value, dict | tuple):
                self._refuse_name(name, loc, line, "no alias uses this name")
        return data

    def _value(self, event: Any, loc: Loc) -> Any:
        line = _line(event)
        self.lines.setdefault(loc, line)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, loc)
        self._count(event, len(loc))
        if event.tag and event.tag not in _ALLOWED_TAGS:
            tag = printable(event.tag.replace(_TAG_PREFIX, "!!"))
            what = f"YAML reads {tag} as a tag, and tags are not supported"
            self._refuse(loc, line, what, "delete it, or put text that starts with ! in quotes")
        if isinstance(event, yaml.ScalarEvent):
            value = self._scalar(event, loc)
        elif isinstance(event, yaml.SequenceStartEvent):
            value = self._sequence(loc)
        else:
            value = self._mapping(loc)
        if event.anchor in self._anchors:
            self._refuse_name(event.anchor, loc, line, "this name is used twice")
        elif event.anchor:
            self._anchors[event.anchor] = value, loc, line
        return value

    def _alias(self, event: Any, loc: Loc) -> Any:
        name = event.anchor
        if name not in self._anchors:
            what = f"YAML reads *{printable(name)} as an alias, and no value above has this name"
            _stop(event, what, "put text that starts with * in quotes")
        self._used.add(name)
        value = self._anchors[name][0]
        self._repeat(event, value, len(loc))
        return value

    def _repeat(self, event: Any, value: Any, depth: int) -> None:
        """Count the value that an alias repeats towards the limits, as if it were written out."""
        self._count(event, depth, value)
        parts = (*value, *value.values()) if isinstance(value, dict) else value
        for part in parts if isinstance(value, dict | tuple) else ():
            self._repeat(event, part, depth + 1)

    def _count(self, event: Any, depth: int, value: Any = None) -> None:
        self._values += 1
        self._characters += len(value) if isinstance(value, str) else 0
        if depth > MAX_DEPTH:
            _stop(event, f"values are nested deeper than {MAX_DEPTH} levels", "use fewer levels")
        if self._values > MAX_VALUES or self._characters > MAX_CHARACTERS:
            what = f"the file has more than {MAX_VALUES:,} values or {MAX_CHARACTERS:,} characters up to here"
            _stop(event, what, "shorten the file; an alias (`*name`) counts as the value that it repeats")

    def _sequence(self, loc: Loc) -> tuple[Any, ...]:
        items: list[Any] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._value(event, (*loc, len(items))))
        return tuple(items)

    def _mapping(self, loc: Loc) -> dict[str, Any]:
        items: dict[str, Any] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                _stop(event, "a key is not text", "write `key: value`, with text before the colon")
            value_loc = (*loc, event.value)
            self._check_key(event, value_loc, is_duplicate=event.value in items)
            self.lines[value_loc] = _line(event)
            items[event.value] = self._value(next(self._events), value_loc)
        return items

    def _check_key(self, event: Any, loc: Loc, *, is_duplicate: bool) -> None:
        line = _line(event)
        if event.implicit[0] and (mistake := find_in_key(event.value)):
            _stop(event, mistake.what, mistake.fix)
        if is_duplicate:
            self._refuse(loc, line, f"is defined twice (first in line {self.lines[loc]})", "delete one")
        elif event.implicit[0] and event.value == "<<":
            self._refuse(loc, line, "merge keys are not supported", "write the keys out")
        elif event.tag or event.anchor:
            self._refuse(loc, line, "a key cannot have a tag or an anchor", "put the key in quotes")
        elif CONTROL.search(event.value):
            self._refuse(loc, line, "holds a control character", "delete it")

    def _scalar(self, event: Any, loc: Loc) -> Any:
        text: str = event.value
        line = _line(event)
        if event.tag or not event.implicit[0]:
            if match := CONTROL.search(text):
                self._refuse(loc, line, f"holds a control character (U+{ord(match[0]):04X})", "delete it")
            return text
        if event.end_mark.line > event.start_mark.line:
            self.folded[loc] = event.end_mark.line + 1
        kind: str = _RESOLVER.resolve(yaml.ScalarNode, text, (True, False)).removeprefix(_TAG_PREFIX)
        if kind == "str":
            if _COMMENT_WITHOUT_SPACE.match(self._text, event.end_mark.index):
                fix = 'put the whole text in quotes; for a comment, write a space after "#"'
                self._refuse(loc, line, 'YAML reads the text after " #" as a comment', fix)
            return text
        is_plain, value = _plain(kind, text)
        if not is_plain:
            read_as, otherwise = _READ_AS[kind]
            fix = f'quote it: "{printable(text)}"{otherwise}'
            self._refuse(loc, line, f"YAML reads {printable(text)} as {read_as}", fix)
        return value

    def _refuse_name(self, name: str, loc: Loc, line: int, reason: str) -> None:
        what = f"YAML reads &{printable(name)} as the name of a value, and {reason}"
        self._refuse(loc, line, what, "put text that starts with & in quotes")

    def _refuse(self, loc: Loc, line: int, what: str, fix: str) -> None:
        self.refusals.append(Refusal(loc, line, what, fix))


def _plain(kind: str, text: str) -> tuple[bool, Any]:
    """Return True and the value if YAML reads `text` as it is written; else False and the text."""
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
