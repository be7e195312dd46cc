"""Format paths, values and numbers for messages, escape control characters, and mask email addresses."""

import re
from contextlib import suppress
from pathlib import Path

# The separator between the local part of an address and its domain: as people write it, and escaped in a URL,
# in quoted-printable, in HTML, and in a string literal.
_AT = r"(?:@|%40|=40|&\#(?:64|x40);|&commat;|\\(?:x|u00)40|\(at\)|\[at\])"
# A local part starts where a word starts; to try each character of a long word as the start would take long.
_LOCAL = r"(?<![^\s<>(),;:])[^\s<>(),;:]+"
_DOMAIN = r"[^\s<>(),;:]+"
_ADDRESS = re.compile(
    rf"""
    [<(]{{0,3}}
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
_LINE_BREAK = re.compile(r"\r?\n|\t")
_JOINERS = "\u200c\u200d"
_SEPARATORS = re.compile(r"@|%40|=|&|\\|\(at\)|\[at\]| at ", re.IGNORECASE)


def display_path(path: Path) -> str:
    """Return a path as text for a message, relative to the current folder if it is below that folder."""
    # The path may be outside the current folder, and one of the two may not exist.
    with suppress(OSError, RuntimeError, ValueError):
        path = (path.parent.resolve() / path.name).relative_to(Path.cwd())
    return printable(path.as_posix(), 4096)


def counted(number: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun: `1 line`, `1,204 lines`; `plural` is for an irregular plural."""
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"


def printable(text: str, max_length: int = 60) -> str:
    """Return text to quote in a message: shortened, and with each invisible character as `\\u…`."""
    text = shortened(text, max_length)
    return text if text.isprintable() else "".join(map(_visible, text))


def escaped(text: str, max_length: int | None = None) -> str:
    """Return text as one line for a terminal: line breaks are blanks, other control characters `\\u…`.

    Blanks of any width stay, and the joiners that are part of emoji and of Persian words.
    """
    text = shortened(text, max_length) if max_length else text
    if text.isprintable():
        return text
    text = _LINE_BREAK.sub(" ", text)
    import unicodedata  # takes 1 ms of the start

    return "".join(c if c in _JOINERS or unicodedata.category(c) == "Zs" else _visible(c) for c in text)


def shortened(text: str, max_length: int) -> str:
    """Return text with an ellipsis in place of its end if it is longer than `max_length`."""
    return f"{text[: max_length - 3]}…" if len(text) > max_length else text


def _visible(character: str) -> str:
    if character.isprintable():
        return character
    return f"\\u{ord(character):04x}" if character <= "\uffff" else f"\\U{ord(character):08x}"


def masked(text: str) -> str:
    """Return text with `<recipient>` in place of all words that look like an email address.

    Use it for text that strangers may read, such as the public log of a workflow: servers often name the
    recipient in a reply.
    """
    return _ADDRESS.sub("<recipient>", text) if _SEPARATORS.search(text) else text
