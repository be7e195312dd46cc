"""Write the skeleton of an issue in Markdown, with the headings of another issue."""

from collections.abc import Iterator, Sequence
from datetime import date

from newsletter.issue.model import Issue, Passage, Section, Story

_FRONT_MATTER = """\
---
# The issue of {day}. To see it while you write: news preview {day}
# Below the second line of ---, ## begins a section, ### a story, and #### a passage of the story.
# The text above the first heading opens the issue. A heading that is a link is the link of the story:
#   ### [A title](https://example.com)
# All else that a story has stands in a block right below its heading:
#   ```yaml
#   authors: [Ada Example, Bo Sample]
#   image: {{src: https://example.com/picture.png, alt: A description, width: 528}}
#   ```
subject: ""      # one line; phones show about 40 characters
preheader: ""    # inboxes show this after the subject; 40 to 100 characters

# true: automation may send this issue when it is merged.
ready: false

# closing:       # passages after the last story; optional
#   - heading: Until next week
#     text: …
---"""
_KEYS = ("authors", "tags")
_EXAMPLE = Section(stories=(Story(title="-", passages=(Passage(heading="What it is", text="-"),)),))


def skeleton(day: date, previous: Issue | None) -> str:
    """Return the text of a new issue with the headings of the previous one, to fill in."""
    opening = [passage.heading for passage in previous.opening if passage.heading] if previous else []
    sections = [section for _, section in previous.located_sections()] if previous else [_EXAMPLE]
    lines = [_heading(4, heading) for heading in opening or ["This week"]]
    lines += [line for section in sections for line in _section(section)]
    return "\n\n".join((_FRONT_MATTER.format(day=day.isoformat()), *lines)) + "\n"


def _section(section: Section) -> Iterator[str]:
    if section.heading:
        yield _heading(2, section.heading)
    if not section.stories:
        return
    yield "###"
    if keys := [key for key in _KEYS if any(getattr(story, key) for story in section.stories)]:
        yield "\n".join(("```yaml", *(f"{key}: []" for key in keys), "```"))
    yield from (_heading(4, heading) for heading in _passages(section.stories))


def _passages(stories: Sequence[Story]) -> list[str]:
    return [passage.heading for passage in stories[0].passages if passage.heading]


def _heading(level: int, text: str) -> str:
    """Return a heading in Markdown; a # at its end is closed by another, which is not shown."""
    return f"{'#' * level} {text}{' #' if text.endswith('#') else ''}"
