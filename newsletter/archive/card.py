"""Render the card of an issue as HTML: Chromium draws it as the picture that other sites show with a link.

A newsletter replaces it by a file `templates/archive/card.html.j2` of its own.
"""

import re

from newsletter.render.east_asian import columns
from newsletter.render.model import Site
from newsletter.render.template_data import site_variable
from newsletter.render.templates import render_text

CARD_SIZE = 1200, 630
"""The width and the height of a card in pixels: sites that show a link with its picture do not crop it."""
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
# The height of a line, in proportion to the size of its type.
_LINE_HEIGHT, _HIGH_LINE_HEIGHT = 1.14, 1.36


def render_card(site: Site, title: str, date_line: str) -> str:
    """Return the card of an issue as an HTML page. Raise TemplateError with the template's file and line.

    `title` and `date_line` are plain texts; a `date_line` of "" is left out.
    """
    line_height = _HIGH_LINE_HEIGHT if _HIGH_LETTER.search(title) else _LINE_HEIGHT
    name_size = _size(site.name, _NAME_SIZES, _SMALLEST_NAME)
    width, height = CARD_SIZE
    variables = site_variable(site) | {
        "title": title,
        "date_line": date_line,
        "width": width,
        "height": height,
        "title_size": _size(title, _TITLE_SIZES, _SMALLEST_TITLE, line_height / _LINE_HEIGHT),
        "line_height": line_height,
        "name_size": name_size,
        # A name of the largest size fits into one line.
        "max_name_lines": 1 if name_size == _NAME_SIZES[0][0] else 2,
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
