"""The address of `news serve` in an unsubscribe link."""

import pytest

from newsletter.config.serve_url import serve_url


@pytest.mark.parametrize(
    ("link", "address"),
    [
        ("https://example.com/unsubscribe/{token}", "https://example.com"),
        ("https://example.com/news/unsubscribe/{token}", "https://example.com/news"),
        ("http://127.0.0.1:8080/unsubscribe/{token}", "http://127.0.0.1:8080"),
        ("https://example.com/leave/{token}", None),
        ("https://example.com/unsubscribe/{token}/", None),
        ("https://example.com/?a=/unsubscribe/{token}", None),
        ("https://example.com?a=/unsubscribe/{token}", None),
        ("https://example.com/a%20b/unsubscribe/{token}", None),
        ("", None),
    ],
)
def test_the_address_below_which_the_pages_are(link: str, address: str | None) -> None:
    assert serve_url(link) == address
