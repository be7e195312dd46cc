"""Check the HTML for barriers to readers with a screen reader or a keyboard.

The check follows WCAG 2.2 and the rules of axe-core; the docstrings name these rules.
"""

import re
from collections.abc import Iterator

from newsletter.checks.document import Element, words
from newsletter.checks.proof import Proof
from newsletter.display import printable
from newsletter.errors import Problem
from newsletter.render.language_tags import direction

_LANGUAGE = re.compile(r"[a-z]{2,8}(-[a-z0-9]{1,8})*", re.IGNORECASE)
_ZOOM_OFF = re.compile(r"user-scalable\s*=\s*(?:no|0)|maximum-scale\s*=\s*1(?!\d)", re.IGNORECASE)
_PRESENTATION_ROLES = ("presentation", "none")

Barrier = tuple[Element, str, str]  # the element, the problem, the fix


def accessibility(proof: Proof) -> Iterator[Problem]:
    """No language or title, pictures without alt text, links without words, layout tables read as data."""
    rules = (_root, _titles, _pictures, _links, _tables, _lists, _keys)
    for element, what, fix in (barrier for check in rules for barrier in check(proof)):
        yield Problem(proof.where(element), what, fix, "warning")


def _root(proof: Proof) -> Iterator[Barrier]:
    """Check html-has-lang, html-lang-valid, and the direction of the language."""
    root, wanted = proof.document.root, proof.newsletter.config.language
    lang = (root.get("lang") or "").strip()
    if not lang:
        yield root, "the mail does not declare its language", f'write <mjml lang="{wanted}">'
    elif not _LANGUAGE.fullmatch(lang):
        yield root, f'"{printable(lang)}" is not a language code', f'write lang="{wanted}"'
    elif lang.split("-")[0].lower() != wanted.split("-")[0].lower():
        yield root, f"the mail declares the language {lang}, newsletter.yml {wanted}", "correct one of them"
    if direction(lang) == "rtl" and root.get("dir") != "rtl":
        yield root, f"{lang} runs from right to left, but the mail does not", 'write <mjml dir="rtl">'


def _titles(proof: Proof) -> Iterator[Barrier]:
    """Check document-title."""
    if not any((title.text or "").strip() for title in proof.document.named("title")):
        fix = "put <mj-title>{{ issue.subject }}</mj-title> into its head"
        yield proof.document.root, "the mail has no title", fix


def _pictures(proof: Proof) -> Iterator[Barrier]:
    """Check image-alt."""
    for image in proof.document.named("img", "area"):
        if (
            image.get("alt") is None
            and image.get("role") not in _PRESENTATION_ROLES
            and not image.get("aria-label")
        ):
            fix = 'describe the picture: alt="…"; write alt="" if it only decorates'
            yield image, f"a picture without alt text ({printable(image.get('src') or '')})", fix


def _links(proof: Proof) -> Iterator[Barrier]:
    """Check link-name."""
    for link in proof.document.links:
        if not words(link) and not (link.get("aria-label") or link.get("title") or "").strip():
            what = f"a link without words ({printable(link.get('href') or '')})"
            yield link, what, "add words that describe the target, or alt text to its picture"


def _tables(proof: Proof) -> Iterator[Barrier]:
    """Check the role of layout tables; without it, screen readers announce them as data, cell by cell."""
    for table in proof.document.named("table"):
        is_data = any(True for _ in table.iter("th", "caption"))
        if not is_data and table.get("role") not in _PRESENTATION_ROLES:
            yield table, "a layout table that is announced as data", 'write <table role="presentation">'


def _lists(proof: Proof) -> Iterator[Barrier]:
    """Check list and listitem."""
    for item in proof.document.named("li"):
        parent = item.getparent()
        if parent is None or parent.tag not in ("ul", "ol", "menu"):
            yield item, "a list item outside a list", "put it into <ul> or <ol>"
    for listed in proof.document.named("ul", "ol"):
        tags = [str(child.tag) for child in listed if isinstance(child.tag, str)]
        if wrong := [tag for tag in tags if tag != "li"]:
            yield listed, f"<{wrong[0]}> directly inside <{listed.tag}>", "put it into an <li>"


def _keys(proof: Proof) -> Iterator[Barrier]:
    """Check tabindex, accesskeys, meta-viewport."""
    used: set[str] = set()
    for element in proof.document.elements:
        if re.fullmatch(r"0*[1-9]\d*", element.get("tabindex", "")):
            yield element, "a tabindex changes the order of the keyboard focus", "delete it"
        if key := element.get("accesskey", "").lower():
            if key in used:
                yield element, f'the access key "{printable(key)}" is used twice', "delete one, or both"
            used.add(key)
        viewport = element.tag == "meta" and element.get("name", "").lower() == "viewport"
        if viewport and _ZOOM_OFF.search(element.get("content", "")):
            yield element, "readers cannot enlarge the mail", "delete user-scalable and maximum-scale"
