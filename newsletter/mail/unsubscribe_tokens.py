"""Make and verify the tokens in unsubscribe links: a subscriber's id, signed with a keyed hash.

`docs/configuration.md` describes both versions of a token for the author of an unsubscribe page.
"""

import hashlib
import hmac
import re
from collections.abc import Sequence
from typing import NamedTuple

from newsletter.mail.damaged_tokens import repaired

TEST = "test"  # the token of a test message
# Hexadecimal digits: 128 bits sign the token, 96 bits identify the subscriber in a Message-ID.
_TOKEN_DIGITS, _ID_DIGITS = 32, 24
# The point and the signature at the end of a token; the token of a test is shorter.
SIGNATURE_LENGTH = 1 + _TOKEN_DIGITS
# A token of version 1 has no version and no list: `12.…`; one of version 2 begins with it: `2.12.…`.
_TOKEN = re.compile(r"(2\.)?([1-9][0-9]{0,18})\.([0-9a-f]{32})")


class UnsubscribeTokens:
    """Make and verify the tokens of one list; a secret and a list id always make the same tokens.

    The hash is keyed BLAKE2b (RFC 7693), six times as fast as an HMAC; a send may need a million tokens. The
    key is derived from the secret and the list id: a token of another list is not valid.
    """

    def __init__(
        self, secret: str, list_id: str, *, version: int = 2, old_secrets: Sequence[str] = ()
    ) -> None:
        """Derive the keys. `version` is that of new tokens; tokens of version 1 and 2 are verified.

        `old_secrets` verify the tokens in mail that was sent before a secret was replaced.
        """
        self._verifying = [_Keys.of(one, list_id) for one in (secret, *old_secrets)]
        keys = self._verifying[0]
        self._keyed, self._prefix = (keys.first, "") if version == 1 else (keys.second, "2.")

    def token(self, subscriber_id: int) -> str:
        """Return a subscriber's URL-safe token; for subscriber 0, a token that unsubscribes nobody."""
        return self.signed(subscriber_id)[0] if subscriber_id else TEST

    def signed(self, subscriber_id: int) -> tuple[str, str]:
        """Return a subscriber's token, and 24 digits that identify the subscriber in a Message-ID.

        Both come from one hash; neither reveals the other.
        """
        digits = _digits(self._keyed, b"%d" % subscriber_id)
        return f"{self._prefix}{subscriber_id}.{digits[:_TOKEN_DIGITS]}", digits[_TOKEN_DIGITS:]

    def unsigned(self, address: str) -> tuple[str, str]:
        """Return the token and the digits of a test recipient; the token unsubscribes nobody."""
        return TEST, _digits(self._keyed, address.lower().encode())[_TOKEN_DIGITS:]

    def subscriber_id(self, token: str) -> int | None:
        """Return the id of a token's subscriber; None if the token was not signed for this list.

        A token of version 1 is valid for each list that has this secret, because it names none. A token that
        a mail program changed (`damaged_tokens`) is valid, too.
        """
        if not (parsed := _TOKEN.fullmatch(repaired(token))):
            return None
        version, number, signature = parsed.groups()
        is_valid = any(keys.have_signed(version, number, signature) for keys in self._verifying)
        return int(number) if is_valid else None


class _Keys(NamedTuple):
    """The keys of one secret, for tokens of version 1 and 2."""

    first: "hashlib.blake2b"
    second: "hashlib.blake2b"

    @classmethod
    def of(cls, secret: str, list_id: str) -> "_Keys":
        """Derive the keys of a secret."""
        second = _keyed(f"news.unsubscribe.2:{list_id.lower()}:{secret}")
        return cls(_keyed(f"news.unsubscribe:{secret}"), second)

    def have_signed(self, version: str | None, number: str, signature: str) -> bool:
        """Return True if these keys signed a token; `version` is None for version 1."""
        expected = _digits(self.second if version else self.first, number.encode())[:_TOKEN_DIGITS]
        return hmac.compare_digest(signature, expected)


def is_test(token: str) -> bool:
    """Return True for the token of a test message, which unsubscribes nobody."""
    return repaired(token) == TEST


def _keyed(text: str) -> "hashlib.blake2b":
    """Return a BLAKE2b hash of nothing yet, with a key made from this text."""
    key = hashlib.sha256(text.encode()).digest()
    return hashlib.blake2b(key=key, digest_size=(_TOKEN_DIGITS + _ID_DIGITS) // 2)


def _digits(keyed: "hashlib.blake2b", data: bytes) -> str:
    hashed = keyed.copy()
    hashed.update(data)
    return hashed.hexdigest()
