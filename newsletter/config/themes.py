"""The keys of newsletter.yml for the look of the mail: the colours and fonts of a theme."""

import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError
from pydantic_core import InitErrorDetails

from newsletter.display import printable
from newsletter.render.themes import ThemeName, accent_problem, dark_accent_problem
from newsletter.yamlfile.fields import Line, StrictModel, invalid

_COLOUR = re.compile(r"#(?:[0-9a-f]{3}|[0-9a-f]{6})", re.IGNORECASE)
_FONT = re.compile(r"-?\w[\w -]{0,60}")
_EXAMPLE = 'write it in quotes, as "#1f4b7a"'


def _colour(value: object) -> str:
    """Return a colour with six digits; else raise `invalid`."""
    if value is None:
        # Said here, because YAML reads the colour as a comment, and the value is not empty for its writer.
        raise invalid("has no colour: for YAML, # begins a comment", _EXAMPLE)
    text = str(value).strip()
    if not _COLOUR.fullmatch(text):
        raise invalid(f'is "{printable(text, 40)}", and no colour', _EXAMPLE)
    digits = text[1:].lower()
    return "#" + ("".join(digit * 2 for digit in digits) if len(digits) == 3 else digits)


def _font(name: str) -> str:
    if not _FONT.fullmatch(name):
        fix = "write only the name of an installed font, such as Georgia: the mail loads none"
        raise invalid(f'is "{printable(name, 40)}", and no name of a font', fix)
    return name


Colour = Annotated[str, BeforeValidator(_colour)]
FontNames = Annotated[tuple[Annotated[Line, AfterValidator(_font)], ...], Field(min_length=1, max_length=10)]


class Colors(StrictModel):
    """The colours in place of the theme's own; that for the dark follows from the other one."""

    accent: Colour | None = None
    accent_dark: Colour | None = None


class FontLists(StrictModel):
    """The fonts in place of the theme's own, the preferred one first."""

    text: FontNames | None = None
    titles: FontNames | None = None


def refuse_unreadable(colors: Colors, theme: ThemeName) -> None:
    """Raise ValidationError for accents with which text of the theme would have too little contrast."""
    found = {
        "accent": colors.accent and accent_problem(theme, colors.accent),
        "accent_dark": colors.accent_dark and dark_accent_problem(theme, colors.accent_dark),
    }
    details = [
        InitErrorDetails(type=invalid(*problem), loc=(key,), input=getattr(colors, key))
        for key, problem in found.items()
        if problem
    ]
    if details:
        raise ValidationError.from_exception_data("Colors", details)
