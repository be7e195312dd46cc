"""Find texts between the rows of a file that may change the meaning of the rows beside or below them."""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from newsletter.display import printable
from newsletter.errors import Problem, SubscriberError
from newsletter.subscribers.departure_columns import is_suppression_list
from newsletter.subscribers.departure_words import START_LETTERS, VALUE_STARTS, is_departure_value
from newsletter.subscribers.formats.header_names import is_address_name
from newsletter.subscribers.table import Record
from newsletter.subscribers.words import column_key, phrase_key, words_of

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
    return phrase_key(start)[:START_LETTERS] in VALUE_STARTS


def refuse_headings(
    records: Iterable[Record | Problem], header: Sequence[str], address: int, shown: str
) -> Iterator[Record | Problem]:
    """Yield the records of a table, without those that repeat its header.

    Raise SubscriberError for another header, of a second file in this one, and for a heading such as
    `Unsubscribed:`: they change the meaning of the rows below them. `address` is the position of a column.
    """
    for record in records:
        if isinstance(record, Problem) or "@" in record.fields[address]:
            yield record
        elif not _is_equal(record.fields, header):
            _refuse_heading(record, header[address], address, shown)
            yield record


def _is_equal(fields: Sequence[str], header: Sequence[str]) -> bool:
    return list(map(column_key, fields)) == list(map(column_key, header))


def _refuse_heading(record: Record, address_name: str, address: int, shown: str) -> None:
    where, cell = f"{shown}:{record.line}", record.fields[address].strip()
    if cell and (is_address_name(cell) or column_key(cell) == column_key(address_name)):
        what = "the line is another header, so the file may be two files in one; nothing was imported"
        raise SubscriberError(what, "save the files one by one, and name them all", where=where)
    filled = list(filter(None, map(str.strip, record.fields)))
    text = cell or (filled[0] if len(filled) == 1 else "")
    if text and is_heading(text):
        what = f"`{printable(text, 100)}` in place of an address may tell who has left; nothing was imported"
        hint = "save the people below it as a file of their own, or delete this line"
        raise SubscriberError(what, hint, where=where)
