"""List the checks by name and group."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from newsletter.checks.content.bare_addresses import bare_addresses
from newsletter.checks.content.conflict_markers import conflicts
from newsletter.checks.content.doubled_words import doubled_words
from newsletter.checks.content.footnotes import footnotes
from newsletter.checks.content.hidden_characters import hidden_characters
from newsletter.checks.content.images import images
from newsletter.checks.content.issue_date import monday
from newsletter.checks.content.link_text import link_text
from newsletter.checks.content.links import links
from newsletter.checks.content.long_passages import long_passages
from newsletter.checks.content.merge_tags import merge_tags
from newsletter.checks.content.plain_fields import plain_fields
from newsletter.checks.content.preheader import preheader
from newsletter.checks.content.redirects import redirects
from newsletter.checks.content.repeated import repeated
from newsletter.checks.content.short_names import short_names
from newsletter.checks.content.shouting import shouting
from newsletter.checks.content.stray_markdown import stray_markdown
from newsletter.checks.content.subject import subject
from newsletter.checks.content.tables import tables
from newsletter.checks.content.tracked_links import tracked_links
from newsletter.checks.content.unfinished import unfinished
from newsletter.checks.content.updated import updated
from newsletter.checks.external.issue_page import page_answers
from newsletter.checks.external.private_files import private_files
from newsletter.checks.external.spam import spam
from newsletter.checks.external.urls import images_load, links_answer
from newsletter.checks.mail.accessibility import accessibility
from newsletter.checks.mail.archive_pages import archive_pages
from newsletter.checks.mail.clients import clients
from newsletter.checks.mail.contrast import contrast
from newsletter.checks.mail.headings import headings
from newsletter.checks.mail.labels import labels
from newsletter.checks.mail.left_out import left_out
from newsletter.checks.mail.markup import markup
from newsletter.checks.mail.one_click import one_click
from newsletter.checks.mail.placeholders import placeholders
from newsletter.checks.mail.postal_address import postal_address
from newsletter.checks.mail.tap_targets import tap_targets
from newsletter.checks.mail.text_part import text_part
from newsletter.checks.mail.tracking import tracking
from newsletter.checks.mail.unsubscribe import unsubscribe
from newsletter.checks.mail.weight import weight
from newsletter.checks.proof import Proof
from newsletter.errors import Problem, Severity


@dataclass(frozen=True)
class Check:
    """A check: the function that finds its problems, and what newsletter.yml may not change.

    `default` is the severity of its most severe finding, without newsletter.yml. `has_fixed_errors`: some of
    its errors have `fixed_severity`, so it also runs when it is switched off. `always_error` is the reason
    why newsletter.yml can neither lower it nor switch it off; "" if it can.
    """

    find: Callable[[Proof], Iterable[Problem]]
    default: Severity
    has_fixed_errors: bool = False
    always_error: str = ""

    @property
    def summary(self) -> str:
        """Return the first line of the function's docstring, by which reports describe the check."""
        return (self.find.__doc__ or "").partition("\n")[0]


# Checks of the text that the editor wrote.
CONTENT: Mapping[str, Check] = {
    "subject": Check(subject, "warning"),
    "preheader": Check(preheader, "warning"),
    "shouting": Check(shouting, "warning"),
    "conflict-markers": Check(conflicts, "error", always_error="a reader would get both texts of a conflict"),
    "merge-tags": Check(merge_tags, "error"),
    "unfinished": Check(unfinished, "error"),
    "doubled-words": Check(doubled_words, "warning"),
    "hidden-characters": Check(hidden_characters, "warning"),
    "stray-markdown": Check(stray_markdown, "warning"),
    "plain-fields": Check(plain_fields, "warning"),
    "short-names": Check(short_names, "note"),
    "tables": Check(tables, "warning"),
    "footnotes": Check(footnotes, "warning"),
    "bare-addresses": Check(bare_addresses, "warning"),
    "long-passages": Check(long_passages, "warning"),
    "repeated": Check(repeated, "warning"),
    "monday": Check(monday, "warning"),
    "updated": Check(updated, "warning"),
    "links": Check(links, "error"),
    "link-text": Check(link_text, "warning"),
    "tracked-links": Check(tracked_links, "warning"),
    "redirects": Check(redirects, "warning"),
    "images": Check(images, "warning"),
}
# Checks of the rendered mail.
MAIL: Mapping[str, Check] = {
    "placeholders": Check(placeholders, "error", has_fixed_errors=True),
    "unsubscribe": Check(unsubscribe, "error", always_error="each reader must be able to unsubscribe"),
    "one-click": Check(one_click, "warning"),
    "postal-address": Check(postal_address, "error"),
    "labels": Check(labels, "warning"),
    "text-part": Check(text_part, "error"),
    "left-out": Check(left_out, "error"),
    "markup": Check(markup, "error"),
    "headings": Check(headings, "warning"),
    "accessibility": Check(accessibility, "warning"),
    "weight": Check(weight, "error"),
    "contrast": Check(contrast, "error"),
    "tap-targets": Check(tap_targets, "warning"),
    "clients": Check(clients, "warning"),
    "tracking": Check(tracking, "error", has_fixed_errors=True),
    "archive-pages": Check(archive_pages, "error"),
}
# Checks of other files than the issue and the templates.
FILES: Mapping[str, Check] = {
    "private-files": Check(
        private_files, "error", always_error="a repository must hold no secrets and no addresses"
    ),
}
# Checks that run only on request: they connect to servers, or take seconds.
ONLINE: Mapping[str, Check] = {
    "links-answer": Check(links_answer, "error"),
    "images-load": Check(images_load, "error"),
    "page-answers": Check(page_answers, "warning"),
}
SPAM: Mapping[str, Check] = {"spam": Check(spam, "error")}
GROUPS = {"Content": CONTENT, "Mail": MAIL, "Private files": FILES, "Online": ONLINE, "Spam": SPAM}
CHECKS: Mapping[str, Check] = {name: check for group in GROUPS.values() for name, check in group.items()}
