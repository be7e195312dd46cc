"""Gmail cuts a mail off at about 102 KB of HTML, and the unsubscribe link with it."""

from newsletter.errors import Problem, Severity
from newsletter.models import Issue, Rendered

CLIPPED_BYTES = 102_000
CLOSE_BYTES = CLIPPED_BYTES * 85 // 100


def weight(issue: Issue, rendered: Rendered) -> list[Problem]:
    """HTML that is cut off, or will be after one more story."""
    size = len(rendered.html.encode())
    if size < CLOSE_BYTES:
        return []
    what = (
        f"the HTML weighs {size / 1000:.0f} KB; Gmail shows {CLIPPED_BYTES // 1000} KB and cuts off the rest"
    )
    severity: Severity = "error" if size >= CLIPPED_BYTES else "warning"
    return [Problem(issue.path, what, "leave out a story, or shorten some", severity)]
