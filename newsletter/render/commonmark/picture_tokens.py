"""Read the tokens of pictures."""

import re

from markdown_it.token import Token

_WIDTH = re.compile(r"([1-9]\d{0,3})(?:px)?", re.ASCII)


def asked_width(picture: Token) -> int | None:
    """Return the width that a picture asks for, `{width=300}` behind it; None without a valid one."""
    width = _WIDTH.fullmatch(str(picture.attrs.get("width", "")))
    return int(width[1]) if width else None
