"""Make and verify the tokens in unsubscribe links: a subscriber's id, signed with a keyed hash.

`docs/configuration.md` describes both versions of a token for the author of an unsubscribe page.
"""

import hashlib
import hmac
import re

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

    def __init__(self, secret: str, list_id: str, *, version: int = 2) -> None:
        """Derive the keys. `version` is that of new tokens; tokens of version 1 and 2 are verified."""
        self._first = _keyed(f"news.unsubscribe:{secret}")
        self._second = _keyed(f"news.unsubscribe.2:{list_id.lower()}:{secret}")
        self._keyed, self._prefix = (self._first, "") if version == 1 else (self._second, "2.")

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

        A token of version 1 is valid for each list that has this secret, because it names none.
        """
        if not (parsed := _TOKEN.fullmatch(token)):
            return None
        version, number, signature = parsed.groups()
        expected = _digits(self._second if version else self._first, number.encode())[:_TOKEN_DIGITS]
        return int(number) if hmac.compare_digest(signature, expected) else None


def _keyed(text: str) -> "hashlib.blake2b":
    """Return a BLAKE2b hash of nothing yet, with a key made from this text."""
    key = hashlib.sha256(text.encode()).digest()
    return hashlib.blake2b(key=key, digest_size=(_TOKEN_DIGITS + _ID_DIGITS) // 2)


def _digits(keyed: "hashlib.blake2b", data: bytes) -> str:
    hashed = keyed.copy()
    hashed.update(data)
    return hashed.hexdigest()
