"""Paths and values as messages show them."""

import errno
import re
from contextlib import suppress
from pathlib import Path

# What separates the local part of an address from its domain: as people write it, and as it is escaped in a
# URL, in quoted-printable, in HTML, and in a string literal.
_AT = r"(?:@|%40|=40|&\#(?:64|x40);|&commat;|\\(?:x|u00)40|\(at\)|\[at\])"
_LOCAL = r"[^\s<>()]{1,400}"
_DOMAIN = r"[^\s<>(),;:]+"
_ADDRESS = re.compile(
    rf"""
    [<(\"]*
    (?:
        "[^"\n]{{1,200}}"[ ]?{_AT}[ ]?{_DOMAIN}       # "ada lovelace"@example.com
      | {_LOCAL}?{_AT}{_DOMAIN}                        # ada@example.com
      | {_LOCAL}"[ ]@{_DOMAIN}                         # "ada" @example.com
      | {_LOCAL}[ ]at[ ](?=\S+\.){_DOMAIN}           # ada at example.com
      | {_LOCAL}=(?:[^\W_][\w-]*\.)+[^\W\d_]{{2,63}}  # bounce-ada=example.com (VERP)
    )
    [>)]*
    """,
    re.IGNORECASE | re.VERBOSE,
)
_MARKS = re.compile(r"@|%40|=|&|\\|\(at\)|\[at\]| at ", re.IGNORECASE)


def display_path(path: Path) -> str:
    """A path as a person in this folder would write it."""
    with suppress(OSError, RuntimeError, ValueError):  # elsewhere, or nowhere
        path = (path.parent.resolve() / path.name).relative_to(Path.cwd())
    return printable(path.as_posix(), 4096)


def write_hint(failure: OSError, otherwise: str) -> str:
    """Return what to do about a file that cannot be written: make room, where its disk is full."""
    if failure.errno in (errno.ENOSPC, errno.EDQUOT):
        return "make room on that disk, then run the same command again"
    return otherwise


def counted(number: int, noun: str, plural: str = "") -> str:
    """Return `1 line` or `1,204 lines`; `plural` is for a noun that does more than add an s."""
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"


def printable(text: str, most: int = 60) -> str:
    """Text for one line of a message, shortened, with what is invisible written out."""
    text = f"{text[: most - 3]}…" if len(text) > most else text
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text)


def masked(text: str) -> str:
    """Return text with `<recipient>` in place of everything that looks like an email address.

    For what may be read by others, such as the public log of a workflow: servers like to name the recipient.
    """
    return _ADDRESS.sub("<recipient>", text) if _MARKS.search(text) else text
