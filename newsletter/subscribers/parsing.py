"""Parse a subscriber's address and name, as typed in a file or on the command line."""

from pydantic_core import PydanticCustomError

from newsletter.display import printable
from newsletter.errors import SubscriberError
from newsletter.hidden_characters import find_hidden
from newsletter.subscribers.address import Address, BadAddress, parse
from newsletter.yamlfile.fields import one_line


def parse_subscriber(address: str, name: str = "") -> tuple[Address, str]:
    """Return the address and the name, which may be empty. Raise SubscriberError if one is invalid."""
    if hidden := find_hidden(name):  # the name stands in the header `To`, and in the text of the mail
        raise SubscriberError(f"the name has {hidden[0]}", "delete this character")
    try:
        return parse(address), one_line(name) if name.strip() else ""
    except BadAddress as problem:
        what = f'"{printable(address.strip())}" is not an email address ({problem})'
        raise SubscriberError(what, "write it as name@example.com") from problem
    except PydanticCustomError as problem:
        reason = (problem.context or {}).get("what")
        raise SubscriberError(f"the name {reason}", "write the name in one line") from problem
