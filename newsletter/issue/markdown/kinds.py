"""The kinds of parts of a body in Markdown, by the level of their heading, and what each needs."""

from dataclasses import dataclass

from newsletter.issue.markdown.blocks import PASSAGE, SECTION, STORY
from newsletter.issue.model import Passage, Section, Story
from newsletter.yamlfile.fields import StrictModel


@dataclass(frozen=True)
class Kind:
    """A kind of part: its model, the key of its heading, the keys of which one is needed, and how to fill it.

    `written` are the keys that the body has in place of a block of keys.
    """

    model: type[StrictModel]
    heading: str
    needed: tuple[str, ...]
    fix: str
    written: tuple[str, ...]


KINDS = {
    SECTION: Kind(
        Section,
        "heading",
        ("text", "image", "stories"),
        "write a text or a story (`###`) below the heading, or delete the heading",
        ("heading", "text", "stories"),
    ),
    STORY: Kind(
        Story,
        "title",
        ("text", "passages", "link", "image"),
        "write a text below the heading, or make the heading a link: `### [Title](https://…)`",
        ("title", "text", "passages"),
    ),
    PASSAGE: Kind(
        Passage,
        "heading",
        ("text",),
        "write a text below the heading, or delete the heading",
        ("heading", "text"),
    ),
}
