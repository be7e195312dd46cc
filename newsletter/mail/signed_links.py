"""Make and verify the tokens of links that confirm a sign-up, or open a person's own data.

A token begins with the letter of its purpose. The purpose and the list are in the derivation of the keys, so
that no token is valid for another purpose or list.
"""

import hashlib
import hmac
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal, NamedTuple

from newsletter.mail.damaged_tokens import repaired

_Purpose = Literal["confirm", "data"]
_DIGITS = 32  # hexadecimal: 128 bits
_CONFIRM = re.compile(r"c\.([1-9][0-9]{0,17})\.([0-9a-f]{32})")
_DATA = re.compile(r"d\.([1-9][0-9]{0,17}\.[1-9][0-9]{0,10})\.([0-9a-f]{32})")


class DataLink(NamedTuple):
    """The subscriber whose data a link opens, and the time until which it does."""

    subscriber_id: int
    expires: datetime


class SignedLinks:
    """Make and verify the tokens of one list: the first secret signs, and all of them verify."""

    def __init__(self, secrets: Sequence[str], list_id: str) -> None:
        """Derive the keys."""
        self._keys: dict[_Purpose, list[bytes]] = {
            "confirm": [_key("confirm", secret, list_id) for secret in secrets],
            "data": [_key("data", secret, list_id) for secret in secrets],
        }

    def confirm_token(self, sign_up_id: int) -> str:
        """Return the URL-safe token of the link that confirms a sign-up."""
        return f"c.{self._signed('confirm', str(sign_up_id))}"

    def sign_up_id(self, token: str) -> int | None:
        """Return the id of a token's sign-up; None if the token was not signed for this list."""
        signed = self._verified("confirm", _CONFIRM, token)
        return int(signed) if signed else None

    def data_token(self, subscriber_id: int, expires: datetime) -> str:
        """Return the URL-safe token of the link to a person's own data, which is valid until `expires`."""
        return f"d.{self._signed('data', f'{subscriber_id}.{int(expires.timestamp())}')}"

    def data_link(self, token: str) -> DataLink | None:
        """Return the content of a token; None if the token was not signed for this list."""
        signed = self._verified("data", _DATA, token)
        if not signed:
            return None
        subscriber_id, expires = map(int, signed.split("."))
        return DataLink(subscriber_id, datetime.fromtimestamp(expires, UTC))

    def _signed(self, purpose: _Purpose, text: str) -> str:
        return f"{text}.{_signature(self._keys[purpose][0], text)}"

    def _verified(self, purpose: _Purpose, form: "re.Pattern[str]", token: str) -> str | None:
        """Return the signed text of a token; None if no key signed it."""
        if not (parsed := form.fullmatch(repaired(token))):
            return None
        text, signature = parsed.groups()
        valid = [hmac.compare_digest(signature, _signature(key, text)) for key in self._keys[purpose]]
        return text if any(valid) else None


def _key(purpose: _Purpose, secret: str, list_id: str) -> bytes:
    return hashlib.sha256(f"news.link.{purpose}:{list_id.lower()}:{secret}".encode()).digest()


def _signature(key: bytes, text: str) -> str:
    return hashlib.blake2b(text.encode(), key=key, digest_size=_DIGITS // 2).hexdigest()
