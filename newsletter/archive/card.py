"""Render the card of an issue as HTML: Chromium draws it as the picture that other sites show with a link.

A newsletter replaces it by a file `templates/archive/card.html.j2` of its own.
"""

import re

from newsletter.render.east_asian import columns
from newsletter.render.model import Site
from newsletter.render.template_data import Fields, site_fields
from newsletter.render.templates import render_text

# Sizes of type in CSS pixels, each with the most columns of a text, and of a word of it, that have room.
_TITLE_SIZES = (
    (94, 22, 10),
    (84, 29, 12),
    (72, 44, 14),
    (64, 52, 17),
    (56, 72, 20),
    (48, 100, 20),
    (42, 130, 20),
)
_SMALLEST_TITLE = 38
_NAME_SIZES = ((48, 18, 12), (40, 36, 20))
_SMALLEST_NAME = 34
# A longer word is broken at any size.
_LONGEST_WORD = 20
# Letters with more height than those of Latin, Greek and Cyrillic; Vietnamese has two marks above a letter.
_HIGH_LETTER = re.compile(r"[^\W\d_\u0000-\u052f]")
_HIGH = 1.2


def render_card(site: Site, title: str, date_line: str) -> str:
    """Return the card of an issue as an HTML page. Raise TemplateError with the template's file and line.

    `title` and `date_line` are plain texts; a `date_line` of "" is left out.
    """
    has_high_letters = bool(_HIGH_LETTER.search(title))
    variables = {
        "site": Fields("Site", site_fields(site)),
        "title": title,
        "date_line": date_line,
        "title_size": _size(title, _TITLE_SIZES, _SMALLEST_TITLE, _HIGH if has_high_letters else 1),
        "name_size": _size(site.name, _NAME_SIZES, _SMALLEST_NAME),
        "has_high_letters": has_high_letters,
    }
    return render_text("archive/card.html.j2", site, variables)


def _size(text: str, sizes: tuple[tuple[int, int, int], ...], smallest: int, height: float = 1) -> int:
    """Return the size of the type of a text: the smaller, the longer the text or a word of it is.

    `height` is that of its lines, in proportion to lines of Latin letters.
    """
    length = columns(text) * height
    word = min(max(map(columns, _words(text)), default=0), _LONGEST_WORD)
    return next((size for size, most, longest in sizes if length <= most and word <= longest), smallest)


def _words(text: str) -> list[str]:
    """Return the parts of a text between which a line can break; Chinese and Japanese break anywhere."""
    return re.split(r"[\s\u2e80-\u9fff\uff00-\uffef-]+", text)
