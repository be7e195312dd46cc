"""Links that only we can have made: a keyed hash says who they belong to."""

import hashlib
import hmac

TEST = "test"
# In hexadecimal: 128 bits for the token, 96 for what else is named after a subscriber.
_TOKEN, _NAME = 32, 24


class UnsubscribeTokens:
    """Makes and reads the tokens in unsubscribe links; the same secret, the same token.

    The hash is keyed BLAKE2b (RFC 7693), six times as fast as an HMAC made anew: a million recipients have a
    link each.
    """

    def __init__(self, secret: str) -> None:
        key = hashlib.sha256(b"news.unsubscribe:" + secret.encode()).digest()
        self._keyed = hashlib.blake2b(key=key, digest_size=(_TOKEN + _NAME) // 2)

    def token(self, subscriber_id: int) -> str:
        """URL-safe; for nobody in the store (0) one that unsubscribes nobody."""
        return self.signed(subscriber_id)[0] if subscriber_id else TEST

    def signed(self, subscriber_id: int) -> tuple[str, str]:
        """A subscriber's token, and 24 letters more that nobody else can make, for names of their own.

        One hash for both: who knows the one learns nothing of the other.
        """
        hashed = self._keyed.copy()
        hashed.update(b"%d" % subscriber_id)
        letters = hashed.hexdigest()
        return f"{subscriber_id}.{letters[:_TOKEN]}", letters[_TOKEN:]

    def unsigned(self, address: str) -> tuple[str, str]:
        """The same for somebody who is not in the store: their token unsubscribes nobody."""
        hashed = self._keyed.copy()
        hashed.update(address.lower().encode())
        return TEST, hashed.hexdigest()[_TOKEN:]

    def subscriber_id(self, token: str) -> int | None:
        """Whose token it is; None where we did not make it."""
        number = token.partition(".")[0]
        if not (number.isascii() and number.isdecimal() and len(number) < 20 and token.isascii()):
            return None
        ours = self.token(int(number))
        return int(number) if hmac.compare_digest(token, ours) else None
