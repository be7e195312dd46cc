"""Tests of the comparison of texts by their words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.review.word_diff import MAX_PAIRS, changes, compare_words

TEXTS = st.lists(st.sampled_from(["a", "bb", "ccc", "dddd"]))


def shown(before: str, after: str) -> str:
    marks = {"same": "{}", "out": "-[{}]", "in": "+[{}]"}
    return " ".join(marks[part.kind].format(" ".join(part.words)) for part in compare_words(before, after))


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        pytest.param("a hot soup", "a cold soup", "a -[hot] +[cold] soup", id="one-word"),
        pytest.param("a soup", "a soup with bread", "a soup +[with bread]", id="at-the-end"),
        pytest.param("a soup", "soup", "-[a] soup", id="at-the-start"),
        pytest.param("hot the soup", "cold the bread", "-[hot the soup] +[cold the bread]", id="short-word"),
        pytest.param(
            "hot potato soup", "cold potato bread", "-[hot] +[cold] potato -[soup] +[bread]", id="word"
        ),
        pytest.param("", "soup", "+[soup]", id="new"),
        pytest.param("soup", "", "-[soup]", id="gone"),
        pytest.param("a\n  soup", "a soup", "a soup", id="line-ends"),
        pytest.param("", "", "", id="empty"),
    ],
)
def test_words_that_differ(before: str, after: str, expected: str) -> None:
    assert shown(before, after) == expected


@given(TEXTS, TEXTS)
def test_each_word_is_in_its_text(before: list[str], after: list[str]) -> None:
    parts = compare_words(" ".join(before), " ".join(after))
    assert [word for part in parts if part.kind != "in" for word in part.words] == before
    assert [word for part in parts if part.kind != "out" for word in part.words] == after


def test_a_long_difference_is_not_compared_word_by_word() -> None:
    """difflib takes a minute for texts of a thousand words that alternate like these."""
    before, after = ["x"] * 100_000, ["x", "y"] * 50_000
    assert len(before) * len(after) > MAX_PAIRS
    first, middle, last = changes(["start", *before, "end"], ["start", "z", *after, "end"])
    assert (first.is_same, middle.is_same, last.is_same) == (True, False, True)
