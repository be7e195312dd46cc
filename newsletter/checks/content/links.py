"""Links that lead somewhere, for everybody: not to the editor's own machine, and not in clear."""

from collections.abc import Iterator
from urllib.parse import SplitResult, urlsplit

from newsletter.checks.proof import Proof
from newsletter.constants import PLACEHOLDER
from newsletter.display import printable
from newsletter.errors import Problem, Severity
from newsletter.hosts import is_public
from newsletter.subscribers import address

Wrong = tuple[str, str, Severity]


def links(proof: Proof) -> Iterator[Problem]:
    """A link that is none, that leads to a private address, or that is not https."""
    for link in proof.document.links:
        target = (link.get("href") or "").strip()
        if wrong := wrong_target(target):
            what, fix, severity = wrong
            yield Problem(proof.where(link), f"{what} ({printable(target) or 'empty'})", fix, severity)


def wrong_target(target: str) -> Wrong | None:
    """What is wrong with where a link leads, and what to do about it."""
    if PLACEHOLDER.fullmatch(target):
        return None
    try:
        parts = urlsplit(target)
        _ = parts.port
    except ValueError:
        return "not a web address", "write all of it: https://…", "error"
    match parts.scheme:
        case "http" | "https":
            return _web(parts)
        case "mailto":
            return _mail(parts.path)
        case "tel" | "sms":
            return None
        case "" if not target.strip("#"):
            return "a link that leads nowhere", "give it an address, or take the link away", "error"
        case "" if target.startswith("#"):
            return "a link within the mail, which many mail programs ignore", "take it out", "warning"
        case "":
            return "not a whole address", "write all of it: https://…", "error"
    return f"a link that is {parts.scheme}:", "mail programs follow https:, mailto: and tel: only", "error"


def _web(parts: SplitResult) -> Wrong | None:
    host = (parts.hostname or "").rstrip(".")
    if not host or any(c in parts.netloc for c in " <>\"'"):
        return "a web address without a host", "write all of it: https://…", "error"
    if parts.username is not None:
        return "a user name in a web address", "delete what stands before the @", "error"
    if not is_public(host):
        return f"{host} is not to be reached from outside", "name the public address", "error"
    if parts.scheme == "http":
        return "not https", "write https://… (if it answers there): browsers warn of http", "warning"
    return None


def _mail(path: str) -> Wrong | None:
    try:
        address.parse(path)
    except address.BadAddress as problem:
        if PLACEHOLDER.search(path):
            return None
        return f"not an email address: {problem}", "write mailto:name@example.com", "error"
    return None
