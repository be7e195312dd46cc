"""Email addresses: what counts as one, and when two are the same."""

from dataclasses import dataclass

MAX_LOCAL = 64
"""RFC 5321, 4.5.3.1.1; a provider may refuse a whole batch for one longer than that."""


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
    # Imported here, since `news --help` and most commands validate no address.
    from email_validator import EmailNotValidError, validate_email

    try:
        valid = validate_email(text.strip(), check_deliverability=False, allow_smtputf8=False)
    except EmailNotValidError as problem:
        reason = str(problem).rstrip(".")
        raise BadAddress(reason[:1].lower() + reason[1:]) from None
    given = valid.ascii_email
    if given is None:
        raise BadAddress("the part before the @-sign has letters outside ASCII")
    if len(valid.local_part) > MAX_LOCAL:
        raise BadAddress(f"the part before the @-sign is longer than {MAX_LOCAL} characters")
    return Address(given, given.lower())
