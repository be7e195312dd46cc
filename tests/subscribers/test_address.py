"""Email addresses: validation and equality."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from newsletter.checks.content.links import target_problem
from newsletter.config.fields import Mailbox
from newsletter.errors import SubscriberError
from newsletter.subscribers import address
from newsletter.subscribers.address import Address, BadAddress, half_hidden, parse
from newsletter.subscribers.parsing import parse_subscriber


@pytest.mark.parametrize(
    ("text", "given_", "key"),
    [
        pytest.param("ada@example.com", "ada@example.com", "ada@example.com", id="plain"),
        pytest.param(" ada@example.com\r\n", "ada@example.com", "ada@example.com", id="space-around"),
        pytest.param(
            "Ada.Example@Example.COM", "Ada.Example@example.com", "ada.example@example.com", id="capitals"
        ),
        pytest.param("ada+soup@example.com", "ada+soup@example.com", "ada+soup@example.com", id="plus"),
        pytest.param(
            "o'hara_1%x@example.com", "o'hara_1%x@example.com", "o'hara_1%x@example.com", id="signs"
        ),
        pytest.param("a@münchen.example", "a@xn--mnchen-3ya.example", "a@xn--mnchen-3ya.example", id="IDN"),
        pytest.param(
            "a@xn--mnchen-3ya.example", "a@xn--mnchen-3ya.example", "a@xn--mnchen-3ya.example", id="IDN-ASCII"
        ),
        pytest.param(
            f"{'a' * 64}@example.com", f"{'a' * 64}@example.com", f"{'a' * 64}@example.com", id="64"
        ),
    ],
)
def test_an_address_is_taken(text: str, given_: str, key: str) -> None:
    assert parse(text) == Address(given_, key)


NO_DOT = "there is no dot after the @-sign: the domain has an end such as .com"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("", "an email address must have an @-sign", id="empty"),
        pytest.param("ada", "an email address must have an @-sign", id="no-at"),
        pytest.param("ada@", "there must be something after the @-sign", id="no-domain"),
        pytest.param("@example.com", "there must be something before the @-sign", id="no-name"),
        pytest.param("ada@example", NO_DOT, id="no-dot"),
        pytest.param("ada@EXAMPLE", NO_DOT, id="no-dot-in-capitals"),
        pytest.param("root@localhost", NO_DOT, id="localhost"),
        pytest.param("ada@examplecom", NO_DOT, id="forgotten-dot"),
        pytest.param("ada@münchen", NO_DOT, id="IDN-without-a-dot"),
        pytest.param("ada.bo@example", NO_DOT, id="dot-before-the-@-sign"),
        pytest.param(
            "ada@192.0.2.4", "the domain ends with .4, not with an end such as .com", id="IP-without-brackets"
        ),
        pytest.param(
            "ada@soup.local", "mail reaches no domain that ends with .local, which is reserved", id="local"
        ),
        pytest.param("ada@example.com.", "an email address cannot end with a period", id="dot-at-the-end"),
        pytest.param("a..b@example.com", "an email address cannot have two periods in a row", id="two-dots"),
        pytest.param(
            "a b@example.com",
            "the email address contains invalid characters before the @-sign: SPACE",
            id="space",
        ),
        pytest.param(
            "a@example.com, b@example.com",
            "the part after the @-sign contains invalid characters: ',', '@', SPACE",
            id="two-addresses",
        ),
        pytest.param(
            "Ada <ada@example.com>",
            "a display name and angle brackets around the email address are not permitted here",
            id="with-a-name",
        ),
        pytest.param(
            '"a b"@example.com', "quoting the part before the @-sign is not allowed here", id="quoted"
        ),
        pytest.param("a@[127.0.0.1]", "a bracketed IP address after the @-sign is not allowed here", id="IP"),
        pytest.param(
            "ä@example.com",
            "internationalized characters before the @-sign are not supported: 'ä'",
            id="SMTPUTF8",
        ),
        pytest.param(
            "a@example.com\nBcc: b@example.com",
            "the part after the @-sign contains invalid characters: ':', '@', SPACE, U+000A",
            id="header",
        ),
        pytest.param(
            "a\0@example.com",
            "the email address contains invalid characters before the @-sign: U+0000",
            id="NUL",
        ),
        pytest.param(
            "a@ex\u200bample.com",
            "the email address contains unsafe characters: ZERO WIDTH SPACE",
            id="invisible",
        ),
        pytest.param(
            "a@example.invalid",
            "mail reaches no domain that ends with .invalid, which is reserved",
            id="reserved",
        ),
        pytest.param(
            f"{'a' * 65}@example.com",
            "the part before the @-sign is longer than 64 characters",
            id="65-characters",
        ),
    ],
)
def test_what_is_none_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(BadAddress) as raised:
        parse(text)
    assert str(raised.value) == reason


def test_the_reason_is_told_wherever_an_address_is_parsed() -> None:
    """On the command line and in a list, in newsletter.yml, and in a link of an issue."""
    with pytest.raises(SubscriberError, match=NO_DOT):
        parse_subscriber("ada@example")
    with pytest.raises(ValidationError, match=NO_DOT):
        TypeAdapter(Mailbox).validate_python("ada@example")
    assert target_problem("mailto:ada@example") == (
        f"not an email address: {NO_DOT}",
        "write mailto:name@example.com",
        "error",
    )


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(st.text() | st.from_regex(r"[a-z.\"<>@ é]+@[a-z.\-\[\]é１]+", fullmatch=True))
@example("a@xn--zzzz.example.com")
@example("a@\ud800.com")
@example("a@" + "b." * 10_000 + "com")
def test_any_text_is_an_address_in_ascii_or_refused(text: str) -> None:
    try:
        address = parse(text)
    except BadAddress as refusal:
        assert str(refusal)
        return
    assert address.given.isascii()
    assert address.given.count("@") == 1
    assert not set(address.given) & set(' \t\r\n<>",;:')
    assert parse(address.given) == address
    assert address.key == parse(address.given.upper()).key


LABEL = st.text("abcZ019-", min_size=1, max_size=34)
USUAL = st.builds(
    lambda local, labels, top: f"{local}@{'.'.join([*labels, top])}",
    st.text("abZ09._+-", min_size=1, max_size=70),
    st.lists(LABEL, min_size=1, max_size=6),
    st.sampled_from(["com", "example", "test", "LOCAL", "invalid", "arpa", "c", "c0m", "museum"]),
)


@settings(max_examples=1000, deadline=None, derandomize=True)
@given(USUAL)
@example("a@b-c.example")
@example(f"{'a' * 64}@example.com")
@example(f"{'a' * 65}@example.com")
@example("a@x.test")
def test_the_short_way_says_what_the_long_way_says(text: str) -> None:
    """An address of the common form gives the same result with and without email-validator."""
    try:
        expected: Address | str = address._parse_strictly(text)
    except BadAddress as problem:
        expected = str(problem)
    try:
        result: Address | str = parse(text)
    except BadAddress as problem:
        result = str(problem)
    assert result == expected


def test_the_usual_shape_is_usual() -> None:
    assert address._COMMON_FORM.fullmatch("ada.lovelace+news@mail.a-site.example.com")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("sam@example.com", "s•••@example.com"),
        ('"s@m"@example.com', '"•••@example.com'),
        ("s@example.com", "•••@example.com"),
    ],
)
def test_an_address_is_half_hidden(text: str, shown: str) -> None:
    assert half_hidden(text) == shown
