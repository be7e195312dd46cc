"""Validate email addresses, and make a key that is equal for equal addresses."""

import re
from dataclasses import dataclass

MAX_LOCAL = 64
"""Characters before the @-sign (RFC 5321, 4.5.3.1.1); a provider may reject a batch for a longer one."""

# The form of nearly every address, which email-validator accepts unchanged (a test compares the two).
# For these, email-validator is not imported, which saves 17 ms of each start, and not called, which saves
# 20 s for a million addresses. The two parts must not be too long, either (`_is_common`).
_COMMON_FORM = re.compile(
    r"[A-Za-z0-9]+(?:[._+-][A-Za-z0-9]+)*"
    r"@(?:(?:[A-Za-z0-9]{1,30}(?:-[A-Za-z0-9]{1,30})?)\.){1,5}[A-Za-z]{2,20}"
)
_MAX_COMMON_DOMAIN = 180  # characters
_RESERVED_DOMAINS = ("arpa", "invalid", "local", "localhost", "onion", "test")


# Words of email-validator, and the reason in ours; `{end}` is the last part of the domain.
_REASONS = (
    ("should have a period", "there is no dot after the @-sign: the domain has an end such as .com"),
    ("special-use or reserved", "mail reaches no domain that ends with {end}, which is reserved"),
    ("not within a valid top-level domain", "the domain ends with {end}, not with an end such as .com"),
)


class BadAddress(ValueError):
    """The error for text that is not a valid address; its message is the reason, as a part of a sentence."""


@dataclass(frozen=True, slots=True)
class Address:
    """An email address.

    `given` is the spelling that mail is sent to (IDN domains in ASCII). `key` is equal for equal addresses.
    The hashes of forgotten people are made of it, so that a change of its rules would bring them back.
    """

    given: str
    key: str


def parse(text: str) -> Address:
    """Parse one address without network access. Raise BadAddress if it is not valid.

    Local parts outside ASCII are rejected, because few servers accept them (SMTPUTF8, RFC 6531). Upper and
    lower case mean the same mailbox in practice, so `key` is in lower case; mail is sent to `given`.
    """
    text = text.strip()
    local, _, domain = text.rpartition("@")
    domain = domain.lower()
    if _is_common(text, local, domain):
        return Address(f"{local}@{domain}", text.lower())
    return _parse_strictly(text)


def mailbox_key(address_key: str) -> str:
    """Return the key of an address without what follows a plus sign, which leads to the same mailbox."""
    local, at, domain = address_key.rpartition("@")
    return f"{local.partition('+')[0]}{at}{domain}"


def half_hidden(address: str) -> str:
    """Return an address of which only its owner recognises the hidden part: `s•••@example.com`.

    A local part of one character is hidden whole.
    """
    local, at, domain = address.rpartition("@")
    return f"{local[:1] if len(local) > 1 else ''}•••{at}{domain}"


def _is_common(text: str, local: str, domain: str) -> bool:
    """Return True for an address that needs no further look; its domain is in lower case."""
    if len(local) > MAX_LOCAL or len(domain) > _MAX_COMMON_DOMAIN or not _COMMON_FORM.fullmatch(text):
        return False
    return domain.rpartition(".")[2] not in _RESERVED_DOMAINS


def _parse_strictly(text: str) -> Address:
    from email_validator import EmailNotValidError, validate_email

    try:
        valid = validate_email(text, check_deliverability=False, allow_smtputf8=False)
    except EmailNotValidError as problem:
        raise BadAddress(_reason(str(problem), text.rpartition("@")[2])) from problem
    ascii_email = valid.ascii_email
    if ascii_email is None:
        raise BadAddress("the part before the @-sign has letters outside ASCII")
    if len(valid.local_part) > MAX_LOCAL:
        raise BadAddress(f"the part before the @-sign is longer than {MAX_LOCAL} characters")
    return Address(ascii_email, ascii_email.lower())


def _reason(problem: str, domain: str) -> str:
    """Return a problem of email-validator as a part of a sentence."""
    for words, reason in _REASONS:
        if words in problem:
            return reason.format(end=f".{domain.rpartition('.')[2]}")
    return problem[:1].lower() + problem[1:].rstrip(".")
