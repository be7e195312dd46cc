"""Give the severity and the advice for each feature of caniemail.com that a mail program does not support.

A feature that content or layout depends on is a warning. A feature that readers do not miss is not reported.
Each other feature is a note: the mail looks plainer.
"""

from dataclasses import dataclass

from newsletter.errors import Severity


@dataclass(frozen=True)
class Fallback:
    """The severity of a missing feature, and the advice for the author of the template."""

    severity: Severity
    fix: str


_PLAINER = Fallback("note", "check that the mail looks good without it")
_FALLBACKS = {
    Fallback("warning", "build it from MJML's sections and columns, which are tables"): """
        css-align-items css-aspect-ratio css-clear css-column-count css-column-layout-properties
        css-display css-display-flex css-display-grid css-flex-direction css-flex-wrap css-float css-gap
        css-grid-template css-inset css-justify-content css-left-right-top-bottom css-min-height
        css-min-width css-object-fit css-position css-scroll-snap css-table-layout css-transform
        css-writing-mode css-z-index
    """,
    Fallback("warning", "write a plain value for the same property before it, for these mail programs"): """
        css-function-clamp css-function-light-dark css-function-max css-function-min css-intrinsic-size
        css-modern-color css-rgb css-rgba css-unit-calc css-unit-ch css-unit-cm css-unit-em css-unit-ex
        css-unit-in css-unit-initial css-unit-mm css-unit-pc css-unit-percent css-unit-pt css-unit-px
        css-unit-rem css-unit-vh css-unit-vmax css-unit-vmin css-unit-vw css-variables
    """,
    Fallback("warning", "write the sides and sizes as top, right, bottom, left, width and height"): """
        css-block-inline-size css-inline-size css-margin-block-start-end css-margin-inline-block
        css-margin-inline-start-end css-max-block-size css-max-inline-size css-min-block-size
        css-min-inline-size css-padding-block-start-end css-padding-inline-block
        css-padding-inline-start-end
    """,
    Fallback("warning", "set a background colour with enough contrast, and keep content out of pictures"): """
        css-background-image css-conic-gradient css-linear-gradient css-radial-gradient html-background
    """,
    Fallback(
        "warning", "write its content into the mail itself, or leave it out: these mail programs ignore it"
    ): """
        css-display-none css-inert-attribute css-nesting css-opacity css-pseudo-class-checked
        css-pseudo-element-after css-pseudo-element-before css-visibility html-dialog html-hidden
        html-link html-popover html-style
    """,
    Fallback("warning", "put it on a web page, and link to that page from the mail"): """
        amp html-audio html-base html-button-reset html-button-submit html-form
        html-image-maps html-input-checkbox html-input-hidden html-input-radio html-input-reset
        html-input-submit html-input-text html-mailto-links html-meter html-object html-progress
        html-select html-svg html-textarea html-video
    """,
    Fallback("warning", "use a PNG, JPEG or GIF from an https address"): """
        image-avif image-base64 image-bmp image-gif image-heif image-ico image-jpg image-mp4 image-png
        image-svg image-tiff image-webp html-img
    """,
    Fallback("note", "give the elements a class, and select that class"): """
        css-pseudo-class-first-child css-pseudo-class-first-of-type css-pseudo-class-has
        css-pseudo-class-lang css-pseudo-class-last-child css-pseudo-class-last-of-type
        css-pseudo-class-not css-pseudo-class-nth-child css-pseudo-class-nth-last-child
        css-pseudo-class-nth-last-of-type css-pseudo-class-nth-of-type css-pseudo-class-only-child
        css-pseudo-class-only-of-type css-selector-adjacent-sibling css-selector-attribute
        css-selector-chaining css-selector-child css-selector-class css-selector-descendant
        css-selector-general-sibling css-selector-grouping css-selector-id css-selector-universal
    """,
}
_BY_SLUG = {slug: fallback for fallback, slugs in _FALLBACKS.items() for slug in slugs.split()}
# Features that readers do not miss: conditions and states, whose rules apply only in mail programs that
# support them; hints to browsers, assistive technology and printers; elements that are shown without support
# too; features with a fallback of their own, such as a list of fonts or `src`; links within the mail, because
# readers can scroll to the place.
_UNMISSED = """
    css-at-keyframes css-at-media css-at-media-device-pixel-ratio css-at-media-hover
    css-at-media-orientation css-at-media-prefers-color-scheme css-at-media-prefers-reduced-motion
    css-at-supports css-color-scheme css-cursor css-orphans css-pseudo-class-active
    css-pseudo-class-focus css-pseudo-class-focus-visible css-pseudo-class-focus-within
    css-pseudo-class-hover css-pseudo-class-link css-pseudo-class-visited css-resize css-sytem-ui
    css-user-select css-white-space css-widows html-abbr html-acronym html-address html-anchor-links
    html-aria-describedby
    html-aria-hidden html-aria-label html-aria-labelledby html-aria-live html-bdi html-body html-dfn
    html-lang html-loading-attribute html-meta-color-scheme html-picture html-required html-role
    html-semantics html-small html-srcset html-target html-wbr image-apng
"""
UNMISSED = frozenset(_UNMISSED.split())


def fallback(slug: str) -> Fallback | None:
    """Return the severity and the advice for a feature that is not supported; None if it is not missed."""
    return None if slug in UNMISSED else _BY_SLUG.get(slug, _PLAINER)


def slugs() -> frozenset[str]:
    """Return the slugs of all features that this module names."""
    return UNMISSED | frozenset(_BY_SLUG)
