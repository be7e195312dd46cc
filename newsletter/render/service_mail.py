"""Render the mail about a subscription: the confirmation of a sign-up, and the links that people ask for.

It is in the theme, the colours and the language of the newsletter. Its words are in `service/KIND.j2` and its
layout in `service/layout.mjml.j2` and `.txt.j2`; a file of the same name in the newsletter's own `templates/`
replaces each of them.
"""

import datetime as dt
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from newsletter.constants import ServiceMailKind
from newsletter.issue.model import Issue, Passage
from newsletter.render import pipeline
from newsletter.render.language_tags import direction
from newsletter.render.model import Rendered, Site
from newsletter.render.template_data import Fields, TemplateInput
from newsletter.render.template_functions import Function
from newsletter.render.templates import render_template
from newsletter.render.translation import text_language, translations, translator

TEXTS = Path(__file__).with_name("service_texts")
LINK = "[[link]]"
"""The placeholder of the recipient's own link: to the page that confirms, or to the own data."""
UNSUBSCRIBE = "[[unsubscribe_url]]"

_LAYOUT = "service/layout"
# Templates that issues share, such as the head, read an issue; the one here has no stories.
_NO_ISSUE = Issue(subject="-", preheader="-", opening=(Passage(text="-"),), date=dt.date.min)


@dataclass(frozen=True)
class ServiceInput(TemplateInput):
    """The data of the templates of one mail: those of the site, and `mail`, `t` and a short `issue`."""

    kind: ServiceMailKind = "confirm"
    subject: str = ""
    preheader: str = ""
    is_by_mail: bool = False

    @cached_property
    def variables(self) -> dict[str, Any]:
        """Return the variables of every template."""
        language = text_language(TEXTS, self.site.language)
        mail = {
            "kind": self.kind,
            "language": language,
            "direction": direction(language),
            # Between two sentences.
            "space": "" if language[:2] in ("ja", "zh") else " ",
            "link": LINK,
            "is_by_mail": self.is_by_mail,
        }
        if self.kind != "confirm":  # who has not confirmed is no subscriber yet, and has no such link
            mail["unsubscribe_url"] = UNSUBSCRIBE
        return {
            **super().variables,
            "issue": Fields("Issue", {"subject": self.subject, "preheader": self.preheader}),
            "mail": Fields("Mail", mail),
            "t": Function(translator(translations(TEXTS, language), html=False), "t"),
        }


def render_service_mail(kind: ServiceMailKind, site: Site, *, is_by_mail: bool = False) -> Rendered:
    """Render a mail with placeholders for the recipient's links.

    `is_by_mail`: people sign up and confirm by mail, and the links write one. Raise TemplateError with the
    template's file and line, and IssueError if the logo cannot be shown.
    """
    words = render_template(
        "service/subject.txt.j2", ServiceInput(_NO_ISSUE, site, kind, is_by_mail=is_by_mail)
    ).text
    subject, preheader = (" ".join(line.split()) for line in words.strip().split("\n", 1))
    given = ServiceInput(_NO_ISSUE, site, kind, subject, preheader, is_by_mail)
    return Rendered(subject, preheader, pipeline.to_html(given, _LAYOUT), pipeline.to_text(given, _LAYOUT))
