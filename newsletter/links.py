"""Links that only we can have made: itsdangerous signs who they belong to."""

import hashlib

from itsdangerous import BadSignature, Signer

TEST = "test"


class Links:
    """Makes and reads the tokens in unsubscribe links; the same secret, the same token."""

    def __init__(self, secret: str) -> None:
        self._signer = Signer(secret, salt="news.unsubscribe", digest_method=hashlib.sha256)

    def token(self, subscriber_id: int) -> str:
        """URL-safe; for nobody in the store (0) one that unsubscribes nobody."""
        return self._signer.sign(str(subscriber_id)).decode() if subscriber_id else TEST

    def subscriber_id(self, token: str) -> int | None:
        """Whose token it is; None where we did not make it."""
        try:
            return int(self._signer.unsign(token))
        except (BadSignature, ValueError):
            return None
