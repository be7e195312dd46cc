"""The state key, which seals a newsletter's state; its text has check bytes, which reveal typing errors."""

import base64
import hashlib
import secrets
from dataclasses import dataclass, field

from newsletter.errors import StateError

VARIABLE = "NEWS_STATE_KEY"
_PREFIX = "nsk1_"
_SECRET_BYTES, _CHECK_BYTES, _ID_BYTES = 32, 4, 4
_TEXT_LENGTH = 63
_MAX_KEYS = 2
_MAKE = "if there is no state yet, make a key: news state init"


@dataclass(frozen=True)
class StateKey:
    """A key of 32 secret bytes, which no message and no log shows."""

    secret: bytes = field(repr=False)

    @property
    def id(self) -> bytes:
        """Return 4 bytes that name the key in the header of what it sealed, and reveal nothing about it."""
        return hashlib.sha256(b"news.state-key.id:" + self.secret).digest()[:_ID_BYTES]

    @property
    def text(self) -> str:
        """Return the key as text, as NEWS_STATE_KEY holds it: 63 letters, digits and `_`."""
        encoded = base64.b32encode(self.secret + _check_bytes(self.secret))
        return _PREFIX + encoded.decode("ascii").rstrip("=")


def make_state_key() -> StateKey:
    """Return a new random key."""
    return StateKey(secrets.token_bytes(_SECRET_BYTES))


def parse_state_keys(text: str) -> tuple[StateKey, ...]:
    """Return the keys in the value of NEWS_STATE_KEY: one, or two while it is replaced, the newest first.

    The first seals, and each of them opens. They are separated by a comma or white space. Raise StateError if
    one is not a key or is damaged, or if there are none, more than two, or two equal keys; no message quotes
    them.
    """
    words = text.replace(",", " ").split()
    if not words:
        raise _invalid("holds no key", f"set it to the newsletter's state key; {_MAKE}")
    if len(words) > _MAX_KEYS:
        what = f"holds {len(words)} keys or words, and {_MAX_KEYS} is the most"
        raise _invalid(what, "keep the newest, and the one before it while you replace it")
    names = [""] if len(words) == 1 else ["the first key", "the second key"]
    keys = tuple(_parse(word, name) for word, name in zip(words, names, strict=True))
    if len(set(keys)) < len(keys):
        raise _invalid("holds the same key twice", "remove one of the two")
    return keys


def _parse(word: str, name: str) -> StateKey:
    """Return the key in a word; `name` tells it from the other key in messages."""
    prefixed = f"{name} " if name else ""
    if not word.startswith(_PREFIX):
        what = f"{prefixed}is not a state key: a key starts with {_PREFIX}"
        raise _invalid(what, f"copy the whole key from where you keep it; {_MAKE}")
    if (secret := _decode(word)) is None:
        what = f"{prefixed}is damaged: it is not complete, or a character is wrong"
        raise _invalid(what, f"copy it again from where you keep it; it has {_TEXT_LENGTH} characters")
    return StateKey(secret)


def _decode(word: str) -> bytes | None:
    """Return the secret bytes of a key's text; None if its check bytes do not match."""
    encoded = word.removeprefix(_PREFIX)
    try:
        decoded = base64.b32decode(encoded + "=" * (-len(encoded) % 8))
    except ValueError:
        return None
    secret = decoded[:_SECRET_BYTES]
    is_valid = decoded == secret + _check_bytes(secret) and StateKey(secret).text == word
    return secret if is_valid and len(secret) == _SECRET_BYTES else None


def _check_bytes(secret: bytes) -> bytes:
    return hashlib.sha256(b"news.state-key.check:" + secret).digest()[:_CHECK_BYTES]


def _invalid(what: str, fix: str) -> StateError:
    return StateError.of("environment", f"{VARIABLE}: {what}", fix)
