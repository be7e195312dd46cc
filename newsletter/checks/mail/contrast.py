"""Check the contrast of text in light and dark mode (WCAG 2.2, 1.4.3)."""

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from newsletter.checks.css.cascade import TextRun
from newsletter.checks.css.rules import PHONE, WIDE
from newsletter.checks.proof import Proof
from newsletter.display import printable
from newsletter.errors import Problem, Severity

# https://www.w3.org/TR/WCAG22/#contrast-minimum; large text has 18 points, or 14 in bold.
MIN_CONTRAST, MIN_CONTRAST_LARGE = 4.5, 3.0
LARGE_PIXELS, LARGE_BOLD_PIXELS = 24.0, 18.66
# Below this contrast a text is nearly invisible: dark on dark, or white on white.
UNREADABLE_CONTRAST = 2.0
VIEWPORTS = (
    ("in light mode", WIDE),
    ("in dark mode", replace(WIDE, dark=True)),
    ("on a phone in light mode", PHONE),
    ("on a phone in dark mode", replace(PHONE, dark=True)),
)


class _Pair(NamedTuple):
    """The colours of a text and its background, blended as they are shown."""

    text: str
    background: str


def contrast(proof: Proof) -> Iterator[Problem]:
    """Text with too little contrast to its background, in light or dark mode."""
    reported: set[tuple[_Pair, bool]] = set()
    for name, viewport in VIEWPORTS:
        low: dict[_Pair, list[TextRun]] = {}
        for run in proof.cascade.runs(viewport):
            if (ratio := run.contrast) is not None and ratio < min_contrast(run):
                low.setdefault(_pair(run), []).append(run)
        for pair, runs in low.items():
            if (pair, viewport.dark) not in reported:
                reported.add((pair, viewport.dark))
                yield _problem(proof, name, pair, runs)


def min_contrast(run: TextRun) -> float:
    """Return the minimum contrast that WCAG AA requires for a text; it is lower for large letters."""
    size, weight = run.style.size, run.style.weight
    is_large = size >= LARGE_PIXELS or (size >= LARGE_BOLD_PIXELS and weight >= 700)
    return MIN_CONTRAST_LARGE if is_large else MIN_CONTRAST


def _pair(run: TextRun) -> _Pair:
    backdrop, colour = run.style.backdrop, run.style.colour
    return _Pair(str(backdrop and colour and backdrop.text(colour)), str(backdrop and backdrop.background))


def _problem(proof: Proof, name: str, pair: _Pair, runs: list[TextRun]) -> Problem:
    worst = min(runs, key=lambda run: run.contrast or 0)
    ratio, more = worst.contrast or 0, f", and {len(runs) - 1} more" if len(runs) > 1 else ""
    what = (
        f'"{printable(runs[0].words, 40)}"{more}: contrast {ratio:.1f} {name} '
        f"({pair.text} on {pair.background}); the minimum is {min_contrast(worst):g}"
    )
    fix = "change the colour in the template that writes it"
    if "dark" in name:
        fix = "set a colour for dark mode in head.mjml.j2, with !important"
    severity: Severity = "error" if ratio < UNREADABLE_CONTRAST else "warning"
    return Problem(proof.where(runs[0].element, runs[0].words), what, fix, severity)
