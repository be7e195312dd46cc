"""The mails that the judges see, each with what the checks find in it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from newsletter.checks import runner
from newsletter.config import loader
from newsletter.render.pipeline import render
from newsletter.services.prepare import proof
from tests.checks.material import BASE, CASES, named, opened
from tests.render import material

_FILLED = {
    "[[unsubscribe_url]]": "https://soup.example.com/leave/1",
    "[[name]]": "Ada",
    "[[address]]": "ada@example.com",
}


@dataclass(frozen=True)
class Mail:
    """A mail as a reader has it, and the names of the checks that find something in it."""

    name: str
    html: str
    found: frozenset[str]


def ours() -> list[Mail]:
    """The repository's own issue, and one that has everything that an issue can have."""
    real = proof(loader.load(material.REPOSITORY, {}), material.real_issue())
    full = render(material.full_issue(), material.site())
    found = frozenset(one.check for one in runner.run(real))
    return [
        Mail("2026-04-27", _received(real.rendered.html), found),
        Mail("full", _received(full.html), frozenset()),
    ]


def cases(folder: Path) -> Iterator[Mail]:
    """What the checks are tried with, without those that look the same to a judge."""
    seen: set[tuple[str, frozenset[str]]] = set()
    for n, case in enumerate([BASE, *CASES]):
        there = folder / str(n)
        read = opened(there, None if case == BASE else case)
        mail = Mail(named(case), _received(read.rendered.html), frozenset(p.check for p in runner.run(read)))
        if (mail.html, mail.found) not in seen:
            seen.add((mail.html, mail.found))
            yield mail


def _received(html: str) -> str:
    for placeholder, value in _FILLED.items():
        html = html.replace(placeholder, value)
    return html
