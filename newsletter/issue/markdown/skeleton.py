"""Write the skeleton of an issue in Markdown, with the headings of another issue."""

import json
from collections.abc import Iterator, Sequence
from datetime import date

from newsletter.issue.draft import DraftGroup, StoryDraft, assign_drafts, source_comment
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
_TO_WRITE = "TODO"  # the check `unfinished` finds it
_KEYS = ("authors", "tags")
_EXAMPLE = Section(stories=(Story(title="-", passages=(Passage(heading="What it is", text="-"),)),))


def skeleton(day: date, previous: Issue | None, groups: Sequence[DraftGroup] = ()) -> str:
    """Return the text of a new issue with the headings of the previous one, to fill in.

    `draft.placed` says which section gets the stories of which group.
    """
    opening = [passage.heading for passage in previous.opening if passage.heading] if previous else []
    sections = [section for _, section in previous.located_sections()] if previous else [_EXAMPLE]
    lines = [_heading(4, heading) for heading in opening or ["This week"]]
    for section, drafts in assign_drafts(sections, groups):
        lines += _section(section, drafts)
    return "\n\n".join((_FRONT_MATTER.format(day=day.isoformat()), *lines)) + "\n"


def _section(section: Section, drafts: Sequence[StoryDraft]) -> Iterator[str]:
    if section.heading:
        yield _heading(2, section.heading)
    for draft in drafts:
        yield from _draft(draft, section.stories)
    if drafts or not section.stories:
        return
    yield "###"
    if keys := [key for key in _KEYS if any(getattr(story, key) for story in section.stories)]:
        yield "\n".join(("```yaml", *(f"{key}: []" for key in keys), "```"))
    yield from (_heading(4, heading) for heading in _passages(section.stories))


def _draft(draft: StoryDraft, previous: Sequence[Story]) -> Iterator[str]:
    from newsletter.issue.markdown.story_heading import story_heading  # markdown-it takes 45 ms to import

    source, has_link = story_heading(draft.title, draft.link)
    yield _heading(3, source)
    keys = {
        "link": "" if has_link else draft.link,
        "authors": draft.authors,
        "more_authors": draft.more_authors,
    }
    written = [f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in keys.items() if value]
    written += ["tags: []"] if any(story.tags for story in previous) else []
    if written:
        yield "\n".join(("```yaml", *written, "```"))
    if comment := source_comment(draft.source_text):
        yield "\n".join(("<!-- " + comment[0], *comment[1:], "-->"))
    # A heading that is a link is a complete story: without this mark, nothing would ask for its text.
    yield from (
        (_heading(4, heading) for heading in _passages(previous)) if _passages(previous) else [_TO_WRITE]
    )


def _passages(stories: Sequence[Story]) -> list[str]:
    return [passage.heading for passage in stories[0].passages if passage.heading] if stories else []


def _heading(level: int, text: str) -> str:
    """Return a heading in Markdown; a # at its end is closed by another, which is not shown."""
    return f"{'#' * level} {text}{' #' if text.endswith('#') else ''}"
