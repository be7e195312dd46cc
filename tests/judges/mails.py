"""The mails for the judges, each with the names of the checks that find a problem in it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from newsletter.checks import runner
from newsletter.config import loader
from newsletter.render.pipeline import render
from newsletter.services.prepare import proof
from tests import newsletters
from tests.checks.material import BASE, case_name, opened
from tests.render import material

_FILLED = {
    "[[unsubscribe_url]]": "https://soup.example.com/leave/1",
    "[[name]]": "Ada",
    "[[address]]": "ada@example.com",
}


@dataclass(frozen=True)
class Mail:
    """A mail as a reader receives it, and the names of the checks that find a problem in it."""

    name: str
    html: str
    checks: frozenset[str]


def ours() -> list[Mail]:
    """Return the mail of the repository's issue, and of one with everything that an issue can have."""
    real = proof(loader.load(material.REPOSITORY, {}), material.real_issue())
    full = render(material.full_issue(), material.site())
    checks = frozenset(problem.check for problem in runner.run(real))
    return [
        Mail("2026-04-27", _received(real.rendered.html), checks),
        Mail("full", _received(full.html), frozenset()),
    ]


def examples() -> Iterator[Mail]:
    """Yield the mails of the example newsletters, in which the checks find nothing."""
    for name in newsletters.NAMES:
        yield Mail(name, _received(newsletters.proof_of(name).rendered.html), frozenset())


def cases(folder: Path, chosen: Sequence[Path]) -> Iterator[Mail]:
    """Yield the mails of the base and of the chosen cases, without those that are the same for a judge."""
    seen: set[tuple[str, frozenset[str]]] = set()
    for n, case in enumerate([BASE, *chosen]):
        read = opened(folder / str(n), None if case == BASE else case)
        checks = frozenset(problem.check for problem in runner.run(read))
        mail = Mail(case_name(case), _received(read.rendered.html), checks)
        if (mail.html, mail.checks) not in seen:
            seen.add((mail.html, mail.checks))
            yield mail


def _received(html: str) -> str:
    for placeholder, value in _FILLED.items():
        html = html.replace(placeholder, value)
    return html
