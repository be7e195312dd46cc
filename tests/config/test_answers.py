import re

import pytest

from newsletter.config.answers import valid_answer
from newsletter.errors import ConfigError


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("name", "  Soup Letter ", "Soup Letter"),
        ("sender.email", "Ada@EXAMPLE.com", "Ada@example.com"),
        ("postal_address", "1 Kitchen Road, Town", "1 Kitchen Road, Town"),
        ("unsubscribe", "https://example.com/leave?t={token}", "https://example.com/leave?t={token}"),
        ("unsubscribe", " sendgrid:12345", "sendgrid:12345"),
        ("language", "pt-BR", "pt-BR"),
        ("theme", "Gazette", "gazette"),
    ],
)
def test_a_valid_answer_is_the_value(key: str, text: str, value: str) -> None:
    assert valid_answer(key, text) == value


@pytest.mark.parametrize(
    ("key", "text", "message"),
    [
        ("name", " ", "name is empty"),
        ("name", "a\x1b[31mb", "name has a control character (U+001B)"),
        ("name", "\udce9", "name has a control character (U+DCE9)"),
        ("name", "\ufeffSoup", "name has a control character (U+FEFF)"),
        ("postal_address", "1 Road\ufffe", "has a control character (U+FFFE)"),
        ("sender.name", "a\nb", "sender.name is more than one line"),
        ("sender.email", "ada", 'sender.email: "ada" is not an email address'),
        ("sender.email", "Ada <ada@example.com>", "is not an email address"),
        ("postal_address", "x" * 501, "is 501 characters long"),
        (
            "unsubscribe",
            "leave@example.com",
            "is an email address, and mail programs unsubscribe on a page only",
        ),
        ("unsubscribe", "mailto:leave@example.com", "write an https address with {token}"),
        ("unsubscribe", "https://example.com/leave", "needs {token} exactly once"),
        ("unsubscribe", "http://example.com/{token}", "is not https"),
        ("unsubscribe", "sendgrid", "has no number of a group"),
        ("unsubscribe", "sendgrid:0", "has no number of a group"),
        ("unsubscribe", "sendgrid:" + "9" * 5000, "has no number of a group"),
        ("unsubscribe", "later", "is not a web address"),
        ("language", "german", "is not a language code"),
        ("theme", "modern", 'theme is "modern"'),
        ("theme", "", "write one of digest, letter, gazette"),
        ("language", "", "is not a language code"),
    ],
)
def test_another_answer_is_refused_with_the_reason(key: str, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)) as refused:
        valid_answer(key, text)
    assert refused.value.problems[0].fix
