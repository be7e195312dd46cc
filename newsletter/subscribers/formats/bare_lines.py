"""Read a list without a header: each line is an address, or a name and an address in angle brackets."""

from collections.abc import Iterator
from email.utils import unquote

from newsletter.constants import SubscriberState
from newsletter.errors import Problem, SubscriberError
from newsletter.subscribers.import_row import ImportRow
from newsletter.subscribers.parsing import parse_subscriber
from newsletter.subscribers.table import Record


def read_lines(
    records: Iterator[Record | Problem], shown: str, state: SubscriberState
) -> Iterator[ImportRow | Problem]:
    """Yield the rows of a list without a header, and a Problem for each line that is not one address."""
    for record in records:
        if isinstance(record, Problem):
            yield record
            continue
        text = " ".join(record.fields).strip().rstrip(",;").strip()
        if not text:
            continue
        where = f"{shown}:{record.line}"
        try:
            address, name = parse_subscriber(*_parts(text))
        except SubscriberError as problem:
            yield Problem(where, problem.what, problem.hint)
        else:
            yield ImportRow(where, address, name, state)


def _parts(line: str) -> tuple[str, str]:
    """Return the address of a line, and its name; raise SubscriberError for a second address.

    Mail programs repeat the address as the name: a name with an @-sign is left out.
    """
    name, bracket, rest = line.partition("<")
    if not bracket:
        return line, ""
    address, end, after = rest.partition(">")
    if not end or after or "<" in address:
        raise SubscriberError("the line is not one address", "write it as `Ada Example <ada@example.com>`")
    name = unquote(name.strip())
    return address.strip(), "" if "@" in name else name
