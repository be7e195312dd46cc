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

# premailer imports requests for fetching, which is never to happen here. An empty module in its place makes
# that certain, and saves a sixth of the time that `news render` takes as a whole process.
_hidden = sys.modules.get("requests")
sys.modules["requests"] = ModuleType("requests")
import cssutils  # noqa: E402 - after the empty module
from premailer import Premailer  # noqa: E402 - after the empty module

if _hidden:
    sys.modules["requests"] = _hidden
else:
    del sys.modules["requests"]

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
    rules: tuple[list[Any], list[Any]] = Premailer("", **_OPTIONS)._parse_style_rules(css, index)
    return rules


def inline(html: str, css: str) -> str:
    """The HTML with `css` inlined; every other style block, and Outlook's comments, as they were."""
    html = re.sub(r"^\s*<!doctype html>", "<!DOCTYPE html>", html, flags=re.IGNORECASE)
    html = _STYLE.sub(lambda m: '<style data-premailer="ignore"' if m[0] == "<style" else m[0], html)
    inlined: str = _Inliner(html, css_text=css, **_OPTIONS).transform()
    # premailer takes its own mark off again, but not from styles that have a media attribute.
    return inlined.replace(' data-premailer="ignore"', "").rstrip() + "\n"
