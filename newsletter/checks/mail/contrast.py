"""Text that can be read, in the light and in the dark (WCAG 2.2, 1.4.3)."""

from collections.abc import Iterator
from typing import NamedTuple

from newsletter.checks.css.cascade import TextRun
from newsletter.checks.css.rules import Viewport
from newsletter.checks.proof import Proof
from newsletter.display import printable
from newsletter.errors import Problem, Severity

# https://www.w3.org/TR/WCAG22/#contrast-minimum; large is 18 points, or 14 in bold.
ENOUGH, ENOUGH_LARGE = 4.5, 3.0
LARGE, LARGE_BOLD = 24.0, 18.66
# As good as invisible: dark on dark, or white on white.
UNREADABLE = 2.0
VIEWPORTS = (
    ("in the light", Viewport(720)),
    ("in the dark", Viewport(720, dark=True)),
    ("on a phone in the light", Viewport(375)),
    ("on a phone in the dark", Viewport(375, dark=True)),
)


class _Pair(NamedTuple):
    """Colours that come together, as they are seen."""

    text: str
    background: str


def contrast(proof: Proof) -> Iterator[Problem]:
    """Text whose colour is too close to what lies behind it, in the light or in the dark."""
    told: set[tuple[_Pair, bool]] = set()
    for name, viewport in VIEWPORTS:
        low: dict[_Pair, list[TextRun]] = {}
        for run in proof.cascade.runs(viewport):
            if (ratio := run.contrast) is not None and ratio < needed(run):
                low.setdefault(_pair(run), []).append(run)
        for pair, runs in low.items():
            if (pair, viewport.dark) not in told:
                told.add((pair, viewport.dark))
                yield _problem(proof, name, pair, runs)


def needed(run: TextRun) -> float:
    """The contrast that a text needs: large letters less."""
    size, weight = run.style.size, run.style.weight
    return ENOUGH_LARGE if size >= LARGE or (size >= LARGE_BOLD and weight >= 700) else ENOUGH


def _pair(run: TextRun) -> _Pair:
    behind, colour = run.style.behind, run.style.colour
    return _Pair(str(behind and colour and behind.text(colour)), str(behind and behind.background))


def _problem(proof: Proof, name: str, pair: _Pair, runs: list[TextRun]) -> Problem:
    worst = min(runs, key=lambda run: run.contrast or 0)
    ratio, more = worst.contrast or 0, f", and {len(runs) - 1} more" if len(runs) > 1 else ""
    what = (
        f'"{printable(runs[0].words, 40)}"{more}: contrast {ratio:.1f} {name} '
        f"({pair.text} on {pair.background}); {needed(worst):g} can be read"
    )
    fix = "give it another colour in the template that draws it"
    if "dark" in name:
        fix = "give it a colour for the dark in head.mjml.j2, with !important"
    severity: Severity = "error" if ratio < UNREADABLE else "warning"
    return Problem(proof.where(runs[0].element, runs[0].words), what, fix, severity)
