"""What shuts people out who hear a mail or go through it by keyboard, as far as the HTML alone shows it.

After WCAG 2.2 and the rules of axe-core, whose names are in the comments.
"""

import re
from collections.abc import Iterator

from newsletter.checks.document import Element, words
from newsletter.checks.proof import Proof
from newsletter.display import printable
from newsletter.errors import Problem

_RTL = ("ar", "fa", "he", "ur", "yi")
_LANGUAGE = re.compile(r"[a-z]{2,8}(-[a-z0-9]{1,8})*", re.IGNORECASE)
_FIXED = re.compile(r"user-scalable\s*=\s*(?:no|0)|maximum-scale\s*=\s*1(?!\d)", re.IGNORECASE)
_QUIET = ("presentation", "none")

Wrong = tuple[Element, str, str]


def accessibility(proof: Proof) -> Iterator[Problem]:
    """No language or title, pictures without alt text, links without words, layout tables read as data."""
    checked = (_root, _titles, _pictures, _links, _tables, _lists, _keys)
    for element, what, fix in (wrong for check in checked for wrong in check(proof)):
        yield Problem(proof.where(element), what, fix, "warning")


def _root(proof: Proof) -> Iterator[Wrong]:
    """html-has-lang, html-lang-valid, and the direction that goes with it."""
    root, wanted = proof.document.root, proof.newsletter.config.language
    lang = (root.get("lang") or "").strip()
    if not lang:
        yield root, "the mail does not say its language", f'write <mjml lang="{wanted}">'
    elif not _LANGUAGE.fullmatch(lang):
        yield root, f'"{printable(lang)}" is not a language code', f'write lang="{wanted}"'
    elif lang.split("-")[0].lower() != wanted.split("-")[0].lower():
        yield root, f"the mail says that it is {lang}, newsletter.yml {wanted}", "correct one of them"
    if lang.split("-")[0].lower() in _RTL and root.get("dir") != "rtl":
        yield root, f"{lang} runs from right to left, and the mail does not", 'write <mjml dir="rtl">'


def _titles(proof: Proof) -> Iterator[Wrong]:
    """document-title, frame-title."""
    if not any((title.text or "").strip() for title in proof.document.named("title")):
        fix = "put <mj-title>{{ issue.subject }}</mj-title> into its head"
        yield proof.document.root, "the mail has no title", fix


def _pictures(proof: Proof) -> Iterator[Wrong]:
    """image-alt, role-img-alt, input-image-alt, svg-img-alt."""
    for image in proof.document.named("img", "area"):
        if image.get("alt") is None and image.get("role") not in _QUIET and not image.get("aria-label"):
            fix = 'say what it shows: alt="…"; alt="" for what only decorates'
            yield image, f"a picture without alt text ({printable(image.get('src') or '')})", fix


def _links(proof: Proof) -> Iterator[Wrong]:
    """link-name."""
    for link in proof.document.links:
        if not words(link) and not (link.get("aria-label") or link.get("title") or "").strip():
            what = f"a link without words ({printable(link.get('href') or '')})"
            yield link, what, "write what is there, or give its picture alt text"


def _tables(proof: Proof) -> Iterator[Wrong]:
    """Tables for layout are read out as such, cell by cell, unless they say that they are none."""
    for table in proof.document.named("table"):
        is_data = any(True for _ in table.iter("th", "caption"))
        if not is_data and table.get("role") not in _QUIET:
            yield table, "a layout table that is read out as data", 'write <table role="presentation">'


def _lists(proof: Proof) -> Iterator[Wrong]:
    """list, listitem, dlitem."""
    for item in proof.document.named("li"):
        above = item.getparent()
        if above is None or above.tag not in ("ul", "ol", "menu"):
            yield item, "a list item outside a list", "put it into <ul> or <ol>"
    for listed in proof.document.named("ul", "ol"):
        if strange := [str(one.tag) for one in listed if isinstance(one.tag, str) and one.tag != "li"]:
            yield listed, f"<{strange[0]}> directly inside <{listed.tag}>", "put it into an <li>"


def _keys(proof: Proof) -> Iterator[Wrong]:
    """tabindex, accesskeys, meta-viewport."""
    seen: set[str] = set()
    for element in proof.document.elements:
        if re.fullmatch(r"0*[1-9]\d*", element.get("tabindex", "")):
            yield element, "a tabindex takes an element out of order", "delete it"
        if key := element.get("accesskey", "").lower():
            if key in seen:
                yield element, f'the access key "{printable(key)}" is there twice', "delete one, or both"
            seen.add(key)
        viewport = element.tag == "meta" and element.get("name", "").lower() == "viewport"
        if viewport and _FIXED.search(element.get("content", "")):
            yield element, "readers cannot enlarge the mail", "take user-scalable and maximum-scale out"
