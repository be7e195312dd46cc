"""CSS into style attributes by premailer, held back to the CSS that a template marks for it.

premailer's defaults break MJML's output: they fetch, lose the doctype, strip `!important` (dark mode, phones)
and widen pictures. So MJML's own head styles are hidden from it, and only `css` is inlined.
"""

import logging
import re
import sys
from functools import lru_cache
from types import ModuleType
from typing import Any

# premailer and cssutils import these to fetch files, which rendering never does. With empty modules in their
# place neither can, and a whole `news render` is about a sixth quicker.
_FETCHING = ("requests", "urllib.request", "encutils")
_hidden = {name: sys.modules.get(name) for name in _FETCHING}
sys.modules.update({name: ModuleType(name) for name in _FETCHING})
import cssutils  # noqa: E402 - after the empty modules
from premailer import Premailer  # noqa: E402 - after the empty modules

for _name, _module in _hidden.items():
    if _module:
        sys.modules[_name] = _module
    else:
        del sys.modules[_name]

cssutils.log.setLevel(logging.CRITICAL)
cssutils.ser.prefs.minimizeColorHash = False

_STYLE = re.compile(r"<!--.*?-->|<style\b", re.DOTALL)
_OPTIONS = {
    "allow_network": False,
    "strip_important": False,
    "keep_style_tags": False,
    "remove_classes": False,
    "disable_validation": True,
    "align_floating_images": False,
    "disable_basic_attributes": ["width", "height", "align", "valign", "bgcolor"],
}


class _Inliner(Premailer):  # type: ignore[misc]  # premailer has no types
    """premailer reads the rules anew for each mail, a quarter of its time; a template's stay the same."""

    def _parse_style_rules(self, css_body: str, ruleset_index: int) -> tuple[list[Any], list[Any]]:
        rules, left = _rules(css_body, ruleset_index)
        return list(rules), list(left)


@lru_cache(maxsize=16)
def _rules(css: str, index: int) -> tuple[list[Any], list[Any]]:
    rules: tuple[list[Any], list[Any]] = _Reader("", **_OPTIONS)._parse_style_rules(css, index)
    return rules


class _Reader(Premailer):  # type: ignore[misc]  # premailer has no types
    """Read CSS without following `@import`, which cssutils would fetch while it parses."""

    def _parse_css_string(self, css_body: str, validate: bool = True) -> Any:
        return cssutils.CSSParser(fetcher=_fetch_nothing).parseString(css_body, validate=validate)


def _fetch_nothing(_url: str) -> None:
    """Return no style sheet, whatever the address."""


def inline(html: str, css: str) -> str:
    """The HTML with `css` inlined; every other style block, and Outlook's comments, as they were."""
    html = re.sub(r"^\s*<!doctype html>", "<!DOCTYPE html>", html, flags=re.IGNORECASE)
    html = _STYLE.sub(lambda m: '<style data-premailer="ignore"' if m[0] == "<style" else m[0], html)
    inlined: str = _Inliner(html, css_text=css, **_OPTIONS).transform()
    # premailer takes its own mark off again, but not from styles that have a media attribute.
    return inlined.replace(' data-premailer="ignore"', "").rstrip() + "\n"
