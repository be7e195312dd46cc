"""Check the attributes of MJML elements, because mrml ignores unknown names and invalid values."""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from typing import NamedTuple

from newsletter.display import printable
from newsletter.render.mjml_reference import COLOURS, EFFECTIVE, IGNORED, type_of

_COLOUR = re.compile(r"#(?:[0-9a-fA-F]{3,4}|[0-9a-fA-F]{6}|[0-9a-fA-F]{8})|(?:rgb|hsl)a?\([0-9.,%/ a-z]+\)")
_NUMBER = r"(?:\d+(?:\.\d*)?|\.\d+)"
_EXAMPLES = {"px": "16px", "%": "50%", "em": "0.1em", "auto": "auto", "": "1.5"}


class Misuse(NamedTuple):
    """An attribute that has no effect: its name, the problem and the fix."""

    name: str
    what: str
    fix: str


class _Type(NamedTuple):
    """A type of values: `matches` is true for a valid one, `fix` is the correction of another one."""

    matches: Callable[[str], object]
    fix: str = ""


def misuses(
    tag: str, parent: str, attributes: Iterable[tuple[str, str]], classes: Collection[str]
) -> Iterator[Misuse]:
    """Yield each attribute of an MJML element that has no effect; `classes` are the names of <mj-class>.

    Names have underscores instead of colons.
    """
    types = _types(tag)
    for name, value in attributes:
        if name not in types:
            yield _unknown(tag, name)
        elif name == "mj-class":
            yield from _undefined(tag, parent, value, classes)
        elif not types[name].matches(value) and value.strip() and not types[name].matches(value.strip()):
            what = f'`{name}` of <{tag}> cannot be "{printable(value, 40)}"'
            yield Misuse(name, what, types[name].fix)


def _unknown(tag: str, name: str) -> Misuse:
    if name in IGNORED.get(tag, ()):
        what = f"`{name}` of <{tag}> has no effect: the MJML compiler of news ignores it"
        return Misuse(name, what, "delete it")
    near = get_close_matches(name.lower(), sorted(EFFECTIVE.get(tag, ())), n=1)
    fix = f"did you mean `{near[0]}`?" if near else "delete it; the MJML reference lists the attributes"
    return Misuse(name, f"<{tag}> has no attribute `{printable(name.replace('_', ':'))}`", fix)


def _undefined(tag: str, parent: str, value: str, classes: Collection[str]) -> Iterator[Misuse]:
    if parent == "mj-attributes":
        what = f"`mj-class` of <{tag}> has no effect inside <{parent}>"
        yield Misuse("mj-class", what, "write it on each element")
        return
    for name in value.split():
        if name not in classes:
            near = get_close_matches(name, sorted(classes), n=1)
            fix = f"did you mean `{near[0]}`?" if near else "define it in <mj-attributes>, or delete it"
            yield Misuse("mj-class", f'there is no <mj-class name="{printable(name, 40)}">', fix)


@cache
def _types(tag: str) -> Mapping[str, _Type]:
    """Return the type of each attribute of a component."""
    return {name: _parsed(type_of(tag, name)) for name in EFFECTIVE.get(tag, ())}


@cache
def _parsed(kind: str) -> _Type:
    """Return a type of MJML's notation, such as `unit(px,%){1,4}`."""
    name, _, rest = kind.partition("(")
    options, _, many = rest.partition(")")
    if name == "string":
        return _Type(lambda value: True)
    if name == "color":
        return _Type(_is_colour, "write a colour such as #9a3412")
    if name == "integer":
        return _Type(re.compile(r"\d+").fullmatch, "write a whole number")
    if name in ("enum", "boolean"):
        allowed = options.split(",") if options else ["true", "false"]
        return _Type(frozenset(allowed).__contains__, f"write {' or '.join(filter(None, allowed))}")
    return _lengths(options.split(","), "-?" if name == "unitWithNegative" else "", many)


def _is_colour(value: str) -> bool:
    return value.lower() in COLOURS or value == "none" or bool(_COLOUR.fullmatch(value))


def _lengths(units: list[str], sign: str, many: str) -> _Type:
    """Return the type of a length, or of up to four; "auto" among the units is a value of its own."""
    suffixes = "|".join(re.escape(unit) for unit in units if unit != "auto")
    one = f"(?:{sign}{_NUMBER}(?:{suffixes})|0(?:\\.0*)?{'|auto' if 'auto' in units else ''})"
    pattern = re.compile(rf"{one}(?:\s+{one}){{0,3}}" if many else one)
    return _Type(
        pattern.fullmatch, f"write a length such as {' or '.join(_EXAMPLES[unit] for unit in units)}"
    )
