"""Check for CSS and HTML that the readers' mail programs do not support, by the data of caniemail.com."""

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

# MJML's components in their default form. Their output works in all mail programs that MJML supports, so its
# features are not reported.
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
# Interactive components, by a class that they leave in a mail. Their output uses features that are reported
# elsewhere, so these are excused only in a mail that has the component.
INTERACTIVE = {
    "mj-accordion": "<mj-accordion><mj-accordion-element><mj-accordion-title>Title</mj-accordion-title>"
    "<mj-accordion-text>Text</mj-accordion-text></mj-accordion-element></mj-accordion>",
    "mj-carousel": '<mj-carousel><mj-carousel-image src="https://example.com/a.png" />'
    '<mj-carousel-image src="https://example.com/b.png" /></mj-carousel>',
    "mj-menu-checkbox": '<mj-navbar hamburger="hamburger"><mj-navbar-link href="https://example.com/">Link'
    "</mj-navbar-link></mj-navbar>",
}
_SHEET_FEATURES = ("css-at-", "css-nesting", "css-pseudo-", "css-selector-")


def clients(proof: Proof) -> Iterator[Problem]:
    """CSS and HTML that a mail program of `clients` in newsletter.yml does not support.

    Only features that MJML does not write itself, and that apply in every client (see `UsageScanner`);
    features that are supported in part are not reported. A warning if content or layout is lost, a note if
    the mail looks plainer.

    Raise ConfigError if `clients` has a name that is not in the data.
    """
    data, chosen = caniemail(), _chosen_clients(proof)
    excused, sheetless = _mjml_features(proof.document), data.without(data.features["html-style"])
    reported = set[str]()
    for use in UsageScanner(proof.document).uses():
        slug = feature(use.mark)
        if slug is None or slug in excused or slug in reported or not (advice := fallback(slug)):
            continue
        used = data.features[slug]
        # A client without style sheets ignores MJML's too, so a feature in them makes no difference to it.
        unaffected = use.unaffected | (sheetless if slug.startswith(_SHEET_FEATURES) else frozenset())
        if without := (data.without(used) & chosen) - unaffected:
            reported.add(slug)
            what = f"not supported by {data.describe(used, without, unaffected)}: {_title(used)}"
            yield Problem(_where(proof, use), what, f"{advice.fix} ({used.page})", advice.severity)


def features(document: Document) -> frozenset[str]:
    """Return the slugs of the features that a mail uses."""
    return frozenset(filter(None, (feature(use.mark) for use in UsageScanner(document).uses())))


def compiled(components: str) -> Document:
    """Compile MJML components; return the resulting HTML as a document."""
    return Document(compile_mjml(Filled(components, lambda _: ""))[0])


def _chosen_clients(proof: Proof) -> frozenset[str]:
    data, config = caniemail(), proof.newsletter.config
    families = ", ".join(sorted(data.families))
    if unknown := [
        Problem(
            proof.newsletter.where("clients", number),
            f"clients: caniemail.com has no data about `{printable(name)}`",
            f"use one of {families}; or one of their platforms, such as outlook.windows",
        )
        for number, name in enumerate(config.clients)
        if not data.clients_of(name)
    ]:
        raise ConfigError(unknown)
    return frozenset().union(*map(data.clients_of, config.clients))


def _mjml_features(document: Document) -> frozenset[str]:
    """Return the features of MJML's components; those of an interactive one only if the mail has it."""
    classes = " ".join(element.get("class", "") for element in document.elements).split()
    used = (prefix for prefix in INTERACTIVE if any(name.startswith(prefix) for name in classes))
    return frozenset().union(_baseline(), *map(_interactive_features, used))


@cache
def _baseline() -> frozenset[str]:
    return features(compiled(SAMPLE))


@cache
def _interactive_features(name: str) -> frozenset[str]:
    section = f"<mj-section><mj-column>{INTERACTIVE[name]}</mj-column></mj-section>"
    return features(compiled(f"<mjml><mj-body>{section}</mj-body></mjml>"))


def _title(feature: Feature) -> str:
    return feature.title.removesuffix(" element").removesuffix(" property")


def _where(proof: Proof, use: Use) -> str:
    """Return `file:line` of the CSS, or of the element that has it; the issue's file if neither is found."""
    for words in use.spellings:
        if (place := proof.where(words)) != proof.issue.path:
            return place
    return proof.issue.path if use.element is None else proof.where(use.element)
