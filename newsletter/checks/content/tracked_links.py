"""Addresses that were copied with somebody's tracking in them: they watch our readers for others."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from newsletter.checks.proof import Proof
from newsletter.display import printable
from newsletter.errors import Problem

# What advertisers, mailers and networks add to an address; taken away, it leads to the same page.
_ANYWHERE = re.compile(
    r"(?:utm|mtm|pk|hsa|_hs|__hs|fb_action|trk|_bta)_?\w+|oly_\w+_id|mc_[ce]id|vero_(?:id|conv)|"
    r"(?:fb|g|d|y|tt|tw|irc)clid|msclkid|gbraid|wbraid|gclsrc|srsltid|igsh(?:id)?|li_fat_id|wickedid|"
    r"mkt_tok|s_cid|ref_(?:src|url)|rb_clickid|ml_subscriber(?:_hash)?|ck_subscriber_id|_openstat|trk",
    re.IGNORECASE,
)
# What it means on one site only.
_THERE = {
    "youtube.com": {"si", "feature"},
    "youtu.be": {"si"},
    "open.spotify.com": {"si"},
    "x.com": {"s", "t"},
}


def tracked_links(proof: Proof) -> Iterator[Problem]:
    """A link with tracking parameters such as utm_source or fbclid."""
    for target, link in proof.document.targets.items():
        if found := tracking_parameters(target):
            what = f"a link with {', '.join(found)}, which track the reader ({printable(target)})"
            yield Problem(
                proof.where(link), what, f"write {printable(without(target, found), 200)}", "warning"
            )


def tracking_parameters(target: str) -> list[str]:
    """The names of an address's parameters that serve tracking only."""
    try:
        parts = urlsplit(target)
        host = (parts.hostname or "").removeprefix("www.")
    except ValueError:
        return []
    if parts.scheme not in ("http", "https"):
        return []
    names = [pair.partition("=")[0] for pair in re.split("[&;]", parts.query) if pair]
    return [name for name in names if _ANYWHERE.fullmatch(name) or name in _THERE.get(host, ())]


def without(target: str, names: list[str]) -> str:
    """An address without these parameters."""
    before, _, rest = target.partition("?")
    query, mark, fragment = rest.partition("#")
    kept = "&".join(pair for pair in query.split("&") if pair.partition("=")[0] not in names)
    return before + (f"?{kept}" if kept else "") + mark + fragment
