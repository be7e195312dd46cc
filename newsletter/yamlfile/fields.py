"""The kinds of text that files hold, and what makes them valid."""

import re
import unicodedata
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict
from pydantic_core import PydanticCustomError

MAX_LINE = 500


def invalid(what: str, fix: str) -> PydanticCustomError:
    """What a validator raises: what is wrong with the value, and what to do about it."""
    return PydanticCustomError("refused", "{what}; {fix}", {"what": what, "fix": fix})


def one_line(text: str) -> str:
    """Text for one line of mail; a YAML block's closing newline is dropped.

    Control characters would end a header. Encoded words (RFC 2047) would be decoded by somebody on the way
    and may hold control characters themselves.
    """
    text = text.strip()
    if not text:
        raise invalid("is empty", "fill it in, or delete the key if it is optional")
    if "\n" in text or "\r" in text:
        raise invalid("is more than one line", "write it in one line; use `>-` to fold a long one")
    if bad := next((c for c in text if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp")), None):
        raise invalid(f"has a control character (U+{ord(bad):04X})", "delete it")
    if "=?" in text and "?=" in text:
        raise invalid("has an encoded word (=?…?=)", "write the text itself")
    if len(text) > MAX_LINE:
        raise invalid(f"is {len(text)} characters long", f"at most {MAX_LINE} fit")
    return text


def not_blank(text: str) -> str:
    """Markdown with something in it, without the blank lines around it."""
    if not text.strip():
        raise invalid("is empty", "write something, or delete the passage")
    return text.strip("\n").rstrip()


def web_address(text: str) -> str:
    """An absolute http(s) address without spaces, credentials or control characters."""
    if bad := next((c for c in text if not c.isprintable()), None):
        raise invalid(f"has an invisible character (U+{ord(bad):04X})", "delete it")
    problem = invalid(f'not a web address ("{text[:80]}")', "write all of it: https://…")
    if re.search(r"[ <>\"\\^`{|}]", text):
        raise problem
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname or "", parts.port
    except ValueError as failure:
        raise problem from failure
    names = host.removesuffix(".").split(".")
    known = host == "localhost" or ":" in host or (len(names) > 1 and all(names) and "%" not in host)
    if parts.scheme not in ("http", "https") or not known:
        raise problem
    if "[" in text.removeprefix(f"{parts.scheme}://{parts.netloc}"):
        # A placeholder in it would be filled: `?to=[[address]]` hands the reader's address to that site.
        raise invalid(f'a bracket in a web address ("{text[:80]}")', "write [ as %5B and ] as %5D")
    if parts.username is not None:
        raise invalid(f'a user name in a web address ("{text[:80]}")', "delete what stands before the @")
    return text


Line = Annotated[str, AfterValidator(one_line)]
Markdown = Annotated[str, AfterValidator(not_blank)]
WebAddress = Annotated[str, AfterValidator(web_address)]


class StrictModel(BaseModel):
    """Strict and closed: nothing is converted, nothing unknown is passed over."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
