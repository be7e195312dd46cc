"""Test that an address is found in the replies of servers, in each way of writing it."""

import pytest

from newsletter.display import shortened
from newsletter.subscribers.address_in_text import AddressInText

ADA = AddressInText("ada+soup@mail.example.com", "Ada Example")


@pytest.mark.parametrize(
    "text",
    [
        "550 <ada+soup@mail.example.com>: no such user",
        "550 ADA+Soup@Mail.Example.COM unknown",
        "to=ada+soup@mail.example.com,",
        "https://mail.example.com/?who=ada%2Bsoup%40mail.example.com&x=1",
        "ada=2Bsoup=40mail.example.com",
        "ada+soup&#64;mail.example.com",
        "ada+soup (at) mail.example.com",
        "ada+soup at mail.example.com",
        "bounce-ada+soup=mail.example.com",
        "Ada Example <ada+soup@mail.example.com>",
        "'ada+soup@mail.example.com'.",
        shortened(f"{'refused ' * 9}ada+soup@mail.example.com", 90),
        shortened(f"{'refused ' * 9}ada+soup@mail.example.com", 86),
    ],
)
def test_the_address_is_erased(text: str) -> None:
    erased = ADA.replaced(text, "-").lower()
    assert "ada" not in erased and "soup" not in erased
    content = bytearray(f"3\trefused\t{text}\n".encode())
    for start, end in ADA.spans(bytes(content)):
        content[start:end] = b"*" * (end - start)
    assert b"soup" not in content.lower() and content.startswith(b"3\trefused\t") and content.endswith(b"\n")


@pytest.mark.parametrize(
    "text",
    [
        "550 <canada+soup@mail.example.com>",
        "550 <ada+soup@mail.example.community>",
        "550 <ada+soup@mail-example-com>",
        "Ada Example has no mailbox",
    ],
)
def test_others_are_left_alone(text: str) -> None:
    assert ADA.replaced(text, "-") == text
    assert ADA.spans(text.encode()) == []


def has_needles(address_key: str, text: str) -> bool:
    return all(
        any(needle in text.lower() for needle in group) for group in AddressInText(address_key).needles()
    )


@pytest.mark.parametrize(
    "text",
    [
        "e@example.com",
        "E%40Example.com",
        "to e@\u2026",
        "e [at] example.com",
        "b-e=example.com",
        "=e=40example.com",
    ],
)
def test_a_text_with_the_address_has_its_needles(text: str) -> None:
    assert has_needles("e@example.com", text)
    assert "-" in AddressInText("e@example.com").replaced(text, "-")


@pytest.mark.parametrize(
    "text", ["Eve Example", "list of example.com.csv", "eve@mail.example", "ed@example.com", "email.csv"]
)
def test_a_text_that_only_shares_parts_lacks_a_needle(text: str) -> None:
    """A database reads only the rows with the needles: nearly each row has the letter of a short address."""
    assert not has_needles("e@example.com", text)


def test_a_name_is_erased_in_the_lines_with_the_address() -> None:
    zoe = AddressInText("zoe@example.com", "Zo\xeb Example")
    line = "2\trefused\t<zoe@example.com> ZO\xcb Example \udcff unknown\n"
    content = f"1\trefused\tZo\xeb Example\n{line}3\tbegun\t\n".encode("utf-8", "surrogateescape")
    found = bytearray(content)
    for start, end in zoe.spans(content):
        found[start:end] = b"*" * (end - start)
    first = "1\trefused\tZo\xeb Example\n".encode()
    assert (
        bytes(found)
        == first + b"2\trefused\t<" + b"*" * 15 + b"> " + b"*" * 12 + b" \xff unknown\n3\tbegun\t\n"
    )
