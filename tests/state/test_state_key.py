"""Tests of the state key: its text, its check bytes, and messages that never quote it."""

import string

import pytest

from newsletter.errors import StateError
from newsletter.state.state_key import StateKey, make_state_key, parse_state_keys

KEY, OTHER = StateKey(bytes(range(32))), StateKey(bytes(32))
ALPHABET = string.ascii_uppercase + "234567"


def refused(text: str) -> str:
    """Return the message about a value of NEWS_STATE_KEY; fail if it quotes a part of the value."""
    with pytest.raises(StateError) as raised:
        parse_state_keys(text)
    (problem,) = raised.value.problems
    assert problem.where == "environment" and problem.fix
    shown = f"{raised.value!r} {raised.value} {problem.fix}"
    assert not any(text[start : start + 12] in shown for start in range(len(text) - 11))
    return problem.what.removeprefix("NEWS_STATE_KEY: ")


def test_the_text_of_a_key_has_63_characters_that_need_no_quoting() -> None:
    assert KEY.text == "nsk1_AAAQEAYEAUDAOCAJBIFQYDIOB4IBCEQTCQKRMFYYDENBWHA5DYPSMRUR4M"
    assert len(KEY.text) == 63 and KEY.text.replace("_", "").isalnum()
    assert parse_state_keys(f" {KEY.text}\n") == (KEY,)


def test_a_key_hides_its_bytes() -> None:
    key = make_state_key()
    assert key != make_state_key() and len(key.secret) == 32
    assert repr(key) == str(key) == "StateKey()"
    assert len(key.id) == 4 and key.id not in key.secret and KEY.id.hex() == "f07b4be9"


@pytest.mark.parametrize("separator", [",", " ", "\n", ", ", " ,\r\n"])
def test_two_keys_keep_their_order(separator: str) -> None:
    assert parse_state_keys(f"{KEY.text}{separator}{OTHER.text}") == (KEY, OTHER)


def test_each_typing_error_of_one_character_is_found() -> None:
    for position in range(5, len(KEY.text)):
        for character in ALPHABET:
            text = KEY.text[:position] + character + KEY.text[position + 1 :]
            if text != KEY.text:
                with pytest.raises(StateError, match="is damaged"):
                    parse_state_keys(text)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        pytest.param("", "holds no key", id="empty"),
        pytest.param(" ,\n", "holds no key", id="separators"),
        pytest.param("f" * 64, "is not a state key: a key starts with nsk1_", id="other-secret"),
        pytest.param(KEY.text.upper(), "is not a state key: a key starts with nsk1_", id="capitals"),
        pytest.param(KEY.text[:-1], "is damaged: it is not complete, or a character is wrong", id="short"),
        pytest.param(f"{KEY.text}A", "is damaged: it is not complete, or a character is wrong", id="long"),
        pytest.param(f"{KEY.text}==", "is damaged: it is not complete, or a character is wrong", id="padded"),
        pytest.param("nsk1_", "is damaged: it is not complete, or a character is wrong", id="prefix"),
        pytest.param("nsk1_é", "is damaged: it is not complete, or a character is wrong", id="not-ascii"),
        pytest.param(
            f"{KEY.text} {OTHER.text[:40]}",
            "the second key is damaged: it is not complete, or a character is wrong",
            id="second-damaged",
        ),
        pytest.param(
            f"{'secret' * 8},{KEY.text}",
            "the first key is not a state key: a key starts with nsk1_",
            id="first-other",
        ),
        pytest.param(f"{KEY.text} {KEY.text}", "holds the same key twice", id="twice"),
        pytest.param(
            f"{KEY.text} {OTHER.text} {KEY.text}", "holds 3 keys or words, and 2 is the most", id="three"
        ),
    ],
)
def test_another_value_is_refused_without_being_quoted(text: str, what: str) -> None:
    assert refused(text) == what
