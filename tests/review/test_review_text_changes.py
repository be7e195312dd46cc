"""Tests of the changes between two versions of an issue."""

from pathlib import Path

import pytest

from newsletter.errors import IssueError
from newsletter.issue import files
from newsletter.review.text_changes import MAX_PASSAGES, TextChanges, compare, compare_with
from tests.review.golden import EARLIER

ARROW = "\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK}"
SOUP = f"Leek and potato soup {ARROW} "
PATH = Path("issues/2026-04-27.yml")
STORY = """\
  - title: {0}
    link: https://soup.example.com/{0}
    passages: [{{text: "{1}"}}]
"""


def changed(after: str, before: str = EARLIER) -> TextChanges:
    return compare(files.parse(before.encode(), PATH), files.parse(after.encode(), PATH))


def summaries(found: TextChanges) -> list[tuple[str, str, str]]:
    return [(one.state, one.heading, one.where.rpartition(":")[2]) for one in found.passages]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        pytest.param("subject: Leek", "subject: Leeks", [("changed", "Subject", "1")], id="subject"),
        pytest.param("two days.", "three days.", [("changed", f"{SOUP}How long", "19")], id="passage"),
        pytest.param("has leeks", "sold leeks", [("changed", f"Opening {ARROW} Hello", "9")], id="paragraph"),
        pytest.param("ready: true", "ready: false", [], id="no-text"),
        pytest.param("for an hour", "for  an\n          hour", [], id="wrapped-differently"),
    ],
)
def test_a_change_is_found_at_its_line(old: str, new: str, expected: list[tuple[str, str, str]]) -> None:
    assert old in EARLIER
    assert summaries(changed(EARLIER.replace(old, new))) == expected


def test_a_new_story_does_not_change_the_others() -> None:
    later = EARLIER.replace("stories:\n", "stories:\n" + STORY.format("Bread", "Bake it."))
    assert summaries(changed(later)) == [("new", f"Bread {ARROW} title", "11"), ("new", "Bread", "13")]
    gone = changed(EARLIER, later)
    assert [(one.state, one.where) for one in gone.passages] == [("gone", ""), ("gone", "")]
    assert (gone.words_out, gone.words_in) == (3, 0)


def test_what_moved_is_neither_gone_nor_new() -> None:
    stories = [STORY.format("Bread", "Bake it."), STORY.format("Peas", "Cook the peas, and wait.")]
    found = changed(EARLIER + stories[1] + stories[0], EARLIER + stories[0] + stories[1])
    assert (found.passages, found.moved, found.new_links) == ((), 2, ())


def test_links_that_are_new_or_gone() -> None:
    found = changed(EARLIER.replace("soup.example.com/blend", "soup.example.com/mix"))
    assert found.new_links == ("https://soup.example.com/mix",)
    assert found.gone_links == ("https://soup.example.com/blend",)


def test_a_changed_passage_between_new_ones_is_found() -> None:
    long = "      The market has leeks again.\n"
    later = EARLIER.replace(
        long, "      Snow is near.\n\n      The market has cheap leeks again.\n\n      Buy them.\n"
    )
    assert [one.state for one in changed(later).passages] == ["new", "changed", "new"]


def test_an_earlier_file_that_is_no_issue_is_refused() -> None:
    with pytest.raises(IssueError):
        compare_with(b"subject: [", PATH, files.parse(EARLIER.encode(), PATH))


def test_of_many_changes_the_first_are_listed_and_the_others_are_counted() -> None:
    later = EARLIER + "".join(STORY.format(f"Story{n}", f"Text {n}.") for n in range(MAX_PASSAGES))
    found = changed(later)
    assert (len(found.passages), found.left_out) == (MAX_PASSAGES, MAX_PASSAGES)


def test_the_words_of_many_long_passages_are_not_all_compared() -> None:
    before, after = (
        EARLIER + "".join(STORY.format(f"Story{n}", f"same {words} end{end}") for n in range(40))
        for words, end in ((" ".join(map(str, range(200))), 1), (" ".join(map(str, range(1, 200))), 2))
    )
    found = [one for one in changed(after, before).passages if one.heading.startswith("Story")]
    compared = [one for one in found if one.words[0].kind == "same"]
    assert len(found) == 40 and 20 <= len(compared) < 40
