"""Headings are how somebody who hears the mail finds their way in it (WCAG 1.3.1)."""

from collections.abc import Iterator

from newsletter.checks.document import words
from newsletter.checks.proof import Proof
from newsletter.display import printable
from newsletter.errors import Problem


def headings(proof: Proof) -> Iterator[Problem]:
    """Headings that skip a level or say nothing, or a mail without one main heading."""
    found = proof.document.named("h1", "h2", "h3", "h4", "h5", "h6")
    main = [heading for heading in found if heading.tag == "h1"]
    if not main:
        yield Problem(proof.issue.path, "the mail has no main heading", "make its title an <h1>", "warning")
    for heading in main[1:]:
        what = f'a second main heading: "{printable(words(heading), 40)}"'
        yield Problem(proof.where(heading), what, "one <h1> is the title; the others are <h2>", "warning")
    above = 0
    for heading in found:
        level = int(str(heading.tag)[1])
        if not words(heading):
            yield Problem(
                proof.where(heading), "a heading without words", "write them, or delete it", "warning"
            )
        elif level > above + 1 and above:
            what = f'"{printable(words(heading), 40)}" is a heading of level {level} under one of {above}'
            fix = "one # less in Markdown, or the next level in the template"
            yield Problem(proof.where(heading), what, fix, "warning")
        above = level
