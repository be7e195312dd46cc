"""Measure the part of a subject and a preheader that inboxes show, in columns; wide characters take two.

Mail programs publish no figures. These are common estimates: an upright phone shows about 40 columns of a
subject, a desktop about 70; after the subject, inboxes show about 100 columns of the mail's first text.
"""

from newsletter.render.east_asian import character_columns
from newsletter.render.east_asian import columns as columns

PHONE_SUBJECT_COLUMNS = 40
DESKTOP_SUBJECT_COLUMNS = 70
PREVIEW_COLUMNS = 100
MIN_PREHEADER_COLUMNS = 40
MAX_PREHEADER_COLUMNS = 140


def cut(text: str, max_columns: int) -> str:
    """Return a text as an inbox with this many columns shows it: cut off, with … at the end."""
    if columns(text) <= max_columns:
        return text
    width = 0
    for number, character in enumerate(text):
        width += character_columns(character)
        if width >= max_columns:
            return text[:number].rstrip() + "…"
    return text


def visible_text(text: str) -> str:
    """Return a text without invisible characters, and with single spaces between its words."""
    return " ".join(
        "".join(" " if c.isspace() else c for c in text if character_columns(c) or c.isspace()).split()
    )
