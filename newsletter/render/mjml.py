"""MJML to HTML by mjml-python (mrml)."""

import html
import re

from mjml import mjml2html

from newsletter.errors import TemplateError
from newsletter.render.mjml_lint import check
from newsletter.render.templates import Filled

_INLINE_STYLE = re.compile(r"""<mj-style\s[^>]*\binline=["']inline["'][^>]*>(.*?)</mj-style>""", re.DOTALL)
_PLACE = re.compile(r" in root template at position (\d+):(\d+)$")

# mrml 6.0.1 writes attributes, and the title as one, in Rust's debug notation: \u{301} for an accent, \\ for
# a backslash. Character references pass through it, so each of these has them put between its ends.
_ATTRIBUTES = (
    re.compile(r'(=")([ !#-;=-\[\]-~]*[^ -\[\]-~][^"<]*)(")'),  # with something other than plain ASCII
    re.compile(r"(=')([^'<]*)(')"),
    re.compile(r"(<mj-title>)(.*?)(</mj-title>)", re.DOTALL),
)
_UNSAFE = re.compile(r'[^\x20-\x7e]|[\\"]')


def compile_mjml(mjml: Filled) -> tuple[str, str]:
    """HTML, and the CSS that the template asks to be inlined; raises TemplateError with file and line.

    mrml leaves `mj-style inline="inline"` as a plain style block, so that CSS is taken out before.
    """
    check(mjml)
    css = "\n".join(map(html.unescape, _INLINE_STYLE.findall(mjml.text)))
    source = _INLINE_STYLE.sub(_blank, mjml.text)
    for attribute in _ATTRIBUTES:
        source = attribute.sub(_referenced, source)
    try:
        compiled: str = mjml2html(source, disable_comments=False, fonts={})
    except ValueError as problem:
        raise _refused(mjml, source, str(problem)) from problem
    return compiled, css


def _blank(style: re.Match[str]) -> str:
    return re.sub(r"[^\n]", "", style[0])


def _referenced(attribute: re.Match[str]) -> str:
    before, value, after = attribute.groups()
    return before + _UNSAFE.sub(lambda found: f"&#{ord(found[0])};", value) + after


def _refused(mjml: Filled, source: str, message: str) -> TemplateError:
    fix = "see the MJML reference for what may stand where"
    place = _PLACE.search(message)
    if not place:
        return TemplateError(f"MJML does not compile: {message}", fix, where=mjml.where(0))
    raw, start, end = source.encode(), int(place[1]), int(place[2])
    piece = raw[start:end].decode("utf-8", "replace")
    # References have moved what follows them, but not into other lines.
    position = mjml.text.find(piece, mjml.line(raw.count(b"\n", 0, start) + 1))
    return TemplateError(f"MJML takes no {piece} here", fix, where=mjml.where(max(0, position)))
