"""Check for tracking parameters in addresses that were copied from other sites."""

import re
from collections.abc import Iterator, Set
from urllib.parse import urlsplit

from newsletter.checks.proof import Proof
from newsletter.display import printable
from newsletter.errors import Problem
from newsletter.render.markdown import to_text_with_every_note

# Parameters of advertisers, mail services and networks; an address leads to the same page without them.
_TRACKING = re.compile(
    r"(?:utm|mtm|pk|hsa|_hs|__hs|fb_action|trk|_bta)_?\w+|oly_\w+_id|mc_[ce]id|vero_(?:id|conv)|"
    r"(?:fb|g|d|y|tt|tw|irc)clid|msclkid|gbraid|wbraid|gclsrc|srsltid|igsh(?:id)?|li_fat_id|wickedid|"
    r"mkt_tok|s_cid|ref_(?:src|url)|rb_clickid|ml_subscriber(?:_hash)?|ck_subscriber_id|_openstat|trk",
    re.IGNORECASE,
)
# Parameters that serve tracking on one site only.
_TRACKING_BY_HOST = {
    "youtube.com": {"si", "feature"},
    "youtu.be": {"si"},
    "open.spotify.com": {"si"},
    "x.com": {"s", "t"},
}


def tracked_links(proof: Proof) -> Iterator[Problem]:
    """A link with tracking parameters such as utm_source or fbclid, except in an advertisement."""
    sponsored = [loc for loc, story in proof.issue.located_stories() if story.sponsor]
    texts = [
        to_text_with_every_note(text.content) if text.markdown else text.content
        for text in proof.texts
        if any(text.loc[: len(loc)] == loc for loc in sponsored)
    ]
    for target, link in proof.document.targets.items():
        if (names := tracking_parameters(target)) and not any(target in text for text in texts):
            listed = printable(", ".join(names), 200)
            what = f"a link with parameters that track the reader: {listed} ({printable(target)})"
            fix = f"write {printable(without(target, set(names)), 200)}"
            yield Problem(proof.where(link), what, fix, "warning")


def tracking_parameters(target: str) -> list[str]:
    """Return the names of an address's parameters that serve tracking only."""
    try:
        parts = urlsplit(target)
        host = (parts.hostname or "").removeprefix("www.")
    except ValueError:
        return []
    if parts.scheme not in ("http", "https"):
        return []
    names = [pair.partition("=")[0] for pair in re.split("[&;]", parts.query) if pair]
    return [name for name in names if _TRACKING.fullmatch(name) or name in _TRACKING_BY_HOST.get(host, ())]


def without(target: str, names: Set[str]) -> str:
    """Return an address without the parameters of these names."""
    before, _, after = target.partition("?")
    query, mark, fragment = after.partition("#")
    kept = "&".join(pair for pair in query.split("&") if pair.partition("=")[0] not in names)
    return before + (f"?{kept}" if kept else "") + mark + fragment
