"""Put the drawn pictures of an archive into its folder: other sites show them with a link to a page."""

from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import NamedTuple

from newsletter.archive.card import CARD_SIZE, render_card
from newsletter.archive.page_pictures import CARD
from newsletter.browser.cards import draw_cards
from newsletter.display import counted
from newsletter.errors import Problem, Unavailable
from newsletter.limits.process import Limiter
from newsletter.render.model import Site
from newsletter.services.archive_folder import ArchiveFolder
from newsletter.services.archive_issues import Published

LISTS = "index"
"""The name of the picture of the lists of issues, beside the names of issues."""


class Cards(NamedTuple):
    """The names of the issues that have a drawn picture, and the reason why others have none."""

    names: frozenset[str]
    problem: Problem | None = None


class _Card(NamedTuple):
    """A picture to draw: its name, its path in the archive, and its HTML."""

    name: str
    path: str
    html: str

    @property
    def key(self) -> str:
        """Return the key of the picture: the same HTML gives the same picture."""
        return sha256(self.html.encode()).hexdigest()


def put_cards(
    target: ArchiveFolder, site: Site, issues: Sequence[Published], limited: Limiter, *, draw: bool
) -> Cards:
    """Put the pictures of all issues that have none of their own, and that of the lists.

    A picture of the last build is kept while its text and its look are the same. Without `draw` or Chromium,
    only these are there.
    """
    names: set[str] = set()
    missing: dict[str, _Card] = {}
    problem = None
    for card in _cards(site, issues, limited):
        if target.put_card(card.path, card.name, card.key, None):
            names.add(card.name)
        else:
            missing[card.name] = card
    pages = [(card.name, card.html) for card in missing.values()] if draw else []
    drawn = draw_cards(pages, CARD_SIZE)
    while True:
        try:
            name, png = next(drawn)
        except StopIteration:
            break
        except Unavailable as failure:
            number = counted(len(missing), "page has", "pages have")
            what = f"{number} no picture for other sites that show a link to it: {failure}"
            problem = Problem("", what, failure.hint, "note")
            break
        # A file that cannot be written ends the build.
        card = missing.pop(name)
        target.put_card(card.path, name, card.key, png)
        names.add(name)
    return Cards(frozenset(names), problem)


def _cards(site: Site, issues: Sequence[Published], limited: Limiter) -> Iterator[_Card]:
    yield _Card(LISTS, CARD, limited(render_card, site, site.description or site.name, ""))
    for _, about in issues:
        if not about.has_picture:
            html = limited(render_card, site, about.title, about.date_line)
            yield _Card(about.name, f"{about.link}{CARD}", html)
