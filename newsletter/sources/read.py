"""Ask a source and read its entries, in a process with limits: its answer, and a branch, are a stranger's."""

from newsletter.errors import LimitReached
from newsletter.limits.process import run_limited_with_waits
from newsletter.network.connections import IsPublic
from newsletter.network.hosts import is_public
from newsletter.sources.entry import Entries, SourceRequest
from newsletter.sources.fetch import LIMITS, Limits, fetch


def read(request: SourceRequest, limits: Limits = LIMITS, is_public: IsPublic = is_public) -> Entries:
    """Return the entries of a source for the issue, the best first.

    Raise Unavailable if it gives none, and ConfigError for an expression that is wrong.
    """
    try:
        return run_limited_with_waits(_read, request, limits, is_public)
    except LimitReached as failure:
        what = "to read it takes too much time or memory"
        fix = "simplify its expressions, or choose an address that gives fewer entries"
        raise request.unavailable(what, fix) from failure


def _read(request: SourceRequest, limits: Limits, is_public: IsPublic) -> Entries:
    from newsletter.sources import json_source, selection, web_feed

    response = fetch(request, limits, is_public)
    reader = web_feed.read if request.source.feed else json_source.read
    return selection.select(request, reader(request, response))
