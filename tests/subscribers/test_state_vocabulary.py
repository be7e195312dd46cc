"""The words for states: one list decides in columns of states and in columns of any name."""

from typing import get_args

import pytest

from newsletter.errors import SubscriberError
from newsletter.subscribers.formats.model import SEVERITY
from newsletter.subscribers.state_vocabulary import COMMON_WORDS, VERDICTS, Verdict
from tests.import_tables import shown, table

NO_MAIL = sorted(word for word, verdict in VERDICTS.items() if verdict != "active")


@pytest.mark.parametrize("word", [word for word in NO_MAIL if word not in COMMON_WORDS])
def test_a_word_of_a_departure_is_one_in_a_column_of_any_name(word: str) -> None:
    spellings = {
        word,
        f" {word.upper()} ",
        word.replace(" ", "_"),
        word.title().replace(" ", "-"),
        f"{word} 2024-05-06",
    }
    for spelling in spellings:
        with pytest.raises(SubscriberError, match=r"the column `plan note` .* may tell who has left"):
            shown(table(f"email,plan note\na@example.com,weekly\nb@example.com,{spelling}\n"))
    for row in shown(table(f"email,plan\na@example.com,{word}\n"), mapped={"state": "plan"}):
        assert row.split()[2:] != ["active"]


@pytest.mark.parametrize("word", sorted(COMMON_WORDS))
def test_a_common_word_is_a_departure_only_in_a_column_of_states(word: str) -> None:
    content = f"email,corner\na@example.com,{word}\n"
    assert shown(table(content)) == ["2 a@example.com active"]
    assert shown(table(content), mapped={"state": "corner"}) == [f"2 a@example.com {VERDICTS[word]}"]


def test_a_word_whose_meaning_differs_between_tools_keeps_its_row_out() -> None:
    content = "email,plan\na@example.com,churned\n"
    assert shown(table(content), mapped={"state": "plan"}) == [
        "2 a@example.com kept out: unknown_state churned"
    ]


def test_every_verdict_has_a_rank_and_no_other_is_permitted() -> None:
    words, nothing = get_args(Verdict)
    assert {*get_args(words), None} == set(SEVERITY) and nothing is type(None)
