"""State the findings that the examinations of all providers' accounts have in common."""

from collections.abc import Callable

from newsletter.findings import Finding
from newsletter.providers.http import Response
from newsletter.sending.outcomes import NotSent

Get = Callable[[str], Response | NotSent]
"""Makes one GET of a path; returns NotSent if there is no response."""
_LATER = "try again later"


def not_reached(name: str, failure: NotSent, host_setting: str) -> Finding:
    """Return the finding for an account that could not be asked."""
    fix = f"check the network, a proxy, and `{host_setting}`"
    return Finding(name, "error", f"the call failed: {failure.reason}", fix)


def unusable(name: str, words: str) -> Finding:
    """Return the finding for a response that cannot be read."""
    return Finding(name, "skipped", f"gives no usable response: {words}", _LATER)


def not_examined(
    label: str, response: Response | NotSent, error_text: Callable[[Response], str], right: str = ""
) -> Finding:
    """Return the finding for settings that could not be read, with the reason; `right` is what permits it."""
    if isinstance(response, NotSent):
        return Finding(label, "skipped", f"not examined: {response.reason}", _LATER)
    is_denied = right and response.status == 403
    fix = f"a send does not need it; to examine it, allow {right}" if is_denied else _LATER
    return Finding(label, "skipped", f"not examined: {error_text(response)}", fix)
