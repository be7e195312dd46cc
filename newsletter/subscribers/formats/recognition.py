"""Recognise the tool that wrote a table, by the names of its columns."""

from collections.abc import Collection, Sequence
from pathlib import PurePath

from newsletter.subscribers.formats import mailchimp, mailing_lists, publishing, sendgrid
from newsletter.subscribers.formats.model import Format
from newsletter.subscribers.words import column_key, words_of

# The first that fits is taken; a guess comes after what is certain.
FORMATS: tuple[Format, ...] = (
    *mailchimp.FORMATS,
    *sendgrid.FORMATS,
    *publishing.FORMATS,
    *mailing_lists.FORMATS,
)


def recognise(
    header: Sequence[str], ignored: Collection[int], file_name: str, rows: Sequence[Sequence[str]]
) -> Format | None:
    """Return the format of a table; its first rows decide about a guess.

    Ignored columns do not count, so a table can be read as a list of unknown origin.
    """
    keys = [column_key(name) for n, name in enumerate(header) if n not in ignored]
    words = set(words_of(PurePath(file_name).stem))
    return next((one for one in FORMATS if _fits(one, keys, words) and _has_words(one, header, rows)), None)


def _fits(one: Format, keys: Sequence[str], file_words: Collection[str]) -> bool:
    if not set(one.required) <= set(keys):
        return False
    if one.file_words and set(one.file_words).isdisjoint(file_words):
        return False
    if one.is_whole and not set(keys) <= {*one.required, *one.known}:
        return False
    return one.is_skipped or one.has_address_first or any(name in keys for name in one.address)


def _has_words(one: Format, header: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Return True if the format is certain, or the first rows have its words of states, and no others."""
    if not one.is_guess:
        return True
    keys = [column_key(name) for name in header]
    found = {
        column.judge(row[n])
        for column in one.states
        for n, key in enumerate(keys)
        if key == column.name
        for row in rows
    } - {None}
    return bool(found) and "unknown_state" not in found
