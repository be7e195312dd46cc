"""One spelling of an address: in ASCII, as browsers send it, and as markdown-it writes it."""

import string

import pytest
from markdown_it.common.normalize_url import normalizeLink

from newsletter.network.web_address import ADDRESS, ascii_address


@pytest.mark.parametrize(
    "address",
    [
        "https://example.com/",
        "https://example.com/100%?a=[1]&b=%c3%bc#x",
        "HTTPS://EXAMPLE.COM",
        "https://xn--mnchen-3ya.example/",
        "mailto:ada@example.com?subject=Soup",
        "/leek",
        "[[unsubscribe_url]]",
        "",
    ],
)
def test_an_address_of_ascii_does_not_change(address: str) -> None:
    assert ascii_address(address) == address


@pytest.mark.parametrize(
    ("address", "sent"),
    [
        ("https://BÜCHER.example:8443/ä|b", "https://xn--bcher-kva.example:8443/%C3%A4%7Cb"),
        ("//bücher.example", "//xn--bcher-kva.example"),
        ("https://faß.example", "https://xn--fa-hia.example"),
        ("https://a。bücher.example", "https://a.xn--bcher-kva.example"),
        ("https://☃.example", "https://xn--n3h.example"),
        ("https://[::1]:80/ü", "https://[::1]:80/%C3%BC"),
        ("https://[ü]/", "https://%5B%C3%BC%5D/"),
        ("https://a\uff0fb.example", "https://a%EF%BC%8Fb.example"),
        ("mailto:jö@bücher.example?subject=ü", "mailto:j%C3%B6@xn--bcher-kva.example?subject=%C3%BC"),
        ("gemüse.html", "gem%C3%BCse.html"),
        ("https://example.com/ü[[address]]", "https://example.com/%C3%BC%5B%5Baddress%5D%5D"),
        ("https://example.com/\ud800", "https://example.com/?"),
    ],
)
def test_the_spelling_of_browsers(address: str, sent: str) -> None:
    assert ascii_address(address) == sent
    assert ascii_address(sent) == sent


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("a HTTPS://example.com/ü?b#c d", ["HTTPS://example.com/ü?b#c"]),
        ("看https://example.com，谢谢", ["https://example.com"]),
        ("看https://example.com/页，谢谢", ["https://example.com/页，谢谢"]),
        ("<mailto:a@example.com>, mailto:b@example.com）", ["mailto:a@example.com", "mailto:b@example.com"]),
        ("https: //example.com, https:// b, mailto: a", []),
    ],
)
def test_addresses_in_running_text(text: str, addresses: list[str]) -> None:
    assert ADDRESS.findall(text) == addresses


@pytest.mark.parametrize("character", sorted(set(string.printable[:95]) - set("%[]")))
def test_markdown_encodes_the_same_characters(character: str) -> None:
    address = f"https://example.com/a{character}b"
    assert ascii_address(address) == normalizeLink(address)
