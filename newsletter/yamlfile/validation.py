"""Validate a YAML document as a model: report every problem of the file at once, each as a sentence."""

import difflib
from collections.abc import Iterator, Mapping, Set
from functools import cache
from itertools import islice
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from newsletter.display import printable
from newsletter.errors import MAX_PROBLEMS, InvalidInput, Problem
from newsletter.yamlfile.lookalikes import Lookalike, find_in_lines, find_lookalike
from newsletter.yamlfile.reader import Document, line_of, sentence
from newsletter.yamlfile.values import Loc

Model = TypeVar("Model", bound=BaseModel)

# The keys of a JSON Schema that describe values within a value.
_NESTING = {"$ref", "properties", "items", "additionalProperties"}


def validate(
    document: Document,
    model: type[Model],
    error: type[InvalidInput],
    context: Mapping[str, object] | None = None,
) -> Model:
    """Return the document as a model; raise `error` with every problem of the file, ordered by line.

    `context` is for the validators of the model.
    """
    if not isinstance(document.data, dict):
        if mistake := find_in_lines(document.text.split("\n"), _keys(model, ())):
            raise error([_misread(document, 1, mistake)])
        what = "is empty" if document.data is None else "holds no keys"
        fix = f"write a line `key: value` for each of {', '.join(_keys(model, ()))}"
        raise error.of(document.where(()), sentence((), what), fix)
    problems = [item for item in document.problems if not _is_for_model(document.data, item[0], model)]
    swallowed = list(_swallowed_keys(document, model))
    problems += [(key, problem) for _, key, problem in swallowed]
    try:
        valid = model.model_validate(document.data, context=context)
        if not problems:
            return valid
    except ValidationError as invalid:
        reported = {loc for loc, _ in problems}.union(value for value, _, _ in swallowed)
        problems += _problems(document, invalid.errors(include_url=False), model, reported)
    order = {loc: number for number, loc in enumerate(document.lines)}
    problems.sort(key=lambda item: (line_of(item[1]), order.get(item[0], 0)))
    raise error([problem for _, problem in problems])


def _is_for_model(data: Any, loc: Loc, model: type[BaseModel]) -> bool:
    """Return True if the model judges the text at `loc`, although YAML takes it for another type.

    It does so for a word of a list such as `off`, for a date, and for a text where keys belong: quotation
    marks would not help there.
    """
    for part in loc:
        data = data.get(part) if isinstance(data, dict) else data[part]
    options = _options(model, loc)
    words = [word for option in options for word in option.get("enum", ())]
    is_free = any(option.get("type") == "string" and "enum" not in option for option in options)
    is_word = bool(words) and (data in words or not is_free)
    is_date = any(option.get("format") == "date" for option in options)
    needs_keys = bool(_keys(model, loc)) and {option.get("type") for option in options} <= {None, "null"}
    return isinstance(data, str) and (is_word or is_date or needs_keys)


def _problems(
    document: Document, errors: list[ErrorDetails], model: type[BaseModel], reported: Set[Loc]
) -> Iterator[tuple[Loc, Problem]]:
    """Yield pydantic's errors as problems, without those that only follow from another reported problem."""
    lines = document.text.split("\n")
    unknown = (details["loc"] for details in errors if details["type"] == "extra_forbidden")
    # A comparison takes long, and of so many unknown keys no more are reported.
    nearest = {loc: _nearest(model, loc) for loc in islice(unknown, MAX_PROBLEMS)}
    misspelled = {(*loc[:-1], key) for loc, key in nearest.items() if key}
    for details in errors:
        loc, kind = details["loc"], details["type"]
        follows = (
            any(loc[:depth] in reported for depth in range(len(loc) + 1))
            or (kind == "missing" and (loc in misspelled or (*loc[:-1], "<<") in reported))
            # pydantic counts only valid items; each invalid item has its own problem
            or (kind == "too_short" and details["input"])
        )
        if follows:
            continue
        first = document.lines.get(loc, 1)
        is_text = kind in ("dict_type", "model_type") and isinstance(details["input"], str)
        if is_text and (mistake := find_in_lines(lines[first - 1 : first], _keys(model, loc))):
            yield loc, _misread(document, first, mistake)
        else:
            what, fix = _sentences(loc, details, model, nearest)
            yield loc, Problem(document.where(loc), sentence(loc, what), fix)


def _swallowed_keys(document: Document, model: type[BaseModel]) -> Iterator[tuple[Loc, Loc, Problem]]:
    """Yield the value, the key and the problem of each key that YAML has read as a part of a value."""
    lines = document.text.split("\n") if document.folded else []
    for loc, last in document.folded.items():
        first = document.lines[loc]
        if loc and (mistake := find_in_lines(lines[first:last], _keys(model, loc[:-1]))):
            yield loc, (*loc[:-1], str(mistake[1].key)), _misread(document, first + 1, mistake)


def _misread(document: Document, first: int, mistake: tuple[int, Lookalike]) -> Problem:
    number, lookalike = mistake
    return Problem(f"{document.path}:{first + number}", lookalike.what, lookalike.fix)


def _sentences(
    loc: Loc, details: ErrorDetails, model: type[BaseModel], nearest: Mapping[Loc, str | None]
) -> tuple[str, str]:
    """Return the problem and the fix for one of pydantic's errors, in words.

    `nearest` has the known keys that unknown ones resemble.
    """
    value, context = details["input"], details.get("ctx", {})
    match details["type"]:
        case "missing":
            return "is missing", f"add `{loc[-1]}:`"
        case "extra_forbidden":
            if (mistake := find_lookalike(str(loc[-1]))) and mistake.key in _keys(model, loc[:-1]):
                return mistake.what, mistake.fix
            near = nearest.get(loc)
            fix = f"did you mean `{near}`?" if near else f"the keys are {', '.join(_keys(model, loc[:-1]))}"
            return "is an unknown key", fix
        case "refused" if value is None:  # a validator that has its own words for no value
            return context["what"], context["fix"]
        case _ if value is None or value == () or (isinstance(value, str) and not value.strip()):
            return "is empty", _fill_in(model, loc)
        case "refused":
            return context["what"], context["fix"]
        case "string_type":
            return f"is not text ({_shown(value)})", _make_text(value)
        case "tuple_type":
            return f"is not a list ({_shown(value)})", 'write each entry on its own line, after "- "'
        case "dict_type" | "model_type":
            return f"holds no keys ({_shown(value)})", _write_keys(model, loc)
        case "int_type":
            return f"is not a whole number ({_shown(value)})", "write it in digits, without quotes"
        case "bool_type":
            return f"is neither true nor false ({_shown(value)})", "write true or false, without quotes"
        case "literal_error":
            return f"is {_shown(value)}", f"write one of {context['expected']}"
        case "too_long":
            return f"has {context['actual_length']} entries", f"write at most {context['max_length']}"
        case "greater_than_equal":
            return f"is {value}", f"write {context['ge']} or more"
        case "less_than_equal":
            return f"is {value}", f"write {context['le']} or less"
        case _:
            return f"{details['msg'][0].lower()}{details['msg'][1:]} ({_shown(value)})", "correct it"


def _shown(value: object) -> str:
    if isinstance(value, dict | tuple):
        return "keys with values" if isinstance(value, dict) else "a list"
    return f'"{printable(str(value).lower() if isinstance(value, bool) else str(value))}"'


def _make_text(value: object) -> str:
    if isinstance(value, dict):
        return 'put text that contains ": " or starts with { in quotes'
    return (
        "put text that starts with [ in quotes" if isinstance(value, tuple) else f"quote it: {_shown(value)}"
    )


def _fill_in(model: type[BaseModel], loc: Loc) -> str:
    if isinstance(loc[-1], int):
        return "fill it in, or delete the entry"
    required = loc[-1] in _schema_at(model, loc[:-1]).get("required", ())
    return "fill it in" if required else "fill it in, or delete the key"


def _write_keys(model: type[BaseModel], loc: Loc) -> str:
    keys = _keys(model, loc)
    return f"write it with its keys: {', '.join(keys)}" if keys else "write `key: value` lines below it"


def _nearest(model: type[BaseModel], loc: Loc) -> str | None:
    """Return the known key that an unknown key most resembles, or None."""
    return next(iter(difflib.get_close_matches(str(loc[-1]).lower(), _keys(model, loc[:-1]), n=1)), None)


def _keys(model: type[BaseModel], loc: Loc) -> list[str]:
    return list(_schema_at(model, loc).get("properties", ()))


@cache
def _model_schema(model: type[BaseModel]) -> dict[str, Any]:
    return model.model_json_schema()


def _options(model: type[BaseModel], loc: Loc) -> list[dict[str, Any]]:
    """Return the parts of a model's schema that describe the values which the key at `loc` may have."""
    if not loc or not isinstance(loc[-1], str):
        return []
    options = [_schema_at(model, loc[:-1]).get("properties", {}).get(loc[-1], {})]
    for option in options:
        options += option.get("anyOf", ())
    return options


def _schema_at(model: type[BaseModel], loc: Loc) -> dict[str, Any]:
    """Return the part of a model's schema that describes the value at `loc`."""
    schema = node = _model_schema(model)
    for part in loc:
        inner = node.get("items", {}) if isinstance(part, int) else _value_schema(node, part)
        options = (inner, *inner.get("anyOf", ()), *inner.get("allOf", ()))
        node = next((o for o in options if o.keys() & _NESTING), {})
        if "$ref" in node:
            node = schema["$defs"][node["$ref"].rpartition("/")[2]]
    return node


def _value_schema(node: dict[str, Any], key: str) -> dict[str, Any]:
    """Return the schema of the value of a key, which may be one of the file's own, such as a name."""
    value = node.get("properties", {}).get(key) or node.get("additionalProperties", {})
    return value if isinstance(value, dict) else {}
