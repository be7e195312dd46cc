"""Tell addresses that a provider reads as one address from those that it could read otherwise."""

import re

# ASCII without blanks, quotation marks, and what separates or encloses addresses (RFC 5322, 3.4).
_CHARACTER = r"(?![,;:<>()\"\\@])[!-~]"
_SINGLE = re.compile(rf"(?:{_CHARACTER})+@(?:{_CHARACTER})+")


def is_single_address(address: str) -> bool:
    """Return True if an address stands in a list of addresses as it is, without quotation marks."""
    return _SINGLE.fullmatch(address) is not None
