"""Map marks in a mail, such as `property:float`, to the features of caniemail.com that they belong to.

Most marks come from a feature's slug and title; _MARKS has the others, and UNDETECTED lists the features that
have no mark. Marks are property:NAME, value:NAME:WORD, word:WORD, function:NAME, unit:UNIT, at:NAME,
media:NAME, pseudo:NAME, selector:SIGN, element:NAME, attribute:NAME, typed:ELEMENT:TYPE and image:FORMAT.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache

from newsletter.checks.caniemail.data import caniemail


def _each(kind: str, names: str) -> tuple[str, ...]:
    return tuple(f"{kind}:{name}" for name in names.split())


_SEMANTICS = "article aside details figcaption figure footer header main mark nav section summary time"
_MARKS: Mapping[str, tuple[str, ...]] = {
    "amp": _each("attribute", "amp4email ⚡4email"),
    "css-at-media-device-pixel-ratio": _each("media", "device-pixel-ratio"),
    "css-at-media-hover": _each("media", "hover any-hover"),
    "css-block-inline-size": ("property:block-size",),  # inline-size has another page
    "css-border-inline-block-individual": _each(
        "property", "border-inline-start border-inline-end border-block-start border-block-end"
    ),
    "css-border-inline-block-longhand": tuple(
        f"property:border-{axis}-{part}"
        for axis in ("inline", "block")
        for part in ("color", "style", "width")
    ),
    "css-border-radius": _each(
        "property",
        "border-radius border-top-left-radius border-top-right-radius border-bottom-left-radius"
        " border-bottom-right-radius",
    ),
    "css-border-radius-logical": tuple(
        f"property:border-{block}-{inline}-radius"
        for block in ("start", "end")
        for inline in ("start", "end")
    ),
    "css-column-count": _each("property", "column-count columns"),
    "css-column-layout-properties": _each("property", "column-fill column-rule column-span column-width"),
    "css-display-flex": _each("value:display", "flex inline-flex"),
    "css-display-grid": _each("value:display", "grid inline-grid"),
    "css-flex-direction": _each("value:flex-direction", "column column-reverse"),
    "css-flex-wrap": _each("value:flex-wrap", "wrap wrap-reverse"),
    "css-grid-template": _each(
        "property", "grid-template grid-template-areas grid-template-columns grid-template-rows"
    ),
    "css-important": ("word:!important",),
    "css-inert-attribute": ("attribute:inert",),
    "css-intrinsic-size": _each("word", "fit-content min-content max-content"),
    "css-mask-image": _each("property", "mask mask-image"),
    "css-nesting": ("selector:&",),
    "css-scroll-snap": _each("property", "scroll-snap-type scroll-snap-align scroll-snap-stop"),
    "css-selector-adjacent-sibling": ("selector:+",),
    "css-selector-attribute": ("selector:[",),
    "css-selector-chaining": ("selector:..",),
    "css-selector-child": ("selector:>",),
    "css-selector-class": ("selector:.",),
    "css-selector-descendant": ("selector: ",),
    "css-selector-general-sibling": ("selector:~",),
    "css-selector-grouping": ("selector:,",),
    "css-selector-id": ("selector:#",),
    "css-selector-universal": ("selector:*",),
    "css-sytem-ui": _each("word", "system-ui ui-serif ui-sans-serif ui-rounded ui-monospace"),
    "css-unit-initial": ("word:initial",),
    "css-unit-percent": ("unit:%",),
    "css-variables": ("property:--*", "function:var"),
    "html-anchor-links": ("typed:a:#",),
    "html-h1-h6": _each("element", "h1 h2 h3 h4 h5 h6"),
    "html-image-maps": ("element:map",),
    "html-mailto-links": ("typed:a:mailto",),
    "html-meta-color-scheme": ("typed:meta:color-scheme",),
    "html-semantics": _each("element", _SEMANTICS),
    "image-apng": ("image:apng",),
    "image-base64": ("image:base64",),
    "image-heif": _each("image", "heif heic"),
    "image-jpg": _each("image", "jpg jpeg"),
    "image-tiff": _each("image", "tiff tif"),
}
# Features that a mail's HTML does not contain, loses when it is parsed, or nearly always contains.
UNDETECTED = (
    "bimi",  # in the sender's DNS
    "css-comments",
    "css-selector-type",  # in nearly every rule
    "html-comments",
    "html-doctype",  # the first line, which MJML writes
    "image-hdr",  # inside a picture's file
)
# A longer property without a feature of its own has that of its shorthand: margin-top, overflow-x.
_SHORTHANDS = (
    *("animation", "border", "border-image", "inset", "list-style", "margin", "mask-image", "outline"),
    *("overflow", "padding", "text-emphasis", "transition"),
)


def marks(slug: str) -> tuple[str, ...]:
    """Return the marks of a feature; none for a feature in UNDETECTED, or one without derivable marks."""
    if slug in UNDETECTED:
        return ()
    return _MARKS.get(slug) or tuple(_derived(slug, caniemail().features[slug].title))


def _derived(slug: str, title: str) -> Iterator[str]:
    """Yield the marks that follow from a feature's slug and title."""
    kind, _, name = slug.partition("-")
    prefixes = {"at-media-": "media", "at-": "at", "pseudo-class-": "pseudo", "pseudo-element-": "pseudo"}
    prefix = next((prefix for prefix in prefixes if name.startswith(prefix)), "")
    bare = re.sub(r" (property|shorthand|CSS property|attributes?)$", "", title)
    if kind == "image":
        yield f"image:{name}"
    elif kind == "html" and "<" in title:
        typed = re.findall(r'<(\w+) type="(\w+)">', title)
        yield from (f"typed:{element}:{kind}" for element, kind in typed)
        yield from (f"element:{element}" for element in re.findall(r"<(\w+)>", title))
    elif kind == "html" and "attribute" in title:
        yield from (f"attribute:{attribute}" for attribute in _names(bare))
    elif kind == "html":
        yield f"element:{name}"
    elif prefix:
        yield f"{prefixes[prefix]}:{name.removeprefix(prefix)}"
    elif valued := re.fullmatch(r"([a-z-]+): ?([a-z-]+)", title):
        yield f"value:{valued[1]}:{valued[2]}"
    elif functions := re.findall(r"(?<![a-z-])([a-z-]+)\(\)", title):
        yield from (f"function:{function}" for function in functions)
    elif title.endswith(" unit"):
        yield f"unit:{title.removesuffix(' unit')}"
    else:
        yield from (f"property:{property_name}" for property_name in _names(bare))


def _names(listed: str) -> list[str]:
    names = re.split(r", | & | and ", listed)
    return names if all(re.fullmatch(r"[a-z-]+", name) for name in names) else []


@cache
def _slug_by_mark() -> dict[str, str]:
    return {mark: slug for slug in caniemail().features for mark in marks(slug)}


def feature(mark: str) -> str | None:
    """Return the slug of the feature that a mark belongs to; None for a mark without a feature."""
    kind, _, name = mark.partition(":")
    if (slug := _slug_by_mark().get(mark)) or kind != "property":
        return slug
    if name.startswith("--"):
        return _slug_by_mark()["property:--*"]
    prefixes = (shorthand for shorthand in _SHORTHANDS if name.startswith(f"{shorthand}-"))
    return _slug_by_mark().get(f"property:{max(prefixes, key=len, default='')}")
