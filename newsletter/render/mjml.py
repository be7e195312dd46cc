"""Compile MJML to HTML with mjml-python (mrml)."""

import html
import re

from mjml import mjml2html

from newsletter.errors import TemplateError
from newsletter.network.web_address import ascii_address
from newsletter.render.mjml_lint import check
from newsletter.render.templates import Filled

_INLINE_STYLE = re.compile(
    r"""<mj-style(?=\s[^<>]*?\binline\s*+=\s*+["']inline["'])[^<>]*>(.*?)(?:</mj-style>|\Z)""", re.DOTALL
)
_PLACE = re.compile(r" in root template at position (\d+):(\d+)$")

# mrml 6.0.1 writes attributes, and the title as one, in Rust's debug notation: \u{301} for an accent, \\ for
# a backslash. It does not change character references, so these replace such characters in the second group.
_ATTRIBUTES = (
    re.compile(r'(=")([ !#-;=-\[\]-~]*[^ -\[\]-~][^"<]*)(")'),  # with a character outside printable ASCII
    re.compile(r"(=')([^'<]*)(')"),
    re.compile(r"(<mj-title>)(.*?)(</mj-title>|\Z)", re.DOTALL),
)
# The addresses that a template writes itself. libxml2 would percent-encode their hosts.
_ADDRESS = re.compile(r"""((?:href|src)=)(?:"([^"]*)"|'([^']*)')""")
_UNSAFE = re.compile(r'[^\x20-\x7e]|[\\"]')


def compile_mjml(mjml: Filled) -> tuple[str, str]:
    """Return the HTML, and the CSS that the template marks as inline. Raise TemplateError with file and line.

    mrml would keep `mj-style inline="inline"` as a plain style block, so its CSS is removed from the MJML.
    """
    check(mjml)
    css = "\n".join(map(html.unescape, _INLINE_STYLE.findall(mjml.text)))
    source = _ADDRESS.sub(_in_ascii, _INLINE_STYLE.sub(_blank, mjml.text))
    for attribute in _ATTRIBUTES:
        source = attribute.sub(_with_references, source)
    try:
        compiled: str = mjml2html(source, disable_comments=False, fonts={})
    except ValueError as failure:
        raise _compile_error(mjml, source, str(failure)) from failure
    return compiled, css


def _blank(style: re.Match[str]) -> str:
    return "\n" * style[0].count("\n")


def _in_ascii(attribute: re.Match[str]) -> str:
    address = html.unescape(attribute[2] or attribute[3] or "").strip()
    if address.isascii() or "[[" in address:
        return attribute[0]
    return f'{attribute[1]}"{html.escape(ascii_address(address))}"'


def _with_references(attribute: re.Match[str]) -> str:
    before, value, after = attribute.groups()
    return before + _UNSAFE.sub(lambda character: f"&#{ord(character[0])};", value) + after


def _compile_error(mjml: Filled, source: str, message: str) -> TemplateError:
    fix = "see the MJML reference for the content of each component"
    place = _PLACE.search(message)
    if not place:
        return TemplateError(f"MJML does not compile: {message}", fix, where=mjml.where(0))
    raw, start, end = source.encode(), int(place[1]), int(place[2])
    piece = raw[start:end].decode("utf-8", "replace")
    # Character references changed the columns, but not the lines.
    position = mjml.text.find(piece, mjml.line(raw.count(b"\n", 0, start) + 1))
    return TemplateError(f"MJML does not allow {piece} here", fix, where=mjml.where(max(0, position)))
