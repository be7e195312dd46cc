"""Email addresses: what counts as one, and when two are the same."""

import re
from dataclasses import dataclass

MAX_LOCAL = 64
"""RFC 5321, 4.5.3.1.1; a provider may refuse a whole batch for one longer than that."""

# The shape that nearly every address has, and that email-validator takes as it is (a test compares the two).
# It need not be imported for these, which is 17 ms of each start, nor called, which is 20 s of a million.
_USUAL = re.compile(
    r"(?=.{1,64}@.{1,180}$)[A-Za-z0-9]+(?:[._+-][A-Za-z0-9]+)*"
    r"@(?:(?:[A-Za-z0-9]{1,30}(?:-[A-Za-z0-9]{1,30})?)\.){1,5}[A-Za-z]{2,20}"
)
_SPECIAL = ("arpa", "invalid", "local", "localhost", "onion", "test")


class BadAddress(ValueError):
    """Not an address that mail can be sent to; the text says why, as a part of a sentence."""


@dataclass(frozen=True, slots=True)
class Address:
    """`given` is what mail is sent to (IDN domains in ASCII); `key` is equal where addresses are the same."""

    given: str
    key: str


def parse(text: str) -> Address:
    """One address, without a look at the network; raises BadAddress.

    Local parts outside ASCII are refused, since few servers take them (SMTPUTF8, RFC 6531). Upper and lower
    case are the same mailbox in practice, so `key` folds them; mail still goes to the spelling as given.
    """
    text = text.strip()
    local, _, domain = text.rpartition("@")
    if _USUAL.fullmatch(text) and domain.lower().rpartition(".")[2] not in _SPECIAL:
        return Address(f"{local}@{domain.lower()}", text.lower())
    return _parse(text)


def _parse(text: str) -> Address:
    from email_validator import EmailNotValidError, validate_email

    try:
        valid = validate_email(text, check_deliverability=False, allow_smtputf8=False)
    except EmailNotValidError as problem:
        reason = str(problem).rstrip(".")
        raise BadAddress(reason[:1].lower() + reason[1:]) from problem
    given = valid.ascii_email
    if given is None:
        raise BadAddress("the part before the @-sign has letters outside ASCII")
    if len(valid.local_part) > MAX_LOCAL:
        raise BadAddress(f"the part before the @-sign is longer than {MAX_LOCAL} characters")
    return Address(given, given.lower())
