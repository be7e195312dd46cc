"""Check that the target of each link is valid, public and https."""

from collections.abc import Iterator
from urllib.parse import SplitResult, urlsplit

from newsletter.checks.proof import Proof
from newsletter.constants import PLACEHOLDER
from newsletter.display import printable
from newsletter.errors import Problem, Severity
from newsletter.network.hosts import is_public
from newsletter.subscribers import address

BadTarget = tuple[str, str, Severity]  # the problem, the fix, the severity


def links(proof: Proof) -> Iterator[Problem]:
    """A link that is not valid, that leads to a private address, or that is not https."""
    places = {f"#{element.get('id')}" for element in proof.document.elements if element.get("id")}
    for link in proof.document.links:
        target = (link.get("href") or "").strip()
        if target not in places and (problem := target_problem(target)):
            what, fix, severity = problem
            yield Problem(proof.where(link), f"{what} ({printable(target) or 'empty'})", fix, severity)


def target_problem(target: str) -> BadTarget | None:
    """Return the problem, the fix and the severity of a link's target; None if it has no problem."""
    if PLACEHOLDER.fullmatch(target):
        return None
    try:
        parts = urlsplit(target)
        _ = parts.port
    except ValueError:
        return "not a web address", "write the whole address: https://…", "error"
    match parts.scheme:
        case "http" | "https":
            return _web(parts)
        case "mailto":
            return _mail(parts.path)
        case "tel" | "sms":
            return None
        case "" if not target.strip("#"):
            return "a link without an address", "add the address, or remove the link", "error"
        case "" if target.startswith("#"):
            return "a link to a place that the mail does not have", "correct it, or remove the link", "error"
        case "":
            return "an incomplete address", "write the whole address: https://…", "error"
    return (
        f"a link with {parts.scheme}:",
        "use https:, mailto: or tel:; mail programs follow no other",
        "error",
    )


def _web(parts: SplitResult) -> BadTarget | None:
    host = (parts.hostname or "").rstrip(".")
    if not host or any(c in parts.netloc for c in " <>\"'"):
        return "a web address without a host", "write the whole address: https://…", "error"
    if parts.username is not None:
        return "a user name in a web address", "delete the part before the @", "error"
    if not is_public(host):
        return f"{host} cannot be reached from the internet", "write the public address", "error"
    if parts.scheme == "http":
        return "not https", "write https://… if the site has it: browsers warn about http", "warning"
    return None


def _mail(path: str) -> BadTarget | None:
    try:
        address.parse(path)
    except address.BadAddress as failure:
        if PLACEHOLDER.search(path):
            return None
        return f"not an email address: {failure}", "write mailto:name@example.com", "error"
    return None
