"""Check for shorteners and redirectors, which hide a link's target, count clicks and alert spam filters."""

import re
from collections.abc import Iterator
from urllib.parse import parse_qsl, urlsplit

from newsletter.checks.proof import Proof
from newsletter.display import printable
from newsletter.errors import Problem

_SHORTENERS = re.compile(
    r"(?:bit|t|ow|is|buff|lnkd|cutt|rb|hubs|adf|trib|rebrand)\.(?:ly|in|gd|gy|al|co)|bitly\.com|tinyurl\.com|"
    r"goo\.gl|v\.gd|shorturl\.at|tiny\.cc|bl\.ink|dlvr\.it|ift\.tt|soo\.gd|amzn\.to|a\.co|fb\.me|spoti\.fi|"
    r"wp\.me|hubs\.la|mailchi\.mp|eepurl\.com"
)
# Redirectors; their subdomains match too.
_REDIRECTORS = re.compile(
    r"(?:.+\.)?(?:safelinks\.protection\.outlook\.com|urldefense\.com|urldefense\.proofpoint\.com|href\.li|"
    r"lm?\.facebook\.com|l\.instagram\.com|l\.messenger\.com|out\.reddit\.com|slack-redir\.net|away\.vk\.com|"
    r"list-manage\.com|ct\.sendgrid\.net|awstrack\.me|mandrillapp\.com|rs6\.net|convertkit-mail2?\.com|"
    r"hubspotlinks\.com|feedproxy\.google\.com|linksynergy\.com|doubleclick\.net|protect\.mimecast\.com|"
    r"linkprotect\.cudasvc\.com)"
)
_PATHS = (
    (re.compile(r"(?:^|\.)google\.(?:[a-z]{2,3}\.)?[a-z]{2,6}$"), re.compile(r"/url$")),
    (re.compile(r"(?:^|\.)facebook\.com$"), re.compile(r"/l\.php$")),
    (re.compile(r"(?:^|\.)linkedin\.com$"), re.compile(r"/(?:redir|safety/go|slink)\b")),
    (re.compile(r"(?:^|\.)youtube\.com$"), re.compile(r"/redirect$")),
    (re.compile(r"(?:^|\.)duckduckgo\.com$"), re.compile(r"/l/$")),
)
_CLICK = re.compile(r"/(?:redirect|redir|click|goto|go|out|away|track|r|l)(?:\.\w+)?/?$", re.IGNORECASE)


def redirects(proof: Proof) -> Iterator[Problem]:
    """A link through a shortener or a redirector, which hides the target."""
    for target, link in proof.document.targets.items():
        if not (host := redirector(target)):
            continue
        end = _inner_address(target)
        fix = f"link to {printable(end, 200)}" if end else "open it, and link to the page that it leads to"
        yield Problem(proof.where(link), f"a link through {host} ({printable(target)})", fix, "warning")


def redirector(target: str) -> str | None:
    """Return the host of an address that redirects to another site; None if it is not known to redirect."""
    try:
        parts = urlsplit(target)
        host = (parts.hostname or "").removeprefix("www.")
    except ValueError:
        return None
    if parts.scheme not in ("http", "https"):
        return None
    known = (_SHORTENERS.fullmatch(host) and parts.path.strip("/")) or _REDIRECTORS.fullmatch(host)
    by_path = any(site.search(host) and path.search(parts.path) for site, path in _PATHS)
    by_query = _CLICK.search(parts.path) and _inner_address(target)
    return host if known or by_path or by_query else None


def _inner_address(target: str) -> str | None:
    """Return the first web address in the query of an address; None if it has none."""
    values = (value for _, value in parse_qsl(urlsplit(target).query))
    return next((value for value in values if re.match(r"https?://[^/\s]+\.", value)), None)
