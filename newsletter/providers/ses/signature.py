"""Sign requests to AWS with Signature Version 4.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html. A request
without a query string is signed in its headers; the secret key itself is never sent.
"""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote

_ALGORITHM = "AWS4-HMAC-SHA256"


class Credentials(NamedTuple):
    """A key of AWS; `session_token` belongs to a temporary key, else it is ""."""

    access_key_id: str
    secret_access_key: str
    session_token: str = ""

    def __repr__(self) -> str:
        return f"Credentials({self.access_key_id!r})"


class Scope(NamedTuple):
    """The region and the service for which a signature is valid."""

    region: str
    service: str = "ses"


def sign(
    method: str,
    path: str,
    headers: Mapping[str, str],
    pieces: Sequence[bytes],
    credentials: Credentials,
    scope: Scope,
    now: datetime,
) -> dict[str, str]:
    """Return the headers of a request with those that sign it at the time `now`.

    `headers` must contain Host; all of them are signed. `path` is the path as it is sent, without a query.
    """
    time = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    named = {**headers, "X-Amz-Date": time}
    if credentials.session_token:
        named["X-Amz-Security-Token"] = credentials.session_token
    signed_headers, canonical = _canonical_request(method, path, named, pieces)
    within = f"{time[:8]}/{scope.region}/{scope.service}/aws4_request"
    text = "\n".join((_ALGORITHM, time, within, hashlib.sha256(canonical.encode()).hexdigest()))
    key = signing_key(credentials.secret_access_key, time[:8], scope)
    signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    named["Authorization"] = (
        f"{_ALGORITHM} Credential={credentials.access_key_id}/{within}, "
        f"SignedHeaders={signed_headers}, Signature={signature}"
    )
    return named


def _canonical_request(
    method: str, path: str, headers: Mapping[str, str], pieces: Sequence[bytes]
) -> tuple[str, str]:
    """Return the names of the signed headers, and the canonical form of the request."""
    by_name = sorted((name.lower(), " ".join(value.split())) for name, value in headers.items())
    names = ";".join(name for name, _ in by_name)
    lines = "".join(f"{name}:{value}\n" for name, value in by_name)
    content = hashlib.sha256()
    for piece in pieces:
        content.update(piece)
    # A path that is sent percent-encoded is encoded once more; only S3 does not do this.
    return names, "\n".join((method, quote(path, safe="/~"), "", lines, names, content.hexdigest()))


@lru_cache(maxsize=4)
def signing_key(secret_access_key: str, date: str, scope: Scope) -> bytes:
    """Return the key that signs the requests of a day, `YYYYMMDD`, within a scope."""
    key = f"AWS4{secret_access_key}".encode()
    for part in (date, scope.region, scope.service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key
