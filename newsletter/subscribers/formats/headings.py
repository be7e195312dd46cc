"""Find texts between the rows of a file that may change the meaning of the rows beside or below them."""

import re
from functools import lru_cache

from newsletter.subscribers.departure_columns import is_suppression_list
from newsletter.subscribers.departure_words import is_departure_value, may_be_departure_value
from newsletter.subscribers.words import phrase_key, words_of

_REMARK = re.compile(r"[(\[{:*=]")  # may begin a remark in a name, such as `Bo (unsubscribed)`
_START = 8  # characters that have the first letters of a word, and accents; many people share them
_MAX_LENGTH = 200  # characters of a text that is a heading


def is_heading(text: str) -> bool:
    """Return True for a text such as `Unsubscribed:`, which may tell who has left."""
    if len(text) > _MAX_LENGTH:
        return False
    return is_suppression_list(text) or is_departure_value(words_of(text))


def is_heading_name(name: str) -> bool:
    """Return True, quickly, for a name beside an address that tells of a departure, such as `Left: Bo`."""
    if _REMARK.search(name) and is_heading(name):
        return True
    return _may_begin_departure(name[:_START]) and is_departure_value(words_of(name))


@lru_cache(maxsize=4096)
def _may_begin_departure(start: str) -> bool:
    return may_be_departure_value(phrase_key(start))
