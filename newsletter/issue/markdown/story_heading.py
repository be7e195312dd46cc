"""Write the heading of a story, so that it is read as exactly this title and this link."""

from collections.abc import Iterator

from newsletter.issue.markdown.blocks import STORY, linked_title, split

_QUOTES = str.maketrans("<>", "\u2039\u203a")


def story_heading(title: str, link: str) -> tuple[str, bool]:
    """Return the source of a heading, and True if it has the link: else the keys of the story need it.

    A title that would be read as a link of its own loses the mark that makes it one.
    """
    for candidate, has_link in _candidates(title, link):
        if _read(candidate) == (title, link if has_link else None):
            return candidate, has_link
    for plain in (title.replace("](", "] ("), title.translate(_QUOTES)):
        if _read(plain) == (plain, None):
            return plain, False
    return title.translate(str.maketrans("<>[]", "\u2039\u203a()")), False


def _candidates(title: str, link: str) -> Iterator[tuple[str, bool]]:
    if link:
        yield f"[{title}]({link})", True
        yield f"[{title}](<{link}>)", True
    yield title, False


def _read(source: str) -> tuple[str, str | None] | None:
    """Return the title and the link that an issue has for a heading; None if it is read otherwise."""
    body = split(f"### {source}{' #' if source.endswith('#') else ''}")
    heading = body.parts[-1].heading if len(body.parts) == 2 else None
    if heading is None or heading.level != STORY:
        return None
    return linked_title(heading.source, body.references)
