"""Write the skeleton of an issue in YAML, with the headings of another issue."""

import json
from collections.abc import Sequence
from datetime import date

from newsletter.issue.draft import DraftGroup, StoryDraft, assign_drafts, source_comment
from newsletter.issue.model import Issue, Passage, Section

_STORY = (
    "    stories:",
    '      - title: ""',
    '        link: ""     # https://…; optional',
    "        text: |",
)


def skeleton(day: date, previous: Issue | None, groups: Sequence[DraftGroup] = ()) -> str:
    """Return the text of a new issue with the headings of the previous one, to fill in.

    `assign_drafts` puts the stories of the groups into its sections; an issue without sections has one list.
    """
    opening = _headings(previous.opening if previous else (), ("This week",))
    lines = [
        f"# The issue of {day.isoformat()}. To see it while you write: news preview {day.isoformat()}",
        "# Text is Markdown: **bold**, *italics*, [a link](https://example.com), lists. HTML stays text.",
        "",
        'subject: ""      # one line; phones show about 40 characters',
        'preheader: ""    # inboxes show this after the subject; 40 to 100 characters',
        "",
        "# true: automation may send this issue when it is merged.",
        "ready: false",
        "",
        "opening:         # passages before the stories; optional",
        *_passages(opening, "  "),
        "",
        *(
            _sections(previous.sections, groups)
            if previous and previous.sections
            else _stories(previous, [story for group in groups for story in group.stories])
        ),
        "",
        "# closing:       # passages after the stories; optional",
        "#   - heading: Until next week",
        "#     text: |",
        "#       …",
    ]
    return "\n".join(lines) + "\n"


def _stories(previous: Issue | None, drafts: Sequence[StoryDraft]) -> list[str]:
    passages = _headings(
        previous.stories[0].passages if previous and previous.stories else (), ("What it is",)
    )
    written = [
        "    passages:",
        *_passages(passages, "      "),
        "    tags: []",
        "    # links:     # further links; optional",
        "    #   - {text: Project page, link: https://example.com}",
        "    # image: {src: https://example.com/picture.png, alt: A description, width: 528}",
    ]
    if drafts:
        return ["stories:", *(line for draft in drafts for line in (*_draft(draft, "  "), *written, ""))][:-1]
    return [
        "stories:         # repeat the block for each story",
        '  - title: ""',
        '    link: ""     # https://…',
        "    authors: []  # [Ada Example, Bo Sample]; below, the number of authors left out",
        "    more_authors: 0",
        *written,
    ]


def _sections(sections: Sequence[Section], groups: Sequence[DraftGroup]) -> list[str]:
    """Return the sections with their headings: a text to fill in, stories to write, or one to repeat."""
    lines = ["sections:        # in a section, repeat the block for each story"]
    for section, drafts in assign_drafts(sections, groups):
        lines.append(f"  - heading: {_quoted(section.heading)}" if section.heading else "  -")
        if drafts:
            lines.append("    stories:")
            lines += [line for draft in drafts for line in (*_draft(draft, "      "), "        text: |", "")]
        else:
            lines += [*_STORY, ""] if section.stories else ["    text: |", ""]
    return lines


def _draft(draft: StoryDraft, indent: str) -> list[str]:
    """Return the first keys of a story, and the text of its source as a comment."""
    authors = ", ".join(map(_quoted, draft.authors))
    return [
        f"{indent}- title: {_quoted(draft.title)}",
        f"{indent}  link: {_quoted(draft.link)}",
        f"{indent}  authors: [{authors}]",
        f"{indent}  more_authors: {draft.more_authors}",
        *(f"{indent}  # {line}" for line in source_comment(draft.source_text)),
    ]


def _quoted(text: str | None) -> str:
    return json.dumps(text, ensure_ascii=False)


def _headings(passages: Sequence[Passage], fallback: tuple[str, ...]) -> list[str]:
    return [passage.heading for passage in passages if passage.heading] or list(fallback)


def _passages(headings: list[str], indent: str) -> list[str]:
    return [
        line
        for heading in headings
        for line in (
            f"{indent}- heading: {_quoted(heading)}",
            f"{indent}  text: |",
            "",
        )
    ]
