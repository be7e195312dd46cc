"""Whether links answer and pictures load: asked of everybody's servers, and remembered for a day."""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from newsletter.checks.content.links import wrong_target
from newsletter.checks.document import Element
from newsletter.checks.external.url_checker import UrlResult, ask
from newsletter.checks.proof import Proof
from newsletter.display import counted, printable
from newsletter.errors import Problem, Severity
from newsletter.state.folder import make_private_dir, write_atomically

KEPT = timedelta(days=1)
_MOST_KEPT = 2_000
# A second each on a phone with 4 Mbit/s.
HEAVY, HEAVY_TOGETHER = 500_000, 1_000_000
# What servers say to programs, and not to people.
_TO_PROGRAMS = (401, 403, 405, 406, 429, 999)

Clock = Callable[[], datetime]


def links_answer(proof: Proof) -> Iterator[Problem]:
    """Links that lead to nothing; with a list of all that were asked."""
    answers = link_answers(proof)
    table = tuple(_row(answer) for answer in answers.values())
    if len(answers) > 1 and not any(answer.status for answer in answers.values()):
        what = f"none of {len(answers)} links answers: is this machine online?"
        yield Problem(proof.issue.path, what, "try it again later", "warning", details=table)
        return
    for link, answer in answers.items():
        if problem := link_problem(answer):
            what, fix, severity = problem
            yield Problem(proof.where(link), f"{what} ({printable(answer.address)})", fix, severity)
    if answers:
        asked = sum(not answer.cached for answer in answers.values())
        what = (
            f"{counted(len(answers), 'link')}; {asked} asked now, {len(answers) - asked} within the last day"
        )
        yield Problem(proof.issue.path, what, severity="note", details=table)


def images_load(proof: Proof) -> Iterator[Problem]:
    """Pictures that do not load, or weigh too much."""
    pictures = _addressed(proof, "img", "src")
    answers = dict(zip(pictures, ask(list(pictures.values()), whole=True), strict=True))
    for picture, answer in answers.items():
        if problem := picture_problem(answer):
            what, fix, severity = problem
            yield Problem(proof.where(picture), f"{what} ({printable(answer.address)})", fix, severity)
    together = sum(answer.size or 0 for answer in answers.values())
    if together > HEAVY_TOGETHER:
        what = (
            f"the pictures weigh {together / 1e6:.1f} MB together; {HEAVY_TOGETHER / 1e6:g} MB load quickly"
        )
        yield Problem(proof.issue.path, what, "make them smaller, or leave some out", "warning")


def link_answers(proof: Proof, now: Clock = lambda: datetime.now(UTC)) -> dict[Element, UrlResult]:
    """Each link's answer, asked now or within the last day; a page that is linked twice is asked once."""
    wanted = _addressed(proof, "a", "href")
    known = _Remembered(proof.newsletter.state / "links.json", now())
    asked = [address for address in wanted.values() if address not in known.answers]
    found = {answer.address: answer for answer in ask(asked)}
    known.keep(list(found.values()), proof.newsletter.state)
    return {link: found.get(address) or known.answers[address] for link, address in wanted.items()}


def _addressed(proof: Proof, tag: str, attribute: str) -> dict[Element, str]:
    """The first element for each public web address; what is wrong as it stands is no server's affair."""
    found: dict[str, Element] = {}
    for element in proof.document.named(tag):
        address = (element.get(attribute) or "").strip()
        if address.startswith(("http://", "https://")) and not _is_wrong(address):
            found.setdefault(address, element)
    return {element: address for address, element in found.items()}


def _is_wrong(address: str) -> bool:
    wrong = wrong_target(address)
    return wrong is not None and wrong[2] == "error"


def link_problem(answer: UrlResult) -> tuple[str, str, Severity] | None:
    """What is wrong with a link, and what to do."""
    if answer.status is None:
        return (
            f"does not answer: {printable(answer.failure, 100)}",
            "look whether it is right, and try again later",
            "warning",
        )
    if answer.status in (404, 410):
        return f"there is no such page: {answer.status}", "correct the link", "error"
    if answer.status in _TO_PROGRAMS:
        return f"answers {answer.status} to a program", "look yourself", "note"
    if not answer.good:
        return f"answers {answer.status}", "look yourself, and try again later", "warning"
    if answer.end.startswith("http://") and answer.address.startswith("https://"):
        return f"leads on to {printable(answer.end)}, in clear", "link to a page that is https", "warning"
    if answer.permanent and answer.end != answer.address.partition("#")[0]:
        return f"has moved to {printable(answer.end)}", "link to that", "note"
    return None


def picture_problem(answer: UrlResult) -> tuple[str, str, Severity] | None:
    """What is wrong with a picture, and what to do."""
    if answer.status is None:
        return (
            f"the picture does not load: {printable(answer.failure, 100)}",
            "look whether its address is right",
            "warning",
        )
    if not answer.good:
        return f"the picture does not load: {answer.status}", "correct its address", "error"
    if not answer.kind.startswith("image/"):
        what = f"not a picture but {printable(answer.kind or 'of no kind', 40)}"
        return what, "give the address of the file itself", "error"
    if (answer.size or 0) > HEAVY:
        what = f"the picture weighs {(answer.size or 0) / 1e6:.1f} MB"
        return what, f"at most {HEAVY // 1000} KB load quickly on a phone", "warning"
    return None


def _row(answer: UrlResult) -> str:
    status = str(answer.status or "-")
    took = "cached" if answer.cached else f"{answer.milliseconds} ms"
    return f"{status:>3} {took:>8}  {printable(answer.address, 62)}"


class _Remembered:
    """Good answers of the last day, in a file; anything else is asked again."""

    def __init__(self, file: Path, now: datetime) -> None:
        self._file, self._now = file, now
        self._kept: dict[str, dict[str, Any]] = {}
        self.answers: dict[str, UrlResult] = {}
        with suppress(OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            for address, kept in json.loads(file.read_text(encoding="utf-8")).items():
                age = now - datetime.fromisoformat(kept["at"])
                if timedelta() <= age < KEPT:
                    answer = UrlResult(**kept["answer"])
                    self.answers[address] = replace(answer, cached=True)
                    self._kept[address] = kept

    def keep(self, answers: list[UrlResult], folder: Path) -> None:
        """Adds good answers; a folder that cannot be written to costs no more than asking again."""
        good = [answer for answer in answers if answer.good]
        if not good:
            return
        at = self._now.isoformat()
        self._kept |= {one.address: {"at": at, "answer": asdict(one)} for one in good}
        newest = dict(list(self._kept.items())[-_MOST_KEPT:])
        with suppress(OSError):
            make_private_dir(folder)
            write_atomically(self._file, json.dumps(newest).encode(), replace=True)
