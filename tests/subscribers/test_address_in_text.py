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
