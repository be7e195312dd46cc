"""Types for the text fields of files, and their validators, which raise the error of `invalid`."""

import re
import unicodedata
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, WithJsonSchema
from pydantic_core import PydanticCustomError

from newsletter.hidden_characters import is_visible
from newsletter.network.web_address import ascii_address, ascii_host

MAX_LINE = 500

_START = re.compile(r"https?://(?:[^/?#@]*@)?(?P<host>[^/?#:\[\]]*|\[[^/?#\[\]]*\]?)[^/?#]*", re.IGNORECASE)
_SEPARATOR = re.compile(r"[ \"<>\\]")
_SEPARATORS = {
    " ": ("a space", "%20"),
    '"': ("a quotation mark", "%22"),
    "<": ("a <", "%3C"),
    ">": ("a >", "%3E"),
    "\\": ("a backslash", "%5C"),
}
"""The characters that end an address in a text, or that browsers read in another way; with their codes."""


def invalid(what: str, fix: str) -> PydanticCustomError:
    """Return the error that a validator raises: the problem of the value, and what to do about it."""
    return PydanticCustomError("refused", "{what}; {fix}", {"what": what, "fix": fix})


def one_line(text: str) -> str:
    """Return text that fits one line of mail, without a YAML block's final newline; else raise `invalid`.

    Control characters would end a header. A server or a mail program would decode encoded words (RFC 2047),
    which can contain control characters.
    """
    text = text.strip()
    if not text:
        raise invalid("is empty", "fill it in, or delete the key if it is optional")
    if "\n" in text or "\r" in text:
        raise invalid("is more than one line", "write it in one line; use `>-` to fold a long one")
    is_plain = text.isascii() and text.isprintable()  # nearly every name of a million subscribers
    if not is_plain and (control := next(filter(_is_control, text), None)):
        raise invalid(f"has a control character (U+{ord(control):04X})", "delete it")
    if "=?" in text and "?=" in text:
        raise invalid("has an encoded word (=?…?=)", "write the text itself")
    if not (is_plain or is_visible(text)):
        raise invalid(f"has only invisible characters (U+{ord(text[0]):04X})", "write words in their place")
    if len(text) > MAX_LINE:
        raise invalid(f"is {len(text)} characters long", f"write at most {MAX_LINE} characters")
    return text


def _is_control(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")


def not_blank(text: str) -> str:
    """Return Markdown without the blank lines around it; raise `invalid` if nothing remains."""
    if not text.strip():
        raise invalid("is empty", "write something, or delete the passage")
    return text.strip("\n").rstrip()


def web_address(text: str) -> str:
    """Return an absolute http(s) address as browsers send it (`ascii_address`), without spaces around it.

    Raise `invalid` for other text, and for credentials.
    """
    text = text.strip()
    if invisible := next((c for c in text if c != " " and not c.isprintable()), None):
        raise invalid(f"has an invisible character (U+{ord(invisible):04X})", "delete it")
    shown = f'("{text[:80]}")'
    problem = invalid(f"is not a web address {shown}", "write the whole address: https://…")
    if not (start := _START.match(text)):
        raise problem
    if separator := _SEPARATOR.search(text):
        name, code = _SEPARATORS[separator[0]]
        raise invalid(f"has {name} in the web address {shown}", f"delete it, or write it as {code}")
    try:
        parts = urlsplit(ascii_address(text))
        host, _ = parts.hostname or "", parts.port
    except ValueError as failure:
        raise problem from failure
    _refuse_host(start["host"], host, problem)
    if "[" in text[start.end() :]:
        # A placeholder in a link would be filled: `?to=[[address]]` would send the subscriber's address to
        # the site that the link leads to.
        raise invalid(f"has a bracket in the web address {shown}", "write [ as %5B and ] as %5D")
    if parts.username is not None:
        raise invalid(f"has a user name in the web address {shown}", "delete the part before the @")
    return ascii_address(text)


def _refuse_host(written: str, host: str, problem: PydanticCustomError) -> None:
    """Raise `invalid` for a host with a wrong character, and `problem` for one that is no complete host."""
    try:
        _ = host if ":" in host else ascii_host(written)
    except ValueError as failure:
        raise invalid(f'has the host "{written[:80]}", and {failure}', "correct the host") from failure
    names = host.removesuffix(".").split(".")
    if host != "localhost" and ":" not in host and not (len(names) > 1 and all(names)):
        raise problem


def suggesting(*words: str) -> WithJsonSchema:
    """Return the JSON Schema of a line for which these words have a meaning of their own."""
    return WithJsonSchema({"anyOf": [{"enum": list(words)}, {"type": "string"}]})


Line = Annotated[str, AfterValidator(one_line)]
Markdown = Annotated[str, AfterValidator(not_blank)]
WebAddress = Annotated[str, AfterValidator(web_address)]


class StrictModel(BaseModel):
    """The base of models of files: it converts no value and rejects unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
