"""The built-in designs of the mail, and the colours and fonts that they take from newsletter.yml."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from newsletter.issue.model import ContentsKind
from newsletter.render.colour import (
    MIN_CONTRAST,
    brightness,
    channels,
    contrast,
    lowest_contrast,
    mixed,
    shade,
)

ThemeName = Literal["digest", "letter", "gazette"]

# Chromium's forced dark mode leaves a ground of at most this brightness as it is, but turns black text white.
_MAX_KEPT_BRIGHTNESS = 206
# The contrast of a colour that is derived: more than the minimum, because it is not looked at by anybody.
_GOOD_CONTRAST = 7.0
_BLACK, _WHITE = "#0b0c0d", "#ffffff"
_SANS = "-apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif"
_GENERIC_FONTS = ("serif", "sans-serif", "monospace", "system-ui", "-apple-system")
# Fonts of every Windows: Word, which shows mail in Outlook, takes Times for a list that begins with another.
_FONTS_OF_WORD = {
    *("Arial", "Calibri", "Cambria", "Candara", "Consolas", "Constantia", "Corbel", "Courier New", "Georgia"),
    *("Palatino Linotype", "Segoe UI", "Tahoma", "Times New Roman", "Trebuchet MS", "Verdana"),
}


@dataclass(frozen=True)
class Fonts:
    """Two lists of fonts as CSS: of running text and of titles; `word` ones are for Outlook on Windows."""

    text: str
    titles: str
    word_text: str = "Arial, sans-serif"
    word_titles: str = "Georgia, serif"


@dataclass(frozen=True)
class Theme:
    """A design: a folder of templates, and its defaults.

    `light` and `dark` are the grounds on which its accents stand as text. A light accent of `is_marker` lies
    under text instead. `contents` is the list "In this issue"; None for the stories, with their own links.
    `pale` are the pale colours of its own accents, if they are not computed.
    """

    description: str
    accent: str
    accent_dark: str
    light: tuple[str, ...]
    dark: tuple[str, ...]
    fonts: Fonts
    contents: ContentsKind | None = None
    is_marker: bool = False
    on_accent_dark: str = _BLACK
    pale: Mapping[str, str] | None = None


THEMES: Mapping[ThemeName, Theme] = {
    "digest": Theme(
        description="stories as cards, on a warm ground",
        accent="#9a3412",
        accent_dark="#ffb38a",
        light=("#ffffff", "#f3f1ed"),
        dark=("#1b212b", "#11151b"),
        fonts=Fonts(_SANS, "Charter, Georgia, 'Times New Roman', serif"),
        on_accent_dark="#1c1410",
        # Chosen by eye before shades were computed: mails without settings keep their bytes.
        pale={"pale": "#fdeee4", "on_pale": "#7c2d12", "pale_dark": "#3a2a22", "on_pale_dark": "#ffc9ab"},
    ),
    "letter": Theme(
        description="one sheet of paper for an essay: mostly type",
        accent="#1f4b7a",
        accent_dark="#9cc5ee",
        light=("#fdfbf5", "#f4efe2"),
        dark=("#191714", "#25221c"),
        fonts=Fonts(
            "'Iowan Old Style', Charter, Georgia, 'Times New Roman', serif",
            "'Iowan Old Style', Charter, Georgia, 'Times New Roman', serif",
            "Georgia, serif",
        ),
        contents="off",
    ),
    "gazette": Theme(
        description="a weekly with sections and pictures: heavy type, and one colour as a marker",
        accent="#ffdc3c",
        accent_dark="#ffd84a",
        light=(),
        dark=("#17181a", "#232528"),
        fonts=Fonts(
            "'Helvetica Neue', Helvetica, 'Segoe UI', Roboto, Arial, sans-serif",
            "'Helvetica Neue', Helvetica, 'Segoe UI', Roboto, Arial, sans-serif",
            word_titles="Arial, sans-serif",
        ),
        contents="sections",
        is_marker=True,
    ),
}


def palette(name: ThemeName, chosen: Mapping[str, str]) -> dict[str, str]:
    """Return the colours of a theme that depend on its accents; `chosen` may have `accent`, `accent_dark`.

    An accent for the dark that is not chosen is derived from the other one. `on_…` is the colour of text on a
    ground in that colour, and `pale` a light ground.
    """
    theme = THEMES[name]
    accent = chosen.get("accent", theme.accent)
    dark = chosen.get("accent_dark") or (
        _for_dark(accent, theme) if "accent" in chosen else theme.accent_dark
    )
    colours = {"accent": accent, "accent_dark": dark}
    colours["on_accent"] = _on_marker(accent) if theme.is_marker else _WHITE
    colours["on_accent_dark"] = theme.on_accent_dark
    if theme.pale and (accent, dark) == (theme.accent, theme.accent_dark):
        return {**colours, **theme.pale}
    for suffix, colour, ground in (("", accent, _WHITE), ("_dark", dark, theme.dark[0])):
        pale_ground = mixed(colour, ground, 0.14)
        colours[f"pale{suffix}"] = pale_ground
        colours[f"on_pale{suffix}"] = _readable(colour, (pale_ground,), lighter=bool(suffix))
    return colours


def fonts(name: ThemeName, chosen: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return the lists of fonts of a theme as CSS; `chosen` may have `text` and `titles`."""
    own = THEMES[name].fonts
    return {
        "text": _stack(chosen.get("text"), own.text),
        "titles": _stack(chosen.get("titles"), own.titles),
        "word_text": _word_stack(chosen.get("text"), own.word_text),
        "word_titles": _word_stack(chosen.get("titles"), own.word_titles),
    }


def accent_problem(name: ThemeName, accent: str) -> tuple[str, str] | None:
    """Return the problem of an accent for the light and its fix; None if text stays readable with it."""
    theme = THEMES[name]
    if not theme.is_marker:
        return _text_problem(name, accent, theme.light, "", lighter=False)
    if _is_marker(accent):
        return None
    ratio = contrast(channels(accent), channels(_WHITE))
    what = (
        f"is {accent}: text on it is not readable everywhere: white text has too little contrast "
        f"({ratio:.1f}; {MIN_CONTRAST} is needed), and mail programs with a dark design of their own turn "
        "black text white"
    )
    darker, lighter = (shade(accent, _is_marker, lighter=up) for up in (False, True))
    return what, f"write {darker} or darker, or {lighter} or lighter"


def dark_accent_problem(name: ThemeName, accent: str) -> tuple[str, str] | None:
    """Return the problem of an accent for the dark and its fix; None if it is readable as text."""
    return _text_problem(name, accent, THEMES[name].dark, "dark ", lighter=True)


def _text_problem(
    name: ThemeName, accent: str, grounds: tuple[str, ...], mode: str, *, lighter: bool
) -> tuple[str, str] | None:
    ratio, ground = lowest_contrast(accent, grounds)
    if ratio >= MIN_CONTRAST:
        return None
    what = (
        f"is {accent}: its contrast on the {mode}ground {ground} of the theme {name} is {ratio:.1f}, and "
        f"text needs {MIN_CONTRAST}"
    )
    nearest = shade(
        accent, lambda colour: lowest_contrast(colour, grounds)[0] >= MIN_CONTRAST, lighter=lighter
    )
    return what, f"write {nearest} or {'lighter' if lighter else 'darker'}"


def _is_marker(accent: str) -> bool:
    return _on_marker(accent) == _BLACK or contrast(channels(accent), channels(_WHITE)) >= MIN_CONTRAST


def _on_marker(accent: str) -> str:
    return _BLACK if brightness(accent) > _MAX_KEPT_BRIGHTNESS else _WHITE


def _for_dark(accent: str, theme: Theme) -> str:
    return _readable(accent, theme.dark, lighter=True)


@lru_cache(maxsize=64)  # it tries up to 200 shades, and each mail and page has the same colours
def _readable(colour: str, grounds: tuple[str, ...], *, lighter: bool) -> str:
    """Return the colour, or the nearest shade of it that is well readable on the grounds."""
    return shade(colour, lambda found: lowest_contrast(found, grounds)[0] >= _GOOD_CONTRAST, lighter=lighter)


def _stack(chosen: Sequence[str] | None, default: str) -> str:
    if not chosen:
        return default
    named = ", ".join(name if name in _GENERIC_FONTS else f"'{name}'" for name in chosen)
    return named if chosen[-1] in _GENERIC_FONTS else f"{named}, {default}"


def _word_stack(chosen: Sequence[str] | None, default: str) -> str:
    known = next((name for name in chosen or () if name in _FONTS_OF_WORD), None)
    return f"'{known}', {default}" if known else default
