"""Check that links respond and pictures load; keep the good results of links for a day."""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from newsletter.checks.content.links import target_problem
from newsletter.checks.document import Element
from newsletter.checks.external.url_checker import UrlResult, ask
from newsletter.checks.proof import Proof
from newsletter.config.loader import Newsletter
from newsletter.disk import reading
from newsletter.disk.writing import write_atomically
from newsletter.display import counted, printable
from newsletter.errors import Problem, Severity, StateError
from newsletter.render.page_address import page_of
from newsletter.state.folder import make_private_dir
from newsletter.state.identity import find_problem
from newsletter.state.location import LINK_RESULTS

RESULT_TTL = timedelta(days=1)
_MAX_RESULTS = 2_000
_MAX_BYTES = 10_000_000
# 500 KB take a second on a phone with 4 Mbit/s.
MAX_PICTURE_BYTES, MAX_TOTAL_PICTURE_BYTES = 500_000, 1_000_000
# Status codes that servers return to programs, but not to browsers.
_BOT_STATUSES = (401, 403, 405, 406, 429, 999)

Clock = Callable[[], datetime]


def links_answer(proof: Proof) -> Iterator[Problem]:
    """Links that lead to no page, with a list of all links and their status."""
    results = link_answers(proof)
    table = tuple(_row(result) for result in results.values())
    if len(results) > 1 and not any(result.status for result in results.values()):
        what = f"none of {len(results)} links responds: is this machine online?"
        yield Problem(proof.issue.path, what, "try again later", "warning", details=table)
        return
    for link, result in results.items():
        if problem := link_problem(result):
            what, fix, severity = problem
            yield Problem(proof.where(link), f"{what} ({printable(result.address)})", fix, severity)
    if results:
        requested = sum(not result.cached for result in results.values())
        cached = len(results) - requested
        what = f"{counted(len(results), 'link')}; {requested} requested now, {cached} within the last day"
        yield Problem(proof.issue.path, what, severity="note", details=table)


def images_load(proof: Proof) -> Iterator[Problem]:
    """Pictures that do not load, or are larger than 500 KB."""
    pictures = _addressed(proof, "img", "src")
    results = dict(zip(pictures, ask(list(pictures.values()), whole=True), strict=True))
    for picture, result in results.items():
        if problem := picture_problem(result):
            what, fix, severity = problem
            yield Problem(proof.where(picture), f"{what} ({printable(result.address)})", fix, severity)
    total = sum(result.size or 0 for result in results.values())
    if total > MAX_TOTAL_PICTURE_BYTES:
        limit = f"{MAX_TOTAL_PICTURE_BYTES / 1e6:g} MB"
        what = f"all pictures together have {total / 1e6:.1f} MB; up to {limit} load quickly"
        yield Problem(proof.issue.path, what, "make them smaller, or leave some out", "warning")


def link_answers(proof: Proof, now: Clock = lambda: datetime.now(UTC)) -> dict[Element, UrlResult]:
    """Return the result of each link, requested now or within the last day; each page is requested once.

    The link to the issue's own page has a check of its own: the page of a draft cannot be there yet.
    """
    own_page = page_of(proof.issue, proof.newsletter.site)
    links = {link: url for link, url in _addressed(proof, "a", "href").items() if url != own_page}
    cache = _ResultCache(_cache_folder(proof.newsletter), now())
    new = ask([address for address in links.values() if address not in cache.results])
    cache.store(new)
    results = cache.results | {result.address: result for result in new}
    return {link: results[address] for link, address in links.items()}


def _cache_folder(newsletter: Newsletter) -> Path | None:
    """Return the folder of the state; None if this newsletter must not use it."""
    try:
        problem = find_problem(newsletter.location, newsletter.list_id)
        return None if problem else newsletter.state
    except StateError:
        return None


def _addressed(proof: Proof, tag: str, attribute: str) -> dict[Element, str]:
    """Return the first element for each web address, without addresses that `links` reports as errors."""
    first: dict[str, Element] = {}
    for element in proof.document.named(tag):
        address = (element.get(attribute) or "").strip()
        if address.startswith(("http://", "https://")) and not _is_wrong(address):
            first.setdefault(address, element)
    return {element: address for address, element in first.items()}


def _is_wrong(address: str) -> bool:
    problem = target_problem(address)
    return problem is not None and problem[2] == "error"


def link_problem(result: UrlResult) -> tuple[str, str, Severity] | None:
    """Return the problem, the fix and the severity of a link's result; None if it has no problem."""
    if result.status is None:
        return (
            f"does not respond: {printable(result.failure, 100)}",
            "check the address, and try again later",
            "warning",
        )
    if result.status in (404, 410):
        return f"there is no such page: {result.status}", "correct the link", "error"
    if result.status in _BOT_STATUSES:
        return f"responds to programs with {result.status}", "open it in a browser", "note"
    if not result.good:
        return f"responds with {result.status}", "open it in a browser, and try again later", "warning"
    if result.end.startswith("http://") and result.address.startswith("https://"):
        return f"redirects to {printable(result.end)}, without https", "link to an https page", "warning"
    if result.permanent and result.end != result.address.partition("#")[0]:
        return f"has moved to {printable(result.end)}", "link to the new address", "note"
    return None


def picture_problem(result: UrlResult) -> tuple[str, str, Severity] | None:
    """Return the problem, the fix and the severity of a picture's result; None if it has no problem."""
    if result.status is None:
        return (
            f"the picture does not load: {printable(result.failure, 100)}",
            "check its address",
            "warning",
        )
    if not result.good:
        return f"the picture does not load: {result.status}", "correct its address", "error"
    if not result.kind.startswith("image/"):
        what = f"not a picture: its content type is {printable(result.kind or 'missing', 40)}"
        return what, "write the address of the picture file", "error"
    if (result.size or 0) > MAX_PICTURE_BYTES:
        what = f"the picture has {(result.size or 0) / 1e6:.1f} MB"
        fix = f"make it smaller: up to {MAX_PICTURE_BYTES // 1000} KB load quickly on a phone"
        return what, fix, "warning"
    return None


def _row(result: UrlResult) -> str:
    status = str(result.status or "-")
    duration = "cached" if result.cached else f"{result.milliseconds} ms"
    return f"{status:>3} {duration:>8}  {printable(result.address, 62)}"


class _ResultCache:
    """The good results of the last day, in a file; all other addresses are requested again."""

    def __init__(self, folder: Path | None, now: datetime) -> None:
        self._folder, self._now = folder, now
        self._entries: dict[str, dict[str, Any]] = {}
        self.results: dict[str, UrlResult] = {}
        if folder is None:
            return
        with suppress(OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            for address, entry in json.loads(
                reading.read(folder / LINK_RESULTS, _MAX_BYTES, root=folder)
            ).items():
                age = now - datetime.fromisoformat(entry["at"])
                if timedelta() <= age < RESULT_TTL:
                    result = UrlResult(**entry["answer"])
                    self.results[address] = replace(result, cached=True)
                    self._entries[address] = entry

    def store(self, results: list[UrlResult]) -> None:
        """Add good results to the file; ignore a failure to write it, which costs only further requests."""
        good = [result for result in results if result.good]
        if not good or self._folder is None:
            return
        at = self._now.isoformat()
        self._entries |= {result.address: {"at": at, "answer": asdict(result)} for result in good}
        newest = dict(list(self._entries.items())[-_MAX_RESULTS:])
        with suppress(OSError):
            make_private_dir(self._folder)
            write_atomically(self._folder / LINK_RESULTS, json.dumps(newest).encode(), replace=True)
