"""Seal and open a state: compressed, padded, encrypted and authenticated with AES-256-GCM.

A sealed state is `news-state 1\\n`, the id of the key (4 bytes), a salt (16), a nonce (12), and the encrypted
content with its tag (16). The content is the length of the gzip data (8 bytes, big-endian), the data, and
zero bytes up to the padded size. The key of each sealed state is derived from the state key and the salt by
HKDF-SHA256.
"""

import os
import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from newsletter.errors import StateError
from newsletter.state.state_key import VARIABLE, StateKey

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

STATE, LEASE = b"state", b"lease"
"""The purposes: content sealed for one is not opened for the other."""
MIN_STATE_BYTES, MIN_LEASE_BYTES = 64 * 1024, 512
"""The smallest padded sizes: smaller contents of one purpose cannot be told apart by their size."""
MAX_UNPACKED_BYTES = 1024**3
_NAME, _VERSION = b"news-state ", b"1"
_ID_BYTES, _SALT_BYTES, _NONCE_BYTES, _TAG_BYTES, _LENGTH_BYTES = 4, 16, 12, 16, 8
_FIRST_LINE = _NAME + _VERSION + b"\n"
_HEADER_BYTES = len(_FIRST_LINE) + _ID_BYTES + _SALT_BYTES + _NONCE_BYTES
_MAX_FIRST_LINE_BYTES = 32
_GZIP = 31  # the `wbits` of zlib for a gzip header, in which zlib writes no time
_RESTORE = "get it again, or restore a backup: news state load"


def seal(content: bytes, key: StateKey, purpose: bytes, *, min_bytes: int = MIN_STATE_BYTES) -> bytes:
    """Return content sealed with a key for a purpose; its size reveals the size of the content roughly.

    `min_bytes` is the smallest padded size of the compressed content.
    """
    packed = zlib.compress(content, 6, wbits=_GZIP)
    framed = len(packed).to_bytes(_LENGTH_BYTES, "big") + packed
    padded = framed.ljust(max(min_bytes, padded_size(len(framed))), b"\0")
    salt, nonce = os.urandom(_SALT_BYTES), os.urandom(_NONCE_BYTES)
    header = _FIRST_LINE + key.id + salt + nonce
    return header + _cipher(key, salt, purpose).encrypt(nonce, padded, header + purpose)


def unseal(
    sealed: bytes,
    keys: Sequence[StateKey],
    purpose: bytes,
    *,
    where: str = "the sealed state",
    max_bytes: int = MAX_UNPACKED_BYTES,
) -> bytes:
    """Return the content of a sealed state; `where` names it in messages.

    Raise StateError, each time with its own message, if it is no sealed state, has a newer format, was sealed
    with none of the keys, is damaged, or unpacks to more than `max_bytes`.
    """
    _refuse_other_format(sealed, where)
    header = sealed[:_HEADER_BYTES]
    if len(sealed) < _HEADER_BYTES + _TAG_BYTES + _LENGTH_BYTES:
        raise _damaged(where)
    key_id, salt, nonce = _fields(header)
    key = next((key for key in keys if key.id == key_id), None)
    if key is None:
        what = f"was sealed with another key than {VARIABLE} holds"
        fix = (
            f"set {VARIABLE} to the newsletter's state key; if it was replaced after this run was queued, "
            "start a new run"
        )
        raise StateError.of(where, what, fix)
    padded = _decrypt(_cipher(key, salt, purpose), nonce, sealed[_HEADER_BYTES:], header + purpose, where)
    length = int.from_bytes(padded[:_LENGTH_BYTES], "big")
    packed = padded[_LENGTH_BYTES : _LENGTH_BYTES + length]
    if len(packed) != length:
        raise _damaged(where)
    return _unpack(packed, where, max_bytes)


def is_sealed_with(key: StateKey, sealed: bytes) -> bool:
    """Return True if the first line and the key id of a sealed state are those that a key writes."""
    return sealed.startswith(_FIRST_LINE + key.id)


def padded_size(size: int) -> int:
    """Return the size to which a size is padded: at most 12 % more.

    Padmé, https://petsymposium.org/popets/2019/popets-2019-0056.pdf, section 4: the binary number keeps only
    as many leading digits as its exponent has digits.
    """
    if size < 2:
        return size
    exponent = size.bit_length() - 1
    rounded_bits = exponent - exponent.bit_length()
    mask = (1 << rounded_bits) - 1
    return (size + mask) & ~mask


def _cipher(key: StateKey, salt: bytes, purpose: bytes) -> "AESGCM":
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    derived = HKDF(algorithm=SHA256(), length=32, salt=salt, info=_FIRST_LINE + purpose).derive(key.secret)
    return AESGCM(derived)


def _decrypt(cipher: "AESGCM", nonce: bytes, content: bytes, associated: bytes, where: str) -> bytes:
    from cryptography.exceptions import InvalidTag

    try:
        return cipher.decrypt(nonce, content, associated)
    except InvalidTag as failure:
        raise _damaged(where) from failure


def _fields(header: bytes) -> tuple[bytes, bytes, bytes]:
    """Return the id of the key, the salt and the nonce."""
    after_id = len(_FIRST_LINE) + _ID_BYTES
    after_salt = after_id + _SALT_BYTES
    return header[len(_FIRST_LINE) : after_id], header[after_id:after_salt], header[after_salt:]


def _refuse_other_format(sealed: bytes, where: str) -> None:
    if sealed.startswith(_FIRST_LINE):
        return
    version, newline, _ = sealed[:_MAX_FIRST_LINE_BYTES].removeprefix(_NAME).partition(b"\n")
    if sealed.startswith(_NAME) and newline and version.isdigit():
        what = "was sealed by a newer version of news, in a format that this version cannot read"
        raise StateError.of(where, what, "install the newest version of news")
    fix = "name a file that `news state save` wrote, or the ref of a newsletter's state"
    raise StateError.of(where, "is not a sealed state", fix)


def _unpack(packed: bytes, where: str, max_bytes: int) -> bytes:
    unpacker = zlib.decompressobj(wbits=_GZIP)
    try:
        content = unpacker.decompress(packed, max_bytes + 1)
    except zlib.error as failure:
        raise _damaged(where) from failure
    if len(content) > max_bytes:
        what = f"unpacks to more than {max_bytes:,} bytes"
        raise StateError.of(where, what, "use PostgreSQL for a list of this size")
    if not unpacker.eof or unpacker.unused_data:
        raise _damaged(where)
    return content


def _damaged(where: str) -> StateError:
    return StateError.of(where, "is damaged: it is not as it was sealed", _RESTORE)
