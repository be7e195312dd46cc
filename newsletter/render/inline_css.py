"""Move the CSS that a template marks as inline into style attributes, with premailer.

premailer's defaults break MJML's output: they download files, lose the doctype, strip `!important` (dark
mode, phones) and widen pictures. So MJML's head styles are hidden from it, and only `css` is inlined.
"""

import logging
import re
import sys
from functools import cache, lru_cache
from types import ModuleType
from typing import Any

# premailer and cssutils import these to download files, which rendering never does. Empty modules in their
# place prevent it, and make a whole `news render` about a sixth faster.
_DOWNLOAD_MODULES = ("requests", "urllib.request", "encutils")
_hidden = {name: sys.modules.get(name) for name in _DOWNLOAD_MODULES}
sys.modules.update({name: ModuleType(name) for name in _DOWNLOAD_MODULES})
import cssutils  # noqa: E402 - after the empty modules
from premailer import Premailer  # noqa: E402 - after the empty modules

for _name, _module in _hidden.items():
    if _module:
        sys.modules[_name] = _module
    else:
        del sys.modules[_name]

cssutils.log.setLevel(logging.CRITICAL)
cssutils.ser.prefs.minimizeColorHash = False

_STYLE = re.compile(r"<!--.*?(?:-->|\Z)|<style\b", re.DOTALL)
_PLAIN_SELECTOR = re.compile(r"[a-zA-Z0-9. >-]+")  # without attributes, pseudo-classes and escapes
_NAME = re.compile(r"\.?[a-z0-9-]+")
_OPTIONS = {
    "allow_network": False,
    "strip_important": False,
    "keep_style_tags": False,
    "remove_classes": False,
    "disable_validation": True,
    "align_floating_images": False,
}


class _Inliner(Premailer):  # type: ignore[misc]  # premailer has no types
    """A Premailer that caches parsed rules, and applies only those whose elements a mail may have.

    Parsing would take a quarter of its time, and half of the rules have no element in most mails.
    """

    def _parse_style_rules(self, css_body: str, ruleset_index: int) -> tuple[list[Any], list[Any]]:
        rules, leftover = _rules(css_body, ruleset_index)
        needed = [_needed(selector) for _, selector, _ in rules]
        html = self.html.encode().lower()
        missing = {text for text in frozenset().union(*needed) if text not in html}
        used = [rule for rule, texts in zip(rules, needed, strict=True) if not texts & missing]
        return used, list(leftover)

    def _style_to_basic_html_attributes(self, *_arguments: object, **_options: object) -> None:
        """Write no attributes such as `bgcolor`: MJML has written those that Outlook needs."""


@cache
def _needed(selector: str) -> frozenset[bytes]:
    """Return texts that the HTML, in lower case, must contain to have an element of a selector with a class.

    The elements of other selectors are found as fast as such texts.
    """
    if "." not in selector or not _PLAIN_SELECTOR.fullmatch(selector):
        return frozenset()
    names = _NAME.findall(selector.lower())
    return frozenset((name[1:] if name[0] == "." else f"<{name}").encode() for name in names)


@lru_cache(maxsize=16)
def _rules(css: str, index: int) -> tuple[list[Any], list[Any]]:
    rules: tuple[list[Any], list[Any]] = _Reader("", **_OPTIONS)._parse_style_rules(css, index)
    return rules


class _Reader(Premailer):  # type: ignore[misc]  # premailer has no types
    """A Premailer that does not follow `@import`, which cssutils would download while it parses."""

    def _parse_css_string(self, css_body: str, validate: bool = True) -> Any:
        parser = cssutils.CSSParser(fetcher=_fetch_nothing)
        # Without an address of its own, the style sheet would get that of the current folder.
        return parser.parseString(css_body, href="about:blank", validate=validate)


def _fetch_nothing(_url: str) -> None:
    """Return None instead of a style sheet, for every address."""


def inline(html: str, css: str) -> str:
    """Return the HTML with `css` inlined; style blocks and Outlook's comments are kept unchanged."""
    html = re.sub(r"^\s*<!doctype html>", "<!DOCTYPE html>", html, flags=re.IGNORECASE)
    html = _STYLE.sub(lambda m: '<style data-premailer="ignore"' if m[0] == "<style" else m[0], html)
    inlined: str = _Inliner(html, css_text=css, **_OPTIONS).transform()
    # premailer removes its attribute itself, but not from styles with a media attribute.
    return inlined.replace(' data-premailer="ignore"', "").rstrip() + "\n"
