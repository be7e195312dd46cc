"""Render an issue as mail: the same bytes for the same issue, site and templates, on every machine.

Preview, archive and send all call `render`, which reads no clock, no database and no network.
"""

from newsletter.issue.model import Issue
from newsletter.render.inline_css import inline
from newsletter.render.mjml import compile_mjml
from newsletter.render.model import Rendered, Site
from newsletter.render.part_limits import refuse_oversize
from newsletter.render.template_data import TemplateInput
from newsletter.render.templates import Filled, render_template

LAYOUT = "layout"
"""The name of the templates of a whole issue, without `.mjml.j2` and `.txt.j2`."""


def render(issue: Issue, site: Site) -> Rendered:
    """Render the HTML and the text of an issue. Raise TemplateError with the template's file and line."""
    given = TemplateInput(issue, site)
    return Rendered(issue.subject, issue.preheader, to_html(given), to_text(given))


def to_html(given: TemplateInput, layout: str = LAYOUT) -> str:
    """Render the HTML part, with its CSS inlined."""
    mjml = to_mjml(given, layout)
    refuse_oversize("MJML", mjml.text, mjml)  # compiling it would take long
    html, css = compile_mjml(mjml)
    refuse_oversize("HTML part", html, mjml)  # libxml2 would drop all after a few megabytes without a word
    inlined = inline(html, css)
    refuse_oversize("HTML part", inlined, mjml)
    return inlined


def to_text(given: TemplateInput, layout: str = LAYOUT) -> str:
    """Render the text part, without trailing spaces and without two blank lines in a row."""
    filled = render_template(f"{layout}.txt.j2", given)
    refuse_oversize("text part", filled.text, filled)
    lines = [line.rstrip(" \t") for line in filled.text.strip().split("\n")]
    kept = [line for line, before in zip(lines, ["", *lines], strict=False) if line or before]
    return "\n".join(kept) + "\n"


def to_mjml(given: TemplateInput, layout: str = LAYOUT) -> Filled:
    """Render the MJML that is compiled to the HTML part."""
    return render_template(f"{layout}.mjml.j2", given)
