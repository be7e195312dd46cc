"""The judges' verdicts: those that MJML's output causes, and the checks that have to find the others."""

import re
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Verdict:
    """A fault that a judge found: `rule` is axe's name for it or Nu's message, `element` its HTML."""

    judge: str
    rule: str
    element: str

    def __str__(self) -> str:
        return f"{self.judge}: {self.rule} ({self.element[:200]})"


@dataclass(frozen=True)
class Pattern:
    """Regular expressions that match verdicts; `check` is the check that has to find the same fault."""

    judge: str
    rule: str
    element: str = ""
    check: str = ""

    def matches(self, verdict: Verdict) -> bool:
        return (
            self.judge == verdict.judge
            and bool(re.fullmatch(self.rule, verdict.rule))
            and bool(re.search(self.element, verdict.element))
        )


# Verdicts that are no fault of the templates and that they cannot change, each with the reason.
ALLOWED = [
    # Word, which draws for Outlook on Windows, knows tables and their attributes, and little CSS.
    Pattern(
        "nu",
        "The “(align|border|cellpadding|cellspacing|width)” attribute on the “table” element is obsolete.*",
        'role="presentation"',
    ),
    Pattern("nu", "The “(align|bgcolor|valign|width)” attribute on the “td” element is obsolete.*", "<td"),
    # CSS for Word alone.
    Pattern("nu", "CSS: “mso-padding-alt”: Property “mso-padding-alt” doesn't exist.", "mso-padding-alt:"),
    Pattern("nu", "CSS: “mso-table-[lr]space”: Property “mso-table-[lr]space” doesn't exist."),
    # A picture keeps its proportions on phones, where it is as wide as the column.
    Pattern("nu", "Bad value “auto” for attribute “height” on element “img”: .*"),
    # mrml 6.0.1 hands an mj-button's own attribute on to the cell around it; nothing reads it.
    Pattern("nu", "Attribute “vertical-align” not allowed on element “td” at this point.", "<td"),
    # For Outlook's <v:rect> in comments.
    Pattern("nu", "Attribute “xmlns:[vo]” not allowed here.", "<html"),
    Pattern("nu", "The “type” attribute for the “style” element is not needed and should be omitted."),
    # A mail is shown within a page of the mail program, which has these landmarks; MJML makes it an article.
    Pattern("axe", "landmark-one-main", "^<html"),
    Pattern("axe", "region"),
]

# The check that has to find the same fault as a judge.
CHECKED_BY = [
    Pattern("axe", "color-contrast|link-in-text-block", check="contrast"),
    Pattern("axe", "html-has-lang|html-lang-valid|document-title|image-alt|link-name", check="accessibility"),
    Pattern("axe", "list|listitem|accesskeys|meta-viewport|tabindex", check="accessibility"),
    Pattern("axe", "heading-order|empty-heading|page-has-heading-one", check="headings"),
    Pattern("axe", "label|select-name|button-name|frame-title", check="tracking"),
    Pattern("axe", "target-size", check="tap-targets"),
    Pattern("nu", "An “img” element must have an “alt” attribute.*", check="accessibility"),
    Pattern("nu", "Element “(title|head)” .*“title”.*|Element “title” .*empty.*", check="accessibility"),
    Pattern("nu", "Duplicate ID.*|The first occurrence of ID.*|Duplicate attribute.*", check="markup"),
    Pattern(
        "nu", "Element “(mj-.*)” not allowed.*|Start tag seen without seeing a doctype.*", check="markup"
    ),
    Pattern("nu", "Bad value “.*” for attribute “(href|src)” on element “a(rea)?”.*", check="links"),
    Pattern("nu", "Bad value “.*” for attribute “src” on element “img”.*", check="images"),
    Pattern("nu", ".*“(script|video|form|input)”.*", check="tracking"),
    Pattern(
        "nu", "Consider adding a “lang” attribute.*|Bad value .* attribute “lang”.*", check="accessibility"
    ),
    Pattern("nu", "Consider avoiding viewport values.*", check="accessibility"),
    Pattern("nu", "Element “(li|p)” not allowed as child of element “(body|ul)”.*", check="accessibility"),
    Pattern("nu", ".*skipping . heading level.*|.*none of them has a computed heading.*", check="headings"),
    Pattern("nu", "Empty heading.*|.*more than one .*“h1”.*", check="headings"),
    Pattern("nu", "Bad value “.*” for attribute “width” on element “img”.*", check="images"),
    Pattern("nu", "The “.*” element is obsolete.*", check="markup"),
    Pattern("nu", "A “style” element in “body”.*", check="tracking"),
]


def unexplained(verdicts: Sequence[Verdict], checks: frozenset[str]) -> list[str]:
    """Return the verdicts that neither an allowance nor one of `checks`, which found a problem, explains."""
    return [
        f"{verdict}; {_missing(verdict)}"
        for verdict in verdicts
        if not any(pattern.matches(verdict) for pattern in ALLOWED) and not checks & set(checks_for(verdict))
    ]


def checks_for(verdict: Verdict) -> list[str]:
    return [pattern.check for pattern in CHECKED_BY if pattern.matches(verdict)]


def unused(patterns: Sequence[Pattern], verdicts: Sequence[Verdict]) -> list[Pattern]:
    """Return the patterns that match no verdict."""
    return [pattern for pattern in patterns if not any(pattern.matches(verdict) for verdict in verdicts)]


def _missing(verdict: Verdict) -> str:
    names = checks_for(verdict)
    return f"{' or '.join(names)} has found nothing" if names else "no check is known for it"
