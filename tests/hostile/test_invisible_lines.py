"""A line of invisible characters only is a mistake of the file, with its line; visible text is none."""

import json
from pathlib import Path

import pytest

from newsletter.errors import IssueError, SubscriberError
from newsletter.issue import files
from newsletter.subscribers.parsing import parse_subscriber
from tests import samples
from tests.checks.material import problems_of

INVISIBLE = {
    "zero-width-space": "\u200b",
    "braille-blank": "\u2800",
    "hangul-filler": "\u3164",
    "half-width-filler": "\uffa0",
    "choseong-filler": "\u115f",
    "soft-hyphen": "\u00ad",
    "selector": "\ufe0f",
    "joiners": "\u200d\u2060\u200c",
    "mark-of-order": "\u200f \u200e",
    "ideographic-space": "\u3000\u200b",
    "combining": "\u034f\u0301",
    "mongolian": "\u180e",
    "khmer": "\u17b4",
}


def refused(folder: Path, old: str, new: str) -> list[str]:
    text = samples.ISSUE.replace(old, f"{old.partition(':')[0]}: {json.dumps(new, ensure_ascii=False)}")
    samples.write(folder, issue=text)
    try:
        files.load(folder / "issues" / "2026-04-27.yml")
    except IssueError as refused:
        return [f"{problem.place[1]}: {problem.what}" for problem in refused.problems]
    return []


@pytest.mark.parametrize("line", INVISIBLE.values(), ids=INVISIBLE)
def test_a_line_that_nobody_sees_is_refused(tmp_path: Path, line: str) -> None:
    what = f"has only invisible characters (U+{ord(line.strip()[0]):04X})"
    assert refused(tmp_path, "subject: Leek & potato", line) == [f"1: subject {what}"]
    preheader = "preheader: A soup for the first cold evening of the year."
    assert refused(tmp_path, preheader, line) == [f"2: preheader {what}"]
    assert refused(tmp_path, "title: Leek and potato soup", line) == [f"8: stories[0].title {what}"]


@pytest.mark.parametrize(
    "line",
    [
        "A",
        "7",
        "…",
        "→",
        "⭐️",
        "❤\ufe0f",
        "\u200b\u3164A",
        "한",
        "\u0645\u06cc\u200c\u062e",
        "👩\u200d🍳",
        "\u05d0",
        "々",
        "¶",
    ],
)
def test_a_line_that_has_something_to_see_passes(tmp_path: Path, line: str) -> None:
    assert refused(tmp_path, "title: Leek and potato soup", line) == []


def test_a_passage_and_a_name_are_refused_too(tmp_path: Path) -> None:
    over = tmp_path / "over" / "issues" / "2026-04-27.yml"
    over.parent.mkdir(parents=True)
    over.write_text(samples.ISSUE.replace("It is **cold** outside.", '"\u3164"'), "utf-8")
    problems = problems_of(tmp_path / "mail", tmp_path / "over")
    assert "the passage has no words" in " ".join(problem.what for problem in problems)
    with pytest.raises(SubscriberError):
        parse_subscriber("\u2800 <ada@example.com>")
