"""The keys by which names of columns and words of cells are compared."""

import pytest

from newsletter.subscribers.formats.header_names import address_position
from newsletter.subscribers.formats.mapped_states import judge_of
from newsletter.subscribers.words import column_key, phrase_key, words_of


@pytest.mark.parametrize(
    "text", ["Hard Bounce", "HARD_BOUNCE", "hard-bounce", "hard\u2010bounce", " Hard.Bounce. ", "hard/bounce"]
)
def test_a_phrase_is_the_same_whatever_separates_its_words(text: str) -> None:
    assert phrase_key(text) == "hard bounce" and " ".join(words_of(text)) == "hard bounce"
    assert judge_of("status")(text) == "bounced"


@pytest.mark.parametrize(
    "text", ["E-Mail-Adresse", "e_mail adresse:", "E\u2011MAIL\u2013ADRESSE*", "E-Mail/Adresse"]
)
def test_a_name_of_a_column_is_the_same_whatever_separates_its_words(text: str) -> None:
    assert address_position([text]) == 0


def test_an_asterisk_after_a_state_may_point_to_a_note() -> None:
    assert judge_of("status")("active*") == "unknown_state"


def test_separators_tell_two_columns_apart() -> None:
    """They tell the exports of tools apart, too."""
    assert column_key(" Created  At ") == "created at" != column_key("created_at")
    assert column_key("Re\u0301sume\u0301\u200b") == column_key("RESUME") == "resume"


def test_words_of_programs() -> None:
    assert words_of("unsubscribedAt2") == words_of("UNSUBSCRIBED_AT") == ["unsubscribed", "at"]
