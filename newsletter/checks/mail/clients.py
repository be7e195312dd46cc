"""CSS and HTML that a reader's mail program does not know: what hangs on it is not there for them."""

from collections.abc import Iterator
from functools import cache

from newsletter.checks.caniemail.advice import fallback
from newsletter.checks.caniemail.data import Feature, caniemail
from newsletter.checks.caniemail.features import feature
from newsletter.checks.caniemail.usage import UsageScanner, Use
from newsletter.checks.document import Document
from newsletter.checks.proof import Proof
from newsletter.display import printable
from newsletter.errors import ConfigError, Problem
from newsletter.render.mjml import compile_mjml
from newsletter.render.templates import Filled

# MJML's components as they come. What these make of themselves works wherever MJML does, so it is not the
# newsletter's affair.
SAMPLE = """
<mjml><mj-head>
  <mj-title>Title</mj-title><mj-preview>Preview</mj-preview><mj-breakpoint width="480px" />
  <mj-attributes>
    <mj-all font-family="Arial, sans-serif" /><mj-text align="left" color="#333333" line-height="24px" />
  </mj-attributes>
</mj-head><mj-body width="600px" background-color="#ffffff">
  <mj-section><mj-column>
    <mj-text>Text</mj-text><mj-image src="https://example.com/a.png" alt="Picture" />
    <mj-divider /><mj-spacer />
    <mj-button href="https://example.com/">Button</mj-button><mj-table><tr><td>Cell</td></tr></mj-table>
    <mj-social><mj-social-element name="github" href="https://example.com/">Site</mj-social-element></mj-social>
    <mj-navbar><mj-navbar-link href="https://example.com/">Link</mj-navbar-link></mj-navbar>
  </mj-column></mj-section>
  <mj-section full-width="full-width"><mj-group><mj-column /><mj-column /></mj-group></mj-section>
  <mj-wrapper><mj-section><mj-column /></mj-section></mj-wrapper>
  <mj-hero><mj-text>Text</mj-text></mj-hero>
</mj-body></mjml>
"""
# Those that can be worked, by a class that they leave in a mail: their own tricks excuse nobody else's.
WORKED = {
    "mj-accordion": "<mj-accordion><mj-accordion-element><mj-accordion-title>Title</mj-accordion-title>"
    "<mj-accordion-text>Text</mj-accordion-text></mj-accordion-element></mj-accordion>",
    "mj-carousel": '<mj-carousel><mj-carousel-image src="https://example.com/a.png" />'
    '<mj-carousel-image src="https://example.com/b.png" /></mj-carousel>',
    "mj-menu-checkbox": '<mj-navbar hamburger="hamburger"><mj-navbar-link href="https://example.com/">Link'
    "</mj-navbar-link></mj-navbar>",
}
_IN_SHEETS = ("css-at-", "css-nesting", "css-pseudo-", "css-selector-")


def clients(proof: Proof) -> Iterator[Problem]:
    """CSS and HTML that a mail program of `clients` in newsletter.yml does not support.

    Only what MJML does not write itself, and what is there for everybody (see `UsageScanner`); what is
    supported in part is left to the eye. A warning where content or layout is lost, a note where it looks
    plainer.

    Raises ConfigError where `clients` has a name that the data does not know.
    """
    data, chosen = caniemail(), _chosen(proof)
    excused, sheetless = _of_mjml(proof.document), data.without(data.features["html-style"])
    told = set[str]()
    for use in UsageScanner(proof.document).uses():
        slug = feature(use.mark)
        if slug is None or slug in excused or slug in told or not (lost := fallback(slug)):
            continue
        found = data.features[slug]
        # Who reads no style sheets misses those of MJML too, and nothing more for what is in them.
        spared = use.spares | (sheetless if slug.startswith(_IN_SHEETS) else frozenset())
        if without := (data.without(found) & chosen) - spared:
            told.add(slug)
            what = f"not supported by {data.told(found, without, spared)}: {_named(found)}"
            yield Problem(_where(proof, use), what, f"{lost.fix} ({found.page})", lost.severity)


def features(document: Document) -> frozenset[str]:
    """The slugs of the features that a mail uses."""
    return frozenset(filter(None, (feature(use.mark) for use in UsageScanner(document).uses())))


def compiled(components: str) -> Document:
    """What MJML makes of a mail."""
    return Document(compile_mjml(Filled(components, lambda _: ""))[0])


def _chosen(proof: Proof) -> frozenset[str]:
    data, config = caniemail(), proof.newsletter.config
    families = ", ".join(sorted(data.families))
    if unknown := [
        Problem(
            proof.newsletter.where("clients", number),
            f"clients: there is no data about `{printable(name)}`",
            f"the ones that there is: {families}; or one of their platforms, such as outlook.windows",
        )
        for number, name in enumerate(config.clients)
        if not data.of(name)
    ]:
        raise ConfigError(unknown)
    return frozenset().union(*map(data.of, config.clients))


def _of_mjml(document: Document) -> frozenset[str]:
    """What MJML's own components use: of those that can be worked only where they are in the mail."""
    there = " ".join(element.get("class", "") for element in document.elements).split()
    worked = (name for name in WORKED if any(one.startswith(name) for one in there))
    return frozenset().union(_baseline(), *map(_worked, worked))


@cache
def _baseline() -> frozenset[str]:
    return features(compiled(SAMPLE))


@cache
def _worked(name: str) -> frozenset[str]:
    section = f"<mj-section><mj-column>{WORKED[name]}</mj-column></mj-section>"
    return features(compiled(f"<mjml><mj-body>{section}</mj-body></mjml>"))


def _named(feature: Feature) -> str:
    return feature.title.removesuffix(" element").removesuffix(" property")


def _where(proof: Proof, use: Use) -> str:
    """Where CSS is spelled, or else the element that it is on; the issue where that is nowhere to be seen."""
    for words in use.spelled:
        if (place := proof.where(words)) != proof.issue.path:
            return place
    return proof.issue.path if use.element is None else proof.where(use.element)
