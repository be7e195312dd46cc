"""Tell Chinese, Japanese and Korean characters from others, and measure text in columns.

The classes are those of Unicode's East Asian Width (UAX 11): wide, fullwidth and halfwidth.
"""

import unicodedata
from functools import lru_cache

# Lines must not start with these characters, nor end with those (kinsoku shori, JIS X 4051).
NOT_FIRST = frozenset(
    "、。，．・：；？！゛゜ヽヾゝゞ々ー—…‥）〕］｝〉》」』】〗〙”’％‰℃°｡､｣ｰ"
    "ぁぃぅぇぉっゃゅょゎゕゖァィゥェォッャュョヮヵヶｧｨｩｪｫｬｭｮｯ,.:;?!)]}>%"
)
NOT_LAST = frozenset("（〔［｛〈《「『【〖〘“‘￥＄￡｢([{<$£¥#")
_HANGUL = (
    ("\u1100", "\u11ff"),
    ("\u3130", "\u318f"),
    ("\ua960", "\ua97f"),
    ("\uac00", "\ud7ff"),
    ("\uffa0", "\uffdc"),
)


@lru_cache(maxsize=8192)
def is_cjk(character: str) -> bool:
    """Return True for a character of Chinese, Japanese or Korean writing, punctuation included; no emoji."""
    if character < "\u1100":
        return False
    if "\u1160" <= character <= "\u11ff":  # the second and third parts of a Korean syllable
        return True
    is_symbol = unicodedata.category(character) in ("So", "Sk")
    is_emoji = is_symbol and not "\u2e80" <= character <= "\U0001efff"
    return unicodedata.east_asian_width(character) in ("W", "F", "H") and not is_emoji


@lru_cache(maxsize=8192)
def is_unspaced(character: str) -> bool:
    """Return True for a CJK character of a script without spaces between words: not for Korean."""
    return is_cjk(character) and not any(first <= character <= last for first, last in _HANGUL)


def columns(text: str) -> int:
    """Return the width of a text in columns; invisible characters have no width, wide ones have two."""
    return len(text) if text.isascii() else sum(map(character_columns, text))


@lru_cache(maxsize=8192)
def character_columns(character: str) -> int:
    """Return the width of a character in columns: 0, 1 or 2."""
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1
