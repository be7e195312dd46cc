"""Refuse a part of a mail that is too large to be made into messages quickly.

A message is made from a finished part without the limits of time and memory that rendering has.
"""

from itertools import islice

from newsletter.constants import PLACEHOLDER
from newsletter.errors import TemplateError
from newsletter.render.templates import Filled

# A mail has about ten. A value has about 500 characters at most, so that all of them make some megabytes.
MAX_PLACEHOLDERS = 1_000
# Gmail clips mail at 102 KB. Two parts of this size become a message in about 0.2 seconds.
MAX_PART_BYTES = 2_000_000


def refuse_oversize(name: str, part: str, filled: Filled) -> None:
    """Raise TemplateError if a part has too many bytes or placeholders; `filled` is its source.

    The error has the line of the template that wrote the first character or placeholder too many.
    """
    # The first comparison spares a copy of a huge part.
    if len(part) > MAX_PART_BYTES or len(part.encode()) > MAX_PART_BYTES:
        what = f"the {name} is larger than {MAX_PART_BYTES // 1_000_000} MB"
        fix = "shorten the issue, or look for a repetition in the templates"
        raise TemplateError(what, fix, where=filled.where(min(MAX_PART_BYTES, len(filled.text) - 1)))
    if next(islice(PLACEHOLDER.finditer(part), MAX_PLACEHOLDERS, None), None):
        what = f"the {name} has more than {MAX_PLACEHOLDERS:,} placeholders such as [[name]]"
        fix = "remove placeholders from the issue, or look for a repetition in the templates"
        excess = next(islice(PLACEHOLDER.finditer(filled.text), MAX_PLACEHOLDERS, None), None)
        raise TemplateError(what, fix, where=filled.where(excess.start() if excess else 0))
