"""The tags of our mail, as the events of a provider return them."""

import hashlib

LIST = "soup.example.com"


def tag(subscriber: int = 1, list_id: str = LIST, issue: str = "2026-04-27", letter: str = "s") -> str:
    """Return the tag that our mail has."""
    return f"{hashlib.sha256(list_id.lower().encode()).hexdigest()[:12]}_{issue}_{letter}{subscriber}"
