"""Read the addresses of a list without a header, some with a name before the angle brackets."""

from collections.abc import Iterator
from email.utils import unquote

from newsletter.constants import SubscriberState
from newsletter.display import printable
from newsletter.errors import Problem, SubscriberError
from newsletter.subscribers.formats.headings import is_heading, is_heading_name
from newsletter.subscribers.import_row import ImportRow
from newsletter.subscribers.parsing import parse_subscriber
from newsletter.subscribers.table import Record

_MAX_SHOWN = 100  # characters of a record in a message


def read_addresses(
    records: Iterator[Record | Problem], shown: str, state: SubscriberState
) -> Iterator[ImportRow | Problem]:
    """Yield the rows of a list without a header, and a Problem for each record that is not one address.

    Raise SubscriberError for a text that may tell the state of a person beside it, or of those below it,
    unless `state` is that of people who have left.
    """
    for record in records:
        if isinstance(record, Problem):
            yield record
            continue
        text = " ".join(record.fields).strip().rstrip(",;").strip()
        if not text:
            continue
        where = f"{shown}:{record.line}"
        if "@" not in text and state == "active":
            raise _not_only_addresses(text, where)
        try:
            address, name = parse_subscriber(*_parts(text))
        except SubscriberError as problem:
            if state == "active" and is_heading(text):
                raise _not_only_addresses(text, where) from problem
            yield Problem(where, problem.what, problem.hint)
        else:
            if name and state == "active" and is_heading_name(name):
                raise _not_only_addresses(name, where)
            yield ImportRow(where, address, name, state)


def _not_only_addresses(text: str, where: str) -> SubscriberError:
    what = (
        f"the file has no header, and `{printable(text, _MAX_SHOWN)}` may tell the state of a person; "
        "nothing was imported"
    )
    hint = "write a first line with the names of the columns, such as `address,state`, or delete this text"
    return SubscriberError(what, hint, where=where)


def _parts(text: str) -> tuple[str, str]:
    """Return the address of a record, and its name; raise SubscriberError for a second address.

    Mail programs repeat the address as the name: a name with an @-sign is left out.
    """
    name, bracket, rest = text.partition("<")
    if not bracket:
        return text, ""
    address, end, after = rest.partition(">")
    if not end or after or "<" in address:
        what = f"`{printable(text, _MAX_SHOWN)}` is not one address"
        raise SubscriberError(what, "write it as `Ada Example <ada@example.com>`")
    name = unquote(name.strip())
    return address.strip(), "" if "@" in name else name
