"""The picture of a page for other sites that show a link to it (OpenGraph)."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from newsletter.archive.card import CARD_SIZE
from newsletter.render.model import Site

CARD = "card.png"
"""The name of the file with the drawn picture of a page, in the folder of the page."""


class PagePicture(NamedTuple):
    """The picture of a page for other sites that show it; sizes are in pixels, None if not known."""

    src: str
    alt: str | None = None
    width: int | None = None
    height: int | None = None


def card(site: Site, link: str, title: str) -> PagePicture:
    """Return the drawn picture of the page at a link from the root; `title` is the text in it."""
    return PagePicture(f"{site.url}/{link}{CARD}", title, *CARD_SIZE)


def placed_picture(image: Mapping[str, Any] | None) -> PagePicture | None:
    """Return a picture of the layout, None for none; its natural size is not known."""
    return PagePicture(image["src"], image["alt"]) if image else None


def story_pictures(issue: Mapping[str, Any]) -> Iterator[PagePicture]:
    """Yield the pictures of sections and stories in their order; not those of advertisements."""
    for section in issue["sections"]:
        stories = [story for story in section["stories"] if not story["sponsor"]]
        for image in (section["image"], *(story["image"] for story in stories)):
            if picture := placed_picture(image):
                yield picture
