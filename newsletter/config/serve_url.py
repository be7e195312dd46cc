"""The address of `news serve`, which an unsubscribe link to its pages contains."""

import re
from urllib.parse import urlsplit

UNSUBSCRIBE_END = "/unsubscribe/{token}"
# Not what browsers encode, and the routes would have to decode.
_PATH = re.compile(r"(?:/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")


def serve_url(unsubscribe_url: str) -> str | None:
    """Return the address below which `news serve` has its pages; None if the link leads to other pages."""
    if not unsubscribe_url.endswith(UNSUBSCRIBE_END):
        return None
    base = urlsplit(unsubscribe_url.removesuffix(UNSUBSCRIBE_END))
    return base.geturl() if _PATH.fullmatch(base.path) and not base.query else None
