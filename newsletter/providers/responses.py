"""Read the responses of a provider's web API."""

import json
import re
from collections.abc import Collection
from typing import Any

from newsletter.display import printable
from newsletter.providers.http import Response

ABOUT_DOMAIN = re.compile(r"\bdomain\b", re.IGNORECASE)
"""A word of a response about the sender's domain, unless it names a recipient (`is_about_recipient`)."""
_RECIPIENT = re.compile(r"\brecipient\b", re.IGNORECASE)
_BETWEEN_WORDS = re.compile(r"[\s<>()\[\],;:\"'`]+")
_DOMAIN = re.compile(r"(?:[\w-]++\.)+[^\W\d_][\w-]*\w")
WHOLE_SECONDS = re.compile(r"\d{1,10}", re.ASCII)


def json_content(response: Response) -> Any:
    """Return the content of a response as JSON; None if it is none."""
    try:
        return json.loads(response.content)
    except (ValueError, RecursionError):
        return None


def json_object(response: Response) -> dict[str, Any]:
    """Return the JSON object in a response; an empty one if it has none."""
    return as_object(json_content(response))


def status_text(response: Response, words: str) -> str:
    """Return the status of a response with the provider's words, fit for a terminal and a database."""
    if shown := printable(words, 300):
        return f"{response.status} {shown}"
    kind = "HTTP" if response.status >= 400 else "unexpected response:"
    return f"{kind} {response.status}"


def is_rejected(status: int) -> bool:
    """Return True if a status says that mail was certainly not taken.

    A server writes 408 if a request came too slowly, a proxy 499 if the client hung up. 409 and 425 do not
    say whether the mail was taken before.
    """
    return 400 <= status < 500 and status not in (408, 409, 425, 499)


def retry_after(response: Response) -> float | None:
    """Return the seconds of the header Retry-After, at least 1; None if it names none."""
    value = response.headers.get("Retry-After", "").strip()
    return max(1.0, float(value)) if WHOLE_SECONDS.fullmatch(value) else None


def is_about_recipient(words: str, sender: str, own_domains: Collection[str]) -> bool:
    """Return True if words name a recipient: this word, or an address or domain that is not the sender's.

    `own_domains` are further ones that are not a recipient's, such as the provider's. Their parents and
    subdomains, and those of the sender's domain, are none either.
    """
    own = (sender.rpartition("@")[2].lower(), *own_domains)
    if _RECIPIENT.search(words):
        return True
    named = [word.rstrip(".").lower() for word in _BETWEEN_WORDS.split(words)]
    return any(word != sender.lower() for word in named if "@" in word) or any(
        not _is_own(word, own) for word in named if _DOMAIN.fullmatch(word)
    )


def _is_own(name: str, own_domains: Collection[str]) -> bool:
    return any(f".{name}".endswith(f".{own}") or own.endswith(f".{name}") for own in own_domains)


def joined(*words: str | None) -> str:
    """Return words with colons between them, without empty ones."""
    return ": ".join(filter(None, words))


def as_text(value: object) -> str:
    """Return a JSON value if it is a text; else an empty text."""
    return value if isinstance(value, str) else ""


def as_object(value: object) -> dict[str, Any]:
    """Return a JSON value if it is an object; else an empty one."""
    return value if isinstance(value, dict) else {}
