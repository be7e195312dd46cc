"""Tests of the links that confirm a sign-up or open a person's data: ours are valid, for one purpose."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from newsletter.mail.damaged_tokens import repaired
from newsletter.mail.signed_links import SignedLinks
from newsletter.mail.unsubscribe_tokens import UnsubscribeTokens, is_test
from tests.samples import NOW

SECRET, OLD, OLDER = "only for tests, and long enough", "the key of last year", "the key of the first year"
LIST = "soup.example.com"
LINKS = SignedLinks([SECRET], LIST)
UNSUBSCRIBE = UnsubscribeTokens(SECRET, LIST)
IDS = st.integers(min_value=1, max_value=2**31 - 1)
# What a mail program, a sentence or a person leaves at the end of a link.
APPENDED = [
    ")",
    ".",
    ">",
    ",",
    "%2E",
    '"',
    "'",
    "”",
    "%22",
    "%29",
    "&gt;"[-1],
    ").",
    '">',
    " ",
    "\n",
    "%252E",
    "]",
]


def test_tokens_stay_as_they_are() -> None:
    """Links in mail already sent must work."""
    assert LINKS.confirm_token(12) == "c.12.07565f07311cf9a4db403f52b6e7750f"
    assert LINKS.data_token(12, NOW) == "d.12.1777885200.9450c04f45ea65e4b39ba676e01ca785"


def test_a_token_names_its_sign_up_or_person() -> None:
    assert LINKS.sign_up_id(LINKS.confirm_token(12)) == 12
    token = LINKS.data_token(34, NOW + timedelta(hours=1))
    assert LINKS.data_link(token) == (34, NOW + timedelta(hours=1))


@given(IDS)
def test_no_token_is_valid_for_another_purpose_list_or_key(number: int) -> None:
    expires = datetime(2026, 6, 1, tzinfo=UTC)
    confirm, data = LINKS.confirm_token(number), LINKS.data_token(number, expires)
    unsubscribe = UNSUBSCRIBE.token(number)
    assert confirm[0] == "c" and data[0] == "d"
    assert LINKS.data_link(confirm) is LINKS.data_link(f"d{confirm[1:]}") is None
    assert LINKS.sign_up_id(data) is LINKS.sign_up_id(f"c{data[1:]}") is None
    assert LINKS.sign_up_id(f"c.{unsubscribe.removeprefix('2.')}") is None
    assert UNSUBSCRIBE.subscriber_id(f"2{confirm[1:]}") is UNSUBSCRIBE.subscriber_id(confirm[2:]) is None
    for other in (SignedLinks([SECRET], "bread.example.com"), SignedLinks([OLD], LIST)):
        assert other.sign_up_id(confirm) is None and other.data_link(data) is None
    assert SignedLinks([SECRET], LIST.upper()).sign_up_id(confirm) == number, "RFC 2919: any case"


def test_old_keys_verify_and_the_current_one_signs() -> None:
    """Complaint 22: links of two old keys work."""
    links = SignedLinks([SECRET, OLD, OLDER], LIST)
    unsubscribe = UnsubscribeTokens(SECRET, LIST, old_secrets=[OLD, OLDER])
    assert links.confirm_token(12) == LINKS.confirm_token(12)
    assert unsubscribe.token(12) == UNSUBSCRIBE.token(12)
    for key in (SECRET, OLD, OLDER):
        old = SignedLinks([key], LIST)
        assert links.sign_up_id(old.confirm_token(12)) == 12
        assert links.data_link(old.data_token(12, NOW)) == (12, NOW)
        for version in (1, 2):
            assert unsubscribe.subscriber_id(UnsubscribeTokens(key, LIST, version=version).token(12)) == 12
    assert links.sign_up_id(SignedLinks(["another key, as long as ours"], LIST).confirm_token(12)) is None


@given(IDS, st.lists(st.sampled_from(APPENDED), max_size=4), st.booleans(), st.sampled_from([1, 2]))
def test_a_token_that_a_mail_program_changed_is_valid(
    number: int, appended: list[str], is_upper: bool, version: int
) -> None:
    """Complaint 22: a trailing bracket or full stop, capitals, percent-encoded points."""

    def changed(token: str) -> str:
        token = token.upper() if is_upper else token
        return token + "".join(appended)

    unsubscribe = UnsubscribeTokens(SECRET, LIST, version=version).token(number)
    assert UNSUBSCRIBE.subscriber_id(changed(unsubscribe)) == number
    assert UNSUBSCRIBE.subscriber_id(changed(unsubscribe).replace(".", "%2E")) == number
    assert LINKS.sign_up_id(changed(LINKS.confirm_token(number))) == number
    assert LINKS.data_link(changed(LINKS.data_token(number, NOW))) == (number, NOW)
    assert is_test(changed("test"))


@given(st.text(max_size=80))
def test_no_text_is_a_token(text: str) -> None:
    for token in (text, f"c.{text}", f"d.{text}", f"2.{text}", f"c.12.{text}", f"d.12.1.{text}"):
        assert LINKS.sign_up_id(token) is LINKS.data_link(token) is None
        assert UNSUBSCRIBE.subscriber_id(token) is None


@given(IDS, st.integers(min_value=0, max_value=40), st.sampled_from("0123456789abcdefz.%"))
def test_a_changed_character_makes_a_token_invalid(number: int, place: int, character: str) -> None:
    token = LINKS.confirm_token(number)
    place %= len(token)
    changed = token[:place] + character + token[place + 1 :]
    assume(changed != token)
    assert LINKS.sign_up_id(changed) is None
    unsubscribe = UNSUBSCRIBE.token(number)
    place %= len(unsubscribe)
    changed = unsubscribe[:place] + character + unsubscribe[place + 1 :]
    assume(changed != unsubscribe)
    assert UNSUBSCRIBE.subscriber_id(changed) is None


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("c." + "9" * 400, id="long"),
        pytest.param("c.0" + LINKS.confirm_token(12)[3:], id="leading-zero"),
        pytest.param("c.\u0661\u0662" + LINKS.confirm_token(12)[4:], id="other-digits"),
        pytest.param(LINKS.confirm_token(12) + "/more", id="a-path-after-it"),
        pytest.param(LINKS.confirm_token(12) + "a", id="a-letter-after-it"),
        pytest.param("d.1.99999999999." + "0" * 32, id="a-year-that-no-clock-has"),
    ],
)
def test_another_text_is_no_token(text: str) -> None:
    assert LINKS.sign_up_id(text) is LINKS.data_link(text) is None


def test_a_long_text_is_not_looked_at() -> None:
    assert repaired("a" * 301) == "" and repaired("a" * 300) == "a" * 300
