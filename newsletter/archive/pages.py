"""Render the files that an archive has once: the page for wrong addresses, and the style sheet."""

from newsletter.archive.page_frame import PageFrame, head_of
from newsletter.archive.sign_up import SignUpWay
from newsletter.render.model import Site
from newsletter.render.page_words import visible_text
from newsletter.render.template_data import site_variable
from newsletter.render.templates import render_text

NOT_FOUND, STYLE = "404.html", "style.css"
"""The names of their files."""


def render_not_found(site: Site, sign_up: SignUpWay) -> str:
    """Render the page that a server shows for an address that does not exist, at any depth."""
    root = f"{site.url}/" if site.url else "/"
    page = {"name": "not_found", "root": root, "type": "website"} | head_of(site.name, None, site, None)
    return PageFrame(site, sign_up).render("not_found", page)


def archive_wording(site: Site, server: str) -> str:
    """Return the words of the sign-up form of the archive, in one line; `server` is that of `news serve`.

    The field that catches robots is left out: nobody sees it.
    """
    frame = PageFrame(site, SignUpWay("form", server))
    variables = frame.variables(frame.shared(), {}) | {"heading": 2, "trap": None}
    return visible_text(render_text("archive/sign_up.html.j2", site, variables), "section")


def render_style(site: Site) -> str:
    """Render the style sheet of all pages, in the theme, the colours and the fonts of the newsletter."""
    return render_text("archive/style.css.j2", site, site_variable(site))
