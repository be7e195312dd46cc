"""Make and verify the tokens in unsubscribe links: a subscriber's id, signed with a keyed hash."""

import hashlib
import hmac

TEST = "test"  # the token of a test message
# Hexadecimal digits: 128 bits sign the token, 96 bits identify the subscriber in a Message-ID.
_TOKEN_DIGITS, _ID_DIGITS = 32, 24


class UnsubscribeTokens:
    """Make and verify the tokens in unsubscribe links; one secret always makes the same tokens.

    The hash is keyed BLAKE2b (RFC 7693), six times as fast as an HMAC; a send may need a million tokens.
    """

    def __init__(self, secret: str) -> None:
        key = hashlib.sha256(b"news.unsubscribe:" + secret.encode()).digest()
        self._keyed = hashlib.blake2b(key=key, digest_size=(_TOKEN_DIGITS + _ID_DIGITS) // 2)

    def token(self, subscriber_id: int) -> str:
        """Return a subscriber's URL-safe token; for subscriber 0, a token that unsubscribes nobody."""
        return self.signed(subscriber_id)[0] if subscriber_id else TEST

    def signed(self, subscriber_id: int) -> tuple[str, str]:
        """Return a subscriber's token, and 24 digits that identify the subscriber in a Message-ID.

        Both come from one hash; neither reveals the other.
        """
        hashed = self._keyed.copy()
        hashed.update(b"%d" % subscriber_id)
        digits = hashed.hexdigest()
        return f"{subscriber_id}.{digits[:_TOKEN_DIGITS]}", digits[_TOKEN_DIGITS:]

    def unsigned(self, address: str) -> tuple[str, str]:
        """Return the token and the digits of a test recipient; the token unsubscribes nobody."""
        hashed = self._keyed.copy()
        hashed.update(address.lower().encode())
        return TEST, hashed.hexdigest()[_TOKEN_DIGITS:]

    def subscriber_id(self, token: str) -> int | None:
        """Return the id of a token's subscriber; None if the token was not signed with this secret."""
        number = token.partition(".")[0]
        if not (number.isascii() and number.isdecimal() and len(number) < 20 and token.isascii()):
            return None
        expected = self.token(int(number))
        return int(number) if hmac.compare_digest(token, expected) else None
