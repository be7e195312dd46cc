"""Whoever reads the mail, in either part, must be able to leave."""

from newsletter.errors import Problem
from newsletter.models import Issue, Rendered


def unsubscribe(issue: Issue, rendered: Rendered) -> list[Problem]:
    """The unsubscribe link in both parts."""
    parts = {"HTML": rendered.html, "text": rendered.text}
    return [
        Problem(
            issue.path,
            f"the {part} part has no unsubscribe link",
            "put [[unsubscribe_url]] into the footer template",
        )
        for part, content in parts.items()
        if "[[unsubscribe_url]]" not in content
    ]
