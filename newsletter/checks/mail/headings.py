"""Check the headings, with which readers navigate the mail in a screen reader (WCAG 1.3.1)."""

from collections.abc import Iterator

from newsletter.checks.document import words
from newsletter.checks.proof import Proof
from newsletter.display import printable
from newsletter.errors import Problem


def headings(proof: Proof) -> Iterator[Problem]:
    """Headings that skip a level or are empty; no main heading, or two of them."""
    all_headings = proof.document.named("h1", "h2", "h3", "h4", "h5", "h6")
    main = [heading for heading in all_headings if heading.tag == "h1"]
    if not main:
        yield Problem(proof.issue.path, "the mail has no main heading", "make its title an <h1>", "warning")
    for heading in main[1:]:
        what = f'a second main heading: "{printable(words(heading), 40)}"'
        yield Problem(
            proof.where(heading), what, "use one <h1>, for the title, and <h2> for others", "warning"
        )
    previous = 0
    for heading in all_headings:
        level = int(str(heading.tag)[1])
        if not words(heading):
            yield Problem(
                proof.where(heading), "a heading without words", "write the words, or delete it", "warning"
            )
        elif level > previous + 1 and previous:
            title = printable(words(heading), 40)
            what = f'the heading "{title}" has level {level}, but the heading before it level {previous}'
            fix = "delete one # in Markdown, or use the next level in the template"
            yield Problem(proof.where(heading), what, fix, "warning")
        previous = level
