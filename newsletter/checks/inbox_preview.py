"""How much of a subject and a preheader an inbox shows, in columns: wide characters take two.

Clients publish no figures. These are the common measure of what they show: phones held upright about 40
columns of a subject, a desktop about 70, and behind it some 100 of what the mail begins with.
"""

import unicodedata

PHONE_SUBJECT = 40
DESKTOP_SUBJECT = 70
SHOWN_BEHIND = 100
LEAST_PREHEADER = 40
MOST_PREHEADER = 140


def columns(text: str) -> int:
    """The width of a text; what nobody sees has none."""
    return sum(_width(character) for character in text)


def cut(text: str, most: int) -> str:
    """What is shown of a text where there is room for so many columns."""
    if columns(text) <= most:
        return text
    shown = ""
    for character in text:
        if columns(shown + character) >= most:
            break
        shown += character
    return shown.rstrip() + "…"


def seen(text: str) -> str:
    """What is left of a text where blanks and invisible characters fill it up."""
    return " ".join("".join(" " if c.isspace() else c for c in text if _width(c) or c.isspace()).split())


def _width(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1
