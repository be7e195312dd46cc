"""Report what could not be examined at Amazon SES, for the examinations of account, identity and events."""

from newsletter.findings import Finding
from newsletter.providers.http import Response
from newsletter.providers.ses.responses import error_text
from newsletter.sending.outcomes import NotSent


def not_examined(label: str, response: Response | NotSent, right: str) -> Finding:
    """Return the finding for settings that could not be read, with the reason; `right` would read them."""
    if isinstance(response, NotSent):
        return Finding(label, "skipped", f"not examined: {response.reason}", "try again later")
    is_denied = response.status == 403
    fix = f"a send does not need it; to examine it, allow {right}" if is_denied else "try again later"
    return Finding(label, "skipped", f"not examined: {error_text(response)}", fix)
