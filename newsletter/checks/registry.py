"""List the checks by name and group, and refuse the name of a check that does not exist."""

from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches

from newsletter.checks.content.doubled_words import doubled_words
from newsletter.checks.content.hidden_characters import hidden_characters
from newsletter.checks.content.images import images
from newsletter.checks.content.issue_date import monday
from newsletter.checks.content.link_text import link_text
from newsletter.checks.content.links import links
from newsletter.checks.content.long_passages import long_passages
from newsletter.checks.content.preheader import preheader
from newsletter.checks.content.redirects import redirects
from newsletter.checks.content.repeated import repeated
from newsletter.checks.content.shouting import shouting
from newsletter.checks.content.stray_markdown import stray_markdown
from newsletter.checks.content.subject import subject
from newsletter.checks.content.tracked_links import tracked_links
from newsletter.checks.content.unfinished import unfinished
from newsletter.checks.external.private_files import private_files
from newsletter.checks.external.spam import spam
from newsletter.checks.external.urls import images_load, links_answer
from newsletter.checks.mail.accessibility import accessibility
from newsletter.checks.mail.clients import clients
from newsletter.checks.mail.contrast import contrast
from newsletter.checks.mail.headings import headings
from newsletter.checks.mail.markup import markup
from newsletter.checks.mail.placeholders import placeholders
from newsletter.checks.mail.postal_address import postal_address
from newsletter.checks.mail.tap_targets import tap_targets
from newsletter.checks.mail.text_part import text_part
from newsletter.checks.mail.tracking import tracking
from newsletter.checks.mail.unsubscribe import unsubscribe
from newsletter.checks.mail.weight import weight
from newsletter.checks.proof import Proof
from newsletter.config.loader import Newsletter
from newsletter.display import printable
from newsletter.errors import ConfigError, Problem

Check = Callable[[Proof], Iterable[Problem]]

# Checks of the text that the editor wrote.
CONTENT: Mapping[str, Check] = {
    "subject": subject,
    "preheader": preheader,
    "shouting": shouting,
    "unfinished": unfinished,
    "doubled-words": doubled_words,
    "hidden-characters": hidden_characters,
    "stray-markdown": stray_markdown,
    "long-passages": long_passages,
    "repeated": repeated,
    "monday": monday,
    "links": links,
    "link-text": link_text,
    "tracked-links": tracked_links,
    "redirects": redirects,
    "images": images,
}
# Checks of the rendered mail.
MAIL: Mapping[str, Check] = {
    "placeholders": placeholders,
    "unsubscribe": unsubscribe,
    "postal-address": postal_address,
    "text-part": text_part,
    "markup": markup,
    "headings": headings,
    "accessibility": accessibility,
    "weight": weight,
    "contrast": contrast,
    "tap-targets": tap_targets,
    "clients": clients,
    "tracking": tracking,
}
# Checks of other files than the issue and the templates.
FILES: Mapping[str, Check] = {"private-files": private_files}
# Checks that run only on request: they connect to servers, or take seconds.
ONLINE: Mapping[str, Check] = {"links-answer": links_answer, "images-load": images_load}
SPAM: Mapping[str, Check] = {"spam": spam}
GROUPS = {"Content": CONTENT, "Mail": MAIL, "Private files": FILES, "Online": ONLINE, "Spam": SPAM}
CHECKS: Mapping[str, Check] = {name: check for group in GROUPS.values() for name, check in group.items()}


def refuse_unknown(newsletter: Newsletter) -> None:
    """Raise ConfigError if newsletter.yml names a check that does not exist."""
    if unknown := [name for name in newsletter.config.checks if name not in CHECKS]:
        raise ConfigError([_unknown(newsletter, name) for name in unknown])


def _unknown(newsletter: Newsletter, name: str) -> Problem:
    near = get_close_matches(name, CHECKS, n=1)
    fix = f"did you mean `{near[0]}`?" if near else f"the checks: {', '.join(CHECKS)}"
    return Problem(newsletter.where("checks", name), f"there is no check `{printable(name)}`", fix)


def summary(check: Check) -> str:
    """Return the first line of a check's docstring, by which reports describe the check."""
    return (check.__doc__ or "").partition("\n")[0]
