"""Drafts of stories: the skeleton with them gives back title, link and authors, and hides their texts."""

import json
import re
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.issue import files
from newsletter.issue.draft import DraftGroup, StoryDraft, assign_drafts, source_comment
from newsletter.issue.markdown.skeleton import skeleton as markdown_skeleton
from newsletter.issue.model import Issue, Passage, Section, Story
from newsletter.issue.yaml_skeleton import skeleton as yaml_skeleton
from newsletter.sources.plain_text import one_line, paragraphs
from tests import samples

DAY = date(2026, 5, 4)
FORMATS = {".yml": yaml_skeleton, ".md": markdown_skeleton}
LINK = "https://example.com/leek_(soup)?a=1&copy=2#x"
HOSTILE = [
    "Soup: a # b",
    "- soup",
    "# soup #",
    "C#",
    "soup \\",
    "[x] soup [y](",
    "[[name]] and [[unsubscribe_url]]",
    "] ) [",
    "`code` ``` **bold** _x_ ~~~",
    "<!-- soup -->",
    "--> <script>alert(1)</script>",
    "&amp; &lt;b&gt; &copy;",
    "'\"\\n\\u0041",
    "{{ issue.subject }} {% raw %}",
    "%TAG ! tag:x,2000:",
    "--- soup ---",
    "<<<<<<< HEAD",
    "=======",
    "~ null off 12:30:45",
    "\u05e9\u05dc\u05d5\u05dd (x) \u200f 123",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467 soup \U0001f372",
    "[a]: https://example.com",
    "[^1]: note",
    "!soup &anchor *alias",
    "soup" * 125,
    "[" * 30 + "soup" + "]" * 30,
    "|a|b|",
    "1. soup",
    "> soup",
    "    soup",
    "\t```yaml",
]


def read(text: str, suffix: str) -> Issue:
    """Return the issue of a skeleton, after an editor has filled in what it asks for."""
    text = samples.with_subject(text)
    if suffix == ".yml":
        text = re.sub(r'^ +link: ""\n', "", text, flags=re.MULTILINE)
        text = re.sub(r"^( +text): \|\n$", r"\1: Written.\n", text, flags=re.MULTILINE)
    else:
        text = re.sub(r"^(####.*)$", r"\1\n\nWritten.", text, flags=re.MULTILINE)
    return files.parse(text.encode(), Path(f"2026-05-04{suffix}"))


def issue_of(drafts: list[StoryDraft], suffix: str, previous: Issue | None = None) -> Issue:
    return read(FORMATS[suffix](DAY, previous, [DraftGroup("soups", drafts)]), suffix)


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("link", [LINK, ""])
def test_hostile_titles_come_back_exactly(suffix: str, link: str) -> None:
    titles = list(filter(None, map(one_line, HOSTILE)))
    assert len(titles) == len(HOSTILE)
    drafts = [StoryDraft(title, link, (title, "Ada"), f"{title}\n{title}") for title in titles]
    stories = [story for _, story in issue_of(drafts, suffix).located_stories()]
    assert [story.title for story in stories] == titles
    assert {story.link for story in stories} == {link or None}
    assert [story.authors for story in stories] == [(title, "Ada") for title in titles]
    assert {passage.text for story in stories for passage in story.passages} == {"Written."}


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("[a](https://example.com/b)", "[a] (https://example.com/b)"),
        ("<https://example.com/b>", "\u2039https://example.com/b\u203a"),
    ],
)
def test_a_title_that_markdown_would_read_as_a_link_is_changed_in_markdown_only(
    title: str, expected: str
) -> None:
    for link in (LINK, ""):
        drafts = [StoryDraft(title, link)]
        found = [next(issue_of(drafts, suffix).located_stories())[1] for suffix in (".md", ".yml")]
        assert [story.title for story in found] == [expected, title]
        assert {story.link for story in found} == {link or None}


WORDS = st.text(max_size=80) | st.text("[]()<>#`*_\\!-&;:\"'{}|~ ab\n", max_size=60)


@given(WORDS, st.lists(WORDS, max_size=6), WORDS, st.sampled_from([*FORMATS]))
def test_any_draft_comes_back(title: str, authors: list[str], text: str, suffix: str) -> None:
    title = one_line(title) or "Soup"
    names = tuple(filter(None, map(one_line, authors)))
    draft = StoryDraft(title, LINK, names, paragraphs(text, html=False))
    ((_, story),) = issue_of([draft], suffix).located_stories()
    if suffix == ".yml" or not re.search(r"\]\(|<.*>", title):
        assert story.title == title
    assert (story.link, story.authors) == (LINK, names[:4])
    assert story.more_authors == max(0, len(names) - 4)
    assert [passage.text for passage in story.passages] == ["Written."]


def test_lines_of_a_comment_are_short_and_cannot_end_it() -> None:
    text = "x" * 3_000 + " --> --!> ---> <!-- " + "\u4e16" * 200 + "\n" + ">>>>>>> theirs\n======= |||||||"
    lines = source_comment(text)
    assert max(map(len, lines)) <= 110
    assert not re.search(r"--!?>|([<>|=])\1{6}", "\n".join(lines))
    assert source_comment("") == []


@given(st.text("-!><= \n", max_size=300))
def test_no_text_ends_a_comment(text: str) -> None:
    comment = "\n".join(source_comment(paragraphs(text, html=False)))
    assert "-->" not in comment and "--!>" not in comment


GROUPS = [DraftGroup(name, [StoryDraft(name)]) for name in ("one", "two", "three")]
STORY = Story(title="Leek", link=LINK)


def titles(sections: list[Section], groups: list[DraftGroup]) -> list[tuple[str | None, str]]:
    return [
        (section.heading, " ".join(draft.title for draft in drafts))
        for section, drafts in assign_drafts(sections, groups)
    ]


def test_each_source_has_a_section_where_there_is_one() -> None:
    news, text = Section(heading="News", stories=(STORY,)), Section(heading="Dates", text="None.")
    more = Section(heading="More", stories=(STORY,))
    assert titles([news, text, more], GROUPS[:2]) == [("News", "one"), ("Dates", ""), ("More", "two")]
    assert titles([news, text, more], GROUPS[:1]) == [("News", "one"), ("Dates", ""), ("More", "")]
    assert titles([news, text], GROUPS) == [
        ("News", "one"),
        ("Dates", ""),
        ("two", "two"),
        ("three", "three"),
    ]
    assert titles([text], GROUPS[:1]) == [("Dates", ""), ("one", "one")]
    assert titles([news], []) == [("News", "")]


def test_a_list_of_stories_has_those_of_all_sources_in_their_order() -> None:
    assert titles([Section(stories=(STORY,))], GROUPS) == [(None, "one two three")]


@pytest.mark.parametrize("suffix", FORMATS)
def test_the_sections_of_the_previous_issue_get_the_stories(suffix: str) -> None:
    passages = (Passage(heading="Why", text="So."),)
    written = Story(title="Leek", link=LINK, passages=passages if suffix == ".md" else (), tags=("soup",))
    previous = Issue(
        subject="Soup",
        preheader="A soup",
        sections=(Section(heading='News "now"', stories=(written,)), Section(heading="Dates", text="None.")),
        date=date(2026, 4, 27),
    )
    text = FORMATS[suffix](DAY, previous, GROUPS[:2])
    text = text.replace("## Dates", "## Dates\n\nNone.").replace("TODO", "Written.")
    issue = read(text, suffix)
    assert [(section.heading, [story.title for story in section.stories]) for section in issue.sections] == [
        ('News "now"', ["one"]),
        ("Dates", []),
        ("two", ["two"]),
    ]


def test_authors_beyond_four_are_a_number() -> None:
    draft = StoryDraft("Soup", LINK, tuple("abcdef"))
    assert (draft.authors, draft.more_authors) == (tuple("abcd"), 2)
    assert json.loads(json.dumps(draft.authors)) == ["a", "b", "c", "d"]
