"""The key with which SendGrid's webhook is verified: a public P-256 key in base64, as SendGrid shows it."""

import binascii
from base64 import b64decode

from newsletter.yamlfile.fields import invalid

# The DER of each such key (RFC 5480) begins so; then come the coordinates of its point.
_START = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d03010703420004")
_COORDINATE_BYTES = 32
# The curve P-256, y² = x³ - 3x + b modulo p (NIST SP 800-186, section 3.2.1.3).
_P = 2**256 - 2**224 + 2**192 + 2**96 - 1
_B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
_COPY = (
    "copy the verification key from SendGrid: Settings, Mail Settings, Event Webhook, Signature Verification"
)


def verification_key(text: str) -> str:
    """Return a verification key without blanks and the lines around it; else raise `invalid`."""
    if "PRIVATE KEY" in text:
        raise invalid("is a private key", f"{_COPY}; the private one stays with SendGrid")
    text = "".join(text.replace("-----BEGIN PUBLIC KEY-----", "").split("-----END", 1)[0].split())
    try:
        der = b64decode(text, validate=True)
    except (binascii.Error, ValueError) as failure:
        raise invalid("is not base64", _COPY) from failure
    if not der.startswith(_START):
        if der and _START.startswith(der):
            raise invalid("is only a part of a key", _COPY)
        raise invalid("is not a public key for P-256 in the format DER", _COPY)
    _refuse_damaged(der[len(_START) :])
    return text


def _refuse_damaged(point: bytes) -> None:
    """Raise `invalid` unless these are the two coordinates of a point of the curve."""
    if len(point) != 2 * _COORDINATE_BYTES:
        part = "only a part of a key" if len(point) < 2 * _COORDINATE_BYTES else "longer than a key"
        raise invalid(f"is {part}", _COPY)
    x, y = (int.from_bytes(point[i : i + _COORDINATE_BYTES], "big") for i in (0, _COORDINATE_BYTES))
    if max(x, y) >= _P or (y * y - (x**3 - 3 * x + _B)) % _P:
        raise invalid("is damaged: a character of it is wrong", _COPY)
