"""Decode the JSON of a source, and describe values of it for messages."""

import json
from typing import Any, NoReturn

from newsletter.display import counted, printable
from newsletter.sources.entry import SourceRequest
from newsletter.sources.fetch import Response

_MAX_KEYS = 12


def decode(request: SourceRequest, response: Response) -> Any:
    """Return the JSON of a response; raise Unavailable if it is none."""
    if not response.body.strip():
        raise request.unavailable("the response is empty", "try again later")
    try:
        return json.loads(response.body.removeprefix(b"\xef\xbb\xbf"), parse_constant=_refuse)
    except (ValueError, RecursionError) as failure:  # also for bytes that are no text
        what = "an HTML page" if response.body.lstrip()[:1] == b"<" else "other content"
        raise request.unavailable(f"gave no JSON, but {what}", "write the address of the API") from failure


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


def describe_json(value: object) -> str:
    """Return words for a value of JSON: `a list of 3 items`, `a mapping with the keys id, title`."""
    match value:
        case None:
            return "nothing"
        case dict():
            keys = [printable(str(key), 40) for key in list(value)[:_MAX_KEYS]]
            more = ", …" if len(value) > _MAX_KEYS else ""
            return f"a mapping with the keys {', '.join(keys)}{more}" if keys else "an empty mapping"
        case list():
            return f"a list of {counted(len(value), 'item')}" if value else "an empty list"
        case bool():
            return "true" if value else "false"
        case str():
            return f'the text "{printable(value, 60)}"'
    return f"the number {printable(repr(value), 30)}"


def text_or_empty(value: object) -> str:
    """Return a value of JSON that is a text; "" for another one."""
    return value if isinstance(value, str) else ""
